"""What the distillation machinery costs beside the networks, as ratios of one run.

A step of a distiller (forward and backward) is measured against its parts measured apart, turn by turn: the student's
plain step and each teacher's forward, on inputs that are ready.
"""

import argparse
import time
from collections.abc import Callable

import torch
from mmaction.structures import ActionDataSample
from mmengine.config import Config, DictAction
from mmengine.registry import MODELS, DefaultScope
from torch import nn

import mmdualkd  # noqa: F401, before anything of mmaction2


def parse_args() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='a distillation config')
    parser.add_argument('--batch-size', type=int, default=8)
    parser.add_argument('--steps', type=int, default=10, help='measured steps of each part (default 10)')
    parser.add_argument('--device', default='cuda' if torch.cuda.is_available() else 'cpu')
    parser.add_argument('--amp', action='store_true', help='autocast, as tools/train.py --amp')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, default={})
    return parser.parse_args()


def random_batch(model: nn.Module, count: int, device: str) -> dict:
    """Random uint8 clips on the device, and labels."""
    size = max(max(spec.size) if isinstance(spec.size, tuple) else spec.size for spec in model.plan.specs.values())
    clips = torch.randint(0, 256, (count, 1, 3, model.plan.num_frames, size, size), dtype=torch.uint8, device=device)
    classes = model.student.cls_head.num_classes
    samples = [ActionDataSample().set_gt_label(index % classes).to(device) for index in range(count)]
    return dict(inputs=clips, data_samples=samples)


def parts_of_a_step(model: nn.Module, data: dict) -> dict[str, Callable[[], None]]:
    """The whole step, and what it consists of."""
    clip, samples = data['inputs'], data['data_samples']
    views = {name: view(clip) for name, view in model.views.items()}

    def backward(losses: dict) -> None:
        model.zero_grad()
        model.parse_losses(losses)[0].backward()

    parts = {
        'distillation step': lambda: backward(model(clip, samples, mode='loss')),
        'student step': lambda: backward(model.student(views['student'], samples, mode='loss')),
    }
    for name in model.teachers:
        parts[f'teacher {name}'] = lambda name=name: model.teachers.run(name, views[name])
    return parts


def measure(parts: dict[str, Callable[[], None]], steps: int, device: str, amp: bool) -> dict[str, float]:
    """Least seconds of each part over steps taken in turn: what a noisy machine disturbs least."""
    seconds = {name: [] for name in parts}
    for step in range(steps + 2):
        for name, part in parts.items():
            begin = time.perf_counter()
            with torch.autocast(device, enabled=amp):
                part()
            if device == 'cuda':
                torch.cuda.synchronize()
            if step >= 2:
                seconds[name].append(time.perf_counter() - begin)
    return {name: min(values) for name, values in seconds.items()}


def main() -> None:
    """Prints seconds and ratios."""
    args = parse_args()
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options)
    DefaultScope.get_instance('benchmark', scope_name='mmaction')
    model = MODELS.build(cfg.model)
    model.init_weights()
    model.to(args.device).train()
    seconds = measure(
        parts_of_a_step(model, random_batch(model, args.batch_size, args.device)), args.steps, args.device, args.amp
    )
    whole = seconds['distillation step']
    apart = sum(seconds.values()) - whole
    for name, value in seconds.items():
        print(f'{name:20s} {value:8.4f} s   {value / whole:5.2f} of the step')
    print(f'{"networks apart":20s} {apart:8.4f} s   the step takes {whole / apart:.3f} times that')


if __name__ == '__main__':
    main()
