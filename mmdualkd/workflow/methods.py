"""The method of a run where another is asked for than its teachers suggest: a fragment, for these teachers."""

from collections.abc import Mapping
from typing import Any

from mmengine.config import Config

from ..errors import ConfigError, nearest
from ..fragments import TERMS, fragments

PICTURES = 'pictures/'  # fragments that differ in the teacher's name alone
ANYONE = ('vit', 'teacher')  # what fragments call the one teacher that they learn from


def method_names() -> list[str]:
    """What ``--method`` takes."""
    return [name for name in fragments() if not name.startswith(PICTURES)]


def check_method(name: Any) -> None:
    """Refuses what is no method.

    Raises:
        ConfigError: If it is none of :func:`method_names`.
    """
    if name is not None and name not in method_names():
        likely = nearest(str(name).strip().lower().replace('-', '_').removeprefix(PICTURES), method_names())
        raise ConfigError(f'--method={name!r} is no method{likely} (`mmdualkd list methods` prints them)')


def terms_of(name: str, teachers: Mapping[str, str]) -> dict[str, Any]:
    """The terms of a method; one that learns from one teacher takes the ViT, or the first where none or several are.

    Args:
        name: The method, see :func:`method_names`.
        teachers: The teachers' kinds by their names in the model, in the order in which they were given.

    Raises:
        ConfigError: If the method is for a ViT and a CNN, and one of them is not there.
    """
    terms = Config.fromfile(fragments()[name])[TERMS].to_dict()
    vits = [role for role, kind in teachers.items() if kind == 'vit']
    taken = vits[0] if len(vits) == 1 else next(iter(teachers))
    one = {who: taken for who in ANYONE if who not in teachers}
    for term in terms.values():
        for key in ('source', 'teacher'):
            if key in term:
                term[key] = one.get(term[key], term[key])
        if 'teachers' in term:
            term['teachers'] = [one.get(who, who) for who in term['teachers']]
        if term['type'] == 'SDD' and not {'vit', 'cnn'} <= set(teachers):
            raise ConfigError(
                f"--method={name!r}: its SDD is for one ViT and one CNN teacher; the run's are {', '.join(teachers)}"
            )
    return terms
