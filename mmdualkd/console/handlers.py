"""Which records of MMEngine's logger go to the console, and which to the log file."""

import functools
import logging
import os
import sys
import warnings
from contextlib import suppress

from mmengine.logging import MMLogger
from termcolor import colored

# What these say while a run is built and goes on is for the file; the console has ConsoleHook's lines in its place.
CHATTER = ('mmengine', 'mmcv', 'mmaction', 'mmpretrain', 'mmdualkd.zoo.weights', 'mmdualkd.hooks.loading')
NEWS = ('mmengine.hooks.early_stopping_hook',)
NOISE = (  # warnings of MMEngine about its own calls
    '"FileClient" will be deprecated',
    '"HardDiskBackend" is the alias',
    'The prefix is not set in metric class',
)
RANKS = ('RANK', 'SLURM_PROCID', 'OMPI_COMM_WORLD_RANK')  # of this process, by launcher
FILE, CONSOLE = dict(to='file'), dict(to='console')  # a record's `extra`: where it goes, and nowhere else


def begin() -> None:
    """Readies a process for a tool: it speaks plainly before there is a runner; all but the first say nothing."""
    logger = plainly(MMLogger.get_current_instance())
    rank = next((os.environ[name] for name in RANKS if name in os.environ), '0')
    if rank != '0':
        for handler in logger.handlers:
            handler.setLevel(logging.ERROR)
        warnings.simplefilter('ignore')


def plainly(logger: MMLogger) -> MMLogger:
    """Lets a logger say news alone on the console, without time, name and level before each line.

    With ``log_level='DEBUG'`` the console shows all that the file has.
    """
    for handler in logger.handlers:
        if any(isinstance(one, _Filter) for one in handler.filters):
            continue
        if isinstance(handler, logging.FileHandler):
            handler.addFilter(_OfFile())
            handler.handleError = functools.partial(_tell_once, handler)
        else:
            handler.addFilter(_OfConsole(whole=handler.level <= logging.DEBUG))
            handler.setFormatter(_Plain())
            handler.handleError = functools.partial(_let_go, handler)
    return logger


def only_in_the_file(text: str) -> str | None:
    """Writes an error's traceback into the log file; gives the file's path, None where there is none yet."""
    logger = MMLogger.get_current_instance()
    if not any(isinstance(handler, logging.FileHandler) for handler in logger.handlers):
        return None
    plainly(logger).error(text, extra=FILE)
    return logger.log_file


def _let_go(handler: logging.StreamHandler, record: logging.LogRecord) -> None:
    """Once the console takes no more, what runs goes on, and says so once; ``logging`` would say so of each line."""
    error = sys.exc_info()[1]
    if not isinstance(error, OSError):
        logging.StreamHandler.handleError(handler, record)
        return
    handler.stream = open(os.devnull, 'w')  # noqa: SIM115  (until the process ends)
    _warn(f'nothing more is printed ({error.strerror}); the log file goes on')


def _tell_once(handler: logging.FileHandler, record: logging.LogRecord) -> None:
    """Where a log file has no room, what runs goes on, and one line says so; the file goes on as soon as it has."""
    error = sys.exc_info()[1]
    if not isinstance(error, OSError):
        logging.StreamHandler.handleError(handler, record)
        return
    handler.handleError = lambda record: None
    _warn(f'{handler.baseFilename!r} cannot be written ({error.strerror})')


def _warn(text: str) -> None:
    """Prints to what may be gone as well."""
    with suppress(OSError):
        print(f'warning: {text}', file=sys.stderr, flush=True)


class _Filter(logging.Filter):
    """A filter of ours."""


class _OfFile(_Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(record, 'to', 'file') == 'file'


class _OfConsole(_Filter):
    def __init__(self, whole: bool) -> None:
        super().__init__()
        self.whole = whole

    def filter(self, record: logging.LogRecord) -> bool:
        if hasattr(record, 'to'):
            return record.to == 'console'
        if record.levelno > logging.INFO:
            return self.whole or not str(record.msg).startswith(NOISE)
        return self.whole or not _is_of(_origin(), CHATTER) or _is_of(_origin(), NEWS)


class _Plain(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        if record.levelno <= logging.INFO:
            return text
        color = 'yellow' if record.levelno == logging.WARNING else 'red'
        return f'{colored(record.levelname.lower(), color)}: {text}'


def _origin() -> str:
    """The module that logs what is being handled; `print_log` hides it from the record."""
    frame = sys._getframe(1)
    while frame.f_back and _is_of(frame.f_globals.get('__name__', ''), ('logging', 'mmengine.logging', __name__)):
        frame = frame.f_back
    return frame.f_globals.get('__name__', '')


def _is_of(module: str, packages: tuple[str, ...]) -> bool:
    return module in packages or module.startswith(tuple(f'{name}.' for name in packages))
