"""Dual-teacher and cross-architecture distillation for MMAction2 and MMPretrain.

Importing it mends the known faults of the published stack (:mod:`mmdualkd.compat`) and makes the registries known;
modules are imported when a config first names one of them.
"""

from . import compat

compat.apply()

from . import registry  # noqa: E402  (MMEngine may only be imported once it is known to be usable)
from .version import __version__  # noqa: E402

__all__ = ['__version__', 'compat', 'registry']
