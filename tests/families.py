"""Every family of recognizers, each shrunk from its zoo config to a forward of a fraction of a second.

``FAMILIES[name]`` is a :class:`Family`; ``params()`` gives them to ``pytest.mark.parametrize`` with their reasons
to skip.
"""

import copy

import pytest
import torch
from clip_families import CLIP_FAMILIES
from family import NUM_CLASSES, Family
from frame_families import FRAME_FAMILIES
from mmengine.registry import MODELS

__all__ = ['FAMILIES', 'NUM_CLASSES', 'build', 'inputs', 'params']

FAMILIES: dict[str, Family] = {**CLIP_FAMILIES, **FRAME_FAMILIES}


def params() -> list:
    """The names for ``pytest.mark.parametrize``, those that cannot run here marked with their reason."""
    return [
        pytest.param(name, marks=pytest.mark.skip(reason=family.skip_reason) if family.skip_reason else ())
        for name, family in FAMILIES.items()
    ]


def build(name: str) -> torch.nn.Module:
    """Builds a family's recognizer with initialised weights."""
    torch.manual_seed(0)
    model = MODELS.build(dict(copy.deepcopy(FAMILIES[name].model), _scope_='mmaction'))
    model.init_weights()
    return model


def inputs(name: str, batch: int, generator: torch.Generator | None = None) -> torch.Tensor:
    """Normalised random inputs in a family's layout: (N, 1, 3, T, H, W) or (N, segments, 3, H, W)."""
    view = FAMILIES[name].view
    size, layout = view['size'], FAMILIES[name].model['data_preprocessor']['format_shape']
    shape = (1, 3, view['clip_len'], size, size) if layout == 'NCTHW' else (view['num_clips'], 3, size, size)
    return torch.randn(batch, *shape, generator=generator)
