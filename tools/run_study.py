"""Trains the rows of a table over splits and seeds, through tools/train.py, and writes the table with its spread."""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config

import mmdualkd  # noqa: F401  (first: it mends the stack)

# isort: split
from shared_teachers import config_of, group_of, views_option, write_cache
from study_file import read_study

from mmdualkd.arguments import CfgOptions, whole_number
from mmdualkd.errors import ConfigError, DataError, check_name, nearest
from mmdualkd.files import check_folder, open_whole
from mmdualkd.launch import check_file, run_tool

ROOT = Path(__file__).resolve().parents[1]
METRICS = {'acc/top1': 100, 'accuracy/top1': 1}  # MMAction2's and MMPretrain's, and what makes them percent

EPILOG = """
A study is a small Python file (see tools/studies/) with `title`, `splits` (a dict from a column's head to the fields
that configs fill in, and `options` for --cfg-options), `teachers` (configs trained once a split, first) and `rows`
(`name`, `config`, `options`, `seeds`). Runs that are finished are not run again, so a stopped study goes on when called
again. With `views` (a number, such as that of the epochs) every row draws each sample in so many ways and no more, and
rows of the same teachers share one cache of them, which is written first; without it teachers run in every row.
"""


@dataclass
class Run:
    """One training."""

    row: str
    split: str
    seed: int
    config: str
    work_dir: Path
    options: dict
    cache: Path | None = None

    def top1(self) -> float | None:
        """Last validation top-1 in percent, once the run is finished."""
        if not (self.work_dir / 'finished').exists():
            return None
        logs = sorted(self.work_dir.glob('*/vis_data/scalars.json'))
        entries = [json.loads(line) for log in logs for line in log.open()]
        found = [scale * entry[name] for entry in entries for name, scale in METRICS.items() if name in entry]
        if not found:
            raise DataError(f'{self}: {str(self.work_dir)!r} is finished, but its logs have no {" or ".join(METRICS)}')
        return found[-1]

    def __str__(self) -> str:
        return f'{self.row}, {self.split}, seed {self.seed}'

    @property
    def seconds(self) -> float | None:
        """How long the training took since it was last begun, once it is finished."""
        text = (self.work_dir / 'finished').read_text().split()
        return float(text[0]) if text else None  # an older study's file is empty

    @property
    def settings(self) -> dict:
        """Config and options, as a file holds them."""
        return json.loads(json.dumps(dict(config=self.config, **self.options), default=str))

    @property
    def file(self) -> str:
        """The config: a file of the user's, else one beside this tool, as in a wheel."""
        beside = ROOT / self.config
        return str(beside) if not Path(self.config).is_file() and beside.is_file() else self.config

    def check(self) -> None:
        """Refuses a config that is not there, and a work directory that holds a training with other settings.

        One without ``settings.json``, of an older study or of tools/train.py, is taken for this training.
        """
        check_file(f'{self}: config', self.file)
        place = self.work_dir / 'settings.json'
        if place.is_file() and any((self.work_dir / name).exists() for name in ('finished', 'last_checkpoint')):
            refuse_others(self, json.loads(place.read_text()), 'was trained', 'remove or rename it to train anew')

    def train(self, threads: int) -> None:
        """Runs tools/train.py to its end; its output goes to ``train.log`` in the work directory."""
        check_folder(f'{self}: work directory', self.work_dir)
        with open_whole(self.work_dir / 'settings.json', 'w') as file:
            json.dump(self.settings, file, indent=1)
        words = [sys.executable, str(ROOT / 'tools' / 'train.py'), self.file]
        words += ['--work-dir', str(self.work_dir), '--seed', str(self.seed), '--resume', '--cfg-options']
        words += [f'{key}={value}' for key, value in self.options.items()]
        words += [f'model.teacher_cache={self.cache}'] if self.cache else []
        words += ['default_hooks.checkpoint.save_best=None', 'default_hooks.checkpoint.max_keep_ckpts=1']
        env = {**os.environ, 'OMP_NUM_THREADS': str(threads), 'MKL_NUM_THREADS': str(threads)}
        begin = time.time()
        with (self.work_dir / 'train.log').open('w') as log:
            done = subprocess.run(words, stdout=log, stderr=subprocess.STDOUT, env=env)
        if done.returncode:
            tail = (self.work_dir / 'train.log').read_text().strip().splitlines()[-1:]
            raise SystemExit(f'{self} failed: {" ".join(tail)} ({log.name})')
        with open_whole(self.work_dir / 'finished', 'w') as file:
            file.write(f'{time.time() - begin:.0f} s\n')


def refuse_others(run: Run, settings: dict, what: str, cure: str) -> None:
    """Raises a :class:`ConfigError` that names the first of ``settings`` that is not the run's."""
    for key in {**settings, **run.settings}:
        there, here = (f'{key}={one[key]!r}' if key in one else f'no {key}' for one in (settings, run.settings))
        if there != here:
            raise ConfigError(f'{run}: {str(run.work_dir)!r} {what} with {there}, this one has {here}; {cure}')


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('study', type=Path, help='file that defines the study (tools/studies/*.py)')
    parser.add_argument('--jobs', type=whole_number(1), default=2, help='trainings at a time (default 2)')
    parser.add_argument('--threads', type=whole_number(1), default=1, help='CPU threads of each training (default 1)')
    parser.add_argument('--rows', nargs='+', help='only these rows and teachers, by name')
    parser.add_argument('--splits', nargs='+', help='only these columns, by name')
    parser.add_argument('--out', type=Path, help='file for the table (default: <work dir of the study>/table.md)')
    parser.add_argument('--cfg-options', nargs='+', action=CfgOptions, default={}, help='for every training')
    return parser.parse_args()


def fill_in(row: dict, split: str, fields: dict) -> str:
    """The path of a row's config, its fields in braces filled in with those of a split."""
    try:
        return row['config'].format(**fields)
    except (KeyError, IndexError) as error:
        name = str(error.args[0])
        raise ConfigError(
            f'{row["name"]}: config={row["config"]!r} has the field {name!r}, which splits[{split!r}] does not give'
            f'{nearest(name, fields)}'
        ) from error
    except ValueError as error:
        raise ConfigError(f'{row["name"]}: config={row["config"]!r}: {error}') from error


def plan(study: Config, folder: Path, extra: dict) -> Iterator[tuple[str, list[Run]]]:
    """Gives the runs in two stages: teachers in the places where configs look for them, then the rows."""
    stages = dict(teachers=[dict(row, seeds=[0]) for row in study.get('teachers', [])], rows=study.rows)
    for stage, rows in stages.items():
        runs = []
        for row in rows:
            for split, fields in study.splits.items():
                config = fill_in(row, split, fields)
                for seed in row.get('seeds', study.get('seeds', [0, 1, 2])):
                    place = Path('work_dirs') / Path(config).stem
                    if stage == 'rows':
                        place = (
                            folder / row['name'].replace(' ', '_').replace('/', '-') / fields['name'] / f'seed{seed}'
                        )
                    options = {**row.get('options', {}), **fields.get('options', {}), **extra}
                    run = Run(row['name'], split, seed, config, place, options)
                    if stage == 'rows' and study.get('views'):
                        check_file(f'{run}: config', run.file)
                        run.options = {**views_option(run.file, study.views), **options}
                    runs.append(run)
        yield stage, runs


def run_all(waiting: list[Run], jobs: int, threads: int) -> None:
    """Trains some at a time, and says how far it is and how long the rest takes."""
    begin, done = time.time(), 0

    def one(run: Run) -> Run:
        run.train(threads)
        return run

    with ThreadPoolExecutor(jobs) as pool:
        for future in [pool.submit(one, run) for run in waiting]:
            try:
                run = future.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)  # those that run end by themselves
                raise
            done += 1
            left = (time.time() - begin) / done * (len(waiting) - done) / 60
            print(f'[{done}/{len(waiting)}] {run}: {run.top1():.1f} %, '
                  f'{left:.0f} min left', flush=True)  # fmt: skip


def share_teachers(runs: list[Run], chosen: list[Run], folder: Path, views: int, threads: int) -> None:
    """Lets the runs that are to be trained read their teachers from caches, written for all runs of the study.

    Args:
        runs: All rows of the study.
        chosen: Those that are to be trained.
        folder: The study's.
        views: Draws of each sample.
        threads: CPU threads.
    """
    groups: dict[str, dict[str, Config]] = {}
    for run in runs:
        cfg = config_of(run.file, run.options)
        if group := group_of(cfg):
            groups.setdefault(group, {})[str(run)] = cfg
    for configs in groups.values():
        if waiting := [run for run in chosen if str(run) in configs]:
            cache = write_cache(configs, folder / 'teachers', views, threads)
            for run in waiting:
                run.cache = cache


def cell(values: list[float]) -> str:
    """Mean and sample standard deviation over seeds."""
    mean = f'{statistics.mean(values):.1f}'
    return mean if len(values) < 2 else f'{mean} ± {statistics.stdev(values):.1f}'


def table(study: Config, runs: list[Run]) -> str:
    """The table in Markdown: a row a method, a column a split, and their mean seed by seed."""
    splits = list(study.splits)
    head = ['', *splits, 'mean of the splits', 'seeds', 'seconds a run']
    lines = [f'| {" | ".join(head)} |', '|' + ' --- |' * len(head)]
    for name in dict.fromkeys(run.row for run in runs):
        of_row = [run for run in runs if run.row == name]
        by_seed: dict[int, dict[str, float]] = {}
        for run in of_row:
            by_seed.setdefault(run.seed, {})[run.split] = run.top1()
        columns = [[values[split] for values in by_seed.values()] for split in splits]
        means = [statistics.mean(values.values()) for values in by_seed.values()]
        seconds = [run.seconds for run in of_row]
        spent = f'{statistics.mean(seconds):.0f}' if all(seconds) else ''
        lines.append(f'| {name} | {" | ".join(map(cell, [*columns, means]))} | {len(by_seed)} | {spent} |')
    return '\n'.join(lines)


def main() -> None:
    """Runs a study."""
    args = parse_args()
    study = read_study(args.study)
    folder = Path('work_dirs') / 'studies' / args.study.stem
    names = dict(rows=[row['name'] for row in (*study.get('teachers', []), *study.rows)], splits=list(study.splits))
    for key, known in names.items():
        for name in getattr(args, key) or ():
            check_name(f'--{key}', name, known, f'{key[:-1]} of {args.study}')
    study.splits = {name: fields for name, fields in study.splits.items() if name in (args.splits or study.splits)}
    stages = dict(plan(study, folder, args.cfg_options))
    all_rows = stages['rows']
    if args.rows:
        stages = {stage: [run for run in runs if run.row in args.rows] for stage, runs in stages.items()}
    places: dict[Path, Run] = {}
    for run in (run for runs in stages.values() for run in runs):
        run.check()
        first = places.setdefault(run.work_dir, run)
        refuse_others(run, first.settings, f'is that of {first}', 'give them other names')
    out = args.out or folder / 'table.md'
    check_folder('--out', out.parent)
    if out.is_dir():
        raise ConfigError(f'--out={str(out)!r} is a folder; name a file in it')
    done = []
    for stage, runs in stages.items():
        by_place = {run.work_dir: run for run in runs}  # splits may share a teacher, which is then trained once
        waiting = [run for run in by_place.values() if run.top1() is None]
        print(f'{stage}: {len(by_place)} trainings, {len(waiting)} to do', flush=True)
        if stage == 'rows' and study.get('views'):
            share_teachers(all_rows, waiting, folder, study.views, args.jobs * args.threads)
        run_all(waiting, args.jobs, args.threads)
        done += runs
    import torch

    machine = f'{platform.processor() or platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}'
    text = (
        f'{study.title}\n\nTop-1 in percent after the last epoch; mean ± sample standard deviation over seeds. '
        f'Command: `python tools/run_study.py {args.study}`. Machine: {machine}.\n\n{table(study, done)}\n'
    )
    with open_whole(out, 'w') as file:
        file.write(text)
    print(f'\n{text}\n{out}')


if __name__ == '__main__':
    run_tool(main)
