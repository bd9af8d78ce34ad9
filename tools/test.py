"""Evaluates a checkpoint; flags as MMAction2's ``tools/test.py``.

Examples:
    python tools/test.py configs/CONFIG.py work_dirs/CONFIG/best_acc_top1_epoch_30.pth
    bash tools/dist_test.sh configs/CONFIG.py CHECKPOINT.pth 4 --dump predictions.pkl
"""

import argparse
from pathlib import Path

import mmdualkd  # noqa: F401  (first: it mends the stack and lets `mmdualkd::` bases be found)
from mmdualkd.cli.tools import add_test_arguments
from mmdualkd.errors import ConfigError
from mmdualkd.files import check_folder
from mmdualkd.launch import build_runner, check_file, load_config, run_tool

PREFLIGHT = 'PreflightHook'


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Test a model: the student alone, where the config distils.')
    add_test_arguments(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    cfg = load_config(args)
    check_file('checkpoint', args.checkpoint)
    cfg.load_from, cfg.resume = args.checkpoint, False
    if {'student', 'teachers'} <= set(cfg.model):
        cfg.model.student_only = True
    hooks = cfg.get('custom_hooks') or []
    if not any(hook['type'].endswith(PREFLIGHT) for hook in hooks):  # it checks the weights against the model
        cfg.custom_hooks = [*hooks, dict(type=f'mmdualkd.{PREFLIGHT}')]
    if args.show or args.show_dir is not None:
        flag = '--show' if args.show else '--show-dir'
        if cfg.get('default_scope', 'mmaction') == 'mmaction':
            raise ConfigError(
                f"{flag} draws pictures alone: MMAction2's VisualizationHook does not take its models' clips"
            )
        if 'visualization' not in cfg.get('default_hooks', {}):
            raise ConfigError(f'{flag} needs default_hooks.visualization=dict(type="VisualizationHook") in the config')
        if str(cfg.default_hooks.visualization.get('type')).rpartition('.')[2] == 'VisualizationHook':
            import mmdualkd.hooks.pictures  # noqa: F401

            cfg.default_hooks.visualization.type = 'mmdualkd.PicturesHook'
        cfg.default_hooks.visualization.update(
            enable=True, show=args.show, wait_time=args.wait_time, out_dir=args.show_dir, interval=args.interval
        )
    if args.dump is not None:
        if not args.dump.endswith(('.pkl', '.pickle')):
            raise ConfigError(f'--dump={args.dump!r} must end in .pkl')
        if Path(args.dump).is_dir():
            raise ConfigError(f'--dump={args.dump!r} is a folder: name a file in it')
        check_folder('--dump', Path(args.dump).parent)
        evaluators = cfg.test_evaluator if isinstance(cfg.test_evaluator, (list, tuple)) else [cfg.test_evaluator]
        cfg.test_evaluator = [*evaluators, dict(type='DumpResults', out_file_path=args.dump)]
    build_runner(cfg, testing=True).test()


if __name__ == '__main__':
    run_tool(main)
