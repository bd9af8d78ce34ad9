"""A training step against its networks apart, against plain KD, and its memory against the least that it can need."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cached import cached_distiller
from mmengine.config import Config, ConfigDict
from mmengine.registry import init_default_scope
from random_models import ONLINE, build_random, parts_of_a_step, plain_kd, random_batch, step_of
from torch import nn
from turns import Ratio, peak_memory, ratio, take_turns, without_gradients

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
PAIRS = dict(
    x3d='dualkd/hmdb51/dualkd_mvitv2-s-x3d-m_x3d-s_1xb8-13x6x1-50e_hmdb51-rgb.py',
    tsm='dualkd/hmdb51/dualkd_swin-t-tsm-r50_tsm-mobilenetv2_1xb8-1x1x8-50e_hmdb51-rgb.py',
    hybrid='hybrid/cifar100/hybrid_swin-t_resnet18_8xb128-300e_cifar100-224.py',
)
QUICK = dict(
    x3d='demo/student_distilled.py',
    tsm='demo/student_distilled.py',
    hybrid='hybrid/pictures/hybrid_swin-w24_cnn-w8_1xb32-20e_pictures-32.py',
)


@dataclass(frozen=True)
class Settings:
    """How everything is measured.

    Attributes:
        device: ``'cpu'`` or ``'cuda'``.
        quick: Small networks and few turns, which prove nothing about the targets.
        videos: A folder of videos to decode in place of generated ones, or None.
    """

    device: str
    quick: bool = False
    videos: str | None = None

    @property
    def turns(self) -> int:
        """How often each part is measured."""
        return 2 if self.quick else 12

    @property
    def batch(self) -> int:
        """Clips or pictures a step."""
        return 8 if self.device == 'cuda' else 2


def whole_config(pair: str, settings: Settings) -> Config:
    """A pair's config; its libraries' scope is entered."""
    cfg = Config.fromfile(CONFIGS / (QUICK if settings.quick else PAIRS)[pair])
    init_default_scope(cfg.get('default_scope', 'mmaction'))
    return cfg


def config_of(pair: str, settings: Settings) -> ConfigDict:
    """The same of its model alone."""
    return whole_config(pair, settings).model


@cache
def distiller_of(pair: str, settings: Settings) -> nn.Module:
    """A pair's distiller with random weights."""
    return build_random(config_of(pair, settings), settings.device)


def dual_teacher(pair: str, settings: Settings) -> dict[str, Ratio]:
    """A step that runs its teachers, and one that reads a cache of them, against the networks measured apart."""
    model = distiller_of(pair, settings)
    parts = parts_of_a_step(model, random_batch(model, settings.batch, settings.device))
    networks = [name for name in parts if name != ONLINE]
    cached, rows = cached_distiller(whole_config(pair, settings), settings.batch, settings.device)
    data = random_batch(cached, settings.batch, settings.device)
    parts['cached step'] = step_of(cached, {**data, 'teacher_rows': rows})
    seconds = take_turns(parts, settings.turns, settings.device)
    return {
        f'online_over_networks_{pair}': ratio(seconds, ONLINE, networks),
        f'cached_over_student_{pair}': ratio(seconds, 'cached step', 'student step'),
        f'cached_speedup_{pair}': ratio(seconds, ONLINE, 'cached step'),
    }


def hybrid(settings: Settings) -> dict[str, Ratio]:
    """A step with a hybrid assistant against plain KD of the same models."""
    model = distiller_of('hybrid', settings)
    plain = build_random(plain_kd(config_of('hybrid', settings)), settings.device)
    data = random_batch(model, 4 * settings.batch, settings.device)
    parts = dict(hybrid=step_of(model, data), kd=step_of(plain, data))
    return dict(hybrid_over_kd=ratio(take_turns(parts, settings.turns, settings.device), 'hybrid', 'kd'))


def memory(settings: Settings) -> dict[str, Ratio]:
    """A step's peak beside the weights against the student's training and the largest teacher's forward."""
    model = distiller_of('x3d', settings)
    parts = parts_of_a_step(model, random_batch(model, settings.batch, settings.device))
    mib = {}
    for name, part in parts.items():
        without_gradients([model])
        mib[name] = peak_memory(part, settings.device)
    floor = mib['student step'] + max(value for name, value in mib.items() if name.startswith('teacher '))
    value = mib[ONLINE] / floor
    note = f'{mib[ONLINE]:.0f} of {floor:.0f} MiB'
    return dict(memory_over_floor=Ratio(value, note=note, detail=dict(mib=mib)))
