"""Whether a run can be resumed: something is there, it is whole, and it is of this training."""

import difflib
import logging
import zipfile
from pathlib import Path
from typing import Any

from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import Runner

from ..checkpoint import read_checkpoint
from ..errors import CheckpointError

TRAINING = 'training'  # the key in a checkpoint's meta


def check_source(runner: Runner) -> None:
    """Says so if there is nothing to resume, and refuses a file that is missing or not whole.

    Raises:
        CheckpointError: Names the file and the one to resume from instead.
    """
    if not runner._resume:
        return
    path = source_of_resume(runner)
    if path is None:
        other = _newest(Path(runner.work_dir))
        hint = f' (but it holds {other.name}: to go on from it, name it)' if other else ''
        message = f'resume: nothing to resume, {runner.work_dir} has no last_checkpoint{hint}; training begins anew'
        print_log(message, logger='current', level=logging.WARNING)
    elif '://' not in str(path) and not zipfile.is_zipfile(path):  # how torch writes; a file cut short is none
        try:
            read_checkpoint(path, 'resume')
        except CheckpointError as error:
            other = _instead_of(path, Path(runner.work_dir))
            hint = f'; resume from {str(other)!r} instead' if other else ''
            raise CheckpointError(f'{error}{hint}') from error


def source_of_resume(runner: Runner) -> Path | None:
    """The file that a run is resumed from; None if there is nothing to resume."""
    if runner._load_from is not None:
        return Path(runner._load_from)
    record = Path(runner.work_dir) / 'last_checkpoint'
    return Path(record.read_text().strip() or 'last_checkpoint') if record.is_file() else None


def check_training(runner: Runner, checkpoint: dict[str, Any]) -> None:
    """Refuses a checkpoint without the state of a training, or of another training than the runner's.

    MMEngine would load what fits and leave the rest as it is initialised.

    Args:
        runner: The runner, with its model and optimizer built.
        checkpoint: What it is about to resume.

    Raises:
        CheckpointError: Names what differs: tensors, terms, optimizer.
    """
    if not runner._resume:
        return
    path = str(source_of_resume(runner))
    if not {'state_dict', 'optimizer', 'message_hub'} <= set(checkpoint):
        what = "a student's weights" if Path(path).name.startswith('student_') else 'weights'
        raise CheckpointError(
            f'resume: {path!r} holds {what} without the state of a training (optimizer, schedules). Resume from '
            'the checkpoint that last_checkpoint names; to start a new training from weights, use load_from or '
            'model.student.checkpoint'
        )
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    there = {name.removeprefix('module.'): value for name, value in checkpoint['state_dict'].items()}
    faults = _other_tensors(there, model.state_dict()) + _other_groups(checkpoint['optimizer'], runner.optim_wrapper)
    ours, theirs = training_of(runner), (checkpoint.get('meta') or {}).get(TRAINING) or {}
    faults += [
        f'{key} {theirs[key]} there, {ours[key]} here' for key in ours if theirs.get(key, ours[key]) != ours[key]
    ]
    if faults:
        raise CheckpointError(
            f'resume: {path!r} is of another training than this config describes: {"; ".join(faults)}. Resume with '
            'the config that it was started with, or start a new training from its weights with load_from'
        )


def training_of(runner: Runner) -> dict[str, str]:
    """What no tensor of a checkpoint says about a training: the classes of its optimizer and of its terms."""
    model = runner.model.module if is_model_wrapper(runner.model) else runner.model
    terms = getattr(model, 'terms', {})
    return dict(
        optimizer=_optimizer(runner.optim_wrapper),
        terms=', '.join(f'{name}={type(terms[name]).__name__}' for name in sorted(terms)) or 'none',
    )


def _optimizer(wrapper: OptimWrapper) -> str:
    if isinstance(wrapper, OptimWrapperDict):
        return ', '.join(f'{name}={_optimizer(part)}' for name, part in wrapper.items())
    return type(wrapper.optimizer).__name__


def _other_tensors(there: dict, here: dict) -> list[str]:
    """How two state dicts differ; what TPN's head adds in its first test does not count."""
    there, here = ({name: value for name, value in state.items() if 'new_cls.' not in name} for state in (there, here))
    shapes = [
        f'{name}: {tuple(there[name].shape)} there, {tuple(here[name].shape)} here'
        for name in here
        if name in there and there[name].shape != here[name].shape
    ]
    lists = {
        'of another shape': shapes,
        'only there': [name for name in there if name not in here],
        'only here': [name for name in here if name not in there],
    }
    return [
        f'{len(names)} tensors {what} ({", ".join(names[:2])}{", ..." if len(names) > 2 else ""})'
        for what, names in lists.items()
        if names
    ]


def _other_groups(there: dict, wrapper: OptimWrapper) -> list[str]:
    """How the optimizers' parameter groups differ in number."""
    counts = [
        [len(group['params']) for group in state.get('param_groups', ())] for state in (there, wrapper.state_dict())
    ]
    if counts[0] == counts[1]:
        return []
    there, here = (f'{len(count)} groups of {sum(count)} parameters' for count in counts)
    return [f"the optimizer's {there} there, {here} here"]


def _instead_of(path: Path, work_dir: Path) -> Path | None:
    """The whole checkpoint that is meant, or the best guess, where one is missing or not whole."""
    files = {file.name: file for file in path.parent.glob('*.pth') if file != path and zipfile.is_zipfile(file)}
    near = difflib.get_close_matches(path.name, files, n=1) if not path.exists() else []
    moved = work_dir / path.name  # a moved work directory
    return moved if zipfile.is_zipfile(moved) else files[near[0]] if near else _newest(work_dir, path)


def _newest(folder: Path, but: Path | None = None) -> Path | None:
    """The newest whole checkpoint in a folder that a run can be resumed from."""
    files = [file for file in folder.glob('*.pth') if not file.name.startswith(('student_', 'best_'))]
    files = [file for file in files if file != but and zipfile.is_zipfile(file)]
    return max(files, key=lambda file: file.stat().st_mtime_ns, default=None)
