"""A training that leaves the finite numbers keeps the step, and tools/replay.py finds where it happened."""

import json
import re

import pytest
import torch
from distill_jobs import distill_job
from helpers import TOOLS, run
from mmaction.structures import ActionDataSample
from mmpretrain.structures import DataSample

from mmdualkd.errors import CheckpointError
from mmdualkd.replay.plain import plain, unplain
from mmdualkd.replay.record import FORMAT, KEYS, LastSteps
from mmdualkd.replay.run import replay

SPOILT = """
custom_imports['imports'] += ['failing']
custom_hooks += [dict(type='mmdualkd.EpochSeedHook'), dict(type='mmdualkd.CheckFiniteHook')]
model['terms'] = dict(kd=dict(type='FusedKD'), mine=dict(type='mmengine.SpoiltTerm'))
train_dataloader['dataset']['type'] = 'mmdualkd.VideoDataset'
"""


@pytest.fixture(scope='module')
def job(tmp_path_factory):
    return distill_job(tmp_path_factory.mktemp('job'), SPOILT.replace('mmengine.SpoiltTerm', 'SpoiltTerm'))


def diverge(job, folder, *options):
    """A training that stops in its third iteration: its last line, and what the replay of the kept step says."""
    words = ('--work-dir', folder, '--no-validate', '--cfg-options')
    last = run(TOOLS / 'train.py', job.config, *words, *options, ok=False).strip().splitlines()[-1]
    file = re.search(r'python -m mmdualkd replay (\S+) runs that step again', last)[1]
    return last, run(TOOLS / 'replay.py', file)


def test_a_loss_that_is_nan_is_found_in_its_term(job, tmp_path):
    last, said = diverge(job, tmp_path, 'model.terms.mine.how=forward')
    assert last.startswith('DivergenceError: iteration 3: loss_mine=nan (model.terms.mine); the batch: ')
    clips = re.findall(r'clips/(class\d_\d\.avi) \(sample \d\)', last)
    assert len(clips) == 4
    assert 'step: epoch 2, iteration 3, process 0 of 1; it ran on' in said
    assert re.search(r'weights before the step: all \d+ tensors are finite', said)
    assert re.search(r'inputs: 4 of \(1, 3, \d+, 32, 32\) torch.uint8, from 0 to 2\d\d', said)
    assert '  loss_mine nan   <- not finite\n' in said and re.search(r'  loss_kd [\d.e-]+\n', said)
    assert 'not finite: model.terms.mine (SpoiltTerm); what it was given was finite\n' in said
    assert said.endswith('backward: not run, for the loss is not finite\n')


def test_a_gradient_that_is_nan_is_found_in_the_line_of_its_operation(job, tmp_path):
    """The losses of that step were numbers; it is told of by what comes of it."""
    last, said = diverge(job, tmp_path, 'model.terms.mine.how=backward')
    assert re.match(
        r'DivergenceError: iteration 3: (\d+) of \1 weights are not finite after the step \(student\.', last
    )
    assert 'the batch: ' in last and 'first output that is not finite: none\n' in said
    assert re.search(r"backward: Function '\w+' returned nan .*failing\.py, line \d+, in forward: nothing = ", said), (
        said
    )


def test_the_replay_has_the_loss_of_the_step_dropout_and_all(job, tmp_path):
    dropout = 'model.student.config.cls_head.dropout_ratio=0.5'
    _, said = diverge(job, tmp_path, 'model.terms.mine.how=backward', dropout)
    losses = [json.loads(line)['loss'] for line in (tmp_path / 'losses_0.json').open()]
    assert float(re.search(r'^  loss ([\d.]+)$', said, re.M)[1]) == pytest.approx(losses[2], rel=1e-4)
    assert losses[2] != pytest.approx(losses[1], rel=1e-4)


def test_the_file_holds_plain_values_and_no_teacher(job, tmp_path):
    diverge(job, tmp_path, 'model.terms.mine.how=forward')
    kept = torch.load(next(tmp_path.glob('*.pt')), weights_only=True)
    assert kept['iteration'] == 3 and kept['seed'] == 0 and kept['config']['work_dir'] == str(tmp_path)
    assert all(name.startswith(('student.', 'terms.')) for name in kept['state'])


def test_another_file_is_refused(job):
    output = run(TOOLS / 'replay.py', job.config.parent / 'vit.pth', ok=False)
    assert re.fullmatch(r"CheckpointError: FILE='.*vit.pth' is no step that .*\n", output)


def test_a_kept_step_without_some_of_its_parts_is_one_error_that_names_them(tmp_path):
    path = tmp_path / 'divergence_3.pt'
    torch.save(dict(format=FORMAT, **dict.fromkeys(set(KEYS) - {'seed', 'batch'})), path)
    with pytest.raises(CheckpointError, match=f"FILE='{path}' is not as .* wrote it: no seed, batch$"):
        next(replay(str(path), 'cpu'))


@pytest.mark.parametrize('kind', [ActionDataSample, DataSample])
def test_a_batch_comes_back_from_plain_values(kind, tmp_path):
    sample = kind(metainfo=dict(img_shape=(32, 32), filename='a b.avi')).set_gt_label(3)
    batch = dict(inputs=[torch.arange(4, dtype=torch.uint8)], data_samples=[sample])
    torch.save(plain(batch), tmp_path / 'batch.pt')
    back = unplain(torch.load(tmp_path / 'batch.pt', weights_only=True))
    assert torch.equal(back['inputs'][0], batch['inputs'][0])
    assert type(back['data_samples'][0]) is kind and int(back['data_samples'][0].gt_label) == 3
    assert back['data_samples'][0].metainfo == sample.metainfo


def test_no_other_class_is_made_from_a_file():
    for name in ('os.system', 'mmengine.runner.Runner', 'mmengine.no_such'):
        with pytest.raises((CheckpointError, ImportError)):
            unplain(dict(element=name, fields={}, meta={}))


def test_the_last_two_steps_are_kept_as_they_were_and_others_make_room():
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    steps = LastSteps(model)
    for iteration in (1, 2, 3):
        with torch.no_grad():
            model[0].weight.fill_(iteration)
            model[1].num_batches_tracked.fill_(iteration)
        steps.keep(iteration, f'batch {iteration}')
    assert steps.of(1) is None
    for iteration in (2, 3):
        step = steps.of(iteration)
        assert step.batch == f'batch {iteration}' and set(step.state) == set(model.state_dict())
        assert (step.state['0.weight'] == iteration).all() and step.state['1.num_batches_tracked'] == iteration


def test_a_model_that_gets_other_tensors_is_kept_with_them():
    model = torch.nn.Linear(2, 2)
    steps = LastSteps(model)
    steps.keep(1, None)
    model.weight = torch.nn.Parameter(torch.full((3, 2), float('nan')))
    steps.look_again()
    steps.keep(2, None)
    steps.keep(3, None)
    assert steps.of(3).state['weight'].shape == (3, 2) and steps.of(3).faulty() == ['weight']
