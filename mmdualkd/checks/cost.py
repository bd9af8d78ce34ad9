"""What training takes: batch, memory, time and disk."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from ..batch_size import batch_of
from ..console.progress import validations_left
from ..findings import Finding
from ..machine import cores, free_space, in_bytes, in_time, refusal
from .job import Job
from .speed import training_pace, validation_pace

TIGHT = 0.9  # of what is free
WAITS = 1.25  # times as long as its step an iteration may take
LINE = 2000  # bytes that a line of the log takes, in the text and for curves
EVERY = 10  # iterations, where no LoggerHook says another


def check_batch(job: Job, processes: int) -> Iterator[Finding]:
    """The learning rate is for the batch that is trained with."""
    batch = batch_of(job.cfg, processes)
    lr, what = (job.cfg.optim_wrapper.get('optimizer') or {}).get('lr'), 'learning rate'
    if batch.base is None:
        text = f'batch {batch}; the config does not say for which one lr={lr} is (auto_scale_lr.base_batch_size)'
        yield Finding('fine', what, text)
    elif batch.scaled or batch.factor == 1:
        scaled = f'; lr={lr} of {batch.base} is multiplied by {batch.factor:.3g}' if batch.factor != 1 else ''
        yield Finding('fine', what, f'batch {batch}, as lr={lr} asks{scaled}')
    else:
        text = f'batch {batch}, but lr={lr} is for {batch.base}: the linear rule multiplies it by {batch.factor:.3g}'
        advice = f'train with --auto-scale-lr, or set optim_wrapper.optimizer.lr={(lr or 0) * batch.factor:.3g}'
        if 'eta_max' in str(job.cfg.get('param_scheduler')):  # OneCycleLR sets the rate by itself
            advice = 'train with --auto-scale-lr, which scales eta_max of the schedule, too'
        yield Finding('warning', what, f'{text}; {advice}')


def check_step(job: Job) -> Iterator[Finding]:
    """One forward and backward at the real size, in the memory that is there."""
    pace, losses = training_pace(job)
    shown = ', '.join(f'{name} {value:.3g}' for name, value in losses.items())
    bad = [name for name, value in losses.items() if not math.isfinite(value)]
    if bad:
        text = f'{", ".join(bad)} not finite within the first steps ({shown}){job.not_finite}'
        yield Finding('error', 'step', f'{text}: look at the learning rate, the data and the weights that are loaded')
    else:
        size = batch_of(job.cfg).samples
        yield Finding('fine', 'step', f'{in_time(pace.step)} for forward and backward of {size} samples: {shown}')
    peak, free = job.peak_bytes(), job.free
    where = 'GPU memory' if torch.cuda.is_available() else 'memory'
    text = f'models and step take {in_bytes(peak)} of {where} at most'
    if free is not None and peak > TIGHT * free:
        advice = 'lower train_dataloader.batch_size (and accumulate), or train with --amp'
        yield Finding('warning', 'memory', f'{text}, {in_bytes(free)} were free: {advice}')
    else:
        yield Finding('fine', 'memory', f'{text}' + (f'; {in_bytes(free)} were free' if free is not None else ''))


def check_validation(job: Job) -> Iterator[Finding]:
    """A few batches of validation run, and their metrics can be computed."""
    if job.has('val'):
        pace, metrics = validation_pace(job)
        yield Finding('fine', 'validation', f'{in_time(pace.step)} a batch; it gives {", ".join(metrics)}')


def check_workers(job: Job, processes: int) -> Iterator[Finding]:
    """Decoding keeps up with the steps; on a CPU, which both share, that it takes less than they."""
    pace, gpu = training_pace(job)[0], torch.cuda.is_available()
    text = f'decoding a batch takes {in_time(pace.decode)} in one process, a step {in_time(pace.step)}'
    if pace.seconds <= WAITS * pace.step if gpu else pace.decode <= pace.step:
        shared = '' if gpu else '; they share the CPU'
        yield Finding('fine', 'decoding', f'{text}, train_dataloader.num_workers={pace.workers}{shared}')
        return
    needed, share = math.ceil(pace.decode / pace.step), max(cores() // processes, 1)
    text = f'{text}: it takes {needed} workers to keep up, train_dataloader.num_workers={pace.workers}'
    advice = [f'set it to {min(needed, share)}'] * (pace.workers < min(needed, share))
    if needed > share:
        videos = 'DecordInit' in str(job.cfg.train_dataloader)
        faster = f'{"short_side and keep_in of mmdualkd.DecordInit" if videos else "smaller files"} make it faster'
        advice.append(f'there are cores for {share}: {faster}')
    yield Finding('warning', 'decoding', f'{text}; {"; ".join(advice) or "decode beside other work"}')


def check_time(job: Job, processes: int) -> Iterator[Finding]:
    """The time to the end."""
    train, cfg = training_pace(job)[0], job.cfg.train_cfg
    val = validation_pace(job)[0] if job.has('val') else None
    own = train.seconds * math.ceil(train.batches / processes)
    if cfg.get('max_epochs') is not None:
        total, parts = cfg.max_epochs * own, f'{cfg.max_epochs} epochs x {in_time(own)}'
    else:
        total, parts = cfg.max_iters * train.seconds, f'{cfg.max_iters} iterations x {in_time(train.seconds)}'
    if val is not None:
        count = validations_left(job.training().train_loop, 0)
        each = val.seconds * math.ceil(val.batches / processes)
        total, parts = total + count * each, f'{parts}, {count} validation{"s" * (count != 1)} x {in_time(each)}'
    yield Finding('fine', 'time', f'about {in_time(total)} to the end: {parts}')


def check_disk(job: Job) -> Iterator[Finding]:
    """Checkpoints and logs have room in the work directory."""
    folder = job.cfg.work_dir
    if (reason := refusal(folder)) is not None:
        yield Finding(
            'error', 'disk', f'work_dir={folder!r} cannot be written ({reason}): name another with --work-dir'
        )
        return
    training_pace(job)  # by then the optimizer has all its numbers
    model, student = _bytes(job.model.state_dict()), _bytes(job.student.state_dict())
    whole = model + _bytes(job.training().optim_wrapper.state_dict())
    if any('EMAHook' in str(hook.get('type')) for hook in job.cfg.get('custom_hooks') or ()):
        whole += model
    if job.student is not job.model:
        whole += student
    count = kept(job.cfg)
    lines = job.training().max_iters / (job.cfg.get('default_hooks', {}).get('logger') or {}).get('interval', EVERY)
    needed, free = count * whole + lines * LINE, free_space(folder)
    text = f'{count} checkpoints x {in_bytes(whole)}, with logs {in_bytes(needed)}, in {folder}'
    text += f'; {in_bytes(free)} are free'
    if needed > TIGHT * free:
        saver = (job.cfg.get('default_hooks') or {}).get('checkpoint') or {}
        fewer = 'set default_hooks.checkpoint.max_keep_ckpts lower, or '
        advice = f'{"" if saver.get("max_keep_ckpts") == 1 else fewer}put the work directory on another disk'
        yield Finding('error' if needed > free else 'warning', 'disk', f'{text}: {advice}')
    else:
        yield Finding('fine', 'disk', text)


def kept(cfg: Mapping) -> int:
    """Checkpoints that lie in the work directory at once at most: a new one is whole before an old one goes."""
    saver, loop = (cfg.get('default_hooks') or {}).get('checkpoint') or {}, cfg['train_cfg']
    interval, most = saver.get('interval', -1), saver.get('max_keep_ckpts', -1)
    length = loop.get('max_epochs') if saver.get('by_epoch', True) else loop.get('max_iters')
    saved = (length or loop.get('max_iters') or 1) // interval if interval > 0 else 0
    saved = max(saved, int(saver.get('save_last', True)))
    best = saver.get('save_best')
    bests = len(best) if isinstance(best, list | tuple) else int(best is not None)
    return (min(saved, most + 1) if most > 0 else saved) + (bests and bests + 1)


def _bytes(state: Any) -> int:
    """Bytes of all tensors in nested dicts and lists."""
    if isinstance(state, Tensor):
        return state.numel() * state.element_size()
    if isinstance(state, Mapping):
        state = state.values()
    elif not isinstance(state, list | tuple):
        return 0
    return sum(map(_bytes, state))
