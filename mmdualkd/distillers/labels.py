"""A student's own loss, and labels as distributions, for clips and for pictures."""

import torch
import torch.nn.functional as F
from mmengine.model import merge_dict
from torch import Tensor, nn

from ..outputs import Outputs


def is_classifier(model: nn.Module) -> bool:
    """Whether a model is a picture classifier of MMPretrain, and no recognizer of MMAction2."""
    return not hasattr(model, 'cls_head')


def own_losses(model: nn.Module, outputs: Outputs, samples: list) -> dict[str, Tensor]:
    """The losses and accuracies of a model's plain training.

    Args:
        model: The student.
        outputs: Its outputs, N rows.
        samples: N samples with labels.

    Returns:
        dict: ``loss_cls`` and what else its head and neck give.
    """
    if not is_classifier(model):
        return merge_dict(model.cls_head.loss_by_feat(outputs.logits, samples), outputs.extras)
    head = getattr(model, 'head', model)  # MMPretrain's wrapper of timm models is its own head
    losses = head._get_loss(outputs.logits, samples)
    return {'loss_cls' if name == 'loss' else name: value for name, value in losses.items()}


def is_multi_label(model: nn.Module) -> bool:
    """Whether a model's clips or pictures may have several labels each, by its head."""
    if not is_classifier(model):
        return bool(getattr(model.cls_head, 'multi_class', False))
    from mmpretrain.models.heads import MultiLabelClsHead

    return isinstance(getattr(model, 'head', None), MultiLabelClsHead)


def label_distributions(samples: list, num_classes: int, multi_label: bool = False) -> Tensor:
    """Labels as rows over the classes, (N, C) float: one-hot of hard labels, soft labels as they are.

    Args:
        samples: N samples with labels.
        num_classes: C.
        multi_label: Whether samples may have several labels; a row of 1 for each of them is divided by their number.
    """
    name = 'gt_score' if 'gt_score' in samples[0] else 'gt_label'
    labels = torch.stack([getattr(sample, name) for sample in samples])
    if labels.size(-1) == num_classes and labels.is_floating_point():
        return labels.float() / labels.float().sum(dim=1, keepdim=True).clamp_min(1) if multi_label else labels.float()
    return F.one_hot(labels.squeeze(-1), num_classes).float()
