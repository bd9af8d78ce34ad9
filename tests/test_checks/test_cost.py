"""What lies on disk, and how long trainings of several processes take."""

from types import SimpleNamespace

import pytest
from mmengine.config import Config

from mmdualkd.checks.cost import check_time, check_workers, kept
from mmdualkd.checks.speed import Pace


@pytest.mark.parametrize(
    ('saver', 'loop', 'count'),
    [
        (dict(interval=1), dict(max_epochs=10), 10),
        (dict(interval=3), dict(max_epochs=10), 3),
        (dict(interval=1, max_keep_ckpts=2), dict(max_epochs=10), 3),  # a new one is whole before an old one goes
        (dict(interval=1, max_keep_ckpts=1, save_best='auto'), dict(max_epochs=10), 4),
        (dict(interval=-1), dict(max_epochs=10), 1),
        (dict(interval=100, by_epoch=False), dict(max_iters=1000), 10),
    ],
)
def test_checkpoints_that_lie_there_at_once_are_counted(saver, loop, count):
    assert kept(Config(dict(default_hooks=dict(checkpoint=saver), train_cfg=loop))) == count


def test_processes_share_the_batches_of_an_epoch():
    loop = SimpleNamespace(max_epochs=4, val_begin=2, dynamic_milestones=[0], dynamic_intervals=[3])
    paces = {'the training step': Pace(0.0, 1.0, 10, 0), 'the validation step': Pace(0.0, 2.0, 3, 0)}
    job = SimpleNamespace(
        cfg=Config(dict(train_cfg=dict(max_epochs=4, val_interval=3))),
        once=lambda name, build: (paces[name], {}),
        has=lambda split: True,
        training=lambda: SimpleNamespace(train_loop=loop),
    )
    for processes, text in (
        (1, '4 epochs x 10.0 s, 2 validations x 6.0 s'),
        (4, '4 epochs x 3.0 s, 2 validations x 2.0 s'),
    ):
        [found] = check_time(job, processes)
        assert found.text.endswith(text)


@pytest.mark.parametrize(('reader', 'advice'), [('DecordInit', 'keep_in'), ('LoadImageFromFile', 'smaller files')])
def test_what_makes_decoding_faster_is_said_of_what_is_decoded(monkeypatch, reader, advice):
    pace = Pace(decode=900.0, step=1.0, batches=10, workers=0)
    monkeypatch.setattr('mmdualkd.checks.cost.training_pace', lambda job: (pace, None))
    job = SimpleNamespace(cfg=Config(dict(train_dataloader=dict(dataset=dict(pipeline=[dict(type=reader)])))))
    [finding] = check_workers(job, 1)
    assert advice in finding.text and ('DecordInit' in finding.text) == (reader == 'DecordInit')
