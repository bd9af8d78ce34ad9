"""The whole job in minutes: draws clips, trains a small CNN alone and with two teachers, tests, exports, compares.

    python tools/demo.py

Everything lands in ``work_dirs/demo``: the runs with their logs, ``summary.json``, ``demo.png``, and the exported
student under ``export/``. The teachers ship beside their configs (``tools/make_demo_teachers.py`` made them).
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONFIGS, TOOLS = ROOT / 'configs' / 'demo', ROOT / 'tools'
FOLDER = Path('work_dirs/demo')
CLIPS = FOLDER / 'clips'  # where the configs look
TRAIN_CLIPS, TEST_CLIPS = 100, 1000
TEACHERS = ('vit', 'cnn')
STUDENTS = dict(student_alone='student alone', student_distilled='student distilled')


@dataclass
class Job:
    """One call of a tool, in a process of its own with one thread."""

    name: str
    words: list[str]
    work_dir: Path
    weight: float  # how long it takes, compared with the others
    epochs: int = 0
    seconds: float = 0.0
    done: bool = False

    def run(self) -> None:
        """Runs it to its end; its output goes to ``output.log`` in the work directory."""
        self.work_dir.mkdir(parents=True, exist_ok=True)
        start, log = time.time(), self.work_dir / 'output.log'
        words = [sys.executable, *self.words, '--work-dir', str(self.work_dir)]
        env = {**os.environ, 'OMP_NUM_THREADS': '1', 'MKL_NUM_THREADS': '1'}
        with log.open('w') as file:
            code = subprocess.run(words, stdout=file, stderr=subprocess.STDOUT, env=env).returncode
        if code:
            lines = log.read_text().strip().splitlines()
            raise SystemExit(f'{self.name} failed: {lines[-1] if lines else code} (all of it: {log})')
        self.seconds, self.done = time.time() - start, True

    def fraction(self) -> float:
        """How much of it is done, in 0 to 1."""
        if self.done or not self.epochs:
            return float(self.done)
        return min([entry['epoch'] for entry in scalars(self.work_dir) if 'loss' in entry][-1:] or [0]) / self.epochs

    def top1(self) -> float:
        """The last top-1 accuracy that it measured, in percent."""
        logs = [*self.work_dir.glob('*/vis_data/scalars.json'), *self.work_dir.glob('*/*.json')]
        values = [entry['acc/top1'] for log in logs for entry in read_lines(log) if 'acc/top1' in entry]
        return round(100 * values[-1], 2)


def read_lines(path: Path) -> Iterator[dict]:
    """The entries of one of MMEngine's logs, a JSON object a line."""
    for line in path.read_text().splitlines():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:  # a line that is being written
            return


def scalars(work_dir: Path) -> list[dict]:
    """What a training logged, in order."""
    return [entry for log in sorted(work_dir.glob('*/vis_data/scalars.json')) for entry in read_lines(log)]


def run_all(jobs: list[Job], parallel: int) -> None:
    """Runs jobs, some at a time, and says how far they are and how long the rest takes."""
    start, total = time.time(), sum(job.weight for job in jobs)
    with ThreadPoolExecutor(parallel) as pool:
        waiting = {pool.submit(job.run): job for job in jobs}
        told, shown = set(), 0.0
        while len(told) < len(jobs):
            time.sleep(0.5)
            for future, job in waiting.items():
                if future.done() and job.name not in told:
                    try:
                        future.result()
                    except BaseException:
                        pool.shutdown(wait=False, cancel_futures=True)
                        raise
                    told.add(job.name)
                    say(f'{job.name}: {job.top1():.1f} % top-1, {job.seconds:.0f} s')
            part = sum(job.weight * job.fraction() for job in jobs) / total
            if time.time() - shown > 15 and 0.02 < part < 1:
                shown, spent = time.time(), time.time() - start
                say(f'{100 * part:.0f} % of the trainings, about {spent / part * (1 - part):.0f} s left')


def say(text: str) -> None:
    """Prints a line with the seconds since the start."""
    print(f'[{time.time() - START:4.0f} s] {text}', flush=True)


START = time.time()


def measure_size(config: Path) -> tuple[int, float]:
    """Parameters, and GFLOPs (multiply-adds, 1e9) of one clip, of a recognizer's config."""
    import torch
    from mmengine.analysis import get_model_complexity_info
    from mmengine.config import Config
    from mmengine.registry import MODELS, init_default_scope

    cfg = Config.fromfile(config)
    init_default_scope('mmaction')
    model = MODELS.build(cfg.model).eval()
    model.forward = lambda clip: model.extract_feat(clip, stage='head')[0]
    frames = next(step for step in cfg.val_pipeline if step['type'] == 'SampleFrames')['clip_len']
    with torch.no_grad():
        info = get_model_complexity_info(model, inputs=(torch.zeros(1, 1, 3, frames, 48, 48),), show_table=False)
    return sum(value.numel() for value in model.parameters()), round(info['flops'] / 1e9, 4)


def picture(summary: dict, runs: dict[str, list[Job]], out: Path) -> None:
    """Draws accuracy over size, and the teachers' mean weights over the course of training."""
    import matplotlib

    matplotlib.use('Agg')
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), constrained_layout=True)
    for name in TEACHERS:
        entry = summary['teachers'][name]
        left.scatter([entry['params'] / 1e6], [entry['top1']], marker='s', s=60, label=f'teacher {name}')
    for name, label in STUDENTS.items():
        entry = summary[name]
        left.scatter([entry['params'] / 1e6] * len(entry['top1']), entry['top1'], s=40, label=f'{label}, each seed')
    left.set(xlabel='parameters (millions)', ylabel='top-1 (%)', title='Accuracy on new clips', xlim=(0, None))
    left.legend()
    for number, name in enumerate(TEACHERS):
        for index, job in enumerate(runs['student_distilled']):
            entries = [entry for entry in scalars(job.work_dir) if f'kd/weight_{name}' in entry]
            right.plot(
                [entry['step'] for entry in entries],
                [entry[f'kd/weight_{name}'] for entry in entries],
                color=f'C{number}',
                alpha=0.8,
                label=None if index else f'teacher {name}',
            )
    right.set(xlabel='iteration', ylabel='mean weight', title='Weights of the teachers (DATW), each seed', ylim=(0, 1))
    right.legend()
    figure.savefig(out, dpi=120)


def table(summary: dict) -> str:
    """The comparison as a Markdown table."""
    rows = [('', 'top-1 % (mean)', 'spread (std)', 'parameters', 'GFLOPs', 'seconds to train')]
    for name in TEACHERS:
        entry = summary['teachers'][name]
        size = f'{entry["params"]:,}', f'{entry["gflops"]:.4f}'
        rows.append((f'teacher {name}', f'{entry["top1"]:.1f}', '', *size, 'ships trained'))
    for name, label in STUDENTS.items():
        entry = summary[name]
        values = entry['top1']
        spread = f'{statistics.stdev(values):.1f}' if len(values) > 1 else ''
        seconds = f'{statistics.mean(entry["train_seconds"]):.0f}'
        size = f'{entry["params"]:,}', f'{entry["gflops"]:.4f}'
        rows.append((f'{label} ({len(values)} seeds)', f'{statistics.mean(values):.1f}', spread, *size, seconds))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [f'| {" | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))} |' for row in rows]
    lines.insert(1, f'|{"|".join("-" * (width + 2) for width in widths)}|')
    return '\n'.join(lines)


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--seeds', type=int, default=3, help='seeds of each student (default: %(default)s)')
    parser.add_argument(
        '--jobs', type=int, default=min(os.cpu_count() or 1, 6), help='processes at a time, one thread each'
    )
    parser.add_argument('--cfg-options', nargs='+', default=[], help='for every training, as in tools/train.py')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    runs_folder = FOLDER / 'runs'
    for folder in (runs_folder, FOLDER / 'export'):
        shutil.rmtree(folder, ignore_errors=True)
    warnings.simplefilter('ignore')  # what importing the stack says does not belong between the demo's lines
    from mmengine.config import Config
    from mmengine.logging import MMLogger
    from moving_shapes import make_clips

    MMLogger.get_instance('demo', log_level='ERROR')
    say(f'drawing {TRAIN_CLIPS} training clips and {TEST_CLIPS} test clips')
    for _ in make_clips(CLIPS, train=TRAIN_CLIPS, test=TEST_CLIPS, seed=4):  # 0 chose the recipe, 1 taught the teachers
        pass

    epochs = Config.fromfile(CONFIGS / 'student_alone.py').train_cfg.max_epochs
    here = [f'{split}_dataloader.dataset.data_root={CLIPS}' for split in ('val', 'test')]
    tests = {
        name: Job(
            f'teacher {name}',
            [
                f'{TOOLS}/test.py',
                f'{CONFIGS}/teacher_{name}.py',
                f'{CONFIGS}/teacher_{name}.pth',
                '--cfg-options',
                *here,
            ],
            runs_folder / f'teacher_{name}',
            weight=0.15,
        )
        for name in TEACHERS
    }
    options = ['--cfg-options', *args.cfg_options] if args.cfg_options else []
    runs = {
        name: [
            Job(
                f'{label}, seed {seed}',
                [f'{TOOLS}/train.py', f'{CONFIGS}/{name}.py', '--seed', str(seed), *options],
                runs_folder / f'{name}_seed{seed}',
                weight=1.0 if name == 'student_alone' else 2.0,
                epochs=epochs,
            )
            for seed in range(args.seeds)
        ]
        for name, label in STUDENTS.items()
    }
    say(f'testing the teachers, then training {2 * args.seeds} students, {args.jobs} at a time')
    run_all([*tests.values(), *runs['student_distilled'], *runs['student_alone']], args.jobs)

    say('exporting the distilled student of seed 0 and testing it with its stock config')
    source = runs['student_distilled'][0]
    export = FOLDER / 'export'
    command = [sys.executable, f'{TOOLS}/export_student.py', str(source.work_dir), '--out', str(export)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f'the export failed: {done.stderr.strip()}')
    exported = Job(
        'exported student',
        [f'{TOOLS}/test.py', str(export / 'student.py'), str(export / 'student.pth')],
        runs_folder / 'exported',
        weight=1,
    )
    exported.run()
    say(f'exported student: {exported.top1():.1f} % top-1 (in training it had {source.top1():.1f} %)')

    summary: dict = dict(teachers={}, params={}, gflops={})
    for name in (*TEACHERS, 'student'):
        config = 'student_alone' if name == 'student' else f'teacher_{name}'
        summary['params'][name], summary['gflops'][name] = measure_size(CONFIGS / f'{config}.py')
    for name, job in tests.items():
        entry = dict(top1=job.top1(), params=summary['params'][name], gflops=summary['gflops'][name])
        summary['teachers'][name] = entry
    for name, jobs in runs.items():
        summary[name] = dict(
            top1=[job.top1() for job in jobs],
            params=summary['params']['student'],
            gflops=summary['gflops']['student'],
            train_seconds=[round(job.seconds, 1) for job in jobs],
        )
    summary['exported_top1'] = exported.top1()
    summary['student_checkpoint'] = str(export / 'student.pth')
    summary['student_config'] = str(export / 'student.py')
    picture(summary, runs, FOLDER / 'demo.png')
    summary['seconds'] = round(time.time() - START, 1)
    (FOLDER / 'summary.json').write_text(json.dumps(summary, indent=2) + '\n')
    print(f'\n{table(summary)}\n')
    for name in ('summary.json', 'demo.png', 'export/student.pth', 'export/student.py'):
        print(FOLDER / name)


if __name__ == '__main__':
    main()
