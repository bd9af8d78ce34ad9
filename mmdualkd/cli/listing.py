"""List models by their short names, or what a config can name: methods, loss terms, weightings, and their arguments."""

import argparse

KINDS = ('models', 'methods', 'terms', 'weightings')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the subcommand."""
    parser.add_argument('what', choices=KINDS, help='what to list')


def run(args: argparse.Namespace) -> None:
    """Prints the list."""
    whole = dict(models=models, methods=methods)
    print(whole[args.what]() if args.what in whole else '\n\n'.join(map(described, found(args.what))))


def models() -> str:
    """The models of ``mmdualkd distill``, each a student or a teacher: a table for videos, one for pictures."""
    from ..zoo.catalogue import MODELS, rows
    from .table import table

    parts = [f'{of}: any of these is a student or a teacher\n{table(rows(of), numbers=False)}' for of in MODELS]
    return '\n\n'.join(
        [
            *parts,
            'parameters, top-1 (Kinetics-400, ImageNet-1K) and GFLOPs as the zoos list them, at their own test sizes',
        ]
    )


def methods() -> str:
    """The fragments that a config names as its ``terms``, and what each consists of."""
    from mmengine.config import Config

    from ..fragments import TERMS, fragments
    from .table import table

    rows = [
        (name, '; '.join(f'{term}: {_said(kind)}' for term, kind in Config.fromfile(file)[TERMS].to_dict().items()))
        for name, file in fragments().items()
    ]
    how = (
        '--cfg-options terms=NAME puts one in place of the terms of a config; distill takes --method NAME, also for '
        'pictures the names without pictures/'
    )
    return f'{how}\n{table(rows, numbers=False)}'


def found(what: str) -> list[type]:
    """The classes of a kind, in the order of their names."""
    from ..registry import MODELS

    MODELS.import_from_location()
    return sorted((kind for kind in MODELS.module_dict.values() if _is(kind, what)), key=lambda kind: kind.__name__)


def described(kind: type) -> str:
    """A class's name and first line, and a line each argument."""
    from ..docstrings import arguments, summary
    from .table import table

    rows = [
        (f'    {name}={default}' if default else f'    {name}', text)
        for name, (default, text) in arguments(kind).items()
    ]
    return '\n'.join([f'{kind.__name__}: {summary(kind)}', *([table(rows, numbers=False)] if rows else [])])


def _said(part: dict) -> str:
    """A part of a config as Python would build it."""
    settings = {key: _said(value) if isinstance(value, dict) else repr(value) for key, value in part.items()}
    name = settings.pop('type').strip("'")
    return f'{name}({", ".join(f"{key}={value}" for key, value in settings.items())})'


def _is(kind: type, what: str) -> bool:
    import inspect

    from ..losses.term import Term

    if what == 'terms':
        return issubclass(kind, Term) and not inspect.isabstract(kind)
    return kind.__module__.startswith('mmdualkd.weighting.')
