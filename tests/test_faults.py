"""Where in a config an error of others comes from, and what to do about it."""

import pytest
from distill_jobs import distill_job
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from mmdualkd.faults import explain


def explained(cfg, build):
    """What is said of the error that building a part of a config ends with."""
    init_default_scope('mmaction')
    with pytest.raises(Exception) as caught:
        build(cfg)
    return explain(caught.value)


@pytest.mark.parametrize('kind', ['RawframeDataset', 'AVADataset', 'PoseDataset'])
def test_a_data_set_of_another_kind_than_its_list_is_asked_about(tmp_path, kind):
    cfg = Config.fromfile(distill_job(tmp_path).config)
    cfg.train_dataloader.dataset.type = f'mmaction.{kind}'
    said = explained(cfg, lambda cfg: Runner.build_dataloader(cfg.train_dataloader))
    assert said.startswith(f'train_dataloader.dataset (mmaction.{kind}): '), said
    assert "; are ann_file='" in said and said.endswith('} what this kind of data set reads?'), said


def test_a_one_cycle_schedule_that_rises_for_one_step_is_told_what_to_change(tmp_path):
    cfg = Config.fromfile(distill_job(tmp_path).config)
    cfg.param_scheduler = dict(type='OneCycleLR', eta_max=0.1, total_steps=5, pct_start=0.2)
    cfg.work_dir = str(tmp_path / 'work')
    said = explained(cfg, lambda cfg: Runner.from_cfg(cfg).train())
    assert said.startswith('param_scheduler'), said
    assert said.endswith('; pct_start=0.2 of 5 steps is a rise of one step: give it another pct_start, or train longer')
