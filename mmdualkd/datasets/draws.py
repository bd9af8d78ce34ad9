"""A sample as it was drawn, and by what it is known again."""

import os
import random
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from mmengine.structures import BaseDataElement

PROBE = 4096  # bytes


@dataclass
class Draw:
    """A sample as it was drawn.

    Attributes:
        data: What the pipeline gave.
        stand_in: 0 for the sample itself, else which of the others that were tried took its place.
        shown: See :func:`shown`.
    """

    data: Any
    stand_in: int
    shown: int


def shown(data: Any, content: list[int]) -> int:
    """A digest of what teachers see of a sample that has just been drawn, known without decoding it.

    It has the sample and its content, the teachers' frames, height and width, and where the random numbers stand at
    the end of the pipeline: they stand elsewhere if a transform drew others.

    Args:
        data: The sample.
        content: What is known of the sample's file or pixels.
    """
    if not isinstance(data, dict) or not isinstance(data.get('data_samples'), BaseDataElement):
        return 0
    drawn = random.getrandbits(32), int(np.random.randint(2**31)), int(torch.randint(2**31, ()))
    told = [data['data_samples'].get(name) for name in ('sample_idx', 'teacher_frames')]
    return zlib.crc32(repr((told, content, tuple(data['inputs'].shape[-2:]), drawn)).encode())


def parts_of(path: str | None) -> list[int]:
    """Checksums of a file's begin, middle and end; none of what is no file."""
    try:
        with open(path, 'rb') as file:
            size = os.fstat(file.fileno()).st_size
            return [zlib.crc32(os.pread(file.fileno(), PROBE, place)) for place in (0, size // 2, max(size - PROBE, 0))]
    except (OSError, TypeError):
        return []
