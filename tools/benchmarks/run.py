"""What a distillation step, its decoding and its memory cost, each as a ratio that one run measures, with a target.

Parts that are compared take turns. A figure is the median of the turns' own ratios, beside it stands its 95 % interval,
which is the machine's noise; memory takes no turns, and growth is of the least times. Targets hold to two decimals. All
weights are random and videos are generated: nothing is downloaded. On 2 CPU cores everything takes about 20 minutes,
`--quick` some 2.

Figures go to a JSON file by name: value, target, whether it holds, spread. `--only` leaves the others in that file as
an earlier run measured them. `--quick` runs small networks, says nothing of the targets and writes to a file of its
own.
"""

import argparse
import json
import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import mmdualkd  # noqa: F401  (first: it mends the stack)

# isort: split
import torch
from decoding import decoding
from growth import SERIES, draw, growth
from rivals import rivals
from scaling import scaling
from table import HEADER, Target, at_most, entry, line
from training_steps import Settings, dual_teacher, hybrid, memory
from turns import Ratio
from videos import check_videos

from mmdualkd.errors import ConfigError, check_name
from mmdualkd.files import check_folder, open_whole
from mmdualkd.launch import run_tool
from mmdualkd.settings import check_device

# what is measured together, and the targets of its figures; None where a picture shows them
GROUPS: dict[Callable[[Settings], dict[str, Ratio]], dict[str, Target | None]] = {
    partial(dual_teacher, 'x3d'): dict(
        online_over_networks_x3d=at_most(1.03),
        cached_over_student_x3d=at_most(1.05),
        cached_speedup_x3d=Target(3.0, 5.0, at_most=False),
    ),
    partial(dual_teacher, 'tsm'): dict(
        online_over_networks_tsm=at_most(1.03),
        cached_over_student_tsm=at_most(1.05),
        cached_speedup_tsm=Target(6.0, 8.0, at_most=False),
    ),
    hybrid: dict(hybrid_over_kd=at_most(1.35)),
    memory: dict(memory_over_floor=at_most(1.10)),
    decoding: dict(
        union_over_student_decode=at_most(1.25),
        union_over_three_decodes=at_most(0.40),
        cached_decode_over_student=at_most(1.05),
        kept_decode_speedup=Target(5.0, 5.0, at_most=False),
    ),
    rivals: dict(over_torchdistill=at_most(1.00), over_plain_loop=at_most(1.00)),
    scaling: dict(two_processes_weak_scaling=Target(0.95, 0.95, at_most=False)),
    growth: {f'growth_{name}': None for name in SERIES},
}
ON_CPU = (decoding, scaling)  # whatever the device
TARGETS = {name: target for targets in GROUPS.values() for name, target in targets.items()}


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--quick', action='store_true', help='small networks, few turns: shows that all of it runs')
    parser.add_argument('--only', nargs='+', action='extend', metavar='NAME', help=f'some of {", ".join(TARGETS)}')
    parser.add_argument('--videos', metavar='FOLDER', help='decode these videos in place of generated ones')
    parser.add_argument('--device', choices=['cpu', 'cuda'], default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--out', metavar='FILE', help='default: work_dirs/benchmarks.json, or benchmarks-quick.json')
    return parser.parse_args()


def earlier_figures(path: Path) -> dict[str, dict]:
    """What earlier runs wrote, nothing where there is no file yet.

    Raises:
        ConfigError: If the file is not theirs, or can be none.
    """
    check_folder('--out', path.parent)
    if path.suffix != '.json' or (path.exists() and not path.is_file()):  # a picture stands beside it
        raise ConfigError(f'--out={str(path)!r} must be a file that ends in .json')
    try:
        figures = json.loads(path.read_text()) if path.is_file() else {}
    except (OSError, ValueError) as error:
        raise ConfigError(f'--out={str(path)!r} cannot be read: {error}') from error
    if not isinstance(figures, dict) or not all(isinstance(figure, dict) for figure in figures.values()):
        raise ConfigError(f'--out={str(path)!r} holds no figures by name: name another file')
    return figures


def check_kind(path: Path, figures: dict[str, dict], quick: bool) -> None:
    """Refuses to put figures of small networks among those of whole ones, or in their place, and the other way round.

    A figure of whole networks says whether it keeps to its target.

    Raises:
        ConfigError: If the file holds figures of the other kind.
    """
    judged = {
        one.get('holds') is not None for one in figures.values() if None not in (one.get('target'), one.get('value'))
    }
    if quick in judged:
        there, here = ('without', 'with') if quick else ('with', 'without')
        raise ConfigError(f'--out={str(path)!r} holds figures {there} --quick, these are {here}: name another file')


def main() -> None:
    """Measures, prints a table and writes the figures."""
    args = parse_args()
    check_device('--device', args.device)
    for name in args.only or ():
        check_name('--only', name, TARGETS, 'benchmark')
    if args.videos is not None:
        check_videos(args.videos)
    out = Path(f'work_dirs/benchmarks{"-quick" if args.quick else ""}.json' if args.out is None else args.out)
    figures = earlier_figures(out)  # a file that is something else is not written over
    check_kind(out, figures, args.quick)
    if not args.only:
        figures = {}
    settings, wanted = Settings(args.device, args.quick, args.videos), set(args.only or TARGETS)
    logging.disable(logging.WARNING)  # what building models and reading videos tells
    print(HEADER)
    for measure, targets in GROUPS.items():
        if not wanted & set(targets):
            continue
        begin = time.perf_counter()
        for name, figure in measure(settings).items():
            if name in wanted:
                device = 'cpu' if measure in ON_CPU else args.device
                figures[name] = entry(targets[name], figure, device, args.quick)
                print(line(name, targets[name], figures[name]), flush=True)
        print(f'{"":28s} measured in {time.perf_counter() - begin:.0f} s', flush=True)
        with open_whole(out, 'w') as file:  # after each group: what is measured is kept
            json.dump(figures, file, indent=1)
    if all(f'growth_{name}' in figures for name in SERIES):
        draw(figures, out.with_suffix('.png'))
    if args.quick:
        print('--quick: small networks and few turns, which say nothing of the targets; the intervals are too narrow')
    print(f'written to {out}')


if __name__ == '__main__':
    run_tool(main)
