"""Hooks for MMEngine's runner."""

from .check_finite import CheckFiniteHook
from .corrupt_video import CorruptVideoHook
from .epoch_seed import EpochSeedHook
from .preflight import PreflightHook
from .student_checkpoint import StudentCheckpointHook

__all__ = ['CheckFiniteHook', 'CorruptVideoHook', 'EpochSeedHook', 'PreflightHook', 'StudentCheckpointHook']
