"""The assistant's cross-entropy with the labels."""

import numpy as np
import pytest
import torch
from steps import array, softmax, three_models
from tiny import step_losses
from tiny_pictures import batch, build_distiller, cnn, vit

from mmdualkd.errors import ConfigError
from mmdualkd.losses import AssistantCE

TERMS = dict(ce=dict(type='AssistantCE'))


def test_assistant_ce_equals_its_formula_with_blended_labels_too():
    step = three_models(5, 7)
    step.labels = 0.7 * step.labels + 0.3 * step.labels.flip(0)
    expected = -(array(step.labels) * np.log(softmax(array(step.assistant.logits)))).sum(-1).mean()
    np.testing.assert_allclose(AssistantCE()(step).item(), expected, rtol=1e-10)


def test_only_the_assistant_gets_its_gradient():
    step = three_models()
    gradients = torch.autograd.grad(
        AssistantCE()(step), [step.assistant.logits, step.student.logits], allow_unused=True
    )
    assert gradients[0].any()
    assert gradients[1] is None


def test_it_is_an_assistants_term_in_a_config(tmp_path):
    model = build_distiller(tmp_path, cnn(), vit(), 'HybridAssistantDistiller', terms=TERMS)
    losses = step_losses(model, batch())
    assert torch.isfinite(losses['loss_ce'])


def test_without_an_assistant_it_is_one_clear_error(tmp_path):
    with pytest.raises(ConfigError, match='model.terms.ce uses an assistant and there is none: model.assistant=dict'):
        build_distiller(tmp_path, cnn(), vit(), 'Distiller', terms=TERMS)
