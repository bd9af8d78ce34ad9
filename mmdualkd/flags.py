"""What flags of ``tools/train.py`` change in a config."""

import argparse

from mmengine.config import Config

from .errors import ConfigError, nearest


def set_flags(cfg: Config, args: argparse.Namespace) -> None:
    """Puts ``--no-validate``, ``--amp`` and ``--auto-scale-lr`` into a config.

    Raises:
        ConfigError: If the config has not what a flag needs.
    """
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    if args.amp:
        wrapper = cfg.optim_wrapper.get('type', 'OptimWrapper')
        if wrapper.rpartition('.')[2] not in ('OptimWrapper', 'AmpOptimWrapper'):
            raise ConfigError(f'--amp needs optim_wrapper.type=OptimWrapper, the config has {wrapper!r}')
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    if args.auto_scale_lr:
        _scale_lr(cfg)


def _scale_lr(cfg: Config) -> None:
    """Turns the config's ``auto_scale_lr`` on."""
    scale, known = cfg.get('auto_scale_lr') or {}, ('base_batch_size', 'enable')
    for name in scale:
        if name not in known:
            raise ConfigError(f'auto_scale_lr.{name}: no setting has this name{nearest(name, known)}')
    base = scale.get('base_batch_size')
    if type(base) is not int or base < 1:
        raise ConfigError(
            f'--auto-scale-lr needs auto_scale_lr=dict(base_batch_size=...) in the config, from 1; got {base!r}'
        )
    scale.enable = True
