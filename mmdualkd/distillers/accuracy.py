"""How often each model is right about the batch that it was trained or asked on."""

import torch
from torch import Tensor

from ..errors import CacheError
from ..losses.term import Step
from ..names import ASSISTANT, BATCH_ACCURACY, STUDENT


@torch.no_grad()
def batch_accuracies(step: Step) -> dict[str, Tensor]:
    """The fraction of a batch, in 0 to 1, that each model's highest score is right about; on the device.

    Only samples that have a label count, of which there must be one. Of samples that are blended (mixup, cutmix) the
    class of the larger part counts as right. Where samples have several labels there is no such fraction. A teacher in
    a cache that holds no logits of it is left out.

    Args:
        step: The training step.

    Returns:
        dict: ``batch_acc/student``, ``batch_acc/<teacher>`` and, where there is one, ``batch_acc/assistant``.
    """
    if step.multi_label:
        return {}
    models = {STUDENT: step.student, **step.teachers}
    if step.assistant is not None:
        models[ASSISTANT] = step.assistant
    right, accuracies = step.labels.argmax(dim=1), {}
    for name, outputs in models.items():
        try:
            logits = outputs.logits
        except CacheError:
            continue
        hits = (logits.argmax(dim=1) == right).float()
        known = step.labelled
        accuracies[f'{BATCH_ACCURACY}{name}'] = hits.mean() if known is None else (hits * known).sum() / known.sum()
    return accuracies
