"""Leaves on our configs, loaded as the tools load them."""

import argparse
from pathlib import Path

import pytest
from helpers import ROOT
from mmengine.config import Config

from mmdualkd.arguments import add_launch_arguments
from mmdualkd.errors import ConfigError
from mmdualkd.launch import build_runner, load_config

DISTILLATION = ROOT / 'configs' / 'demo' / 'student_distilled.py'


def write_leaf(folder: Path, text: str, base: Path | str | list[str] = DISTILLATION, name: str = 'leaf.py') -> Path:
    """Writes a leaf on a config, or on several; gives its path."""
    path = folder / name
    path.write_text(f'_base_ = {base if isinstance(base, list) else str(base)!r}\n{text}\n')
    return path


def load(config: Path | str, *flags: object) -> Config:
    """The config as a tool loads it with these flags."""
    parser = argparse.ArgumentParser()
    parser.add_argument('config')
    add_launch_arguments(parser)
    return load_config(parser.parse_args([str(config), *map(str, flags)]))


def refused(config: Path | str, *flags: object) -> str:
    """The message with which a config is refused: one line."""
    with pytest.raises(ConfigError) as error:
        build_runner(load(config, *flags))
    assert '\n' not in str(error.value)
    return str(error.value)
