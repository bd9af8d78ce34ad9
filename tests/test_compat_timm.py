"""A timm classifier inside another model saves names that it can load, and that plain MMPretrain loads."""

import pytest
from helpers import MEND_TORCHVISION

CODE = (
    """
import sys, torch
"""
    + MEND_TORCHVISION
    + """
from mmpretrain.models import TimmClassifier

class Outer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.student = TimmClassifier(model_name='resmlp_12_224', num_classes=2, img_size=32)
        self.term = torch.nn.Linear(1, 1)

outer, other = Outer(), Outer()
other.load_state_dict(outer.state_dict(), strict=True)
for (name, value), twin in zip(outer.named_parameters(), other.parameters()):
    assert torch.equal(value, twin), name
inner = {name[8:]: value for name, value in outer.state_dict().items() if name.startswith('student.')}
assert list(inner) == list(outer.student.state_dict())
other.student.load_state_dict(inner, strict=True)
print('loaded', len(inner))
"""
)


def test_a_timm_classifier_inside_another_model_can_be_saved_and_loaded(fault_and_cure):
    pytest.importorskip('timm')
    assert 'loaded 150' in fault_and_cure(CODE, 'student.model.model.blocks.11')
