"""Training steps of random numbers, for the tests of terms."""

import numpy as np
import torch

from mmdualkd.losses import Step
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


def softmax(z: np.ndarray) -> np.ndarray:
    """Over the last axis."""
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def array(tensor: torch.Tensor) -> np.ndarray:
    """The tensor's numbers."""
    return tensor.detach().numpy()
