"""Configs are saved as one long line a field, and read through memory.

MMEngine's pretty printing takes seconds a job, most of a tiny one, and it copies each file that it reads into a folder
of its own, which a disk may take milliseconds to make and remove.

Every process of a test that imports ``jobs`` (all configs of ``jobs.py`` and ``picture_jobs.py`` do) has this in
place; the demo's test prints as users' jobs do.
"""

import functools
import os
import tempfile
from types import SimpleNamespace

from mmengine.config import config

MEMORY = '/dev/shm'

config.FormatCode = lambda text, **kwargs: (text, True)
if os.access(MEMORY, os.W_OK):
    folder = functools.partial(tempfile.TemporaryDirectory, dir=MEMORY)
    config.tempfile = SimpleNamespace(TemporaryDirectory=folder, NamedTemporaryFile=tempfile.NamedTemporaryFile)
