"""Google docstrings, read: a first sentence and the arguments, for people at a terminal."""

import inspect
import re
from collections.abc import Mapping

SECTION = re.compile(r'^(Args|Returns|Raises|Attributes|Example|Examples|Note|Notes):\s*$', re.M)
ELSEWHERE = re.compile(r'^(See :|The same\.$)')
SENTENCE = re.compile(r'(?<!\bal)\.(\s|$)')


def summary(thing: object) -> str:
    """The first sentence of a docstring, without its formulas."""
    text = inspect.cleandoc(thing.__doc__ or '').partition('\n\n')[0]
    return sentence(re.sub(r',?\s*:math:`[^`]*`', '', text))


def sentence(text: str) -> str:
    """The first sentence of a text, without its full stop and the marks of reStructuredText, in one line."""
    text = re.sub(r':\w+:`~?([^`]*)`', lambda found: found[1].rpartition('.')[2] or found[1], text)
    return SENTENCE.split(' '.join(text.replace('``', '').split()), maxsplit=1)[0]


def arguments(kind: type) -> dict[str, tuple[str, str]]:
    """The arguments of a class by name: default (empty if there is none) and description.

    What a class's docstring leaves to its base (``See :class:`Term```, ``The same.``) is the base's.
    """
    found = {}
    for name, parameter in inspect.signature(kind).parameters.items():
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            default = '' if parameter.default is parameter.empty else repr(parameter.default)
            found[name] = default, description(kind, name)
    return found


def description(kind: type, name: str) -> str:
    """What a class, or the nearest of its bases, says of an argument; empty if none does."""
    texts = [described(base).get(name, '') for base in inspect.getmro(kind)]
    return sentence(next((text for text in texts if text and not ELSEWHERE.match(text)), ''))


def described(kind: type) -> Mapping[str, str]:
    """The descriptions in the ``Args`` section of a class's own docstring, by argument."""
    parts = SECTION.split(inspect.cleandoc(vars(kind).get('__doc__') or ''))
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    entries = re.split(r'^ {4}\*{0,2}(\w+)(?: \([^)]*\))?:', sections.get('Args', ''), flags=re.M)
    return {name: ' '.join(text.split()) for name, text in zip(entries[1::2], entries[2::2], strict=True)}
