"""A training that was ended between its last checkpoint and its last validation is validated when it is resumed."""

import pytest
from mmengine.config import Config
from picture_jobs import picture_job

from mmdualkd.launch import build_runner
from mmdualkd.study.logs import read_result

BY_ITERATION = dict(
    train_cfg=dict(by_epoch=False, max_iters=1, val_interval=1),
    log_processor=dict(by_epoch=False),
)


@pytest.mark.parametrize('options', [{}, BY_ITERATION], ids=['epochs', 'iterations'])
def test_what_is_resumed_at_its_end_is_validated(tmp_path, monkeypatch, options):
    job = picture_job(tmp_path, per_class=2, epochs=1)

    def run(number, **more):
        cfg = Config.fromfile(job.config)
        for key, value in {**options, **more}.items():
            cfg[key] = value
        if options:
            cfg.default_hooks.checkpoint = dict(type='CheckpointHook', by_epoch=False, interval=1)
        cfg.experiment_name, cfg.launcher = f'{tmp_path}{number}', 'none'
        build_runner(cfg).train()

    with monkeypatch.context() as patch:  # as a kill does
        patch.setattr('mmengine.runner.ValLoop.run', lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run(1)
    losses = job.losses()
    run(2, resume=True)
    assert job.losses() == losses
    assert 0 <= read_result('row', job.work_dir, None).top1 <= 100
