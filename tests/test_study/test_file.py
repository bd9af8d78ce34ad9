"""A study's file that would be trained otherwise than it reads is one clear error."""

import pytest

from mmdualkd.errors import ConfigError
from mmdualkd.study.file import read_study

STUDY = """
title = 'A study'
splits = dict(one=dict(name='one'), two=dict(name='set/two', options={'a': [1, 'b'], 'c': None, 'd': 'my clips', 'e': 1e-5, 'f': '[cnn]', 'g': '1e-5'}))
rows = [dict(name='Alone / all', config='alone.py'), dict(name='Uni', config='kd.py', options={})]
"""  # noqa: E501


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        ('', None),
        ("splits['two']['name'] = 'one'", "two splits have the name 'one': each pair would count twice"),
        ("splits['two']['name'] = '../one'", r"splits\['two'\].name must be fit for a folder .*got '../one'"),
        ("splits['two']['name'] = ''", 'must be fit for a folder'),
        ("rows[1]['name'] = '..'", r"rows\[1\].name must be fit for a folder .*got '..'"),
        ("rows[1]['name'] = 'a\\nb'", 'must be fit for a folder'),
        ("rows[1]['seeds'] = [1, 2, 1]", r'rows\[1\].seeds: a seed stands there twice'),
        ("rows[1]['options'] = {3: None}", '3 is no name of a setting'),
        ("rows[1]['options'] = {'model.terms': dict(kd=dict(weight=2))}", "would reach the training as \"{'kd'"),
        ("rows[1]['options'] = {'root': 'a,b'}", r"'a,b' would reach the training as \['a', 'b'\]"),
        ("rows[1]['options'] = {'names': ['a b']}", r"\['a b'\] would reach the training as \['ab'\]"),
        ("rows[1]['work_dir'] = 'a'", "rows.1. .Uni.: 'work_dir' is no field of it"),
        ("teachers = [dict(name='T', config='t.py', work_dir=3)]", 'teachers.0..work_dir must be a str, got 3'),
        ('seed = [3]', "nothing reads 'seed'; did you mean 'seeds'"),
        ("againts = 'Uni'", "nothing reads 'againts'; did you mean 'against'"),
        ('VIEWS = 3', "nothing reads 'VIEWS'; did you mean 'views'"),
        ("options = {'terms': 'rsd'}", "nothing reads 'options'; rows have it"),
        ("terms = 'rsd'", "nothing reads 'terms' \\(a name of one's own begins with '_'"),
        ("splits['a\\nb'] = dict(name='ab')", 'the head of a column must be a line of text'),
        ('teacher = []\nteachers = [*teacher]\n_last = 3', None),
        ("rows[1]['options'] = {'root': 'a [b'}", "'a \\[b' would reach|^$"),
    ],
)
def test_names_and_options_reach_the_trainings_as_they_stand_or_are_refused(tmp_path, line, message):
    (tmp_path / 'study.py').write_text(f'{STUDY}{line}\n')
    if message is None:
        assert len(read_study(tmp_path / 'study.py').rows) == 2
        return
    with pytest.raises(ConfigError, match=message):
        read_study(tmp_path / 'study.py')


def test_a_study_that_inherits_another_has_the_names_that_it_computes_with(tmp_path):
    (tmp_path / 'base.py').write_text(f'{STUDY}seed = 3\nseeds = [seed]\n')
    (tmp_path / 'study.py').write_text("_base_ = 'base.py'\ntitle = 'Another'\n")
    assert read_study(tmp_path / 'study.py').seeds == [3]
