import pytest
from leaves import DISTILLATION

from mmdualkd.errors import ConfigError
from mmdualkd.study.configs import check_keys, check_terms, config_of


def test_a_row_names_its_method_and_changes_it():
    cfg = config_of(str(DISTILLATION), {'model.terms.rsd.weight': 1.0, 'terms': 'rsd', 'model.teacher_cache': None})
    assert cfg.model.terms == dict(rsd=dict(type='RSD', source='vit', weight=1.0)) and cfg.model.teacher_cache is None
    kd = config_of(str(DISTILLATION), {'terms': 'kd', 'model.terms.kd.teachers': '[cnn]'}).model.terms
    assert kd == dict(kd=dict(type='FusedKD', weighting=dict(type='Uniform'), teachers=['cnn']))


@pytest.mark.parametrize(
    'options, words',
    [
        ({'terms': 'rsd', 'model.terms.rsd.wieght': 0.5}, ["model.terms.rsd: unknown argument 'wieght'", "'weight'"]),
        ({'terms': 'rsd', 'model.terms.rsd.weight': -1.0}, ['model.terms.rsd.weight', '-1.0']),
        ({'model.terms.kd.type': 'FusdKD'}, ["model.terms.kd.type='FusdKD'", "'FusedKD'"]),
    ],
)
def test_settings_of_terms_that_do_not_build_are_found_before_anything_trains(options, words):
    with pytest.raises(ConfigError) as error:
        check_terms(str(DISTILLATION), options)
    assert all(word in str(error.value) for word in words), error.value


def test_settings_of_terms_that_build_pass():
    check_terms(str(DISTILLATION), {'terms': 'datw', 'model.terms.sdd.type': 'SDD'})
    check_terms(str(DISTILLATION), {'model.terms.kd.weight': 0.5})  # of a default term


@pytest.mark.parametrize(
    ('options', 'words'),
    [
        ({'train_cfg.max_epoch': 3}, r"^train_cfg\.max_epoch\b.*'max_epochs'"),
        ({'model.teacher_cach': None}, "'teacher_cache'"),
        ({'trian_cfg.max_epochs': 3}, "'train_cfg'"),
    ],
)
def test_settings_that_a_training_would_refuse_are_found_before_its_teachers_train(options, words):
    with pytest.raises(ConfigError, match=words):
        check_keys(str(DISTILLATION), options)
    check_keys(str(DISTILLATION), {'train_cfg.max_epochs': 3, 'model.teacher_cache': None, '_mine': 2})
