"""What a distiller asks of a cache in its teachers' place."""

from collections.abc import Mapping

from torch import Tensor, nn

from ..cache import TeacherCache
from ..cache.description import check_teacher, describe_teacher
from ..errors import CacheError, ConfigError
from ..losses.term import Step
from ..teachers.cached import CachedTeacher, CachedTeachers
from ..teachers.readings import Reading, readings_of
from ..views import ViewPlan

KEY = 'model.teacher_cache'


def check_cacheable(blending: Mapping | None, assistant: Mapping | None) -> None:
    """Refuses a distiller whose teachers see what no cache can hold.

    Raises:
        ConfigError: Says what, and why.
    """
    if blending is not None:
        raise ConfigError(
            f'{KEY} and model.blending do not go together: mixup and cutmix blend other clips in each batch, and what '
            'the teachers make of a blend is in no cache; leave out one of them'
        )
    if assistant is not None:
        raise ConfigError(
            f'{KEY} and model.assistant do not go together: an assistant runs a part of its teacher on features that '
            'change as the student learns; leave out one of them'
        )


def open_cache(
    folder: str, specs: Mapping[str, dict], plan: ViewPlan, num_classes: int | None
) -> tuple[TeacherCache, CachedTeachers]:
    """Opens a cache of a distiller's teachers.

    Args:
        folder: Where it lies.
        specs: The teachers' entries in the config.
        plan: The views of all models.
        num_classes: The distiller's.

    Raises:
        CacheError: If it is not whole, or of other teachers, weights or views; names what differs.
    """
    if not isinstance(folder, str) or not folder:
        raise ConfigError(f'{KEY} must be the path of a folder, or None; got {folder!r}')
    cache = TeacherCache(folder, KEY)
    there = cache.manifest['teachers']
    for name, spec in specs.items():
        if name not in there:
            raise CacheError(f'{cache.where} has no teacher {name!r} (it has: {", ".join(map(repr, there))})')
        check_teacher(there[name], describe_teacher(spec, name, plan, num_classes), name, cache.where)
    cache.check_whole()
    teachers = {
        name: CachedTeacher(
            there[name]['shapes'],
            plan.window(name),
            dict(file=there[name]['file'], sha256=there[name]['sha256']),
            there[name]['model'],
            dict(classes=there[name]['classes']),
        )
        for name in specs
    }
    return cache, CachedTeachers(teachers)


def check_holds(cache: TeacherCache, terms: nn.ModuleDict, step: Step) -> None:
    """Refuses terms that read more than a cache holds.

    Raises:
        CacheError: Names what is not there, and the command that writes it.
    """
    rows, held = len(step.student.logits), {shape[0] for shape in cache.layout.shapes.values()}
    if held - {rows}:
        raise CacheError(f'{cache.where} is for a student of {held.pop()} rows a sample, this one has {rows}')
    missing = [reading for reading in readings_of(terms, step) if reading not in cache.layout.shapes]
    if missing:
        raise CacheError(
            f'{cache.where} does not hold all that model.terms read: {", ".join(map(str, missing))}. Write one that '
            f'does: mmdualkd cache CONFIG --out {cache.folder}-more --views {cache.num_views}, with '
            'the configs of all the terms'
        )


def values_of(cache: TeacherCache, teacher_rows: Tensor | None) -> dict[Reading, Tensor]:
    """The values that the records of a batch hold, in float32.

    Raises:
        ConfigError: If the samples came without records.
    """
    if teacher_rows is None:
        raise ConfigError(f'{KEY}: the samples come without records; mmdualkd.PreflightHook lets the data set add them')
    return cache.layout.values(teacher_rows)
