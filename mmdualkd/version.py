"""The package's version, in the one place that ``setup.py`` and ``mmdualkd.__version__`` read."""

__version__ = '0.1.0'
