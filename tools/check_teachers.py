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
import copy
import sys
from collections.abc import Iterator

import mmdualkd  # noqa: F401  (first: it mends the stack and lets `mmdualkd::` bases be found)

# isort: split
import torch
from mmaction.evaluation import top_k_accuracy
from mmengine.analysis import get_model_complexity_info
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.registry import MODELS, init_default_scope
from mmengine.runner import Runner
from mmengine.utils import ProgressBar
from torch import Tensor, nn

from mmdualkd.arguments import add_launch_arguments
from mmdualkd.datasets.wrappers import plain_datasets
from mmdualkd.errors import ConfigError, DataError
from mmdualkd.hooks.preflight import hand_views
from mmdualkd.launch import check_distillation, load_config, run_tool
from mmdualkd.outputs import Scores
from mmdualkd.zoo.weights import load_teacher_weights

COLUMNS = ('model', 'top-1 %', 'top-5 %', 'parameters', 'GFLOPs')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Accuracy and size of the teachers and the initial student.')
    parser.add_argument('config', help='config file of a distillation')
    parser.add_argument('--checkpoint', help='weights of the student in place of its initial ones')
    add_launch_arguments(parser)
    return parser.parse_args()


def build_models(cfg: Config, checkpoint: str | None) -> tuple[nn.Module, dict[str, nn.Module]]:
    """Builds the distiller; gives it and its models by name, the student first, in eval mode."""
    check_distillation(cfg)
    distiller = MODELS.build({**copy.deepcopy(cfg.model), 'teacher_cache': None})  # the networks themselves
    distiller.init_weights()
    if checkpoint is not None:
        load_teacher_weights(distiller.student, checkpoint, '--checkpoint')
    distiller = distiller.to(get_device()).eval()
    return distiller, {'student': distiller.student, **distiller.teachers}


def build_loader(cfg: Config, distiller: nn.Module) -> torch.utils.data.DataLoader:
    """The validation data, through the pipeline that gives every model its view."""
    for name in ('val_dataloader',) if distiller.of_pictures else ('val_dataloader', 'teacher_val_pipeline'):
        if cfg.get(name) is None:
            raise ConfigError(f'the config has no {name}; tools/check_teachers.py needs it')
    loader = copy.deepcopy(cfg.val_dataloader)
    if cfg.get('teacher_val_pipeline') is not None:
        loader.dataset.pipeline = cfg.teacher_val_pipeline
    loader = Runner.build_dataloader(loader)
    for dataset in () if distiller.of_pictures else plain_datasets(loader.dataset):
        hand_views(dataset, distiller.plan, 'teacher_val_pipeline')
    return loader


def measure(
    distiller: nn.Module, models: dict[str, nn.Module], loader: torch.utils.data.DataLoader
) -> dict[str, tuple]:
    """Top-1 and top-5 accuracy of every model in percent, in one pass over the data."""
    scores: dict[str, list[Tensor]] = {name: [] for name in models}
    labels: list[int] = []
    for clips, batch_labels in batches(distiller, loader):
        labels += batch_labels
        for name, model in models.items():
            logits = Scores(model)(distiller.views[name](clips))
            # (N * clips, classes) -> (N, classes): the mean probability of a video's clips
            scores[name].append(logits.softmax(dim=-1).unflatten(0, (len(batch_labels), -1)).mean(dim=1).cpu())
    if not labels:
        raise DataError('the validation data is empty')
    classes = scores['student'][0].size(1)
    topk = (1, min(5, classes))
    return {name: tuple(100 * k for k in top_k_accuracy(torch.cat(rows).numpy(), labels, topk)) for name, rows in
            scores.items()}  # fmt: skip


def batches(distiller: nn.Module, loader: torch.utils.data.DataLoader) -> Iterator[tuple[Tensor, list[int]]]:
    """The shared clips (N, 1, 3, T, H, W) and labels of each batch, T = 1 for pictures; shows the time that is left."""
    progress = ProgressBar(len(loader.dataset), file=sys.stderr)
    for data in loader:
        data = distiller.data_preprocessor.cast_data(data)
        labels = [int(sample.gt_label) for sample in data['data_samples']]
        clips = torch.stack(list(data['inputs']))
        yield clips[:, None, :, None] if distiller.of_pictures else clips, labels
        progress.update(len(labels))
    print(file=sys.stderr)


def cost(distiller: nn.Module, name: str, model: nn.Module) -> tuple[int, float]:
    """Parameters, and GFLOPs for one clip of the model's view (a multiply-add counts once)."""
    side = max(max(spec.size) if isinstance(spec.size, tuple) else spec.size for spec in distiller.plan.specs.values())
    clip = torch.zeros(1, 1, 3, distiller.plan.num_frames, side, side, dtype=torch.uint8, device=get_device())
    info = get_model_complexity_info(
        Scores(model), inputs=(distiller.views[name](clip),), show_table=False, show_arch=False
    )
    return info['params'], info['flops'] / 1e9


def table(rows: list[tuple[str, ...]]) -> str:
    """The rows below the column names, in aligned columns."""
    rows = [COLUMNS, *rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    return '\n'.join(
        '  '.join(cell.ljust(width) if column == 0 else cell.rjust(width) for column, (cell, width) in
                  enumerate(zip(row, widths, strict=True)))
        for row in rows
    )  # fmt: skip


@torch.no_grad()
def main() -> None:
    args = parse_args()
    cfg = load_config(args)
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    distiller, models = build_models(cfg, args.checkpoint)
    loader = build_loader(cfg, distiller)
    accuracies = measure(distiller, models, loader)
    rows = []
    for name, model in models.items():
        params, gflops = cost(distiller, name, model)
        top1, top5 = accuracies[name]
        label = name if name != 'student' else f'student ({"given checkpoint" if args.checkpoint else "initial"})'
        rows.append((label, f'{top1:.2f}', f'{top5:.2f}', f'{params / 1e6:.2f} M', f'{gflops:.3f}'))
    print(table(rows))


if __name__ == '__main__':
    run_tool(main)
