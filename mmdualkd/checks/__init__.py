"""What can be known to be wrong with a training, and what it will take, before it begins."""

from ..findings import Finding
from .check import check_config
from .speed import Speed, measure_speed

__all__ = ['Finding', 'Speed', 'check_config', 'measure_speed']
