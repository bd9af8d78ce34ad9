"""What a config of a term says wrong is one error, with its full key."""

import re

import pytest
from mmaction.registry import MODELS as OF_MMACTION
from torch import nn

from mmdualkd.errors import ConfigError
from mmdualkd.losses import FusedKD, Term
from mmdualkd.registry import MODELS, build


class Odd(Term):
    """A user's term, with arguments of its base class passed on and a message of its own."""

    def __init__(self, factor: float, **kwargs) -> None:
        super().__init__(**kwargs)
        if factor == 7:
            raise ConfigError('seven brings no luck')
        if factor == 8:
            raise TypeError('eight is of no type')

    def forward(self, step):
        return step.student.logits.sum()


@OF_MMACTION.register_module(force=True)
class Elsewhere(Odd):
    """One that was registered in another package's registry."""


KEY = 'model.terms.kd'
TAKES_OF_KD = r'\(FusedKD takes: weighting, tau, fuse, standardise_teachers, standardise_logits, teachers, weight\)'
WRONG = [
    (dict(type='FusedKD', temperature=4), rf": unknown argument 'temperature'; did you mean 'tau'\? {TAKES_OF_KD}"),
    (dict(type='FusedKD', weights=1), rf": unknown argument 'weights'; did you mean 'weight'\? {TAKES_OF_KD}"),
    (dict(type='FusedKD', q=1), rf": unknown argument 'q' {TAKES_OF_KD}"),
    (dict(type='RKD'), r": argument 'teacher' is missing \(RKD takes: teacher, distance, angle, features, weight\)"),
    (dict(type='Uniform', tau=1), r": unknown argument 'tau' \(Uniform takes: no arguments\)"),
    (dict(type='FusedKD', weight=-1), '.weight must not be negative, got -1'),
    (dict(type='FusedKD', weight='high'), ".weight must be a finite number, got 'high'"),
    (dict(type='FusedKD', weight=None), '.weight must be a finite number, got None'),
    (dict(type='FusedKD', weight=float('nan')), '.weight must be a finite number, got nan'),
    (dict(type='FusedKD', weight=float('inf')), '.weight must be a finite number, got inf'),
    (dict(type='FusedKD', tau='4'), ".tau must be a finite number, got '4'"),
    (dict(type='DKD', source='vit', beta=-1), '.beta must not be negative, got -1'),
    (dict(type='DIST', source='vit', gamma='1'), ".gamma must be a finite number, got '1'"),
    (dict(type='OFA', source='vit', gamma=0.5), '.gamma must be at least 1, got 0.5'),
    (dict(type='OFA', source='vit', gamma=None), '.gamma must be a finite number, got None'),
    (dict(type='InfoNCE', source='vit', temperature=4), r'.temperature must be in \[0.01, 1.0\], got 4'),
    (dict(type='InfoNCE', source='vit', temperature='a'), ".temperature must be a finite number, got 'a'"),
    (dict(type='InfoNCE', source='student'), ".target must be another model than source, both are 'student'"),
    (dict(type='RKD', teacher='vit', distance=-1), '.distance must not be negative, got -1'),
    (dict(type='RKD', teacher='vit', angle='x'), ".angle must be a finite number, got 'x'"),
    (dict(type='RKD', teacher='vit', features='pool'), ".features='pool' names no kind of features; did you mean .*"),
    (dict(type='FusedKD', weighting=dict(type='DATW', tau=0)), '.weighting.tau must be positive, got 0'),
    (dict(type='FusedKD', weighting=dict(type='DATW', score='sun')), ".weighting.score='sun' names no score.*'sum'.*"),
    (dict(type='FusedKD', weighting=dict(type='DATV')), ".weighting.type='DATV' is not registered.*mean 'DATW'.*"),
    (
        dict(type='FusedKD', weighting=dict(type='DATW', T=1)),
        r".weighting: unknown argument 'T'; did you mean 'tau'\? \(DATW takes: .*",
    ),
    (dict(type='FusedKD', weighting='DATW'), ".weighting must be a dict with a `type`, got 'DATW'"),
    (dict(type=Odd, factor=7), ': seven brings no luck'),
    (dict(type=Odd, factor=8), ': eight is of no type'),
    (dict(type=Odd, factor=1, weight=-1), '.weight must not be negative, got -1'),
    (dict(type=Odd, factor=1, wait=1), ".* unexpected keyword argument 'wait'"),
    (dict(type=Odd), r": argument 'factor' is missing \(Odd takes: factor\)"),
    (dict(type='FusedKDD'), ".type='FusedKDD' is not registered in mmdualkd; did you mean 'FusedKD'.*"),
    (dict(type='Elsewhere'), ".type='Elsewhere' is not registered in mmdualkd; did you mean 'mmaction.Elsewhere'.*"),
    (dict(type=3), '.type=3 is not registered in mmdualkd.*'),
    (dict(tau=4), " must be a dict with a `type`, got {'tau': 4}"),
    (None, ' must be a dict with a `type`, got None'),
]


@pytest.mark.parametrize('cfg, message', WRONG, ids=str)
def test_a_wrong_config_is_one_error_with_its_full_key(cfg, message):
    with pytest.raises(ConfigError, match=f'^{re.escape(KEY)}{message}$'):
        build(cfg, KEY)


def test_right_configs_are_built_by_name_by_scoped_name_and_by_class():
    assert isinstance(build(dict(type='FusedKD', tau=2), KEY), FusedKD)
    assert build(dict(type='mmdualkd.FusedKD', tau=2), KEY).tau == 2
    assert build(dict(type=FusedKD, _scope_='mmdualkd', tau=3), KEY).tau == 3
    assert build(dict(type=Odd, factor=1, weight=2), KEY).weight == 2
    assert isinstance(build(dict(type='mmaction.CrossEntropyLoss'), KEY), nn.Module)
    assert 'Odd' not in MODELS.module_dict
