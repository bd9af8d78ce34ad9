"""Terms and weightings never wait for the device: they run on tensors that have shapes and no numbers."""

import inspect

import pytest
import torch
from torch.overrides import TorchFunctionMode

from mmdualkd import losses, weighting
from mmdualkd.losses import Step, Term
from mmdualkd.outputs import Outputs
from mmdualkd.registry import build
from mmdualkd.stages import Features

ARGUMENTS = dict(  # by term; what is not here takes a source
    AssistantCE=[{}],
    DIST=[dict(source='vit', tau=4.0)],
    FusedFeatures=[dict(), dict(grid=(1, 1, 1), weighting=dict(type='AEKD'))],
    FusedKD=[
        dict(),
        dict(standardise_teachers=True, standardise_logits=True, weighting=dict(type='CAMKD')),
        dict(fuse='probabilities', weighting=dict(type='AEKD')),
    ],
    InfoNCE=[dict(source='vit'), dict(source='assistant', symmetric=True, learnable=False)],
    RKD=[dict(teacher='vit'), dict(teacher='vit', angle=1.0, features='logits')],
    OFAExits=[dict(source='vit')],
    SDD=[dict(residual='explained_away'), dict(residual='shared_head')],  # class maps ask for a teacher's own head
)
TERMS = [
    (name, arguments)
    for name, kind in vars(losses).items()
    if inspect.isclass(kind) and issubclass(kind, Term) and not name.endswith('Term')
    for arguments in ARGUMENTS.get(name, [dict(source='vit'), dict(source='assistant', target='student')])
]
DATWS = [dict(score=score, tau=tau) for score in ('product', 'sum', 'confidence', 'discrepancy') for tau in (None, 1.0)]
WEIGHTINGS = [
    (name, options)
    for name in weighting.__all__
    if name != 'Weighting'
    for options in (DATWS if name == 'DATW' else [{}])
]


class NoCopies(TorchFunctionMode):
    """Refuses what copies numbers from the host, and so waits for the device; ``new_full`` and its like do not."""

    copies = (torch.tensor, torch.as_tensor, torch.from_numpy, torch.Tensor.new_tensor)

    def __torch_function__(self, func, types, args=(), kwargs=None):
        assert func not in self.copies, f'{func} copies from the host'
        return func(*args, **(kwargs or {}))


def step_of(device):
    def outputs(width, trains):
        grid = torch.zeros(4, width, 2, 3, 3, device=device, requires_grad=trains)
        logits = torch.zeros(4, 5, device=device, requires_grad=trains)
        return Outputs(logits, grid.mean((2, 3, 4)), grid)

    teachers, student = dict(vit=outputs(6, False), cnn=outputs(5, False)), outputs(4, True)
    stages = (Features(student.grid),) * 4
    labels = torch.eye(5, device=device)[:4]
    return Step(student, teachers, labels, assistant=outputs(6, True), stages=stages, kind='cnn')


@pytest.mark.parametrize('name, arguments', TERMS, ids=str)
def test_a_term_and_its_gradients_need_no_number_on_the_host(name, arguments):
    term = build(dict(type=name, **arguments), 'term')
    term.setup(step_of('cpu'))
    term.to('meta')
    step = step_of('meta')
    with NoCopies():
        loss = term(step)
        loss.backward()
    assert loss.shape == () and loss.is_meta
    learner = step.of(getattr(term, 'target', 'assistant' if name == 'AssistantCE' else 'student'))
    assert learner.logits.grad is not None or learner.grid.grad is not None
    assert all(parameter.grad is not None for parameter in term.parameters())


@pytest.mark.parametrize('name, options', WEIGHTINGS, ids=str)
@pytest.mark.parametrize('count', [1, 2, 3])
def test_a_weighting_needs_no_number_on_the_host(name, options, count):
    module = build(dict(type=name, **options), 'weighting')
    step = step_of('meta')
    logits = torch.zeros(count, 4, 5, device='meta')
    with NoCopies():
        weights = module(logits, step.student.logits, step.labels)
    assert weights.shape == (count, 4) and weights.is_meta
