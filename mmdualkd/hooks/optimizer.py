"""Whether an optimizer trains all of a distiller, and the student as it is trained alone."""

import logging
from collections.abc import Mapping
from typing import Any

from mmengine.logging import print_log
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import nn
from torch.nn.modules.conv import _ConvNd

from ..errors import ConfigError, listed, nearest
from ..names import STUDENT

TSM = 'TSMOptimWrapperConstructor'
TSM_RATES = (
    "paramwise_cfg=dict(bias_lr_mult=2, bias_decay_mult=0, norm_decay_mult=0, custom_keys={'cls_head.fc_cls.weight': "
    "dict(lr_mult=5), 'cls_head.fc_cls.bias': dict(lr_mult=10, decay_mult=0)})"
)


def check_optimizer(model: nn.Module, wrapper: OptimWrapper | OptimWrapperDict | None, cfg: Mapping[str, Any]) -> None:
    """Refuses an optimizer from a constructor that was written for plain recognizers and goes wrong on a distiller.

    Args:
        model: What is trained; one without terms is left alone.
        wrapper: Its optimizer.
        cfg: What it was built from.

    Raises:
        ConfigError: If it leaves parameters out, or gives a term's layer what was meant for the student's classifier,
            or there are several, which only a ``train_step`` of the model's own can step.
    """
    if isinstance(wrapper, OptimWrapperDict) and type(model).train_step is BaseModel.train_step:
        raise ConfigError(
            f'optim_wrapper makes {len(wrapper)} optimizers ({", ".join(wrapper.keys())}), and a step of '
            f'{type(model).__name__} has one for all that trains: give parts other rates by '
            "paramwise_cfg=dict(custom_keys={'student.': dict(lr_mult=...), 'terms.': dict(lr_mult=...)})"
        )
    _tell_of_idle_rates(model, cfg)
    constructor = str(cfg.get('constructor') or '').rpartition('.')[2]
    if wrapper is None or not constructor or not hasattr(model, 'terms'):
        return
    key = f'optim_wrapper.constructor={constructor!r}'
    if constructor == TSM and (cfg.get('paramwise_cfg') or {}).get('fc_lr5'):
        last = [name for name, part in model.named_modules() if isinstance(part, nn.Linear | _ConvNd)][-1:]
        if not all(name.startswith(f'{STUDENT}.') for name in last):
            raise ConfigError(
                f"{key} gives the model's last layer the rates that fc_lr5 means for the student's classifier, and "
                f"that is {last[0]}. MMEngine's own constructor (leave out `constructor`) gives them to the right one: "
                f'{TSM_RATES}'
            )
    wrappers = wrapper.values() if isinstance(wrapper, OptimWrapperDict) else [wrapper]
    trained = {id(weight) for one in wrappers for group in one.optimizer.param_groups for weight in group['params']}
    left = [name for name, weight in model.named_parameters() if weight.requires_grad and id(weight) not in trained]
    if left:
        raise ConfigError(
            f'{key} leaves out {len(left)} parameters that should train: {listed(left, 3)}. Take one that knows all, '
            "such as MMEngine's own (leave out `constructor`)"
        )


def _tell_of_idle_rates(model: nn.Module, cfg: Mapping[str, Any]) -> None:
    """Warns of learning rates for no parameter; weight decays for none are usual, stock recipes have them."""
    rates = (cfg.get('paramwise_cfg') or {}).get('custom_keys') or {}
    names = [name for name, _ in model.named_parameters()]
    parts = {part for name in names for part in name.split('.')}
    for key, of in rates.items():
        if 'lr_mult' in of and not any(key in name for name in names):
            message = (
                f"optim_wrapper.paramwise_cfg.custom_keys: {key!r} is in no parameter's name, so that its "
                f'lr_mult={of["lr_mult"]} changes nothing{nearest(key, parts)}'
            )
            print_log(message, logger='current', level=logging.WARNING)
