"""How long and how fast a model trains on one's own data; ours, see ``configs/README.md``."""

import math
from typing import Any

from ..zoo.catalogue import Model

FINE_TUNING = dict(student=30, teachers=20)  # epochs
FROM_SCRATCH = 100
SEEN_FROM_SCRATCH = 13_440  # samples, at least: 240 epochs of 7 steps of 8, see tools/studies/real_video_baselines.py
VALIDATIONS = 4  # of a training; they choose nothing, and cost time


def default_epochs(who: str, fine_tuned: bool, seen: int) -> int:
    """Epochs of the ``'student'`` or the ``'teachers'``; from scratch more for few samples, which need as many steps.

    Args:
        who: Who is trained.
        fine_tuned: Whether all of them start from weights.
        seen: Samples with a label that an epoch shows, see ``Job.seen``.
    """
    return FINE_TUNING[who] if fine_tuned else max(FROM_SCRATCH, math.ceil(SEEN_FROM_SCRATCH / seen))


def recipe(model: Model, fine_tuned: bool, epochs: int, batch: int, every: int, amp: bool = False) -> dict[str, Any]:
    """Optimizer, schedule and loops of a training.

    Weights of a zoo are fine-tuned: CNNs by SGD, 1e-3 at 8 samples, others by AdamW, 1.6e-4 at 32, as the recipes for
    HMDB51 in ``configs/_base_/schedules``. From scratch all learn by AdamW, 5e-3 at 8 clips (ViTs 5e-4), pictures 2e-3
    at 32. Learning rates follow the batch linearly; a warm-up of a tenth of the epochs (a fifth from scratch), then a
    cosine to 0.

    Args:
        model: What is trained.
        fine_tuned: Whether it starts from weights.
        epochs: How often it sees all samples.
        batch: Samples of all processes in a step.
        every: Epochs between validations.
        amp: Whether it trains in mixed precision.
    """
    pictures = 'clip_len' not in model.view
    if fine_tuned and model.kind == 'cnn':
        optimizer = dict(type='SGD', lr=_scaled(1e-3, batch, 8), momentum=0.9, weight_decay=5e-4)
        norm = 40.0
    elif fine_tuned:
        optimizer, norm = dict(type='AdamW', lr=_scaled(1.6e-4, batch, 32), weight_decay=0.05), 1.0
    else:
        rate = _scaled(2e-3, batch, 32) if pictures else _scaled(5e-4 if model.kind == 'vit' else 5e-3, batch, 8)
        optimizer, norm = dict(type='AdamW', lr=rate, weight_decay=0.05), 5.0
    warm = min(max(round(epochs * (0.1 if fine_tuned else 0.2)), 1), epochs - 1)
    schedule = [dict(type='LinearLR', start_factor=0.04, by_epoch=True, begin=0, end=warm, convert_to_iter_based=True)]
    cosine = dict(type='CosineAnnealingLR', T_max=epochs - warm, eta_min=0, by_epoch=True, begin=warm, end=epochs)
    wrapper = dict(type='AmpOptimWrapper', loss_scale='dynamic') if amp else {}
    return dict(
        train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=epochs, val_interval=every),
        val_cfg=dict(type='ValLoop'),
        test_cfg=dict(type='TestLoop'),
        optim_wrapper=dict(**wrapper, optimizer=optimizer, clip_grad=dict(max_norm=norm)),
        param_scheduler=[*schedule[: int(warm > 0)], dict(cosine, convert_to_iter_based=True)],
        auto_scale_lr=dict(enable=False, base_batch_size=batch),
    )


def _scaled(rate: float, batch: int, base: int) -> float:
    """A learning rate by the linear rule, to four digits."""
    return float(f'{rate * batch / base:.4g}')
