r"""From a folder of videos (or pictures), one folder a class, to a small model.

The classes' videos are divided into training and validation data, each teacher is fine-tuned, the student learns from
labels and teachers, is tested and exported, and a report is written. The same command goes on where it was stopped.

examples:
  mmdualkd distill my_videos --student x3d-s --teachers mvitv2-s x3d-m --out run
  mmdualkd distill my_pictures --student resnet18 --teachers swin-t --out run --baseline --onnx
  mmdualkd distill my_videos --student resnet3d18-w8 --teachers uniformer-w32 resnet3d18-w16 --from-scratch --out run
  mmdualkd distill clips.csv --student x3d-s --teachers x3d-m --out run --group-regex '/([^/_]+)_' --time-budget 2h
"""

import argparse
import os
import sys
from pathlib import Path

from ..arguments import count
from ..completion import complete_method, complete_model


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what ``mmdualkd distill`` takes."""
    add = parser.add_argument
    add('data', metavar='DATA', help='a folder with one folder a class, or with train/ and val/ of such (and '
        'test/); or a CSV file of path,label')  # fmt: skip
    add('--student', required=True, metavar='MODEL',
        help='a name of `mmdualkd list models`, a zoo config (package::path.py) or the path of a config'
        ).completer = complete_model  # fmt: skip
    add('--teachers', required=True, nargs='+', metavar='MODEL', help='the same, one or several'
        ).completer = complete_model  # fmt: skip
    add('--out', required=True, metavar='RUN', help='folder for everything that the run makes')
    add('--teacher-checkpoint', nargs='+', default=[], metavar='MODEL=FILE', dest='teacher_checkpoints',
        help='weights of a teacher that knows these classes already and is taken as it is')  # fmt: skip
    add('--method', metavar='NAME', help='a name of `mmdualkd list methods` (default: the dual-teacher method for a '
        'ViT and a CNN on videos, the hybrid assistant for one teacher on pictures, else KD)'
        ).completer = complete_method  # fmt: skip
    add('--from-scratch', action='store_true', help='start from random weights, not from those of a zoo')
    add('--baseline', action='store_true', help='also train the student alone, to see what the teachers are worth')
    add('--onnx', action='store_true', help='also export the student to ONNX')
    add('--dry-run', action='store_true', help='write the configs, check everything and train nothing')
    time = parser.add_argument_group('how long')
    time.add_argument(
        '--epochs', type=count, help='of the student (default: 30, from scratch 100, for few samples more)'
    )
    time.add_argument('--teacher-epochs', type=count, help='of the teachers (default: 20, from scratch 100 or more)')
    time.add_argument('--time-budget', metavar='TIME', help='fit the epochs of all stages into 90m, 2h, 1d ...')
    data = parser.add_argument_group('data')
    data.add_argument('--test-fraction', type=float, default=0.2, help='share of each class held out (default: 0.2)')
    data.add_argument('--group-regex', help='files whose path (with / before it) gives the same first group of this '
                      'expression stay on one side of the split')  # fmt: skip
    data.add_argument('--unlabelled', metavar='DIR', help='folder in DATA whose files have no label: the student '
                      'learns from what the teachers say of them (in a CSV: an empty label)')  # fmt: skip
    data.add_argument('--no-flip', action='store_false', dest='flip', help='do not mirror: left and right differ')
    data.add_argument('--batch-size', type=count, help='samples a step and process (default: 8 clips, 32 pictures)')
    data.add_argument('--workers', type=int, help="processes that decode (default: the machine's cores, at most 8)")
    machine = parser.add_argument_group('machine')
    machine.add_argument('--processes', type=count, default=1, help='that train together: one a GPU (default: 1)')
    machine.add_argument('--amp', action='store_true', help='train with automatic mixed precision')
    machine.add_argument('--seed', type=int, default=0, help='of the split and the trainings (default: 0)')


def run(args: argparse.Namespace) -> int | None:
    """Runs it; the report is the end of what it prints."""
    from ..errors import ConfigError

    if not Path(os.path.expanduser(args.data)).exists():  # before the seconds that importing torch takes
        raise ConfigError(f'DATA={args.data!r}: there is no such folder, and no such table')
    from ..workflow.distill import distill
    from ..workflow.stages import StageError

    options = {name: value for name, value in vars(args).items() if name not in ('command', 'run')}
    pairs = [text.partition('=') for text in options['teacher_checkpoints']]
    if wrong := [name for name, equals, path in pairs if not (name and equals and path)]:
        raise ConfigError(f'--teacher-checkpoint {wrong[0]!r} is not MODEL=FILE')
    names = [name for name, *_ in pairs]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ConfigError(f'--teacher-checkpoint names {twice} more than once')
    options['teacher_checkpoints'] = {name: path for name, _, path in pairs}
    try:
        result = distill(**options)
    except StageError:  # its own error is printed, and stands last
        return 1
    except KeyboardInterrupt:
        print(f'interrupted; the same command goes on where {options["out"]} stands', file=sys.stderr)
        return 130
    return result if isinstance(result, int) else None
