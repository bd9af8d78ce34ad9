"""The machine and the folders that a training writes to."""

import os
from collections.abc import Iterator
from pathlib import Path

from ..findings import Finding
from ..machine import cores, free_space, in_bytes, memory, refusal

SHARED = Path('/dev/shm')
LITTLE_SHARED = 1 << 30  # bytes: a batch of clips has some hundred million, and each worker keeps two
LITTLE = 2 << 30


def places() -> Iterator[Finding]:
    """Looks at cores, memory, and the folders for results and downloads."""
    free = memory()
    yield Finding('fine', 'cpu', f'{cores()} cores')
    if free is not None:
        text = f'{in_bytes(free)} are free'
        few = free < LITTLE
        yield Finding('warning' if few else 'fine', 'memory', f'{text}; that is little' if few else text)
    if SHARED.is_dir():
        yield _shared(free_space(SHARED))
    yield _folder('work_dirs', Path('work_dirs'), 'run in another folder, or give --work-dir')
    yield _folder('downloads', downloads(), 'set TORCH_HOME to a folder that can be written')
    yield Finding('fine', 'network', 'not tried; weights of a zoo are downloaded when a config first asks for them')


def downloads() -> Path:
    """Where weights are downloaded to: torch's own folder."""
    cache = os.environ.get('XDG_CACHE_HOME') or '~/.cache'
    return Path(os.environ.get('TORCH_HOME') or Path(cache) / 'torch').expanduser() / 'hub' / 'checkpoints'


def _shared(free: int) -> Finding:
    text = f'{in_bytes(free)} of shared memory ({SHARED}), through which workers hand over batches'
    if free < LITTLE_SHARED:
        advice = "workers may die of a bus error: give a container more (docker's --shm-size=8g), or set num_workers=0"
        return Finding('warning', 'shared memory', f'{text}; {advice}')
    return Finding('fine', 'shared memory', text)


def _folder(what: str, folder: Path, advice: str) -> Finding:
    if (reason := refusal(folder)) is not None:
        return Finding('error', what, f'{folder} cannot be written ({reason}): {advice}')
    free = free_space(folder)
    text = f'{folder.absolute()} can be written, {in_bytes(free)} are free'
    return Finding('warning', what, f'{text}; that is little') if free < LITTLE else Finding('fine', what, text)
