"""The parts of the page of a study: its table, paired differences, curves, cost and what failed."""

import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..machine import in_bytes
from . import charts
from .markup import Html, chart, code_in, facts, row, section, table, tag
from .study import FINISHED, Study
from .training import Curve

SPLITS = 6  # of which curves are drawn
FORESTS = 4  # rows that the others are compared with in a picture; the table has all
ENDS = ('mean', 'low', 'high')
COLUMNS = dict(mean='+.1f', low='+.1f', high='+.1f', sign_p='.2g')
FAILED = 40
LETTERS = 400  # of an error


def study_sections(study: Study) -> list[Html | None]:
    """All parts, in their order."""
    return [results(study), differences(study), curves(study), cost(study), unfinished(study)]


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Mean and sample standard deviation."""
    if not values:
        return ''
    mean = f'{statistics.mean(values):.{digits}f}'
    return mean if len(values) < 2 else f'{mean} ± {statistics.stdev(values):.{digits}f}'


def results(study: Study) -> Html:
    """The table: a row a method, a column a split; of how many where some runs are not finished."""
    teachers = dict.fromkeys(run['row'] for run in study.runs if run.get('teacher'))
    best = max((statistics.mean(study.means(name)) for name in study.rows if study.means(name)), default=None)
    rows = []
    for name in [*teachers, *study.rows]:
        seeds = {run['seed'] for run in study.runs if run['row'] == name}
        tops = [[run['top1'] for run in study.of(name, split)] for split in study.splits]
        means = study.means(name)
        *cells, mean = [_cell(values, len(seeds)) for values in (*tops, means)]
        if means and name in study.rows and statistics.mean(means) == best:
            mean = tag('strong', mean)
        label = f'{name} (teacher)' if name in teachers else name
        cells += [mean] if len(study.splits) > 1 else []
        rows.append((label, *cells, len(seeds)))
    head = ['', *study.splits, *(['mean of the splits'] if len(study.splits) > 1 else []), 'seeds']
    words = 'Top-1 in percent after the last epoch: mean ± sample standard deviation over seeds.'
    return section('Results', tag('p', words, class_='soft'), table(head, rows))


def _cell(values: Sequence[float], seeds: int) -> Any:
    """Mean and spread, and of how many seeds where some are missing."""
    return spread(values) + (f' ({len(values)} of {seeds})' if 0 < len(values) < seeds else '')


def differences(study: Study) -> Html:
    """Paired differences between rows: a picture for some rows, a table of all."""
    others = dict.fromkeys(other for found in study.against.values() for other in found)
    of_other = {
        other: {name: study.against[name][other] for name in study.rows if other in study.against.get(name, {})}
        for other in others
    }
    of_other = {
        other: {name: one for name, one in found.items() if one['mean'] is not None}
        for other, found in of_other.items()
    }
    of_other = {other: found for other, found in of_other.items() if found}
    if not of_other:
        words = 'No two rows were compared: `python tools/run_study.py STUDY --against ROW` compares all with a row.'
        return section('Paired differences', tag('p', *code_in(words)))
    figures = []
    for other, found in list(of_other.items())[:FORESTS]:
        means = '; '.join(f'{name} {one["mean"]:+.1f}' for name, one in found.items())
        picture = charts.forest(
            f'Paired difference to {other} with 95 % intervals, in points of top-1: {means}', list(found),
            [tuple(np.nan if one[end] is None else one[end] for end in ENDS) for one in found.values()],
            title=f'against {charts.short(other)}', xlabel='points of top-1',
        )  # fmt: skip
        words = (
            f'Each row minus “{other}”, paired by split and seed, with a 95 % interval where there are pairs enough.'
        )
        figures.append(chart(picture, words))
    rows = [
        (name, other, one['pairs'], *(number(one[key], style) for key, style in COLUMNS.items()))
        for other, found in of_other.items()
        for name, one in found.items()
    ]
    head = ('row', 'minus', 'pairs', 'mean', '95 % from', 'to', 'sign test p')
    every = tag('details', tag('summary', 'The same as a table'), table(head, rows, text=2))
    return section('Paired differences', row(*figures), every)


def number(value: float | None, style: str) -> str:
    """A number of a table; empty where there is none."""
    return '' if value is None else format(value, style)


def curves(study: Study) -> Html | None:
    """Validation accuracy of each row over the course of training: the mean of the seeds, and their range."""
    figures = []
    for split in study.splits[:SPLITS]:
        means: dict[str, Curve] = {}
        bands = {}
        for name in study.rows:
            logs = [study.training(run) for run in study.of(name, split)]
            found = [log.validations for log in logs if log is not None and log.validations]
            if not found:
                continue
            steps = sorted(set.intersection(*(set(one) for one in found)))
            values = np.array([[one[step] for step in steps] for one in found])
            means[name] = steps, list(values.mean(axis=0))
            if len(found) > 1:
                bands[name] = values.min(axis=0), values.max(axis=0)
        if means:
            ends = ', '.join(f'{name} {values[-1]:.1f}' for name, (_, values) in means.items() if values)
            picture = charts.lines(
                f'Validation top-1 by epoch on {split}, ending at: {ends}', means, bands,
                title=split, xlabel='epoch', ylabel='top-1 %',
            )  # fmt: skip
            figures.append(chart(picture))
    if not figures:
        return None
    words = 'Validation accuracy of each row: the mean over seeds, the band from the worst to the best of them.'
    if len(study.splits) > SPLITS:
        words += f' The first {SPLITS} of {len(study.splits)} splits.'
    return section('Learning curves', tag('p', words, class_='soft'), row(*figures))


def cost(study: Study) -> Html | None:
    """What a run of each row takes, and what caches took."""
    fields = dict(seconds=0, step_seconds=3, data_seconds=3)
    rows = []
    for name in dict.fromkeys(run['row'] for run in study.runs):
        found = study.of(name)
        cells = [
            spread([run[field] for run in found if run.get(field) is not None], digits)
            for field, digits in fields.items()
        ]
        cached = sum(bool(run.get('cache')) for run in found)
        if any(cells):
            rows.append((name, *cells, f'{cached} of {len(found)}'))
    if not rows:
        return None
    head = ('', 'seconds a run', 'seconds a step', 'of these for data', 'runs with a cache')
    parts = [table(head, rows)]
    for cache in study.caches:
        size = in_bytes(cache['bytes']) if cache.get('bytes') is not None else 'unknown size'
        took = f', written in {cache["seconds"]:.0f} s' if cache.get('seconds') is not None else ''
        parts.append(
            tag('p', f'Cache {cache.get("path")}: {cache.get("records")} records, {size}{took}.', class_='soft')
        )
    return section('Cost', *parts)


def unfinished(study: Study) -> Html | None:
    """Runs that failed, with their error, and how many are not done."""
    failed = [run for run in study.runs if run['status'] == 'failed']
    waiting = [run for run in study.runs if run['status'] not in (FINISHED, 'failed')]
    if not failed and not waiting:
        return None
    parts = []
    if waiting:
        parts.append(
            tag(
                'p',
                f'Runs that are not done: {len(waiting)} of {len(study.runs)}; the study’s command goes on with them.',
            )
        )
    if failed:
        head = ('run', 'split', 'seed', 'error')
        rows = [
            (run['row'], run['split'], run['seed'], charts.short(str(run.get('error') or ''), LETTERS))
            for run in failed[:FAILED]
        ]
        words = f'Runs that failed: {len(failed)}' + (
            f', of which these are the first {FAILED}' if len(failed) > FAILED else ''
        )
        parts += [tag('p', words), table(head, rows, text=4)]
    return section('Not finished', *parts)


def study_facts(study: Study) -> Html:
    """Where and how the study ran."""
    rows = [run for run in study.runs if not run.get('teacher')]
    seeds = sorted({run['seed'] for run in rows})
    kinds = dict.fromkeys(machine for run in rows for machine in run.get('machines') or ())
    return facts(
        [
            ('study', study.folder),
            ('command', tag('code', study.command)),
            ('machine', study.machine),
            *([('rows ran on', ', and '.join(kinds))] if len(kinds) > 1 else []),
            ('started', study.started),
            ('seeds', ', '.join(map(str, seeds))),
        ]
    )
