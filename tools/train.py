"""Trains what a config describes; flags as MMAction2's ``tools/train.py``.

Examples:
    python tools/train.py configs/CONFIG.py --resume
    bash tools/dist_train.sh configs/CONFIG.py 4 --amp
"""

import argparse
import importlib.util
import logging
import os
from contextlib import nullcontext
from pathlib import Path

import mmdualkd  # noqa: F401  (first: it mends the stack and lets `mmdualkd::` bases be found)

# isort: split
from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.logging import print_log

from mmdualkd.cli.tools import add_train_arguments
from mmdualkd.errors import ConfigError
from mmdualkd.flags import set_flags
from mmdualkd.hooks.resume import check_nothing_there
from mmdualkd.launch import build_runner, check_file, load_config, run_tool
from mmdualkd.processes import training_in


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Train a model, with teachers or without.')
    add_train_arguments(parser)
    return parser.parse_args()


def add_tensorboard(cfg: Config) -> None:
    """Adds TensorBoard to the visualizer's backends."""
    if importlib.util.find_spec('tensorboard') is None:
        raise ConfigError('--tensorboard needs the package tensorboard: pip install tensorboard')
    if cfg.get('visualizer') is None:
        cfg.visualizer = dict(type='mmengine.Visualizer', vis_backends=[dict(type='LocalVisBackend')])
    backends = cfg.visualizer.get('vis_backends') or []
    if not any(str(backend.get('type')).endswith('TensorboardVisBackend') for backend in backends):
        cfg.visualizer.vis_backends = [*backends, dict(type='TensorboardVisBackend')]


def main() -> None:
    args = parse_args()
    cfg = load_config(args)
    set_flags(cfg, args)
    if args.resume == 'auto':
        # Runner resumes from load_from, if there is one: with nothing to resume, that is where training begins.
        cfg.resume = not cfg.get('load_from') or (Path(cfg.work_dir) / 'last_checkpoint').is_file()
        if cfg.resume:
            cfg.load_from = None
        else:
            check_nothing_there(cfg.work_dir)
            print_log(
                f'--resume: nothing to resume, {cfg.work_dir} has no last_checkpoint; training begins from '
                f'load_from={cfg.load_from!r}',
                logger='current',
                level=logging.WARNING,
            )
    elif args.resume is not None:
        check_file('--resume', args.resume)
        cfg.resume, cfg.load_from = True, args.resume
    if args.tensorboard:
        add_tensorboard(cfg)
    cfg.randomness = {'seed': None, **(cfg.get('randomness') or {})}
    for key in ('seed', 'diff_rank_seed', 'deterministic'):
        value = getattr(args, key)
        if value is not None and value is not False:  # a seed of 0 is a seed
            cfg.randomness[key] = value
    if cfg.randomness.get('deterministic'):
        os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')  # without it torch refuses matrix products on CUDA
    runner = build_runner(cfg)
    with training_in(cfg.work_dir) if is_main_process() else nullcontext():
        runner.train()


if __name__ == '__main__':
    run_tool(main)
