import pytest
from leaves import DISTILLATION

from mmdualkd.errors import ConfigError
from mmdualkd.study.configs import check_terms, config_of


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
