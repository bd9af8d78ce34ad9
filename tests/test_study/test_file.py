"""A study's file that would be trained otherwise than it reads is one clear error."""

from pathlib import Path

import pytest
from leaves import DISTILLATION

from mmdualkd.errors import ConfigError
from mmdualkd.study.file import read_study
from mmdualkd.study.runs import Run, plan

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
        (
            "teachers = [dict(name='T', config='t.py', work_dir=' ')]",
            "teachers.0..work_dir must name a folder, got ' '",
        ),
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


@pytest.mark.parametrize('name', ['a,b', 'study (2)', 'study (3'])
def test_a_name_that_a_path_of_caches_would_lose_on_its_way_is_refused_where_there_are_caches(tmp_path, name):
    path = tmp_path / f'{name}.py'
    path.write_text(STUDY)
    read_study(path)
    path.write_text(f'{STUDY}views = 2\n')
    with pytest.raises(ConfigError, match=r'its caches lie in a folder of its name, which would reach'):
        read_study(path)


def test_a_study_that_inherits_another_has_the_names_that_it_computes_with(tmp_path):
    (tmp_path / 'base.py').write_text(f'{STUDY}seed = 3\nseeds = [seed]\n')
    (tmp_path / 'study.py').write_text("_base_ = 'base.py'\ntitle = 'Another'\n")
    assert read_study(tmp_path / 'study.py').seeds == [3]


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        (
            "rows[1]['options'] = {'a': 'img_{:05}.jpg'}",
            r'a field has no name \(braces that are to stay are written twice',
        ),
        ("rows[1]['options'] = {'a': '{name.x}'}", r"Uni: options\['a'\]='\{name.x\}': 'str' object has no attribute"),
        ("rows[1]['options'] = {'a': '{name[x]}'}", r"='\{name\[x\]\}': string indices must be integers"),
        ("rows[1]['options'] = {'a': ['{nam}/x']}", "field 'nam', which .* did you mean 'name'"),
        (
            "splits['two']['name'] = 'a,b'\nrows[1]['options'] = {'a': '{name}'}",
            r"Uni, two.options\['a'\]: 'a,b' would reach the training as \['a', 'b'\]",
        ),
        (
            "teachers = [dict(name='T', config='kd.py', work_dir='w/../out/Uni/{name}/seed0')]",
            r"^T, one, seed 0: 'out/Uni/one/seed0' is the place of Uni, one, seed 0: give it another",
        ),
        (
            "teachers = [dict(name='T', config='kd.py', work_dir='w')]",
            r"'w' is that of T, one, seed 0 with no a, .*; give each a work_dir of its own \('\{name\}'\)$",
        ),
    ],
)
def test_what_fields_make_of_rows_is_refused_where_no_training_is_meant(tmp_path, line, message):
    (tmp_path / 'study.py').write_text(f'{STUDY}{line}\n')
    with pytest.raises(ConfigError, match=message):
        list(plan(read_study(tmp_path / 'study.py'), Path('out'), {}))


def test_fields_are_filled_in_in_lists_and_a_work_dir_is_a_path(tmp_path):
    (tmp_path / 'study.py').write_text(
        f"{STUDY}rows[1]['options'] = {{'a': ['{{name}}/x', 3], 'b': '{{{{x}}}}'}}\n"
        "teachers = [dict(name='T', config='t.py', work_dir='~/{name}')]\nsplits = dict(one=dict(name='one'))\n"
    )
    runs = list(plan(read_study(tmp_path / 'study.py'), Path('out'), {}))
    assert runs[-1].options == {'a': ['one/x', 3], 'b': '{x}'} and runs[0].work_dir == Path.home() / 'one'


def test_options_that_do_not_fit_a_rows_config_are_told_with_the_row_before_anything_trains(tmp_path):
    settings = {'model.student.config.backbone.depth': 19}  # its config is the name of a file
    run = Run('Other depth', 'one', 0, str(DISTILLATION), tmp_path / 'run', settings)
    with pytest.raises(ConfigError, match='^Other depth, one, seed 0: --cfg-options do not fit the config'):
        run.check()
