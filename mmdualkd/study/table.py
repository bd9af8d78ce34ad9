"""The table of a study, in Markdown and line by line."""

import csv
import statistics
from collections.abc import Mapping, Sequence
from typing import IO, Any

from ..errors import listed
from ..machine import in_bytes, in_time
from .costs import step_seconds, teacher_costs
from .runs import Run

GAP = '–'
COLUMNS = (
    *('row', 'split', 'seed', 'teacher', 'status', 'top1', 'seconds', 'step_seconds', 'data_seconds', 'cache'),
    *('config', 'work_dir', 'error'),
)


def markdown(runs: Sequence[Run], record: Mapping[str, Any]) -> str:
    """The whole text: the table, what is missing in it, paired differences, and caches.

    Args:
        runs: All trainings of the study.
        record: What ``study.json`` says.
    """
    parts = [
        record['title'],
        'Top-1 in percent after the last epoch; mean ± sample standard deviation over seeds. Command: '
        f'`{record["command"]}`. Machine: {record["machine"]}.',
        _accuracies(runs, record['splits']),
    ]
    if missing := [run for run in runs if run.state.status != 'finished']:
        parts.append(
            f'{len(missing)} of {len(runs)} trainings are not in it: `{GAP}` is where none is finished, (n of m) where '
            'some are.' + ''.join(f'\n- {run}: {run.state.error or run.state.status}' for run in missing)
        )
    if spoilt := [run for run in runs if run.state.result and run.state.result.undecoded]:
        parts.append(
            "Samples that did not decode in a training's last validation, and were scored as blanks; where they decode "
            'now, take its `finished` away and call the command again, which then validates anew:'
            + ''.join(f'\n- {run}: {run.state.result.undecoded}' for run in spoilt)
        )
    parts += filter(None, [machines_told(runs)])
    others = dict.fromkeys(other for found in record['against'].values() for other in found)
    parts += [_differences(other, record['against']) for other in others]
    if others:
        parts.append(
            f'Paired differences in points over splits and seeds; percentile bootstrap of the pairs, `{GAP}` with '
            'fewer than three or all equal. With few pairs it is too narrow, see docs/studies.md.'
        )
    for cache in record['caches']:
        spent = f', written in {in_time(cache["seconds"])}' if cache['seconds'] is not None else ''
        parts.append(f'Cache `{cache["path"]}`: {cache["records"]:,} records, {in_bytes(cache["bytes"])}{spent}.')
    return '\n\n'.join(parts) + '\n'


def machines_told(runs: Sequence[Run]) -> str | None:
    """What rows ran on, where that is of several kinds: pairs of runs across them share less than their seed says."""
    kinds: dict[str, list[Run]] = {}
    for run in runs:
        if run.state.result and not run.teacher:
            for machine in run.state.result.machines:
                kinds.setdefault(machine, []).append(run)
    if len(kinds) < 2:
        return None
    lines = (
        f'\n- {machine}: {len(ran)} of {listed(list(dict.fromkeys(run.row for run in ran)))}'
        for machine, ran in kinds.items()
    )
    return (
        'Rows ran on machines that round differently, so that trainings of one seed part as those of two seeds do: '
        'differences between rows of one kind are paired, others hardly.' + ''.join(lines)
    )


def write_csv(file: IO[str], runs: Sequence[Mapping[str, Any]]) -> None:
    """Writes a line a training."""
    writer = csv.DictWriter(file, COLUMNS, extrasaction='ignore', lineterminator='\n')
    writer.writeheader()
    writer.writerows(runs)


def _accuracies(runs: Sequence[Run], splits: Sequence[str]) -> str:
    """A row a method, a column a split, their mean seed by seed, and what is known of the costs."""
    costs = teacher_costs(runs)
    steps = {
        name: step_seconds([run for run in runs if run.row == name]) for name in dict.fromkeys(r.row for r in runs)
    }
    head = ['', *splits, 'mean of the splits', 'seeds', 'seconds a run']
    head += ['seconds a step'] if any(steps.values()) else []
    head += ['teachers in it'] if costs else []
    lines = [_line(head), '|' + ' --- |' * len(head)]
    for name, step in steps.items():
        of_row = [run for run in runs if run.row == name]
        seeds = list(dict.fromkeys(run.seed for run in of_row))
        known = {(run.split, run.seed): run.top1 for run in of_row}
        columns = [[known.get((split, seed)) for seed in seeds] for split in splits]
        whole = [None if None in values else statistics.mean(values) for values in zip(*columns, strict=True)]
        seconds = [run.state.result.seconds for run in of_row if run.state.result]
        spent = f'{statistics.mean(seconds):.0f}' if seconds and all(seconds) else ''
        cells = [name, *map(_cell, [*columns, whole]), str(len(seeds)), spent]
        cells += ['' if step is None else f'{step:.3g}'] if any(steps.values()) else []
        cells += [f'{costs[name][0]:.3g}' if name in costs else ''] if costs else []
        lines.append(_line(cells))
    if costs:
        named = '; '.join(f'{name} against {other}' for name, (_, other) in costs.items())
        lines.append(f'\nWhat teachers add to a step, in seconds: {named}.')
    return '\n'.join(lines)


def _cell(values: Sequence[float | None]) -> str:
    """Mean and sample standard deviation over seeds; says of how many where some are missing."""
    known = [value for value in values if value is not None]
    if not known:
        return GAP
    text = f'{statistics.mean(known):.1f}' + (f' ± {statistics.stdev(known):.1f}' if len(known) > 1 else '')
    return text if len(known) == len(values) else f'{text} ({len(known)} of {len(values)})'


def _differences(other: str, against: Mapping[str, Mapping[str, Any]]) -> str:
    head = [f'minus {other}', 'pairs', 'mean', '95 % interval', 'above, below', 'sign test']
    lines = [_line(head), '|' + ' --- |' * len(head)]
    for row, found in ((row, found[other]) for row, found in against.items() if other in found):
        mean = GAP if found['mean'] is None else f'{found["mean"]:+.1f}'
        ends = GAP if found['low'] is None else f'{found["low"]:+.1f} to {found["high"]:+.1f}'
        test = GAP if found['sign_p'] is None else f'{found["sign_p"]:.3g}'
        lines.append(_line([row, str(found['pairs']), mean, ends, f'{found["above"]}, {found["below"]}', test]))
    return '\n'.join(lines)


def _line(cells: Sequence[str]) -> str:
    escaped = (cell.replace('|', r'\|') for cell in cells)  # a name may have one
    return f'| {" | ".join(escaped)} |'
