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
import time
import warnings
from pathlib import Path

from mmdualkd.arguments import whole_number
from mmdualkd.files import check_folder
from mmdualkd.processes import Tool, command_of, end_all, locked
from mmdualkd.scalars import logs_of, read_log, top1_of

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = ROOT / 'configs' / 'demo'
FOLDER = Path('work_dirs/demo')
CLIPS = FOLDER / 'clips'  # where the configs look
TRAIN_CLIPS, TEST_CLIPS = 100, 1000
TEACHERS = ('vit', 'cnn')
STUDENTS = dict(student_alone='student alone', student_distilled='student distilled')


class Job:
    """One call of a tool, in a process of its own with one thread.

    Args:
        name: What it is called in what is said of it.
        script: The tool (``train``).
        arguments: Its command line but for the work directory.
        work_dir: Its work directory; its output goes to ``output.log`` there.
        weight: How long it takes, compared with the others.
        epochs: How many it trains, of which it knows how far it is.
    """

    def __init__(
        self, name: str, script: str, arguments: list[str], work_dir: Path, weight: float = 1, epochs: int = 0
    ) -> None:
        self.name, self.script, self.work_dir, self.weight, self.epochs = name, script, work_dir, weight, epochs
        self.arguments = [*arguments, '--work-dir', str(work_dir)]
        self.seconds, self.done = 0.0, False

    def start(self) -> None:
        """Begins it."""
        self.work_dir.mkdir(parents=True, exist_ok=True)
        self.begun, self.tool = time.time(), Tool(self.script, self.arguments, self.work_dir / 'output.log', threads=1)

    def ended(self) -> bool:
        """Whether it has ended; exits if it failed."""
        if (code := self.tool.code()) is None:
            return False
        if code:
            raise SystemExit(f'{self.name} failed: {self.tool.error}')
        self.seconds, self.done = time.time() - self.begun, True
        return True

    def fraction(self) -> float:
        """How much of it is done, in 0 to 1."""
        if self.done or not self.epochs:
            return float(self.done)
        return min([entry['epoch'] for entry in scalars(self.work_dir) if 'loss' in entry][-1:] or [0]) / self.epochs

    def top1(self) -> float:
        """The last top-1 accuracy that it measured, in percent."""
        logs = [*logs_of(self.work_dir), *self.work_dir.glob('*/*.json')]
        values = [top1 for log in logs for entry in read_log(log) if (top1 := top1_of(entry)) is not None]
        return round(values[-1], 2)


def scalars(work_dir: Path) -> list[dict]:
    """What a training logged, in order."""
    return [entry for log in logs_of(work_dir) for entry in read_log(log)]


def run_all(jobs: list[Job], parallel: int) -> None:
    """Runs jobs, some at a time, and says how far they are and how long the rest takes; ends them if one fails."""
    start, total, shown = time.time(), sum(job.weight for job in jobs), 0.0
    waiting, active = list(jobs), []
    try:
        while waiting or active:
            while waiting and len(active) < parallel:
                active.append(waiting.pop(0))
                active[-1].start()
            time.sleep(0.5)
            for job in [job for job in active if job.ended()]:
                active.remove(job)
                say(f'{job.name}: {job.top1():.1f} % top-1, {job.seconds:.0f} s')
            part = sum(job.weight * job.fraction() for job in jobs) / total
            if time.time() - shown > 15 and 0.02 < part < 1:
                shown, spent = time.time(), time.time() - start
                say(f'{100 * part:.0f} % of the trainings, about {spent / part * (1 - part):.0f} s left')
    except BaseException:
        end_all([job.tool for job in active])
        raise


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
    parser.add_argument('--seeds', type=whole_number(1), default=3, help='seeds of each student (default: %(default)s)')
    parser.add_argument(
        '--jobs', type=whole_number(1), default=min(os.cpu_count() or 1, 6), help='processes at a time, one thread each'
    )
    parser.add_argument('--cfg-options', nargs='+', default=[], help='for every training, as in tools/train.py')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    check_folder('the folder of the demo', FOLDER)
    with locked(FOLDER, 'the folder of the demo'):  # another's runs would go
        run(args)


def run(args: argparse.Namespace) -> None:
    """Does all of it, in a folder that no other command works in."""
    runs_folder = FOLDER / 'runs'
    for folder in (runs_folder, FOLDER / 'export'):
        shutil.rmtree(folder, ignore_errors=True)
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
            'test',
            [f'{CONFIGS}/teacher_{name}.py', f'{CONFIGS}/teacher_{name}.pth', '--cfg-options', *here],
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
                'train',
                [f'{CONFIGS}/{name}.py', '--seed', str(seed), *options],
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
    command = command_of('export_student', source.work_dir, '--out', export)
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f'the export failed: {done.stderr.strip()}')
    files = [str(export / 'student.py'), str(export / 'student.pth')]
    exported = Job('exported student', 'test', files, runs_folder / 'exported')
    run_all([exported], parallel=1)
    say(f'in training it had {source.top1():.1f} % top-1')

    summary: dict = dict(teachers={})
    for name, job in tests.items():
        params, gflops = measure_size(CONFIGS / f'teacher_{name}.py')
        summary['teachers'][name] = dict(top1=job.top1(), params=params, gflops=gflops)
    params, gflops = measure_size(CONFIGS / 'student_alone.py')
    for name, jobs in runs.items():
        summary[name] = dict(
            top1=[job.top1() for job in jobs],
            params=params,
            gflops=gflops,
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
    warnings.simplefilter('ignore')  # what importing the stack says does not belong between the demo's lines
    from mmdualkd.launch import run_tool

    run_tool(main)
