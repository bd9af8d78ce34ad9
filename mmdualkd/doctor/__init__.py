"""What is wrong with an installation or a machine, found where hardly anything of it works.

Nothing outside Python's library is imported in this process: what may fail, or end the process, runs in another one.
"""

from ..findings import Finding
from .apart import faults, stack
from .packages import packages, python
from .places import places


def examine() -> list[Finding]:
    """Looks at versions, known faults, imports, devices, decoding, memory and folders."""
    return [*python(), *packages(), *stack(), *faults(), *places()]
