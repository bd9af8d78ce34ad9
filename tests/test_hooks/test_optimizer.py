"""Optimizers from constructors that were written for plain recognizers, with a distiller."""

import copy

import pytest
import torch
from frame_families import FRAME_FAMILIES
from helpers import TOOLS
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.optim import OptimWrapper, OptimWrapperDict, build_optim_wrapper
from mmengine.registry import MODELS, DefaultScope
from tiny import build_distiller

from mmdualkd.errors import ConfigError
from mmdualkd.hooks.optimizer import check_optimizer

SCHEDULE = Config.fromfile(TOOLS.parent / 'configs' / '_base_/schedules/sgd_100e_tsm.py').optim_wrapper
UPSTREAM = dict(
    constructor='TSMOptimWrapperConstructor',
    paramwise_cfg=dict(fc_lr5=True),
    optimizer=copy.deepcopy(SCHEDULE.optimizer),
)
WITH_A_LAYER = dict(fitnets=dict(type='FitNets', source='vit'))
WITH_A_NUMBER = dict(nce=dict(type='InfoNCE', source='vit'))  # its temperature
PLAIN = dict(kd=dict(type='FusedKD'))


def rates(model, cfg):
    """Learning rate and weight decay of each parameter."""
    with DefaultScope.overwrite_default_scope('mmaction'):
        groups = build_optim_wrapper(model, copy.deepcopy(cfg)).optimizer.param_groups
    of = {id(weight): (group['lr'], group['weight_decay']) for group in groups for weight in group['params']}
    return {name: of.get(id(weight)) for name, weight in model.named_parameters()}


def test_the_tsm_recipe_has_the_rates_of_mmaction2s_own_constructor():
    model = MODELS.build({'_scope_': 'mmaction', **copy.deepcopy(FRAME_FAMILIES['tsm_mobilenetv2'].model)})
    ours = rates(model, SCHEDULE)
    theirs = rates(model, UPSTREAM)
    assert ours.keys() == theirs.keys() and all(ours[name] == pytest.approx(theirs[name]) for name in ours)
    assert ours['cls_head.fc_cls.weight'] == pytest.approx((0.1, 2e-5)) and ours['cls_head.fc_cls.bias'][1] == 0


def test_a_students_rates_under_the_tsm_recipe_do_not_depend_on_its_terms(tmp_path):
    model = build_distiller(tmp_path, terms=WITH_A_LAYER)
    assert {f'student.{name}': of for name, of in rates(model.student, SCHEDULE).items()}.items() <= rates(
        model, SCHEDULE
    ).items()


@pytest.mark.parametrize(
    'terms, fc_lr5, message',
    [
        (WITH_A_LAYER, True, "fc_lr5 means for the student's classifier, and that is terms.fitnets.connector"),
        (WITH_A_NUMBER, False, 'leaves out 1 parameters that should train: terms.nce.log_change'),
        (PLAIN, True, None),
        (WITH_A_LAYER, False, None),
    ],
)
def test_a_constructor_that_goes_wrong_on_terms_is_refused(terms, fc_lr5, message, tmp_path):
    model = build_distiller(tmp_path, terms=terms)
    cfg = {**UPSTREAM, 'paramwise_cfg': dict(fc_lr5=fc_lr5)}
    with DefaultScope.overwrite_default_scope('mmaction'):
        wrapper = build_optim_wrapper(model, copy.deepcopy(cfg))
    if message is None:
        return check_optimizer(model, wrapper, cfg)
    with pytest.raises(ConfigError, match=message):
        check_optimizer(model, wrapper, cfg)


def test_frozen_parameters_may_be_left_out_by_a_constructor(tmp_path):
    model = build_distiller(tmp_path, terms=PLAIN)
    frozen = next(model.student.parameters()).requires_grad_(False)
    trained = [weight for weight in model.parameters() if weight is not frozen]
    check_optimizer(model, OptimWrapper(torch.optim.SGD(trained, 0.1)), dict(constructor='Mine'))


def test_several_optimizers_are_refused_where_no_step_of_the_models_own_takes_them(tmp_path):
    model = build_distiller(tmp_path, terms=WITH_A_LAYER)
    parts = dict(student=model.student, terms=model.terms)
    wrappers = {name: OptimWrapper(torch.optim.SGD(part.parameters(), 0.1)) for name, part in parts.items()}
    several = OptimWrapperDict(**wrappers)
    with pytest.raises(ConfigError, match=r'optim_wrapper makes 2 optimizers \(student, terms\), and a step of DualT'):
        check_optimizer(model, several, dict(constructor='Mine'))
    own = type('Own', (type(model),), dict(train_step=lambda self, data, optim_wrapper: {}))
    model.__class__ = own
    check_optimizer(model, several, dict(constructor='Mine'))


def test_rates_of_parameters_that_are_not_there_are_told_with_the_nearest(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(MMLogger, 'callHandlers', lambda self, record: caplog.handler.handle(record))
    MMLogger.get_instance('rates')
    model = build_distiller(tmp_path, terms=PLAIN)
    keys = {'bakcbone': dict(lr_mult=0.1), 'backbone': dict(lr_mult=0.5), 'pos_embed': dict(decay_mult=0.0)}
    caplog.clear()
    check_optimizer(model, None, dict(paramwise_cfg=dict(custom_keys=keys)))
    [message] = caplog.messages
    assert message == (
        "optim_wrapper.paramwise_cfg.custom_keys: 'bakcbone' is in no parameter's name, so that its lr_mult=0.1 "
        "changes nothing; did you mean 'backbone'?"
    )
