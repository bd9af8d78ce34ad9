"""Trains the demo's two teachers on generated clips and writes them as float16 weights beside their configs.

Takes some 20 minutes on 2 cores:

    python tools/make_demo_teachers.py
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import mmdualkd  # noqa: F401  (first: it mends the stack)

# isort: split
from moving_shapes import make_clips

from mmdualkd.checkpoint import check_tensors, last_checkpoint, model_state_dict, read_checkpoint, write_checkpoint
from mmdualkd.errors import CheckpointError
from mmdualkd.files import check_folder
from mmdualkd.launch import run_tool
from mmdualkd.processes import end_with_parent

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = ROOT / 'configs' / 'demo'
CLIPS = Path('work_dirs/demo/teacher_clips')  # where the teachers' configs look
TEACHERS = ('vit', 'cnn')


def save_half(checkpoint: Path, out: Path) -> None:
    """Writes a checkpoint's model as a bare state dict, floating-point tensors in float16."""
    read = read_checkpoint(checkpoint, 'checkpoint')
    check_tensors(read, f'checkpoint: {str(checkpoint)!r}')
    state = model_state_dict(read)
    state = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
    write_checkpoint(dict(state_dict=state), out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--only', choices=TEACHERS, help='one of the two')
    parser.add_argument('--out', type=Path, default=CONFIGS, help='folder of teacher_*.pth (default: %(default)s)')
    parser.add_argument('--no-train', action='store_true', help='convert the last checkpoint that is there')
    args = parser.parse_args()
    check_folder('--out', args.out)
    names = [args.only] if args.only else TEACHERS
    if not args.no_train:
        print(f'drawing clips in {CLIPS}', flush=True)
        for _ in make_clips(CLIPS, train=6000, test=1000, seed=1):  # other clips than the demo's own
            pass
        env = {**os.environ, 'OMP_NUM_THREADS': '1'}
        train = [sys.executable, str(ROOT / 'tools' / 'train.py')]
        jobs = [
            subprocess.Popen(
                [*train, str(CONFIGS / f'teacher_{name}.py'), '--seed', '0'], env=env, preexec_fn=end_with_parent
            )
            for name in names
        ]
        if any([job.wait() for job in jobs]):
            raise SystemExit('a training failed, see above')
    for name in names:
        folder = Path('work_dirs') / f'teacher_{name}'
        out = args.out / f'teacher_{name}.pth'
        if (last := last_checkpoint(folder)) is None:
            raise CheckpointError(f'--no-train: {folder} holds no training; leave it out to train')
        save_half(Path(last), out)
        print(f'{out}: {out.stat().st_size / 1e6:.2f} MB')


if __name__ == '__main__':
    run_tool(main)
