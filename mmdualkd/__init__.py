"""Dual-teacher and cross-architecture distillation for MMAction2 and MMPretrain.

Importing it mends the known faults of the published stack (:mod:`mmdualkd.compat`) and makes the registries known;
modules are imported when a config first names one of them.
"""

from . import compat
from .version import __version__

if not compat.called_for_the_doctor():  # who looks at a stack that is broken must not break with it
    compat.apply()
    from . import registry

__all__ = ['__version__', 'compat', 'registry']
