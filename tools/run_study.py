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

from mmengine.config import Config, DictAction

from mmdualkd.errors import DistillError, check_name

ROOT = Path(__file__).resolve().parents[1]
METRICS = {'acc/top1': 100, 'accuracy/top1': 1}  # MMAction2's and MMPretrain's, and what makes them percent

EPILOG = """
A study is a small Python file (see tools/studies/) with `title`, `splits` (a dict from a column's head to the fields
that configs fill in, and `options` for --cfg-options), `teachers` (configs trained once a split, first) and `rows`
(`name`, `config`, `options`, `seeds`). Runs that are finished are not run again, so a stopped study goes on when called
again.
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

    def top1(self) -> float | None:
        """Last validation top-1 in percent, once the run is finished."""
        if not (self.work_dir / 'finished').exists():
            return None
        logs = sorted(self.work_dir.glob('*/vis_data/scalars.json'))
        entries = [json.loads(line) for log in logs for line in log.open()]
        return [scale * entry[name] for entry in entries for name, scale in METRICS.items() if name in entry][-1]

    def train(self, threads: int) -> None:
        """Runs tools/train.py to its end; its output goes to ``train.log`` in the work directory."""
        self.work_dir.mkdir(parents=True, exist_ok=True)
        words = [sys.executable, str(ROOT / 'tools' / 'train.py'), self.config]
        words += ['--work-dir', str(self.work_dir), '--seed', str(self.seed), '--resume', '--cfg-options']
        words += [f'{key}={value}' for key, value in self.options.items()]
        words += ['default_hooks.checkpoint.save_best=None', 'default_hooks.checkpoint.max_keep_ckpts=1']
        env = {**os.environ, 'OMP_NUM_THREADS': str(threads), 'MKL_NUM_THREADS': str(threads)}
        with (self.work_dir / 'train.log').open('w') as log:
            done = subprocess.run(words, stdout=log, stderr=subprocess.STDOUT, env=env)
        if done.returncode:
            tail = (self.work_dir / 'train.log').read_text().strip().splitlines()[-1:]
            raise SystemExit(f'{self.row}, {self.split}, seed {self.seed} failed: {" ".join(tail)} ({log.name})')
        (self.work_dir / 'finished').touch()


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('study', type=Path, help='file that defines the study (tools/studies/*.py)')
    parser.add_argument('--jobs', type=int, default=2, help='trainings at a time (default 2)')
    parser.add_argument('--threads', type=int, default=1, help='CPU threads of each training (default 1)')
    parser.add_argument('--rows', nargs='+', help='only these rows and teachers, by name')
    parser.add_argument('--splits', nargs='+', help='only these columns, by name')
    parser.add_argument('--out', type=Path, help='file for the table (default: <work dir of the study>/table.md)')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, default={}, help='for every training')
    return parser.parse_args()


def plan(study: Config, folder: Path, extra: dict) -> Iterator[tuple[str, list[Run]]]:
    """Gives the runs in two stages: teachers in the places where configs look for them, then the rows."""
    stages = dict(teachers=[dict(row, seeds=[0]) for row in study.get('teachers', [])], rows=study.rows)
    for stage, rows in stages.items():
        runs = []
        for row in rows:
            for split, fields in study.splits.items():
                config = row['config'].format(**fields)
                for seed in row.get('seeds', study.get('seeds', [0, 1, 2])):
                    place = Path('work_dirs') / Path(config).stem
                    if stage == 'rows':
                        place = (
                            folder / row['name'].replace(' ', '_').replace('/', '-') / fields['name'] / f'seed{seed}'
                        )
                    runs.append(
                        Run(
                            row['name'],
                            split,
                            seed,
                            config,
                            place,
                            {**row.get('options', {}), **fields.get('options', {}), **extra},
                        )
                    )
        yield stage, runs


def run_all(waiting: list[Run], jobs: int, threads: int) -> None:
    """Trains some at a time, and says how far it is and how long the rest takes."""
    begin, done = time.time(), 0

    def one(run: Run) -> Run:
        run.train(threads)
        return run

    with ThreadPoolExecutor(jobs) as pool:
        for future in [pool.submit(one, run) for run in waiting]:
            run = future.result()
            done += 1
            left = (time.time() - begin) / done * (len(waiting) - done) / 60
            print(f'[{done}/{len(waiting)}] {run.row}, {run.split}, seed {run.seed}: {run.top1():.1f} %, '
                  f'{left:.0f} min left', flush=True)  # fmt: skip


def cell(values: list[float]) -> str:
    """Mean and sample standard deviation over seeds."""
    mean = f'{statistics.mean(values):.1f}'
    return mean if len(values) < 2 else f'{mean} ± {statistics.stdev(values):.1f}'


def table(study: Config, runs: list[Run]) -> str:
    """The table in Markdown: a row a method, a column a split, and their mean seed by seed."""
    splits = list(study.splits)
    head = ['', *splits, 'mean of the splits', 'seeds']
    lines = [f'| {" | ".join(head)} |', '|' + ' --- |' * len(head)]
    for name in dict.fromkeys(run.row for run in runs):
        of_row = [run for run in runs if run.row == name]
        by_seed: dict[int, dict[str, float]] = {}
        for run in of_row:
            by_seed.setdefault(run.seed, {})[run.split] = run.top1()
        columns = [[values[split] for values in by_seed.values()] for split in splits]
        means = [statistics.mean(values.values()) for values in by_seed.values()]
        lines.append(f'| {name} | {" | ".join(map(cell, [*columns, means]))} | {len(by_seed)} |')
    return '\n'.join(lines)


def main() -> None:
    """Runs a study."""
    args = parse_args()
    study = Config.fromfile(args.study, lazy_import=False)
    folder = Path('work_dirs') / 'studies' / args.study.stem
    names = dict(rows=[row['name'] for row in (*study.get('teachers', []), *study.rows)], splits=list(study.splits))
    for key, known in names.items():
        for name in getattr(args, key) or ():
            check_name(f'--{key}', name, known, f'{key[:-1]} of {args.study}')
    study.splits = {name: fields for name, fields in study.splits.items() if name in (args.splits or study.splits)}
    done = []
    for stage, runs in plan(study, folder, args.cfg_options):
        if args.rows:
            runs = [run for run in runs if run.row in args.rows]
        by_place = {run.work_dir: run for run in runs}  # splits may share a teacher, which is then trained once
        waiting = [run for run in by_place.values() if run.top1() is None]
        print(f'{stage}: {len(by_place)} trainings, {len(waiting)} to do', flush=True)
        run_all(waiting, args.jobs, args.threads)
        done += runs
    import torch

    machine = f'{platform.processor() or platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}'
    text = (
        f'{study.title}\n\nTop-1 in percent after the last epoch; mean ± sample standard deviation over seeds. '
        f'Command: `python tools/run_study.py {args.study}`. Machine: {machine}.\n\n{table(study, done)}\n'
    )
    out = args.out or folder / 'table.md'
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text)
    print(f'\n{text}\n{out}')


if __name__ == '__main__':
    try:
        main()
    except DistillError as error:
        raise SystemExit(f'{type(error).__name__}: {error}') from error
