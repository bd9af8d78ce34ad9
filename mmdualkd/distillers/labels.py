"""A student's own loss, and labels as distributions, for clips and for pictures."""

import torch
import torch.nn.functional as F
from mmengine.dist import get_world_size
from mmengine.model import merge_dict
from torch import Tensor, nn

from ..datasets.labels import is_unlabelled
from ..errors import ConfigError
from ..outputs import Outputs

LIBRARIES = ('mmaction', 'mmpretrain')


def is_classifier(model: nn.Module) -> bool:
    """Whether a model is a picture classifier of MMPretrain, and no recognizer of MMAction2."""
    return not hasattr(model, 'cls_head')


def own_losses(
    model: nn.Module,
    outputs: Outputs,
    samples: list,
    labelled: list[bool] | None = None,
    average: Tensor | None = None,
) -> dict[str, Tensor]:
    """The losses and accuracies of a model's plain training.

    Of samples that have no label there are none: the head, with whatever it makes of labels, is given the other rows.
    Which these are is known here without asking the device, so that nothing waits. The losses are then this process's
    part of those of all labelled rows, as in :meth:`~mmdualkd.losses.term.Step.mean_of_labelled`.

    Args:
        model: The student.
        outputs: Its outputs, N rows.
        samples: N samples.
        labelled: Which of them have a label; None if all have.
        average: How many have one in a process, on average over all of them.

    Returns:
        dict: ``loss_cls`` and what else its head and neck give. Without a label ``loss_cls`` alone: 0, with a gradient
            of 0.
    """
    if labelled is None:
        return merge_dict(_head_losses(model, outputs.logits, samples), outputs.extras)
    return _losses_of_labelled(model, outputs.logits, samples, labelled, average)


@torch.compiler.disable  # which rows these are would make each batch a program of its own
def _losses_of_labelled(
    model: nn.Module, logits: Tensor, samples: list, labelled: list[bool], average: Tensor
) -> dict[str, Tensor]:
    if not any(labelled):
        return dict(loss_cls=(logits * 0).sum())
    own = [sample for sample, has in zip(samples, labelled, strict=True) if has]
    logits = torch.stack([row for row, has in zip(logits.unbind(), labelled, strict=True) if has])
    part = len(own) / average
    return {name: value * part if 'loss' in name else value for name, value in _head_losses(model, logits, own).items()}


def _head_losses(model: nn.Module, logits: Tensor, samples: list) -> dict[str, Tensor]:
    if not is_classifier(model):
        return model.cls_head.loss_by_feat(logits, samples)
    head = getattr(model, 'head', model)  # MMPretrain's wrapper of timm models is its own head
    losses = head._get_loss(logits, samples)
    return {'loss_cls' if name == 'loss' else name: value for name, value in losses.items()}


def check_own_loss(model: nn.Module, blended: bool) -> None:
    """Refuses a student whose head does more in plain training than to make scores and their loss.

    Args:
        model: The student.
        blended: Whether its batches are blended.

    Raises:
        ConfigError: If it has a loss() of its own, of which nothing would be left, or its head makes other scores where
            it knows the label (ArcFace), which terms would not see, or counts accuracies of hard labels where there are
            none, or has a second classifier that MMPretrain does not train (LeViT, EfficientFormer).
    """
    whole = next((cls for cls in type(model).__mro__ if 'loss' in vars(cls)), None)
    if whole is not None and whole.__module__.partition('.')[0] not in LIBRARIES:
        raise ConfigError(
            f'model.student: {whole.__name__} has a loss() of its own, and a distiller takes the features, scores and '
            'losses of neck and head without it: what it adds would be left out. Put it into the head (loss_by_feat; '
            "MMPretrain's loss_module), or into a term"
        )
    head = getattr(model, 'head' if is_classifier(model) else 'cls_head', model)
    maker = next((cls for cls in type(head).__mro__ if 'loss' in vars(cls)), None)
    plain = ('BaseHead', 'ClsHead', 'MultiLabelClsHead', 'EfficientFormerClsHead')
    if maker and maker.__name__ not in plain and any(cls.__name__ in plain for cls in maker.__mro__):
        raise ConfigError(
            f'model.student: {maker.__name__} has a loss() of its own, so that its loss is not that of the scores that '
            'terms see; a distiller takes heads whose loss() is that of their base class (LinearClsHead)'
        )
    if getattr(head, 'distillation', False) or getattr(head, 'dist', False):
        raise ConfigError(
            f'model.student: the second classifier of {type(head).__name__} is not trained by MMPretrain; '
            'model.student.model.head.distillation=False leaves it out'
        )
    if blended and getattr(head, 'cal_acc', False):
        raise ConfigError(
            'model.student.model.head.cal_acc=True counts accuracies of hard labels, and model.blending makes them '
            'soft: set it to False'
        )


def check_neck(model: nn.Module) -> None:
    """Refuses a student whose neck has a loss of its own that reads labels (TPN): it has no mean over some of them."""
    if getattr(getattr(model, 'neck', None), 'aux_head', None) is not None:
        raise ConfigError(
            f'model.student: the neck {type(model.neck).__name__} learns from labels by its own aux_head, and training '
            "data have samples without: take aux_head out, or set dataset.unlabelled='drop'"
        )


@torch.compiler.disable
def labelled_rows(
    labelled: list[bool] | None, count: int, rows: int, some_unlabelled: bool, model: nn.Module
) -> tuple[list[bool] | None, bool]:
    """Which rows of a batch have a label.

    Args:
        labelled: Which samples have one; None if all have.
        count: How many samples there are.
        rows: Rows of each sample.
        some_unlabelled: Whether the training data are known to have some without.
        model: The student.

    Returns:
        Which have one; None only where all have in all processes, for otherwise these ask each other. And whether any
        has.

    Raises:
        ConfigError: If some have none and nobody has told the other processes.
    """
    if labelled is None:
        return ([True] * count * rows if some_unlabelled and get_world_size() > 1 else None), True
    if not some_unlabelled:
        check_neck(model)
        if get_world_size() > 1:
            raise ConfigError(
                'samples without a label (-1) in several processes need mmdualkd.PreflightHook among custom_hooks, '
                'which tells all of them'
            )
    return [has for has in labelled for _ in range(rows)], any(labelled)


@torch.compiler.disable
def mask_of(labelled: list[bool], device: torch.device) -> Tensor:
    """The same on a device, (N,) bool; nothing waits for it."""
    return torch.tensor(labelled).to(device, non_blocking=True)


@torch.compiler.disable  # samples are no tensors
def labelled_of(samples: list) -> list[bool] | None:
    """Which samples have a label; None if all have. For samples that are not on a device yet, so that none is asked."""
    labels = [sample.gt_label for sample in samples if 'gt_label' in sample]
    if not any(len(label) for label in labels) or torch.cat(labels).min() >= 0:
        return None
    return ['gt_label' not in sample or not is_unlabelled(sample.gt_label.cpu()) for sample in samples]


def is_multi_label(model: nn.Module) -> bool:
    """Whether a model's clips or pictures may have several labels each, by its head."""
    if not is_classifier(model):
        return bool(getattr(model.cls_head, 'multi_class', False))
    from mmpretrain.models.heads import MultiLabelClsHead

    return isinstance(getattr(model, 'head', None), MultiLabelClsHead)


def takes_rows(model: nn.Module) -> bool:
    """Whether a classifier's own loss needs labels as rows over the classes, also where nothing is blended.

    MMPretrain's preprocessor makes them with ``to_onehot=True``, which it turns on by itself where it blends; binary
    and soft cross entropy compare them with the scores entry by entry.
    """
    loss = getattr(getattr(model, 'head', model), 'loss_module', None)
    asked = getattr(model.data_preprocessor, 'to_onehot', False)
    return bool(asked or getattr(loss, 'use_sigmoid', False) or getattr(loss, 'use_soft', False))


def label_distributions(
    samples: list, num_classes: int, multi_label: bool = False, labelled: list[bool] | None = None
) -> Tensor:
    """Labels as rows over the classes, (N, C) float: one-hot of hard labels, soft labels as they are.

    Args:
        samples: N samples.
        num_classes: C.
        multi_label: Whether samples may have several labels; they share 1 among them.
        labelled: Which samples have a label; rows of the others are zeros. None if all have.
    """
    if labelled is not None:
        return _distributions_of_labelled(samples, num_classes, multi_label, labelled)
    if multi_label:
        labels = class_rows(samples, num_classes)
        return labels / labels.sum(dim=1, keepdim=True).clamp_min(1)
    name = 'gt_score' if 'gt_score' in samples[0] else 'gt_label'
    labels = torch.stack([getattr(sample, name) for sample in samples])
    if labels.size(-1) == num_classes and labels.is_floating_point():
        return labels.float()
    return F.one_hot(labels.squeeze(-1), num_classes).float()


def class_rows(samples: list, num_classes: int) -> Tensor:
    """Labels as a row of 1 for each class that a sample has, (N, C) float; soft labels as they are.

    Args:
        samples: N samples, whose labels are rows over the classes or, as MMPretrain has them, lists of classes, not all
            of one length.
        num_classes: C.
    """
    labels = [sample.gt_score if 'gt_score' in sample else sample.gt_label for sample in samples]
    rows = [row if row.is_floating_point() else F.one_hot(row, num_classes).sum(0).clamp(max=1) for row in labels]
    return torch.stack([row.float() for row in rows])


@torch.compiler.disable
def _distributions_of_labelled(samples: list, num_classes: int, multi_label: bool, labelled: list[bool]) -> Tensor:
    own = [sample for sample, has in zip(samples, labelled, strict=True) if has]
    rows = iter(label_distributions(own, num_classes, multi_label) if own else ())
    none = samples[0].gt_label.new_zeros(num_classes, dtype=torch.float)
    return torch.stack([next(rows) if has else none for has in labelled])
