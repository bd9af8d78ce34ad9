"""What models cost, against counts by hand."""

import pytest
import tiny_pictures

from mmdualkd.checks.accuracy import cost


def test_the_cost_of_a_vit_has_the_products_of_its_attention(tmp_path):
    model = tiny_pictures.build_distiller(tmp_path, tiny_pictures.cnn(), tiny_pictures.vit(width=24), terms={})
    parameters, gflops = cost(model, 'teacher', model.teachers['teacher'])
    width, patches, layers = 24, 8 * 8, 6
    tokens, hidden = patches + 1, 2 * width
    linear = tokens * width * (3 * width + width + 2 * hidden)
    attention = 2 * tokens * tokens * width
    norms = (2 * layers + 1) * 5 * tokens * width  # as MMEngine counts them
    ends = patches * (4 * 4 * 3) * width + width * tiny_pictures.CLASSES
    assert gflops * 1e9 == pytest.approx(layers * (linear + attention) + norms + ends)
    assert parameters == sum(weight.numel() for weight in model.teachers['teacher'].parameters())
