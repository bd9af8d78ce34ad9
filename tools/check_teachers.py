"""Shows how good the teachers and the initial student of a config are on its validation data.

Every video or picture is decoded once; each model sees its own view of it, made by the distiller. Of a video that is
one centre clip, with the frames of each model's own test pipeline, and the config needs a ``teacher_val_pipeline``:
decoding with ``mmdualkd.SampleViews`` in test mode, and a crop that suits all views. Pictures come through the config's
own validation pipeline, unless it has that one.

Examples:
    python tools/check_teachers.py configs/CONFIG.py
    python tools/check_teachers.py configs/CONFIG.py --checkpoint work_dirs/CONFIG/student_epoch_50.pth
"""

import argparse
import json

import mmdualkd  # noqa: F401  (first: it mends the stack and lets `mmdualkd::` bases be found)

# isort: split
from mmengine.registry import init_default_scope

from mmdualkd.arguments import add_launch_arguments, file_path
from mmdualkd.checks.accuracy import build_loader, build_models, cost, measure
from mmdualkd.cli.table import table
from mmdualkd.files import check_folder, open_whole
from mmdualkd.launch import load_config, run_tool

COLUMNS = ('model', 'top-1 %', 'top-5 %', 'parameters', 'GFLOPs')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Accuracy and size of the teachers and the initial student.')
    parser.add_argument('config', help='config file of a distillation')
    parser.add_argument('--checkpoint', help='weights of the student in place of its initial ones')
    parser.add_argument('--out', type=file_path, metavar='FILE', help='also write the table into this JSON file')
    add_launch_arguments(parser)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    cfg = load_config(args)
    if args.out is not None:
        check_folder('--out', args.out.parent)
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    distiller, models = build_models(cfg, args.checkpoint)
    loader = build_loader(cfg, distiller)
    accuracies = measure(distiller, models, loader)
    rows, figures = [COLUMNS], []
    for name, model in models.items():
        params, gflops = cost(distiller, name, model)
        top1, top5 = accuracies[name]
        figures.append(dict(model=name, top1=top1, top5=top5, parameters=params, gflops=gflops))
        label = name if name != 'student' else f'student ({"given checkpoint" if args.checkpoint else "initial"})'
        rows.append((label, f'{top1:.2f}', f'{top5:.2f}', f'{params / 1e6:.2f} M', f'{gflops:.3f}'))
    print(table(rows))
    if args.out is not None:
        with open_whole(args.out, 'w') as file:
            json.dump(figures, file, indent=1)


if __name__ == '__main__':
    run_tool(main)
