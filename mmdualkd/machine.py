"""What this machine has, as far as Python's own library says; where a system does not say, None."""

import ctypes
import gc
import os
import platform
import re
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

GROUP = Path('/sys/fs/cgroup')


def cores() -> int:
    """CPU cores that this process may use, in a container too."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
    quota, _, period = _read(GROUP / 'cpu.max').partition(' ')
    return max(1, min(count, round(int(quota) / int(period)))) if quota.isdigit() else count


def processor() -> str:
    """Which processor it has, and of how many cores, for people."""
    model = re.search(r'^model name\s*: (.+)$', _read(Path('/proc/cpuinfo')), re.M)
    return f'{model[1] if model else platform.processor() or platform.machine()}, {os.cpu_count()} cores'


def memory() -> int | None:
    """Bytes of memory that are free for this process, in a container too."""
    free = _kilobytes(Path('/proc/meminfo'), 'MemAvailable')
    limit, used = _read(GROUP / 'memory.max'), _read(GROUP / 'memory.current')
    if free is not None and limit.isdigit() and used.isdigit():
        pages = re.search(r'^inactive_file (\d+)', _read(GROUP / 'memory.stat'), re.M)  # given back when asked for
        free = min(free, int(limit) - int(used) + (int(pages[1]) if pages else 0))
    return free


def resident() -> int | None:
    """Bytes of memory that this process holds now."""
    return _kilobytes(Path('/proc/self/status'), 'VmRSS')


def most_resident() -> int | None:
    """Bytes that it held at most since the last :func:`forget_most_resident`."""
    return _kilobytes(Path('/proc/self/status'), 'VmHWM')


def forget_most_resident() -> None:
    """Lets :func:`most_resident` begin anew, where the system allows it."""
    with suppress(OSError):
        Path('/proc/self/clear_refs').write_text('5')


def give_back() -> None:
    """Gives memory that is free in this process back to the system, where it has glibc: what is taken next is seen."""
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def free_space(folder: str | Path) -> int:
    """Free bytes of the disk that a folder lies on, or will lie on."""
    return shutil.disk_usage(nearest_folder(folder)).free


def nearest_folder(folder: str | Path) -> Path:
    """A folder itself, or the nearest one above it that is there."""
    path = Path(folder).expanduser().absolute()
    return next(one for one in (path, *path.parents) if one.is_dir())


def refusal(folder: str | Path) -> str | None:
    """Why nothing can be written in a folder (or the nearest one above it that is there); None if something can."""
    there, path = nearest_folder(folder), Path(folder).expanduser().absolute()
    if (file := next(one for one in (path, *path.parents) if one.exists())) != there:
        return f'Not a directory, {file}'
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(bytes(1 << 16))  # a full disk takes an empty file
            file.flush()
    except OSError as error:
        return f'{error.strerror or error}, {there}'


def in_bytes(count: float) -> str:
    """A number of bytes for people."""
    units = ['bytes', 'KB', 'MB', 'GB', 'TB']
    while count >= 1000 and len(units) > 1:
        count, units = count / 1000, units[1:]
    return f'{count:.0f} bytes' if units[0] == 'bytes' else f'{count:.1f} {units[0]}'


def in_time(seconds: float) -> str:
    """A number of seconds for people."""
    if seconds < 1:
        return f'{seconds * 1000:.0f} ms'
    if seconds < 100:
        return f'{seconds:.1f} s'
    minutes = round(seconds / 60)
    if minutes < 100:
        return f'{minutes} min'
    hours, minutes = divmod(minutes, 60)
    return f'{hours} h {minutes} min' if hours < 48 else f'{hours / 24:.1f} days'


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ''


def _kilobytes(path: Path, name: str) -> int | None:
    found = re.search(rf'^{name}:\s+(\d+) kB', _read(path), re.M)
    return int(found[1]) * 1024 if found else None
