"""Whether a run can be resumed: something is there, and it is whole."""

import difflib
import logging
import os
from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.logging import print_log
from mmengine.runner import Runner

from ..checkpoint import last_checkpoint, read_checkpoint
from ..errors import CheckpointError
from ..zoo.weights import read_source

STATE = {'state_dict', 'optimizer', 'message_hub'}  # what a training's checkpoint has


def check_source(runner: Runner) -> None:
    """Says so if there is nothing to resume, and refuses a checkpoint that cannot be read.

    Raises:
        CheckpointError: Names the file and the one to resume from instead; the newest one, too, if there are
            checkpoints that training would write anew, for no last_checkpoint names one.
    """
    if not runner._resume:
        return
    work_dir = Path(runner.work_dir)
    try:
        take_own(runner)
        source = source_of_resume(runner)
        if source is not None:
            path, _ = read_source(source, 'resume')
            if '://' in source:
                runner._load_from = str(path)
    except CheckpointError as error:
        named, record = runner._load_from, work_dir / 'last_checkpoint'
        other = _instead_of(Path(named or record), work_dir)
        hint = '' if named else f'; no other checkpoint there can be resumed: remove {str(record)!r} to begin anew'
        hint = f'; resume from {str(other)!r} instead' if other else hint
        fault = str(error).partition('; did you mean')[0] if other else error  # the other one can be read
        raise CheckpointError(f'{fault}{hint}') from error
    if source is None:
        check_nothing_there(work_dir)
        message = f'resume: nothing to resume, {work_dir} has no last_checkpoint; training begins anew'
        print_log(message, logger='current', level=logging.WARNING)


def take_own(runner: Runner) -> None:
    """Lets a work directory that was copied or moved go on from its own checkpoint, not from that of the first place.

    ``last_checkpoint`` holds an absolute path.
    """
    named = last_checkpoint(runner.work_dir) if runner._load_from is None else None
    own = named and Path(runner.work_dir, Path(named).name)
    if own and own.is_file() and own.resolve() != Path(named).resolve():
        message = f'resume: last_checkpoint names {named}, in another folder; training goes on from {own}'
        print_log(message, logger='current', level=logging.WARNING)
        runner._load_from = str(own)


def tell_of_best(runner: Runner) -> None:
    """Warns of the best checkpoint of an earlier training, which exports and reports would take for this one's."""
    best = [] if runner._resume else list(Path(runner.work_dir).glob('best_*.pth'))
    if best and is_main_process():
        message = (
            f'{max(best, key=os.path.getmtime)} is of an earlier training: until this one has a best checkpoint of its '
            'own (save_best), exports and reports of the work directory take it; remove it, or name another work_dir'
        )
        print_log(message, logger='current', level=logging.WARNING)


def check_nothing_there(work_dir: str | Path) -> None:
    """Refuses to begin anew where a training that was to be resumed has left checkpoints.

    Raises:
        CheckpointError: Names the newest.
    """
    if newest := next(filter(_resumable, _newest_first(Path(work_dir))), None):
        raise CheckpointError(
            f'resume: {work_dir} has no last_checkpoint, but checkpoints of a training that another would overwrite: '
            f'name the one to go on from (the newest is {str(newest)!r}), or begin anew in another work_dir'
        )


def source_of_resume(runner: Runner) -> str | None:
    """The path or address that a run is resumed from; None if there is nothing to resume."""
    return last_checkpoint(runner.work_dir) if runner._load_from is None else runner._load_from


def _instead_of(path: Path, work_dir: Path) -> Path | None:
    """The checkpoint that is meant, or the best guess, where one is missing or cannot be read."""
    files = {file.name: file for file in path.parent.glob('*.pth')}
    near = difflib.get_close_matches(path.name, files, n=1) if not os.path.exists(path) else []
    moved = work_dir / path.name  # a moved work directory
    likely = [moved, *(files[name] for name in near), *_newest_first(path if path.is_dir() else work_dir)]
    return next((file for file in likely if file != path and _resumable(file)), None)


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob('*.pth'), key=os.path.getmtime, reverse=True)


def _resumable(file: Path) -> bool:
    """Whether it is a whole checkpoint with the state of a training."""
    try:
        return set(read_checkpoint(file, 'resume')) >= STATE
    except CheckpointError:
        return False
