"""What a study's cache is written for."""

import json
from types import SimpleNamespace

import pytest
from mmengine.config import Config

from mmdualkd.errors import CacheError
from mmdualkd.study import caches
from mmdualkd.study.record import Record


def distillation(**student):
    model = dict(
        type='mmdualkd.DualTeacherDistiller', student=dict(config='a', **student), teachers=dict(vit=dict(config='t'))
    )
    return Config(dict(model=model, train_dataloader=dict(dataset=dict(type='mmdualkd.VideoDataset'))))


class WaitingRun(SimpleNamespace):
    """A run, as far as its cache is concerned."""

    __hash__ = object.__hash__

    def __init__(self, options):
        super().__init__(file='x.py', options=options, state=SimpleNamespace(status='waiting', error=None, cache=None))


def test_a_cache_is_written_for_every_student_whose_grid_may_be_another_but_not_for_each_start(tmp_path, monkeypatch):
    asked = []

    class Tool:
        error = 'not run'

        def __init__(self, name, words, log, threads):
            asked.append(words[: words.index('--out')])

        def wait(self):
            return 1

    monkeypatch.setattr(caches, 'Tool', Tool)
    configs = [distillation(**student) for student in ({}, dict(checkpoint='b.pth'), dict(model=dict(width=2)))]
    with pytest.raises(CacheError, match='the cache of the teachers failed: not run'):
        caches.write_cache(configs, tmp_path, 2, 'float16', 1)
    assert [Config.fromfile(file).model.student for file in asked[0]] == [
        configs[0].model.student, configs[2].model.student
    ]  # fmt: skip
    assert caches.group_of(configs[0]) == caches.group_of(configs[2])


def test_a_row_whose_model_cannot_be_built_fails_alone_and_the_others_share_a_cache(tmp_path, monkeypatch):
    class Tool:
        def __init__(self, name, words, log, threads):
            files = words[: words.index('--out')]
            wide = [file for file in files if Config.fromfile(file).model.student.get('width') == 2]
            self.error = f'ConfigError: {wide[0]}: too wide ({log})' if wide else None

        def wait(self):
            return int(self.error is not None)

    monkeypatch.setattr(caches, 'Tool', Tool)
    whole = SimpleNamespace(layout=SimpleNamespace(samples=3), num_views=2)
    monkeypatch.setattr(caches, 'TeacherCache', lambda folder: whole)
    monkeypatch.setattr(caches, 'config_of', lambda file, options: distillation(**options))
    widths = dict(narrow={}, wide=dict(width=2), wide_again=dict(width=2, checkpoint='b.pth'), other=dict(width=3))
    runs = {name: WaitingRun(options) for name, options in widths.items()}
    notes = []
    caches.share_teachers(
        runs.values(), [runs[name] for name in ('narrow', 'wide')], tmp_path, 2, 'float16', 1, notes.append
    )
    assert runs['wide'].state.status == 'failed' and 'config1.py: too wide' in runs['wide'].state.error
    assert [run.state.status for name, run in runs.items() if name != 'wide'] == ['waiting'] * 3
    assert runs['narrow'].state.cache is not None and [note['records'] for note in notes] == [6]


@pytest.mark.parametrize(
    ('calls', 'seconds'),
    [
        ([(3.0, False)], 3.0),
        ([(3.0, False), (None, True), (2.0, True)], 5.0),
        ([(2.0, True)], None),  # a command before was killed, and nobody knows how long it took
        ([(2.0, True), (2.0, True)], None),
    ],
)
def test_the_seconds_of_a_cache_are_those_of_all_commands_or_not_known(tmp_path, calls, seconds):
    study = Config(dict(title='Caches.', splits=dict(one=dict(name='one')), rows=[]))
    for spent, begun in calls:
        cost = dict(path='cache', records=6, bytes=60, seconds=spent, begun=begun)
        Record(study, [], tmp_path, [], ['study']).add_cache(cost)
    noted = json.loads((tmp_path / 'study.json').read_text())['caches']
    assert noted == [dict(path='cache', records=6, bytes=60, seconds=seconds)]
