"""The same job, Hinton's KD from one teacher, as this package does it, in a plain loop, and in torchdistill.

All three have the same networks with the same weights, the same pictures as a data loader gives them (uint8), the same
loss and the same optimizer; that their first losses agree is checked.
"""

import copy
import importlib.util
from collections.abc import Callable

import torch
import torch.nn.functional as F
from mmpretrain.models.losses import LabelSmoothLoss
from random_models import LR, build_random, plain_kd, random_batch, training_step
from torch import Tensor, nn
from training_steps import Settings, config_of
from turns import Ratio, ratio, take_turns

INSTALL = 'pip install --no-deps torchdistill'
TAU, SMOOTHING = 4.0, 0.1

Pictures = list[Tensor]


class Classifier(nn.Module):
    """A classifier of MMPretrain as others expect it: normalised pictures in, scores out."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, pictures: Tensor) -> Tensor:
        return self.model(pictures, mode='tensor')


def normalised(pictures: Pictures, model: nn.Module, device: str) -> Tensor:
    """The usual way from a loader's uint8 pictures, BGR, to a network's input."""
    preprocessor = model.data_preprocessor
    batch = torch.stack(pictures).to(device).float()
    if preprocessor.to_rgb:
        batch = batch.flip(1)
    return (batch - preprocessor.mean) / preprocessor.std


def plain_loop(teacher: nn.Module, student: nn.Module, pictures: Pictures, labels: Tensor, device: str) -> Callable:
    """A step as one writes it in a script of one's own."""
    teacher, net = Classifier(teacher).eval(), Classifier(student).train()
    optimizer = torch.optim.SGD(student.parameters(), lr=LR)

    def step() -> Tensor:
        inputs = normalised(pictures, student, device)
        with torch.no_grad():
            targets = teacher(inputs)
        logits = net(inputs)
        loss = F.cross_entropy(logits, labels, label_smoothing=SMOOTHING)
        kd = F.kl_div(F.log_softmax(logits / TAU, 1), F.softmax(targets / TAU, 1), reduction='batchmean')
        loss = loss + TAU**2 * kd
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()  # last, as MMEngine does: when gradients are freed decides what memory is asked for anew
        return loss.detach()

    return step


def torchdistill_box(
    teacher: nn.Module, student: nn.Module, pictures: Pictures, labels: Tensor, device: str
) -> Callable:
    """A step of torchdistill's DistillationBox with its KDLoss, as its training scripts run it."""
    from torchdistill.core.distillation import get_distillation_box

    loss = dict(
        student_module_path='.', student_module_io='output', teacher_module_path='.', teacher_module_io='output',
        temperature=TAU, alpha=1.0, beta=1.0, label_smoothing=SMOOTHING,
    )  # fmt: skip
    box = get_distillation_box(
        Classifier(teacher).eval(), Classifier(student), {},
        dict(
            num_epochs=1,
            teacher=dict(forward_proc='forward_batch_only', requires_grad=False),
            student=dict(forward_proc='forward_batch_only', requires_grad=True),
            optimizer=dict(key='SGD', kwargs=dict(lr=LR)),
            criterion=dict(
                key='WeightedSumLoss',
                kwargs=dict(sub_terms=dict(kd=dict(criterion=dict(key='KDLoss', kwargs=loss), weight=1.0))),
            ),
        ),
        torch.device(device), None, False, 1,
    )  # fmt: skip
    box.pre_epoch_process(epoch=0)

    def step() -> Tensor:
        loss = box.forward_process(normalised(pictures, student, device), labels)
        box.post_forward_process(loss=loss)
        return loss.detach()

    return step


def rivals(settings: Settings) -> dict[str, Ratio]:
    """Our step over the others'; the plain loop runs twice, against itself, to show the noise."""
    model = build_random(plain_kd(config_of('hybrid', settings)), settings.device)
    model.student.head.loss_module = LabelSmoothLoss(label_smooth_val=SMOOTHING, mode='original')
    teacher = next(iter(model.teachers.values()))
    batch = random_batch(model, 4 * settings.batch, settings.device)
    pictures = [clip[0, :, 0].cpu() for clip in batch['inputs']]
    labels = torch.cat([sample.gt_label for sample in batch['data_samples']])
    data = dict(inputs=pictures, data_samples=batch['data_samples'])
    loops = {'plain loop': plain_loop, 'plain loop again': plain_loop}
    if importlib.util.find_spec('torchdistill'):
        loops['torchdistill'] = torchdistill_box
    parts = {
        name: loop(teacher, copy.deepcopy(model.student), pictures, labels, settings.device)
        for name, loop in loops.items()
    }
    parts['ours'] = training_step(model, data)
    check_same_job({name: float(part()) for name, part in parts.items()})
    seconds = take_turns(parts, 5 * settings.turns, settings.device)
    loops = ('plain loop', 'plain loop again')  # the same loop twice differs by where its weights lie in memory
    seconds['plain loops'] = [sum(turn) / 2 for turn in zip(*(seconds[name] for name in loops), strict=True)]
    noise = ratio(seconds, 'plain loop again', 'plain loop')
    shown = f'the plain loop over itself {noise.value:.3f} ({noise.low:.3f} to {noise.high:.3f})'
    figures = dict(over_plain_loop=ratio(seconds, 'ours', 'plain loops'))
    if 'torchdistill' in parts:
        figures['over_torchdistill'] = ratio(seconds, 'ours', 'torchdistill')
    for figure in figures.values():
        figure.note = shown
    figures.setdefault('over_torchdistill', Ratio(None, note=f'not measured: {INSTALL}'))
    return figures


def check_same_job(losses: dict[str, float]) -> None:
    """Raises an error if the first losses differ: then it is not the same job."""
    expected = losses['ours']
    other = {name: value for name, value in losses.items() if abs(value - expected) > 1e-3 * abs(expected)}
    if other:
        raise RuntimeError(f'not the same job: the first loss is {expected} here, elsewhere {other}')
