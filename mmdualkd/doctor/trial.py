"""A trial of the stack with the cures in place: imports, devices, decoding. A line of JSON each finding."""

import importlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

from ..findings import Finding
from ..machine import in_bytes

MODULES = ('torch', 'torchvision', 'cv2', 'decord', 'mmengine', 'mmcv', 'mmaction.apis', 'mmpretrain.apis')
FRAMES = 12
ADVICE = {
    'libGL': 'run: pip install opencv-python-headless in place of opencv-python, or install the library libGL',
    'libnvrtc': 'torch does not find its CUDA libraries; install torch anew',
}


def main() -> None:
    """Tries everything; what fails hides nothing that comes after."""
    good = [name for name in MODULES if _tried(name, lambda name=name: _imported(name))]
    _tell(Finding('fine', 'imports', f'{", ".join(good)} can be imported'))
    for what, trial in dict(gpu=device, decoder=decoder).items():
        _tried(what, trial)


def _tried(what: str, trial: Callable[[], Iterable[Finding]]) -> bool:
    """Tells what a trial finds, and whether it came to its end; before it begins, that it does."""
    print(json.dumps({'begin': what}), flush=True)
    try:
        for finding in trial():
            _tell(finding)
    except Exception as error:
        reason = f'{type(error).__name__}: {" ".join(str(error).split())}'
        advice = next((f'; {text}' for sign, text in ADVICE.items() if sign in reason), '')
        _tell(Finding('error', what, f'fails: {reason}{advice}'))
        return False
    return True


def _tell(finding: Finding) -> None:
    print(json.dumps(asdict(finding)), flush=True)


def _imported(name: str) -> list[Finding]:
    importlib.import_module(name)
    return []


def device() -> Iterator[Finding]:
    """GPUs as torch sees them, and as the driver does."""
    import torch

    driver = _driver()
    build = f'torch is built for CUDA {torch.version.cuda}' if torch.version.cuda else 'torch is built for the CPU'
    if not torch.cuda.is_available():
        if driver:
            advice = 'install a torch for this driver (pytorch.org/get-started says which)'
            yield Finding('warning', 'gpu', f'torch sees none, the driver has {driver}; {build}: {advice}')
        else:
            yield Finding('fine', 'gpu', f'none; {build}: everything runs on the CPU, slowly')
        return
    for index in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(index)
        side = torch.ones(64, 64, device=f'cuda:{index}')
        if not (side @ side == 64).all():
            yield Finding('error', 'gpu', f'cuda:{index} computes wrong numbers')
            continue
        major, minor = torch.cuda.get_device_capability(index)
        half = 'with bf16' if torch.cuda.is_bf16_supported(including_emulation=False) else 'without bf16'
        text = f'cuda:{index} {torch.cuda.get_device_name(index)}, {in_bytes(free)} of {in_bytes(total)} free, {half}'
        yield Finding('fine', 'gpu', f'{text}, capability {major}.{minor}; {build}; driver: {driver or "unknown"}')


def _driver() -> str:
    """What the driver says of its first GPU; empty without one."""
    command = shutil.which('nvidia-smi')
    if command is None:
        return ''
    query = [command, '--query-gpu=name,driver_version', '--format=csv,noheader']
    done = subprocess.run(query, capture_output=True, text=True, timeout=60)
    return '' if done.returncode else done.stdout.strip().partition('\n')[0]


def decoder() -> Iterator[Finding]:
    """Videos that OpenCV writes are decoded frame for frame."""
    import cv2
    import numpy as np

    from ..datasets.reading import open_video

    with tempfile.TemporaryDirectory() as folder:
        for name, code in (('a.avi', 'MJPG'), ('a.mp4', 'mp4v')):
            path = str(Path(folder) / name)
            writer = cv2.VideoWriter(path, cv2.VideoWriter_fourcc(*code), 25, (64, 48))
            if not writer.isOpened():
                yield Finding('warning', 'decoder', f'not tried: this OpenCV writes no {code}')
                continue
            for number in range(FRAMES):
                writer.write(np.full((48, 64, 3), 20 * number, np.uint8))
            writer.release()
            order = [7, 2, 11, 0]
            frames = open_video(path).get_batch(order).asnumpy()
            wrong = [number for number, frame in zip(order, frames, strict=True) if abs(frame.mean() - 20 * number) > 4]
            if wrong:
                yield Finding('error', 'decoder', f'frames {wrong} of a video ({code}) are others: decord is broken')
            else:
                yield Finding('fine', 'decoder', f'decord gives the right frames of a video ({code})')
