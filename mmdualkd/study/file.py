"""What a study's file may say; see tools/run_study.py."""

import ast
import re
from pathlib import Path

from mmengine.config import Config

from ..arguments import read_written
from ..errors import ConfigError, check_name, nearest
from ..names import DTYPES, MAX_VIEWS
from ..reading import check_file, read_file
from ..top_keys import bases_of, names_in

KEYS = ('title', 'splits', 'rows', 'teachers', 'seeds', 'views', 'cache_dtype', 'against')
FIELDS = dict(teachers=('name', 'config', 'options', 'work_dir'), rows=('name', 'config', 'options', 'seeds'))


def read_study(path: Path) -> Config:
    """Reads a study and refuses what no table can be made of."""
    check_file('study', str(path))
    study = read_file('study', str(path), lazy_import=False)
    own = names_in(path, ast.Store)
    for key in set(study) - set(KEYS) - _names_read(path):  # what it computes with may be called as it likes
        hint = nearest(key, KEYS, cutoff=0.75)
        if hint or (key in own and not key.startswith('_')):  # bases may hold whatever their leaves need
            hint = hint or ('; rows have it' if key in FIELDS['rows'] else '')
            raise ConfigError(f"{path}: nothing reads {key!r}{hint} (a name of one's own begins with '_')")
    for key, kind in dict(title=str, splits=dict, rows=list).items():
        if not isinstance(study.get(key), kind) or not study[key]:
            raise ConfigError(f'{path} needs `{key}`, a {kind.__name__} that is not empty, got {study.get(key)!r}')
    for split, fields in study.splits.items():
        if not isinstance(fields, dict) or not isinstance(fields.get('name'), str):
            raise ConfigError(f'{path}: splits[{split!r}] needs a `name`, as in dict(name="fold1"), got {fields!r}')
        if not isinstance(split, str) or not split.strip() or not split.isprintable():
            raise ConfigError(f'{path}: splits[{split!r}]: the head of a column must be a line of text')
        check_folder_name(f'{path}: splits[{split!r}].name', fields['name'])
        check_options(f'{path}: splits[{split!r}]', fields)
    places = [Path(fields['name']) for fields in study.splits.values()]
    if again := next((place for place in places if places.count(place) > 1), None):
        raise ConfigError(
            f'{path}: two splits have the name {str(again)!r}: each pair would count twice; give them others'
        )
    check_seeds(f'{path}: seeds', study.get('seeds', [0]))
    if study.get('views') is not None and (type(study.views) is not int or not 1 <= study.views <= MAX_VIEWS):
        raise ConfigError(f'{path}: views must be a whole number from 1 to {MAX_VIEWS}, got {study.views!r}')
    place = f'studies/{path.stem}'
    if study.get('views') and (read := read_written(place)) != place:
        raise ConfigError(
            f'{path}: its caches lie in a folder of its name, which would reach the trainings as {read!r}: give the '
            'file a name without commas and brackets'
        )
    study.cache_dtype = study.get('cache_dtype', 'float16')
    check_name(f'{path}: cache_dtype', study.cache_dtype, DTYPES, 'type of what a cache keeps')
    if not isinstance(study.get('teachers', []), list):
        raise ConfigError(f'{path}: teachers must be a list, got {study.teachers!r}')
    names: dict[str, None] = {}
    for key, known in FIELDS.items():
        for number, row in enumerate(study.get(key, [])):
            where = f'{path}: {key}[{number}]'
            for field in ('name', 'config'):
                if not isinstance(row, dict) or not isinstance(row.get(field), str):
                    raise ConfigError(f'{where} needs a `{field}`, a str, got {row!r}')
            for field in row:
                if field not in known:
                    raise ConfigError(f'{where} ({row.name}): {field!r} is no field of it{nearest(field, known)}')
            if row.name in names:
                raise ConfigError(f'{where}: there is a row or teacher of the name {row.name!r} already')
            names[row.name] = None
            check_folder_name(f'{where}.name', row.name.replace('/', '-'))
            if not isinstance(row.get('work_dir', ''), str):
                raise ConfigError(f'{where}.work_dir must be a str, got {row.work_dir!r}')
            if 'work_dir' in row and not (row.work_dir.strip() and row.work_dir.isprintable()):
                raise ConfigError(f'{where}.work_dir must name a folder, got {row.work_dir!r}')
            check_options(where, row)
            check_seeds(f'{where}.seeds', row.get('seeds', [0]))
    against = study.get('against', [])
    study.against = [against] if isinstance(against, str) else against
    if not isinstance(study.against, list):
        raise ConfigError(f'{path}: against must be the name of a row, or a list of them, got {against!r}')
    for name in study.against:
        check_name(f'{path}: against', name, names, 'row or teacher')
    return study


def _names_read(path: Path) -> set[str]:
    """The variables that a study reads itself, and those that what it inherits does."""
    return names_in(path, ast.Load).union(*map(_names_read, bases_of(path)))


def check_folder_name(key: str, name: str) -> None:
    """Refuses a name that would lead out of the study's folder, or cannot be that of a folder."""
    parts = name.split('/')
    long = max(len(part.encode()) for part in parts) > 255
    if long or {'', '.', '..'} & set(parts) or re.search(r'[\x00-\x1f]', name):
        raise ConfigError(f'{key} must be fit for a folder inside that of the study, got {name!r}')


def check_options(where: str, fields: dict) -> None:
    """Refuses ``options`` that are no dict, and values that ``--cfg-options`` would read as others."""
    options = fields.get('options', {})
    if not isinstance(options, dict):
        raise ConfigError(f'{where}.options must be a dict, got {options!r}')
    for key, value in options.items():
        if not isinstance(key, str):
            raise ConfigError(f'{where}.options: {key!r} is no name of a setting')
        read = read_written(value)
        written = isinstance(value, str) and (value[:1] in ('[', '(') or not isinstance(read, str | list))  # as there
        if not written and read != (str(value) if isinstance(value, Path) else value):
            raise ConfigError(
                f'{where}.options[{key!r}]: {value!r} would reach the training as {read!r}: give it in a config of the '
                "row's own (of a dict, each setting by its whole name)"
            )


def check_seeds(key: str, seeds: object) -> None:
    """Refuses what is no list of seeds."""
    if not isinstance(seeds, list | tuple) or not seeds or any(type(seed) is not int or seed < 0 for seed in seeds):
        raise ConfigError(f'{key} must be a list of whole numbers from 0, got {seeds!r}')
    if len(set(seeds)) < len(seeds):
        raise ConfigError(f'{key}: a seed stands there twice, which would be one training: {list(seeds)}')
