"""How several teachers' predictions become one target."""

from .ca_mkd import CAMKD
from .datw import DATW
from .ebkd import EBKD
from .uniform import Uniform

__all__ = ['CAMKD', 'DATW', 'EBKD', 'Uniform']
