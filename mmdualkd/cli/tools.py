"""Command lines of the tools, here since the shell completes them: the tools themselves are slow to import."""

import argparse
import os

from ..arguments import add_config, add_launch_arguments, count, file_path, folder_path, whole_number
from ..names import DTYPES, MAX_VIEWS


def add_training_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags that change what a training takes, see :func:`mmdualkd.flags.set_flags`."""
    parser.add_argument('--amp', action='store_true', help='train with automatic mixed precision')
    parser.add_argument('--no-validate', action='store_true', help='do not evaluate during training')
    parser.add_argument(
        '--auto-scale-lr', action='store_true', help='scale the learning rate with the actual global batch size'
    )


def add_train_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds those of ``tools/train.py``."""
    add_config(parser)
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        help='resume from this checkpoint; without a path, from the latest one in the work directory',
    )
    add_training_flags(parser)
    parser.add_argument('--seed', type=whole_number(0, 2**32 - 1), help='random seed')
    parser.add_argument('--diff-rank-seed', action='store_true', help='another seed in every process')
    parser.add_argument('--deterministic', action='store_true', help='deterministic algorithms alone')
    parser.add_argument('--tensorboard', action='store_true', help='write curves for TensorBoard, too')
    add_launch_arguments(parser)


def add_test_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds those of ``tools/test.py``."""
    add_config(parser)
    parser.add_argument('checkpoint', help='checkpoint file or its address')
    parser.add_argument('--dump', type=os.path.expanduser, help='write the predictions into this .pkl file')
    parser.add_argument(
        '--show-dir',
        type=os.path.expanduser,
        help='write pictures with their predictions into this folder, of pictures alone',
    )
    parser.add_argument('--show', action='store_true', help='show them in a window')
    parser.add_argument('--interval', type=count, default=1, help='show one sample of so many')
    parser.add_argument('--wait-time', type=float, default=2, help='seconds that a window stays')
    add_launch_arguments(parser)


def add_export_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds those of ``tools/export_student.py``."""
    parser.add_argument('source', help='work directory (its best checkpoint, else its last one) or a checkpoint')
    parser.add_argument(
        '--out', type=folder_path, help='folder for student.py and student.pth; default: SOURCE_DIR/export'
    )
    parser.add_argument('--onnx', action='store_true', help='also write student.onnx, checked against onnxruntime')


def add_cache_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds those of ``tools/cache_teachers.py``."""
    add_config(parser, 'distillations of the same teachers and data, which share the cache: config files', nargs='+')
    parser.add_argument('--out', required=True, type=folder_path, help='folder of the cache')
    parser.add_argument(
        '--views', type=whole_number(1, MAX_VIEWS), help="draws of each sample; default: the data set's num_views"
    )
    parser.add_argument('--dtype', choices=list(DTYPES), default='float16', help='how values are kept (float16)')
    parser.add_argument('--batch-size', type=count, help="samples at a time; default: the train loader's")
    parser.add_argument('--amp', action='store_true', help='run the teachers under autocast, as tools/train.py --amp')
    add_launch_arguments(parser)


def add_replay_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds those of ``tools/replay.py``."""
    parser.add_argument('file', help='divergence_*.pt, which training wrote into its work directory')
    parser.add_argument('--device', help='cpu or cuda; default: the GPU, if there is one')


def add_report_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds those of ``tools/report.py``."""
    parser.add_argument('folder', metavar='WORK_DIR_OR_STUDY', type=file_path, help='what the page is of')
    parser.add_argument(
        '--against',
        metavar='WORK_DIR',
        type=file_path,
        help='work directory of the student alone, trained on the same data',
    )
    parser.add_argument('--out', metavar='FILE', type=file_path, help='default: report.html in the folder')
    parser.add_argument('--no-predictions', action='store_true', help='run no network: a page of the logs alone')
