"""What the distillation machinery costs beside the networks, as ratios of one run.

A step of a distiller (forward and backward) is measured against its parts measured apart, turn by turn: the student's
plain step and each teacher's forward, on inputs that are ready. Beside a hybrid assistant the same models' plain KD is
measured too. All weights are random: no checkpoint is read. Memory is the peak beside the weights.
"""

import argparse
import statistics

import mmdualkd  # noqa: F401  (first: it mends the stack)

# isort: split
import torch
from mmengine.registry import init_default_scope
from random_models import ONLINE, build_random, parts_of_a_step, plain_kd, random_batch, step_of
from turns import FEWEST, peak_memory, ratio, take_turns, without_gradients

from mmdualkd.arguments import CfgOptions, whole_number
from mmdualkd.compat.training import convolve_in_float32
from mmdualkd.launch import check_distillation, load_config, run_tool
from mmdualkd.settings import check_device


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='a distillation config')
    parser.add_argument('--batch-size', type=whole_number(1), default=8)
    parser.add_argument('--steps', type=whole_number(1), default=10, help='measured steps of each part (default 10)')
    parser.add_argument('--device', choices=['cpu', 'cuda'], default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--amp', action='store_true', help='autocast, as tools/train.py --amp')
    parser.add_argument('--cfg-options', nargs='+', action=CfgOptions)
    parser.set_defaults(launcher='none', work_dir=None, local_rank=0)
    return parser.parse_args()


def main() -> None:
    """Prints seconds and ratios."""
    args = parse_args()
    check_device('--device', args.device)
    cfg = load_config(args)
    check_distillation(cfg)
    if args.amp:
        convolve_in_float32()  # on a CPU, as AmpOptimWrapper does
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    model = build_random(cfg.model, args.device)
    data = random_batch(model, args.batch_size, args.device)
    parts = parts_of_a_step(model, data)
    networks = [name for name in parts if name != ONLINE]
    if model.assisted:
        plain = build_random(plain_kd(cfg.model), args.device)
        parts['plain KD step'] = step_of(plain, data)
    seconds = take_turns(parts, args.steps, args.device, args.amp, warm=2)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    whole = medians[ONLINE]
    for name, value in medians.items():
        print(f'{name:20s} {value:8.4f} s   {value / whole:5.2f} of the step')
    apart = ratio(seconds, ONLINE, networks)
    interval = '95 %' if args.steps >= FEWEST else 'of single turns'
    print(f'{"networks apart":20s} {whole / apart.value:8.4f} s   the step takes {apart.value:.3f} times that '
          f'({apart.low:.3f} to {apart.high:.3f}, {interval})')  # fmt: skip
    if model.assisted:
        without_gradients([model, plain])
        ours, theirs = (peak_memory(parts[name], args.device, args.amp) for name in (ONLINE, 'plain KD step'))
        beside = ratio(seconds, ONLINE, 'plain KD step')
        print(f'beside plain KD: {beside.value:.3f} times the time, {ours / theirs:.3f} times the memory '
              f'({ours:.0f} and {theirs:.0f} MiB)')  # fmt: skip


if __name__ == '__main__':
    run_tool(main)
