from leaves import DISTILLATION

from mmdualkd.study.configs import config_of


def test_a_row_names_its_method_and_changes_it():
    cfg = config_of(str(DISTILLATION), {'model.terms.rsd.weight': 1.0, 'terms': 'rsd', 'model.teacher_cache': None})
    assert cfg.model.terms == dict(rsd=dict(type='RSD', source='vit', weight=1.0)) and cfg.model.teacher_cache is None
    kd = config_of(str(DISTILLATION), {'terms': 'kd', 'model.terms.kd.teachers': '[cnn]'}).model.terms
    assert kd == dict(kd=dict(type='FusedKD', weighting=dict(type='Uniform'), teachers=['cnn']))
