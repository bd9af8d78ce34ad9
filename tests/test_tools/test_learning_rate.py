"""Where a learning rate is for another batch than the one that is trained with, the log says so, or it is scaled."""

import json
from types import SimpleNamespace

import pytest
import torch
from distill_jobs import distill_job
from helpers import TOOLS, run, run_in_two
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmengine.optim.scheduler import CosineAnnealingLR, CosineAnnealingMomentum

from mmdualkd.batch_size import batch_of
from mmdualkd.learning_rate import scale

BASE = 'auto_scale_lr = dict(enable=False, base_batch_size=16)\n'
SAID = 'the learning rate is for batches of 16, and a batch has {} (4 samples x {})'


@pytest.fixture(scope='module')
def job(tmp_path_factory):
    """A distillation at a learning rate of 0.02 for 16 clips, with 4 clips a process and step."""
    return distill_job(tmp_path_factory.mktemp('job'), BASE)


def train(job, work_dir, *words, run=run):
    """The output of a training, and its learning rate at the first step."""
    output = run(TOOLS / 'train.py', job.config, '--no-validate', '--work-dir', work_dir, *words)
    scalars = next(work_dir.glob('*/vis_data/scalars.json')).read_text().splitlines()
    return output, json.loads(scalars[0])['lr']


def test_another_batch_is_told_with_the_factor_and_the_flag_that_applies_it(job, tmp_path):
    output, lr = train(job, tmp_path / 'a')
    advice = ': by the linear rule it would be 0.25 times as high, which --auto-scale-lr makes it'
    assert output.count('the learning rate is for') == 1 and SAID.format(4, '1 process') + advice in output
    assert lr == pytest.approx(0.02)
    output, lr = train(job, tmp_path / 'b', '--auto-scale-lr')
    assert 'by the linear rule' not in output and lr == pytest.approx(0.005)


def test_accumulated_batches_count(job, tmp_path):
    counts = ('--cfg-options', 'optim_wrapper.accumulative_counts=4')
    for number, flag in enumerate(([], ['--auto-scale-lr'])):
        output, lr = train(job, tmp_path / str(number), *flag, *counts)
        assert 'by the linear rule' not in output and lr == pytest.approx(0.02)


def test_the_processes_of_all_machines_count(job, tmp_path):
    output, lr = train(job, tmp_path / 'a', run=run_in_two)
    assert output.count(SAID.format(8, '2 processes')) == 1 and lr == pytest.approx(0.02)
    _, lr = train(job, tmp_path / 'b', '--auto-scale-lr', run=run_in_two)
    assert lr == pytest.approx(0.01)


def test_a_schedule_that_sets_the_rate_by_itself_is_scaled_too(tmp_path):
    job = distill_job(
        tmp_path,
        BASE + "param_scheduler = dict(type='OneCycleLR', eta_max=0.02, total_steps=2, convert_to_iter_based=True)",
    )
    rates = [train(job, tmp_path / str(number), *flag)[1] for number, flag in enumerate(([], ['--auto-scale-lr']))]
    assert rates[1] == pytest.approx(rates[0] / 4)


def test_the_rate_that_a_schedule_ends_with_is_scaled_too():
    schedules = [
        dict(type='LinearLR', start_factor=0.1, end=2),
        dict(type=CosineAnnealingLR, T_max=8, begin=2, end=10, eta_min=1e-5),
        dict(type='PolyLR', eta_min=None),
        dict(type=CosineAnnealingMomentum, T_max=10, eta_min=0.8),
        dict(type='CosineAnnealingParamScheduler', param_name='momentum', T_max=10, eta_min=0.8),
    ]
    runner = SimpleNamespace(
        cfg=Config(dict(train_dataloader=dict(batch_size=16), auto_scale_lr=dict(base_batch_size=1024))),
        param_schedulers=schedules,
    )
    wrapper = OptimWrapper(torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=5e-4))
    scale(runner, wrapper, processes=1)
    (group,) = wrapper.optimizer.param_groups
    assert group['lr'] == pytest.approx(5e-4 / 64)
    assert schedules[1]['eta_min'] == pytest.approx(1e-5 / 64)  # unscaled it would lie above the rate
    assert schedules[0]['start_factor'] == 0.1 and schedules[2]['eta_min'] is None
    assert schedules[3]['eta_min'] == schedules[4]['eta_min'] == 0.8


def test_the_batch_of_a_batch_sampler_counts():
    cfg = Config(dict(train_dataloader=dict(batch_sampler=dict(batch_size=6)), auto_scale_lr=dict(base_batch_size=8)))
    assert batch_of(cfg, processes=2).factor == 1.5
