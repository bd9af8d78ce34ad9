"""Trains the rows of a table over splits and seeds, several at once, and writes the table with its spread and costs."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import mmdualkd  # noqa: F401  (first: it mends the stack)

# isort: split
from mmengine.config import Config

from mmdualkd.arguments import CfgOptions, file_path, whole_number
from mmdualkd.errors import ConfigError, check_name
from mmdualkd.files import check_folder, shown
from mmdualkd.launch import run_tool
from mmdualkd.processes import locked
from mmdualkd.study.caches import share_teachers
from mmdualkd.study.configs import config_of, files_of
from mmdualkd.study.file import read_study
from mmdualkd.study.record import Record
from mmdualkd.study.runs import Run, by_place, plan
from mmdualkd.study.time_left import time_left
from mmdualkd.study.training import train_all

EPILOG = """
A study is a small Python file (see tools/studies/ and docs/studies.md) with `title`, `splits` (a dict from a column's
head to the fields that configs fill in, and `options` for --cfg-options), `teachers` (configs trained once a split,
first), `rows` (`name`, `config`, `options`, `seeds`) and `against` (rows that all are compared with). Trainings that
are finished are not run again, those that were stopped go on, those that failed are tried again; one that fails stops
no other. With `views` (a number, such as that of the epochs) every row draws each sample in so many ways and no more,
and rows of the same teachers share one cache of them (`cache_dtype`, float16), which is written first; without it
teachers run in every row.
"""


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('study', type=Path, help='file that defines the study (tools/studies/*.py)')
    parser.add_argument('--jobs', type=whole_number(1), default=2, help='trainings at a time (default 2)')
    parser.add_argument('--threads', type=whole_number(1), default=1, help='CPU threads of each training (default 1)')
    parser.add_argument(
        '--rows', nargs='+', action='extend', help='train only these rows and teachers, and the teachers they lack'
    )
    parser.add_argument('--splits', nargs='+', action='extend', help='train only for these columns, by name')
    parser.add_argument(
        '--seeds', nargs='+', action='extend', type=whole_number(0), help='train rows only with these seeds'
    )
    parser.add_argument(
        '--against', nargs='+', action='extend', help="rows that all are compared with, not the study's"
    )
    parser.add_argument('--out', type=file_path, help='file for the table (default: <work dir of the study>/table.md)')
    parser.add_argument('--dry-run', action='store_true', help='list the trainings and how long they take; train none')
    parser.add_argument('--cfg-options', nargs='+', action=CfgOptions, default={}, help='for every training')
    return parser.parse_args()


def main() -> None:
    """Runs a study."""
    args = parse_args()
    study = read_study(args.study)
    folder = Path('work_dirs') / 'studies' / args.study.stem
    rows = [row['name'] for row in (*study.get('teachers', []), *study.rows)]
    for key, known in dict(rows=rows, splits=list(study.splits), against=rows).items():
        for name in getattr(args, key) or ():
            check_name(f'--{key}', name, known, f'{"split" if key == "splits" else "row"} of {args.study}')
    runs = list(plan(study, folder, args.cfg_options))
    chosen = [run for run in runs if run.row in (args.rows or rows) and run.split in (args.splits or study.splits)]
    if args.seeds:
        chosen = of_seeds(chosen, args.seeds)
    out = args.out or folder / 'table.md'
    if args.out:
        check_out(out, make=not args.dry_run)
    look(runs)
    chosen = with_teachers(runs, chosen)
    for run in chosen:
        run.check()
    words = (study, runs, folder, args.against or study.against, ['python', *sys.argv])
    if args.dry_run:
        Record(*words)
        list_runs(chosen, args.jobs)
        return
    check_folder('work directory of the study', folder)
    check_out(out)
    with locked(folder, 'work directory of the study'):
        record = Record(*words)
        train(study, runs, chosen, record, args.jobs, args.threads)
        record.write()
        print(f'\n{record.write_table(out)}\n{out}')
    failed, held = ([run for run in by_place(chosen) if run.state.status == name and run.state.error]
                    for name in ('failed', 'waiting'))  # fmt: skip
    if failed:
        named = '; '.join(f'{run}: {run.state.error}' for run in failed)
        more = f'; {len(held)} wait for a teacher' if held else ''
        raise SystemExit(f'{len(failed)} of {len(by_place(chosen))} trainings failed: {named}{more}')


def check_out(out: Path, make: bool = True) -> None:
    """Refuses a place where no table can be written.

    Args:
        out: The table's file.
        make: Makes its folder, and looks whether it can be written.
    """
    if make:
        check_folder('--out', out.parent)
    if out.exists() and not out.is_file():
        raise ConfigError(f'--out={str(out)!r} is a {"folder; name a file in it" if out.is_dir() else "device"}')


def of_seeds(chosen: Sequence[Run], seeds: Sequence[int]) -> list[Run]:
    """Those trainings of rows that have one of these seeds, and the teachers, which have none to choose."""
    known = sorted({run.seed for run in chosen if not run.teacher})
    for seed in seeds:
        if known and seed not in known:
            there = ', '.join(map(str, known))
            raise ConfigError(f'--seeds={seed} is a seed of no row that is chosen: these have {there}')
    return [run for run in chosen if run.teacher or run.seed in seeds]


def look(runs: Iterable[Run]) -> None:
    """Finds out which trainings are finished."""
    for run in by_place(runs):
        run.look()


def with_teachers(runs: Sequence[Run], chosen: Sequence[Run]) -> list[Run]:
    """Adds the study's teachers that write what trainings to do read and is not there yet."""
    along: list[Run] = []
    for run in chosen:
        if run.teacher or run.state.status == 'finished':
            continue
        for path in reads(run):
            writers = [one for one in runs if one.teacher and one.work_dir.absolute() in path.parents]
            if writers and not path.exists():
                refuse_finished(run, path, writers[0])
                along += writers
    if names := ', '.join(dict.fromkeys(run.row for run in along if run not in chosen)):
        print(f'{names}: trained first, chosen rows read checkpoints that are not there yet', flush=True)
    return [run for run in runs if run in chosen or run in along]


def refuse_finished(run: Run, path: Path, teacher: Run) -> None:
    """Refuses a training that reads what its teacher, which is not trained again, has not written."""
    if teacher.state.status == 'finished':
        there = ', '.join(sorted(file.name for file in teacher.work_dir.glob('*.pth'))) or 'none'
        raise ConfigError(
            f'{run} reads {shown(path)}, which is not there, but {teacher} is finished (its checkpoints: {there}): '
            f'name one of these, or remove or rename {str(teacher.work_dir)!r} to train it anew'
        )


def list_runs(chosen: Sequence[Run], jobs: int) -> None:
    """Prints what is finished, and what is to do."""
    for run in by_place(chosen):
        state = run.state
        told = f'finished, {run.top1:.1f} %' if state.status == 'finished' else 'to do'
        print(f'{run}: {told}{state.error and f" (failed before: {state.error})" or ""}')
    reset(chosen)
    print(f'{jobs} at a time: {time_left(chosen, {}, jobs) or "nothing left"}')


def reset(chosen: Iterable[Run]) -> None:
    """Lets all that is not finished wait, what failed before, too."""
    for run in chosen:
        if run.state.status != 'finished':
            run.state.status, run.state.error = 'waiting', None


def train(study: Config, runs: Sequence[Run], chosen: Sequence[Run], record: Record, jobs: int, threads: int) -> None:
    """Trains what is chosen and not finished: teachers, then their caches, then rows."""
    reset(chosen)
    for stage in ('teachers', 'rows'):
        of_stage = by_place(run for run in chosen if run.teacher == (stage == 'teachers'))
        waiting = [run for run in of_stage if run.state.status == 'waiting']
        print(f'{stage}: {len(of_stage)} trainings, {len(waiting)} to do', flush=True)
        if stage == 'rows':
            rows = [run for run in runs if not run.teacher]
            hold_back(rows, waiting, [run for run in by_place(chosen) if run.teacher and run.state.status == 'failed'])
            waiting = [run for run in waiting if not run.state.error]
            if study.get('views'):
                kept = record.folder, study.views, study.cache_dtype
                share_teachers(rows, waiting, *kept, jobs * threads, record.add_cache)
                waiting = [run for run in waiting if not run.state.error]
        train_all(waiting, jobs, threads, lambda begun: time_left(chosen, begun, jobs), record.write)


def hold_back(rows: Iterable[Run], waiting: Sequence[Run], failed: Iterable[Run]) -> None:
    """Lets trainings wait that need a teacher which failed: those whose configs name a file in its work directory."""
    for teacher in failed:
        readers = [run for run in rows if any(teacher.work_dir.absolute() in path.parents for path in reads(run))]
        held = [run for run in readers if run in waiting]
        for run in held:
            run.state.error = f'waits for {teacher}, which failed'
        names = ', '.join(dict.fromkeys(run.row for run in held))
        if held:
            print(f'{teacher} failed: what needs it waits ({names})', flush=True)
        elif waiting and not readers:
            print(f'{teacher} failed: no row names a file in {teacher.work_dir}, so which need it is not known, '
                  'and all are trained', flush=True)  # fmt: skip


def reads(run: Run) -> list[Path]:
    """The files that a training is known to read: checkpoints of its teachers, for one."""
    try:
        cfg = config_of(run.file, run.options)
    except ConfigError:  # its own training tells it
        return []
    if cfg.model.get('teacher_cache'):  # its teachers' files may be gone
        cfg.model.teachers = None
    return files_of(cfg)


if __name__ == '__main__':
    run_tool(main)
