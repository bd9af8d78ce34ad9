"""What a run is about to do, in some twenty lines: data, models, loss, schedule, device, files."""

from collections.abc import Iterator
from pathlib import Path

import torch
from mmengine.dist import get_world_size
from mmengine.optim import AmpOptimWrapper, OptimWrapperDict
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import DataLoader

from ..datasets.robust import source_of
from ..datasets.wrappers import class_names, noun_of, plain_datasets
from ..files import shown
from ..hooks.resume import source_of_resume
from ..names import ASSISTANT, STUDENT
from ..zoo.weights import classes_of

NAMES = 4  # classes that are named


def plan_of_training(runner: Runner) -> list[str]:
    """The lines before a training.

    Args:
        runner: The runner, with everything built, checked and loaded.
    """
    model, loops = unwrapped(runner), dict(train=runner.train_loop, val=runner.val_loop)
    loaders = {split: loop.dataloader for split, loop in loops.items() if loop is not None}
    lines = [f'{Path(runner.cfg.filename or runner.work_dir).stem}: training', *_data(loaders, model)]
    lines += _in_columns('models', _models(runner, model))
    lines += _entry('loss', [_loss(model)])
    lines += _entry('plan', [*_steps(runner, loaders['train']), _optimizer(runner), *_checks(runner)])
    lines += _entry('device', [_device(runner, model, loaders['train'])])
    return [*lines, *_files(runner), 'The time left stands in each line of the log, from the first on.']


def plan_of_test(runner: Runner) -> list[str]:
    """The lines before a test, the same."""
    model = unwrapped(runner)
    lines = [f'{Path(runner.cfg.filename or runner.work_dir).stem}: test']
    loader = runner.test_loop.dataloader
    lines += _data(dict(test=loader), model)
    lines += _in_columns('model', [_model_row('', getattr(model, STUDENT, model))])
    return [*lines, *_entry('device', [_device(runner, model, loader)]), *_files(runner)]


def unwrapped(runner: Runner) -> nn.Module:
    """A runner's model without what wraps it (DDP, test-time augmentation)."""
    model = runner.model
    while hasattr(model, 'module'):
        model = model.module
    return model


def of_epochs(runner: Runner) -> bool:
    """Whether a runner's training counts epochs, and not iterations."""
    return not hasattr(runner.train_loop, 'dataloader_iterator')


def _entry(title: str, lines: list[str]) -> list[str]:
    """Lines with a title before the first."""
    return [f'{title if index == 0 else "":7} {line}' for index, line in enumerate(lines)]


def _in_columns(title: str, rows: list[tuple[str, ...]]) -> list[str]:
    """Rows whose cells, but for the last, stand below each other."""
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]) - 1)]
    cells = [[cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)] for row in rows]
    return _entry(title, ['  '.join(cell for cell in row if cell) for row in cells])


def _data(loaders: dict[str, DataLoader], model: nn.Module) -> list[str]:
    rows = []
    for split, loader in loaders.items():
        names = class_names(loader.dataset)
        classes = len(names) or classes_of(getattr(model, STUDENT, model))[1]
        named = ', '.join(names[:NAMES]) + (', ...' if len(names) > NAMES else '')
        what = f'of {classes} classes' + (f' ({named})' if names else '') if classes else ''
        where = ', '.join(dict.fromkeys(str(source_of(part)) for part in plain_datasets(loader.dataset)))
        rows.append((split, f'{len(loader.dataset):,} {noun_of(loader.dataset)}', what, where))
    return _in_columns('data', rows)


def _models(runner: Runner, model: nn.Module) -> list[tuple[str, ...]]:
    if not hasattr(model, STUDENT):
        return [_model_row('', model, _resumed(runner))]
    rows = [_model_row(STUDENT, model.student, _resumed(runner))]
    for name, teacher in model.teachers.items():
        if isinstance(teacher, nn.Module):
            rows.append(_model_row(name, teacher))
        else:
            rows.append((name, 'its outputs', '', f'from {model.cache.folder}'))
    beside = _size(model) - _size(model.student)
    if beside:
        parts = [name for name, term in model.terms.items() if _size(term)]
        parts += [ASSISTANT] if getattr(model, 'assisted', None) else []
        rows.append(('beside', 'trained with the student', f'{beside:,} parameters', f'of {", ".join(parts)}'))
    return rows


def _model_row(name: str, model: nn.Module, resumed: str = '') -> tuple[str, ...]:
    inner = getattr(model, 'backbone', None) or getattr(model, 'model', None)
    kind = type(model).__name__ + (f' ({type(inner).__name__})' if inner is not None else '')
    return name, kind, f'{_size(model):,} parameters', resumed or _origin_of_weights(model)


def _size(model: nn.Module) -> int:
    return sum(value.numel() for value in model.parameters())


def _origin_of_weights(model: nn.Module) -> str:
    if loaded := getattr(model, '_loaded', None):
        return loaded
    found = []
    for module in model.modules():
        inits = getattr(module, 'init_cfg', None) or []
        for init in [inits] if isinstance(inits, dict) else inits:
            if str(init.get('type')).rpartition('.')[2] == 'Pretrained':
                found.append(str(init.get('checkpoint')))
        if isinstance(getattr(module, 'pretrained', None), str):
            found.append(module.pretrained)
    return f'initialised from {", ".join(dict.fromkeys(found))}' if found else 'from random weights'


def _resumed(runner: Runner) -> str:
    source = source_of_resume(runner) if runner._resume and runner._has_loaded else None
    return f'resumed from {shown(source)}' if source else ''


def _loss(model: nn.Module) -> str:
    student = getattr(model, STUDENT, model)
    head = getattr(student, 'cls_head', None) or getattr(student, 'head', None) or student
    own = getattr(head, 'loss_cls', None) or getattr(head, 'loss_module', None)
    parts = [f"the model's own{f' {type(own).__name__}' if own is not None else ''}".replace('model', _whose(model))]
    for name, term in getattr(model, 'terms', {}).items():
        weighting = getattr(term, 'weighting', None)
        kind = type(term).__name__ + (f' by {type(weighting).__name__}' if weighting is not None else '')
        parts.append(f'{term.weight:g} x {name} ({kind})')
    grow = getattr(model, 'warmup_iters', 0)
    return ' + '.join(parts) + (f'; the terms grow over {grow} iterations' if grow else '')


def _whose(model: nn.Module) -> str:
    return STUDENT if hasattr(model, STUDENT) else 'model'


def _steps(runner: Runner, loader: DataLoader) -> Iterator[str]:
    loop, processes = runner.train_loop, get_world_size()
    size = getattr(loader.batch_sampler, 'batch_size', None) or getattr(loader, 'batch_size', None) or 0
    wrapper = runner.optim_wrapper
    accumulated = getattr(wrapper, '_accumulative_counts', 1)
    whole = size * processes * accumulated
    factors = f'{size} in each of {processes} processes' if processes > 1 else f'{size}'
    factors += f', {accumulated} batches a step' if accumulated > 1 else ''
    batch = f'batches of {factors}' + (f', so {whole} a step' if whole != size else '')
    if of_epochs(runner):
        done = f'; {loop.iter:,} of {loop.max_iters:,} iterations are done' if loop.iter else ''
        yield f'{loop.max_epochs} epochs of {len(loader):,} {batch}{done}'
    else:
        yield f'{loop.max_iters:,} iterations, {batch}' + (f'; {loop.iter:,} are done' if loop.iter else '')


def _optimizer(runner: Runner) -> str:
    wrappers = runner.optim_wrapper
    wrappers = dict(wrappers.items()) if isinstance(wrappers, OptimWrapperDict) else {'': wrappers}
    schedules = runner.param_schedulers or []
    schedules = [one for part in schedules.values() for one in part] if isinstance(schedules, dict) else schedules
    names = dict.fromkeys(type(one).__name__ for one in schedules)
    texts = []
    for name, wrapper in wrappers.items():
        groups = wrapper.optimizer.param_groups
        rate = max(group.get('max_lr', group.get('initial_lr', group['lr'])) for group in groups)
        texts.append(f'{name and name + ": "}{type(wrapper.optimizer).__name__}, learning rate up to {rate:g}')
    return '; '.join(texts) + (f' ({", ".join(names)})' if names else '')


def _checks(runner: Runner) -> Iterator[str]:
    unit, loop = 'epoch' if of_epochs(runner) else 'iteration', runner.train_loop
    if runner.val_loop is None:
        yield 'no validation'
        return
    first, *others = (unit if interval == 1 else f'{interval} {unit}s' for interval in loop.dynamic_intervals)
    text = f'validation on {len(runner.val_loop.dataloader):,} batches after each {first}'
    for milestone, each in zip(loop.dynamic_milestones[1:], others, strict=True):
        text += f', from {unit} {milestone - 1} on after each {each}'  # MMEngine looks at the next one
    yield text + (f'; none before {unit} {loop.val_begin}' if loop.val_begin > 1 else '')


def _device(runner: Runner, model: nn.Module, loader: DataLoader) -> str:
    device = next(model.parameters()).device
    if device.type == 'cuda':
        properties = torch.cuda.get_device_properties(device)
        text = f'{properties.name} with {properties.total_memory / 2**30:.0f} GB'
    else:
        text = f'{device.type}, {torch.get_num_threads()} threads'
    if (processes := get_world_size()) > 1:
        text = f'{processes} processes, the first on {text}'
    wrapper = runner.optim_wrapper
    if isinstance(wrapper, AmpOptimWrapper):
        kind = wrapper.cast_dtype or (torch.float16 if device.type == 'cuda' else torch.bfloat16)
        text += f', mixed precision ({str(kind).removeprefix("torch.")})'
    else:
        text += f', {str(next(model.parameters()).dtype).removeprefix("torch.")}'
    text += f', {loader.num_workers} workers a process' if loader.num_workers else ', no workers'
    return f'{text}, seed {runner.seed}' + (', deterministic' if runner.deterministic else '')


def _files(runner: Runner) -> list[str]:
    lines = [shown(runner.work_dir), f'all of the log, with environment and config: {shown(runner.logger.log_file)}']
    if any(type(one).__name__ == 'TensorboardVisBackend' for one in runner.visualizer._vis_backends.values()):
        lines.append(f'curves: tensorboard --logdir {shown(runner.work_dir)}')
    return _entry('files', lines)
