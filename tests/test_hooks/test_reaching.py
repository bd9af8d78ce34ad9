"""Hooks of MMPretrain that reach into a plain model, with a distiller."""

import pytest
from mmengine.registry import HOOKS
from tiny import build_distiller as clip_distiller
from tiny_pictures import build_distiller, build_plain, cnn, vit

from mmdualkd.errors import ConfigError
from mmdualkd.hooks.reaching import check_hooks

KD = dict(kd=dict(type='FusedKD', weighting=dict(type='Uniform')))
PIPELINE = dict(action_epoch=1, train_pipeline=[dict(type='PackInputs')])
MIXUP = dict(augments=[dict(type='Mixup', alpha=0.8)])


@pytest.mark.parametrize(
    'cfg, message',
    [
        (dict(type='PreciseBNHook'), 'PreciseBNHook gives the student the clip or picture that all models share'),
        (dict(schedule=[PIPELINE, dict(action_epoch=5, batch_augments=MIXUP)]), 'action_epoch=5: batch_augments'),
        (dict(schedule=[dict(action_epoch=3, batch_augments=None)]), 'action_epoch=3: batch_augments'),
        (dict(schedule=[dict(action_epoch=2, loss=dict(type='LabelSmoothLoss', label_smooth_val=0.1))]), '=2: loss'),
        (dict(schedule=[PIPELINE]), None),
    ],
)
def test_what_would_not_reach_a_distiller_is_an_error_and_plain_models_keep_it(tmp_path, cfg, message):
    hook = HOOKS.build({'type': 'SwitchRecipeHook', **cfg, '_scope_': 'mmpretrain'})
    check_hooks(build_plain(cnn()), [hook])
    model = build_distiller(tmp_path, cnn(), vit(), terms=KD)
    if message is None:
        return check_hooks(model, [hook])
    with pytest.raises(ConfigError, match=message):
        check_hooks(model, [hook])


def test_another_pipeline_beside_a_cache_of_teachers_is_an_error(tmp_path):
    hook = HOOKS.build(dict(type='SwitchRecipeHook', schedule=[dict(PIPELINE)], _scope_='mmpretrain'))
    model = build_distiller(tmp_path, cnn(), vit(), terms=KD)
    model.cache = 'what its teachers said of the first pipeline'
    with pytest.raises(ConfigError, match='action_epoch=1: by another train_pipeline the student would see other crop'):
        check_hooks(model, [hook])


def test_another_pipeline_of_clips_is_an_error_at_once_not_in_its_epoch(tmp_path):
    hook = HOOKS.build(dict(type='SwitchRecipeHook', schedule=[dict(PIPELINE)], _scope_='mmpretrain'))
    with pytest.raises(ConfigError, match='action_epoch=1: it switches pipelines of pictures'):
        check_hooks(clip_distiller(tmp_path), [hook])
