"""Training steps of random numbers, for the tests of terms."""

from dataclasses import replace

import numpy as np
import torch

from mmdualkd.losses import Step, Term
from mmdualkd.outputs import Outputs


def three_models(samples: int = 5, classes: int = 7, seed: int = 0, scale: float = 2.0) -> Step:
    """A float64 step of a student (width 4) and an assistant (6), which train, and the teacher ``vit`` (6).

    Args:
        samples: Rows.
        classes: Classes.
        seed: Seed of the numbers.
        scale: Standard deviation of the logits.
    """
    rng = np.random.default_rng(seed)

    def outputs(width: int, trains: bool) -> Outputs:
        logits = torch.tensor(rng.normal(size=(samples, classes)) * scale, requires_grad=trains)
        pooled = torch.tensor(rng.normal(size=(samples, width)), requires_grad=trains)
        return Outputs(logits, pooled, pooled[..., None, None, None])

    student, assistant, vit = outputs(4, True), outputs(6, True), outputs(6, False)
    labels = torch.tensor(np.eye(classes)[rng.integers(0, classes, samples)])
    return Step(student, dict(vit=vit), labels, assistant=assistant)


def of_grids(
    samples: int = 5,
    classes: int = 7,
    seed: int = 0,
    widths: tuple = (4, 6, 5),
    sizes: tuple = ((3, 4, 4), (2, 3, 3), (4, 2, 3)),
    windows: tuple = ((0.0, 1.0),) * 3,
) -> Step:
    """A float64 step of a student, which trains, and the teachers ``vit`` and ``cnn``, with grids.

    Args:
        samples: Rows.
        classes: Classes.
        seed: Seed of the numbers.
        widths: Channels of the three.
        sizes: Their (T, H, W).
        windows: The time that each covers.
    """
    rng = np.random.default_rng(seed)
    models = []
    for width, size, window in zip(widths, sizes, windows, strict=True):
        grid = torch.tensor(rng.normal(size=(samples, width, *size)), requires_grad=not models)
        logits = torch.tensor(rng.normal(size=(samples, classes)) * 2, requires_grad=not models)
        models.append(Outputs(logits, grid.mean((2, 3, 4)), grid, window=window))
    labels = torch.tensor(np.eye(classes)[rng.integers(0, classes, samples)])
    return Step(models[0], dict(vit=models[1], cnn=models[2]), labels)


def prepared(term: Term, step: Step) -> Term:
    """The term, set up in double precision."""
    torch.manual_seed(0)
    term.name = 'term'
    term.setup(step)
    return term.double()


def check_gradients(term: Term, step: Step, reads: str = 'logits', **tolerance: float) -> None:
    """Checks a term from the assistant to the student: its gradients of both are those of finite differences.

    Args:
        term: The term.
        step: Has the labels and both models.
        reads: The field of their outputs that the term reads.
        **tolerance: As for ``gradcheck``.
    """

    def value(source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        assistant, student = (replace(Outputs(None, None, None), **{reads: rows}) for rows in (source, target))
        return term(Step(student, {}, step.labels, assistant=assistant))

    torch.autograd.gradcheck(value, [getattr(model, reads) for model in (step.assistant, step.student)], **tolerance)


def softmax(z: np.ndarray) -> np.ndarray:
    """Over the last axis."""
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def array(tensor: torch.Tensor) -> np.ndarray:
    """The tensor's numbers."""
    return tensor.detach().numpy()
