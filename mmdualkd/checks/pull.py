"""How hard each term pulls at the student, of which the sizes of the losses tell little."""

import math
from collections.abc import Iterator

import torch
from torch import nn

from ..findings import Finding
from .job import Job
from .speed import to_first_weights, training_pace

HARD = 100  # times as hard as the student's own loss: hints of features may, SP then taught students nothing
WHAT = 'gradients'


def check_pull(job: Job) -> Iterator[Finding]:
    """How hard terms pull: norms of gradients on the student, of a batch at the start, beside that of its own loss."""
    terms = getattr(job.model, 'terms', {})
    if not terms or any(getattr(part, 'with_cp', False) for part in job.model.modules()):  # that passes one backward
        return
    training_pace(job)  # what cannot be trained has been told by then
    to_first_weights(job)
    try:
        own, pulls = pulls_of(job)
    except torch.OutOfMemoryError:  # the graph, kept for all terms, takes more than a step, which fits
        return
    if not own or not all(map(math.isfinite, (own, *pulls.values()))):  # of what is not finite check_step tells
        return
    shown = ', '.join(f'{name} x{_two_digits(pull / own)}' for name, pull in pulls.items())
    text = f'on the student, beside that of its own loss ({own:.2g}): {shown} (how hard, not what a term is worth)'
    yield Finding('fine', WHAT, text)
    for name, pull in pulls.items():
        if pull > HARD * own:
            text = (
                f'model.terms.{name} pulls {pull / own:.0f} times as hard at the student as its own loss, before the '
                f'first step: if the student does not learn, lower model.terms.{name}.weight={terms[name].weight:g}'
            )
            yield Finding('warning', WHAT, text)


def _two_digits(value: float) -> str:
    return f'{float(f"{value:.2g}"):g}'


def pulls_of(job: Job) -> tuple[float, dict[str, float]]:
    """Norms of the gradients on the student's parameters, of its own losses together and of each weighted term.

    Args:
        job: A training with terms, its parts built.
    """
    runner = job.training()
    model, wrapper = runner.model, runner.optim_wrapper
    model.train()
    data = model.data_preprocessor(job.batch('train', _with_a_label(job)), True)
    with wrapper.optim_context(model):
        losses = model._run_forward(data, mode='loss')
    named = {f'loss_{name}': name for name in model.terms}
    own = [value for name, value in losses.items() if 'loss' in name and name not in named]
    own = sum(one.mean() for value in own for one in (value if isinstance(value, list) else [value]))
    scaler = getattr(wrapper, 'loss_scaler', None)  # in half precision small gradients are lost without it
    scale = scaler.get_scale() if scaler is not None else 1.0
    pulls = {name: _pull(losses[loss], job.student, scale) for loss, name in named.items()}
    return _pull(own, job.student, scale), pulls


def _with_a_label(job: Job) -> int:
    """The first batch in which a sample has a label, for the student's own loss to pull; 0 where none has."""
    samples, count = job.samples('train'), len(job.loader('train'))
    batches = ([samples[place % len(samples)] for place in job.places('train', number)] for number in range(count))
    return next((number for number, batch in enumerate(batches) if any(sample.labels for sample in batch)), 0)


def _pull(loss: torch.Tensor, student: nn.Module, scale: float) -> float:
    """The norm of a loss's gradient on the student, computed on the loss times a scale."""
    if not isinstance(loss, torch.Tensor) or not loss.requires_grad:
        return 0.0
    weights = [weight for weight in student.parameters() if weight.requires_grad]
    parts = torch.autograd.grad(scale * loss, weights, retain_graph=True, allow_unused=True)
    norms = [part.norm() for part in parts if part is not None]
    return torch.stack(norms).norm().item() / scale if norms else 0.0
