"""Hooks for MMEngine's runner."""

from .preflight import PreflightHook
from .student_checkpoint import StudentCheckpointHook

__all__ = ['PreflightHook', 'StudentCheckpointHook']
