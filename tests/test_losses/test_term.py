"""What a term reads of a training step."""

import pytest
import torch

from mmdualkd.errors import ConfigError
from mmdualkd.losses import RKD, Step
from mmdualkd.outputs import Outputs


def outputs():
    return Outputs(torch.randn(2, 3), torch.randn(2, 4), torch.randn(2, 4, 1, 1, 1))


def test_a_step_gives_each_models_outputs_by_name():
    student, assistant, vit, cnn = (outputs() for _ in range(4))
    step = Step(student, dict(vit=vit, cnn=cnn), torch.eye(3)[:2], assistant=assistant)
    assert step.of('student') is student
    assert step.of('assistant') is assistant
    assert step.of('vit') is vit
    assert step.of('cnn') is cnn


def test_a_name_that_the_step_does_not_have_is_one_clear_error():
    step = Step(outputs(), dict(vit=outputs()), torch.eye(3)[:2])
    with pytest.raises(ConfigError, match="'assistant' names no model of this step.*there are: 'vit', 'student'"):
        step.of('assistant')
    with pytest.raises(ConfigError, match="did you mean 'vit'"):
        step.of('vitt')


def test_a_term_of_teachers_alone_names_no_other_models():
    assert RKD('vit').models_used() == {}
    assert RKD('vit').teachers_used() == {'teacher': 'vit'}
