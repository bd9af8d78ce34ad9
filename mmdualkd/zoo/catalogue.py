"""Models by short names, and what of any zoo config a training on one's own data needs to know."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from ..dataset_configs import plain_configs
from ..errors import ConfigError, check_name

VIDEOS, PICTURES = 'videos', 'pictures'
SMALL_VIDEO = 'mmdualkd::_base_/models/small_video.py'
SMALL_PICTURES = 'mmdualkd::_base_/classifiers/small_pictures.py'
OPENMMLAB = 'Apache-2.0'
KINETICS = f'{OPENMMLAB}; weights learned from Kinetics-400 (YouTube videos)'
IMAGENET = f'{OPENMMLAB}; weights learned from ImageNet-1K (research terms)'
OWN = f'{OPENMMLAB}; no weights'


@dataclass(frozen=True)
class Model:
    """A model that can be a student or a teacher.

    Attributes:
        config: A config of a zoo, or a path; of a small model of ours the file that defines it.
        kind: ``'cnn'``, ``'vit'`` or ``'mlp'``.
        view: What it sees of a video (``clip_len``, ``frame_interval``, ``num_clips``) and its ``size`` in pixels.
        test_size: Pixels a side in testing.
        variable: The name in ``config`` of a small model that has no weights; None for models of a zoo.
        checkpoint: Where its weights are: ``'zoo'``, an address or a path; None for none.
        licence: Of its code, and where its weights come from.
        parameters: How many it has, where no zoo lists it (small models: with ten classes).
        gflops: What it takes for one clip or picture; a multiply-add counts once.
        of_rgb: Whether its config has it learn from arrays that are RGB already (MMPretrain's CIFAR), so that it
            exchanges no colours; files of pictures are read with blue first.
    """

    config: str
    kind: str
    view: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    test_size: int = 224
    variable: str | None = None
    checkpoint: str | None = 'zoo'
    licence: str = ''
    parameters: int | None = None
    gflops: float | None = None
    of_rgb: bool = False


def _video(config: str, kind: str, test_size: int = 224, **view: int) -> Model:
    return Model(f'mmaction::recognition/{config}.py', kind, view, test_size, licence=KINETICS)


def _small_video(variable: str, kind: str, parameters: int, gflops: float) -> Model:
    return Model(
        SMALL_VIDEO, kind, dict(clip_len=16, frame_interval=4, size=64), 64, variable, None, OWN, parameters, gflops
    )


def _picture(config: str, kind: str) -> Model:
    return Model(f'mmpretrain::{config}.py', kind, dict(size=224), licence=IMAGENET)


def _small_picture(variable: str, kind: str, parameters: int, gflops: float) -> Model:
    return Model(SMALL_PICTURES, kind, dict(size=32), 32, variable, None, OWN, parameters, gflops)


TSM_MOBILENETV2 = 'https://download.openmmlab.com/mmaction/v1.0/recognition/tsm/tsm_imagenet-pretrained-mobilenetv2_8xb16-1x1x8-100e_kinetics400-rgb/tsm_imagenet-pretrained-mobilenetv2_8xb16-1x1x8-100e_kinetics400-rgb_20230414-401127fd.pth'

# Those of videos in the order of their cost, small ones of ours last; each may be a student or a teacher.
MODELS: dict[str, dict[str, Model]] = {
    VIDEOS: {
        # its zoo lists no weights, parameters or GFLOPs of it
        'tsm-mobilenetv2': Model(
            'mmaction::recognition/tsm/tsm_imagenet-pretrained-mobilenetv2_8xb16-1x1x8-100e_kinetics400-rgb.py', 'cnn',
            dict(clip_len=1, num_clips=8, size=224), 224, None, TSM_MOBILENETV2, KINETICS, 2_736_272, 2.4,
        ),
        'x3d-s': _video('x3d/x3d_s_13x6x1_facebook-kinetics400-rgb', 'cnn', 182,
                        clip_len=13, frame_interval=6, size=160),
        'x3d-m': _video('x3d/x3d_m_16x5x1_facebook-kinetics400-rgb', 'cnn', 256,
                        clip_len=16, frame_interval=5, size=224),
        'tsm-r50': _video('tsm/tsm_imagenet-pretrained-r50_8xb16-1x1x8-50e_kinetics400-rgb', 'cnn',
                          clip_len=1, num_clips=8, size=224),
        'slowfast-r50': _video('slowfast/slowfast_r50_8xb8-8x8x1-256e_kinetics400-rgb', 'cnn', 256,
                               clip_len=32, frame_interval=2, size=224),
        'slowfast-r101': _video('slowfast/slowfast_r101_8xb8-8x8x1-256e_kinetics400-rgb', 'cnn', 256,
                                clip_len=32, frame_interval=2, size=224),
        'mvitv2-s': _video('mvit/mvit-small-p244_32xb16-16x4x1-200e_kinetics400-rgb', 'vit',
                           clip_len=16, frame_interval=4, size=224),
        'swin-t': _video('swin/swin-tiny-p244-w877_in1k-pre_8xb8-amp-32x2x1-30e_kinetics400-rgb', 'vit',
                         clip_len=32, frame_interval=2, size=224),
        'resnet3d18-w8': _small_video('resnet3d18_w8', 'cnn', 521_282, 0.048),
        'resnet3d18-w16': _small_video('resnet3d18_w16', 'cnn', 2_077_818, 0.161),
        'uniformer-w16': _small_video('uniformer_w16', 'vit', 542_442, 0.079),
        'uniformer-w32': _small_video('uniformer_w32', 'vit', 586_986, 0.118),
    },
    PICTURES: {
        'mobilenetv2': _picture('mobilenet_v2/mobilenet-v2_8xb32_in1k', 'cnn'),
        'resnet18': _picture('resnet/resnet18_8xb32_in1k', 'cnn'),
        'deit-t': _picture('deit/deit-tiny_4xb256_in1k', 'vit'),
        'resnet50': _picture('resnet/resnet50_8xb32_in1k', 'cnn'),
        'swin-t': _picture('swin_transformer/swin-tiny_16xb64_in1k', 'vit'),
        'convnext-t': _picture('convnext/convnext-tiny_32xb128_in1k', 'cnn'),
        'mixer-b16': _picture('mlp_mixer/mlp-mixer-base-p16_64xb64_in1k', 'mlp'),
        'cnn-w8': _small_picture('cnn_w8', 'cnn', 176_482, 0.0056),
        'cnn-w16': _small_picture('cnn_w16', 'cnn', 701_754, 0.0219),
        'vit-w48': _small_picture('vit_w48', 'vit', 119_866, 0.01),
        'swin-w24': _small_picture('swin_w24', 'vit', 805_757, 0.0123),
        'mlp-w64': _small_picture('mlp_w64', 'mlp', 130_058, 0.0083),
    },
}  # fmt: skip


def short_names() -> list[str]:
    """The short names of all models, each once."""
    return sorted({name for models in MODELS.values() for name in models})


def rows(of: str) -> list[tuple[str, ...]]:
    """What ``mmdualkd list models`` shows of videos or pictures, below the names of the columns."""
    from .names import listed_facts

    cells = [('name', 'kind', 'parameters', 'GFLOPs', 'input', 'zoo top-1 %', 'licence')]
    for name, model in MODELS[of].items():
        known = dict(parameters=model.parameters, gflops=model.gflops, top1=None)
        if model.parameters is None:
            known = listed_facts(model.config, name)
        frames = 'x'.join(
            str(model.view[key]) for key in ('clip_len', 'frame_interval', 'num_clips') if key in model.view
        )
        size = f'{model.view["size"]} px'
        cells.append(
            (
                name,
                model.kind,
                f'{known["parameters"] / 1e6:.2f} M' if known['parameters'] else '-',
                f'{known["gflops"]:.3g}' if known['gflops'] else '-',
                f'{frames}, {size}' if frames else size,
                f'{known["top1"]:.1f}' if known['top1'] else '-',
                model.licence,
            )
        )
    return cells


def find_model(name: str, of: str, key: str) -> Model:
    """The model that a short name, a zoo config or the path of a config means.

    Args:
        name: As in :data:`MODELS`, ``package::path.py``, or a path that ends in ``.py``.
        of: ``'videos'`` or ``'pictures'``.
        key: The option that holds the name, for errors.

    Raises:
        ConfigError: If there is no such model, or it is one of the other kind of data; names the nearest one.
    """
    if '::' in name or name.endswith('.py'):
        return _of_config(name, of, key)
    other = PICTURES if of == VIDEOS else VIDEOS
    if name not in MODELS[of] and name in MODELS[other]:
        known = ', '.join(MODELS[of])
        raise ConfigError(f'{key}={name!r} is a model of {other}, and the data are {of} (there are: {known})')
    check_name(key, name, MODELS[of], f'model of {of}')
    return MODELS[of][name]


def _of_config(name: str, of: str, key: str) -> Model:
    """A model that a config describes: its view is that of the config's own pipeline."""
    from ..reading import read_file, with_names
    from .names import find_model as find_config
    from .names import listed_weights

    cfg = read_file(key, str(find_config(name, key)))
    with_names(cfg._cfg_dict)
    if 'student' in (cfg.get('model') or {}):
        raise ConfigError(f'{key}={name!r} holds a distiller and not a plain model of {of}: name its student')
    data = _data(cfg)
    steps = list(data.get('pipeline') or ())
    size = _size(steps)
    if size is None or not isinstance(cfg.get('model'), dict):
        raise ConfigError(f'{key}={name!r}: its pipelines do not say how large its {of} are; use a model of the list')
    if ('cls_head' in cfg.model) != (of == VIDEOS):
        raise ConfigError(f'{key}={name!r} is no model of {of}')
    view = dict(size=size)
    if of == VIDEOS:
        view = {**_sampling(steps, name, key), **view}
    kind = _kind(str(cfg.model.get('backbone', {}).get('type')))
    weights = 'zoo' if listed_weights(name, key) else None
    arrays = str(data.get('type')).rpartition('.')[2] in ('CIFAR10', 'CIFAR100')
    return Model(name, kind, view, size, None, weights, 'as its zoo says', of_rgb=arrays)


def _data(cfg: Mapping[str, Any]) -> dict[str, Any]:
    """A config's training data, or its testing data if it has no others with a pipeline."""
    for split in ('train', 'val', 'test'):
        for _, dataset in plain_configs((cfg.get(f'{split}_dataloader') or {}).get('dataset')):
            if dataset.get('pipeline'):
                return dataset
    return {}


def _size(steps: list[dict]) -> int | None:
    """The side of what a pipeline gives: that of its last crop or resizing to a square."""
    for step in reversed(steps):
        kind = step['type'].rpartition('.')[2]
        side = step.get('crop_size', step.get('size', step.get('scale')))
        side = side[0] if isinstance(side, list | tuple) and len(set(side)) == 1 else side
        if isinstance(side, int) and kind in (
            'CenterCrop', 'ThreeCrop', 'TenCrop', 'RandomCrop', 'Resize', 'RandomResizedCrop', 'EfficientNetCenterCrop',
            'EfficientNetRandomCrop',
        ):  # fmt: skip
            return side
    return None


def _sampling(steps: list[dict], name: str, key: str) -> dict[str, int]:
    """Which frames a pipeline takes of a video."""
    sampler = next((step for step in steps if step['type'].rpartition('.')[2] == 'SampleFrames'), None)
    if sampler is None:
        raise ConfigError(f'{key}={name!r}: its pipeline has no SampleFrames, which is what views are made of')
    view = dict(clip_len=sampler['clip_len'], frame_interval=sampler.get('frame_interval', 1))
    if sampler['clip_len'] == 1:  # segments; the clips of another test pipeline are averaged over
        view['num_clips'] = sampler.get('num_clips', 1)
    return view


def _kind(backbone: str) -> str:
    """CNN, ViT or MLP, by the name of a backbone's class."""
    name = backbone.lower()
    if any(part in name for part in ('mixer', 'mlp')):
        return 'mlp'
    tokens = ('vit', 'transformer', 'former', 'swin', 'deit', 'beit', 'twins', 'eva', 'xcit', 'hivit', 'davit')
    return 'vit' if any(part in name for part in tokens) else 'cnn'
