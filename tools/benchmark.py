"""What the distillation machinery costs beside the networks, as ratios of one run.

A step of a distiller (forward and backward) is measured against its parts measured apart, turn by turn: the student's
plain step and each teacher's forward, on inputs that are ready. Beside a hybrid assistant the same models' plain KD is
measured too. All weights are random: no checkpoint is read. Memory is that beside the weights: the peak on a GPU, on a
CPU what a step keeps for its backward.
"""

import argparse
import copy
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import mmdualkd  # noqa: F401  (first: it mends the stack)

# isort: split
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from torch import nn

from mmdualkd.arguments import CfgOptions, whole_number
from mmdualkd.launch import check_distillation, load_config, run_tool
from mmdualkd.settings import check_device
from mmdualkd.zoo.resolve import build_model


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


def build_random(cfg: dict, device: str) -> nn.Module:
    """Builds a distiller whose models all have random weights, in training mode."""
    cfg = copy.deepcopy(cfg)
    cfg.student.checkpoint = None
    with tempfile.TemporaryDirectory() as folder:
        for name, spec in cfg.teachers.items():
            spec.checkpoint = None
            teacher, _ = build_model(spec, f'model.teachers.{name}', cfg.get('num_classes'))
            spec.checkpoint = str(Path(folder) / f'{name}.pth')
            torch.save(teacher.state_dict(), spec.checkpoint)
        model = MODELS.build(cfg)
    return model.to(device).train()


def plain_kd(cfg: dict) -> dict:
    """The same student and teachers with KD alone."""
    kept = {key: value for key, value in cfg.items() if key not in ('type', 'terms', 'assistant')}
    kd = dict(type='FusedKD', weighting=dict(type='Uniform'))
    return Config(dict(type='mmdualkd.Distiller', terms=dict(kd=kd), **kept))._cfg_dict


def random_batch(model: nn.Module, count: int, device: str) -> dict:
    """Random uint8 clips or pictures on the device, and labels."""
    size = max(max(spec.size) if isinstance(spec.size, tuple) else spec.size for spec in model.plan.specs.values())
    clips = torch.randint(0, 256, (count, 1, 3, model.plan.num_frames, size, size), dtype=torch.uint8, device=device)
    if model.of_pictures:
        from mmpretrain.structures import DataSample as Sample
    else:
        from mmaction.structures import ActionDataSample as Sample
    return dict(inputs=clips, data_samples=[Sample().set_gt_label(0).to(device) for _ in range(count)])


def step_of(model: nn.Module, data: dict) -> Callable[[], None]:
    """Forward and backward of a model on ready inputs."""

    def step() -> None:
        model.zero_grad()
        model.parse_losses(model(**data, mode='loss'))[0].backward()

    return step


def parts_of_a_step(model: nn.Module, data: dict) -> dict[str, Callable[[], None]]:
    """The whole step, and what it consists of."""
    views = {name: view(data['inputs']) for name, view in model.views.items()}
    parts = {
        'distillation step': step_of(model, data),
        'student step': step_of(model.student, {**data, 'inputs': views['student']}),
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


def memory(part: Callable[[], None], models: list[nn.Module], device: str, amp: bool) -> float:
    """MiB that one step needs beside the weights: the peak on a GPU, on a CPU what is kept for the backward."""
    weights = {weight.untyped_storage().data_ptr() for model in models for weight in model.parameters()}
    kept = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    for model in models:
        model.zero_grad()
    if device == 'cuda':
        torch.cuda.reset_peak_memory_stats()
        rest = torch.cuda.memory_allocated()
    with torch.autocast(device, enabled=amp), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        part()
    needed = torch.cuda.max_memory_allocated() - rest if device == 'cuda' else sum(kept.values())
    return needed / 2**20


def main() -> None:
    """Prints seconds and ratios."""
    args = parse_args()
    check_device('--device', args.device)
    cfg = load_config(args)
    check_distillation(cfg)
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    model = build_random(cfg.model, args.device)
    data = random_batch(model, args.batch_size, args.device)
    parts = parts_of_a_step(model, data)
    names = list(parts)
    if model.assisted:
        plain = build_random(plain_kd(cfg.model), args.device)
        parts['plain KD step'] = step_of(plain, data)
    seconds = measure(parts, args.steps, args.device, args.amp)
    whole = seconds['distillation step']
    apart = sum(seconds[name] for name in names) - whole
    for name, value in seconds.items():
        print(f'{name:20s} {value:8.4f} s   {value / whole:5.2f} of the step')
    print(f'{"networks apart":20s} {apart:8.4f} s   the step takes {whole / apart:.3f} times that')
    if model.assisted:
        models = [model, *model.teachers.values(), plain, *plain.teachers.values()]
        steps = [parts[name] for name in ('distillation step', 'plain KD step')]
        ours, theirs = (memory(step, models, args.device, args.amp) for step in steps)
        print(f'beside plain KD: {whole / seconds["plain KD step"]:.3f} times the time, {ours / theirs:.3f} times the '
              f'memory ({ours:.0f} and {theirs:.0f} MiB)')  # fmt: skip


if __name__ == '__main__':
    run_tool(main)
