"""Dual-teacher and cross-architecture distillation for MMAction2 and MMPretrain.

Importing it mends the known faults of the published stack (:mod:`mmdualkd.compat`) and makes the registries known;
modules are imported when a config first names one of them.
"""

from typing import Any

from . import compat
from .version import __version__

if not compat.called_for_the_doctor():  # who looks at a stack that is broken must not break with it
    compat.apply()
    from . import registry

__all__ = ['__version__', 'compat', 'distill', 'registry']


def __getattr__(name: str) -> Any:
    if name != 'distill':
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    from .workflow.distill import distill  # imports torch, which reading a config does without

    return distill
