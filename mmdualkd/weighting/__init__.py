"""How several teachers' predictions become one target; what a weighting is stands in ``weighting.py``."""

from .aekd import AEKD
from .ca_mkd import CAMKD
from .datw import DATW
from .ebkd import EBKD
from .uniform import Uniform
from .weighting import Weighting

__all__ = ['AEKD', 'CAMKD', 'DATW', 'EBKD', 'Uniform', 'Weighting']
