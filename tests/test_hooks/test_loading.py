"""Weights of another model are an error, when a student is tested and when training starts from them."""

import copy
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from picture_jobs import HYBRID, picture_job, resnet, runner_of, save_classifier, vit

from mmdualkd.errors import CheckpointError, ConfigError, DataError


@pytest.fixture(scope='module')
def job(tmp_path_factory):
    return picture_job(tmp_path_factory.mktemp('job'), HYBRID)


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    folder = tmp_path_factory.mktemp('weights')
    models = dict(student=resnet(), wide=resnet(channels=8), vit=vit(width=8), classes=resnet(num_classes=5))
    return {name: save_classifier(cfg, folder / f'{name}.pth') for name, cfg in models.items()}


def test(job, **options):
    """A runner that is about to test, with its weights loaded."""
    runner = runner_of(job, **{'model.student_only': True, **options})
    runner.call_hook('before_run')
    runner.load_or_resume()
    return runner.model


test.__test__ = False


def plain(job, address):
    cfg = Config.fromfile(job.config)
    cfg.model = resnet()
    cfg.load_from, cfg.experiment_name = address, f'plain {address}'
    return Runner.from_cfg(cfg)


def same(model, path):
    saved = torch.load(path, weights_only=True)
    return all(torch.equal(value.cpu(), saved[name]) for name, value in model.state_dict().items())


def test_a_student_is_tested_without_any_teacher(job, weights, tmp_path):
    cfg = {'model.teachers.teacher.checkpoint': str(tmp_path / 'missing.pth')}
    cfg['model.student.checkpoint'] = 'https://127.0.0.1:9/student.pth'
    model = test(job, load_from=weights['student'], **cfg)
    assert same(model.student, weights['student'])
    assert not model.teachers and not model.terms and set(model.views) == {'student'}
    with pytest.raises(ConfigError, match='student_only=True builds no teachers and no terms: take it out to train'):
        model.init_weights()


def test_what_was_trained_beside_the_student_is_left_out(job, tmp_path):
    whole = runner_of(job).model
    state = copy.deepcopy(whole.state_dict())
    torch.save(dict(state_dict=state, meta={}), tmp_path / 'whole.pth')
    assert any(name.startswith('assistant.') for name in state)
    model = test(job, load_from=str(tmp_path / 'whole.pth'), custom_hooks=[
        dict(type='mmdualkd.PreflightHook'), dict(type='EMAHook')])  # fmt: skip
    assert all(torch.equal(value, state[f'student.{name}']) for name, value in model.student.state_dict().items())


@pytest.mark.parametrize('distilled', [True, False])
def test_a_checkpoint_of_averaged_weights_is_tested_by_them_with_mmpretrains_ema_hook_too(job, tmp_path, distilled):
    state = copy.deepcopy(runner_of(job).model.state_dict() if distilled else plain(job, None).model.state_dict())
    raw = {f'module.{name}': value + 1 for name, value in state.items()}
    torch.save(
        dict(state_dict=state, ema_state_dict={'steps': torch.tensor(2), **raw}, meta={}), tmp_path / 'averaged.pth'
    )
    hooks = [dict(type='mmdualkd.PreflightHook'), dict(type='mmpretrain.EMAHook')]
    runner = runner_of(
        job, load_from=str(tmp_path / 'averaged.pth'), custom_hooks=hooks, **{'model.student_only': True}
    )
    runner.call_hook('before_run')
    runner.load_or_resume()
    prefix = 'student.' if distilled else ''
    for changed in (1, 0, 1):  # beside a test, in it, behind it
        for name, value in runner.model.student.named_parameters():
            assert torch.equal(value.cpu(), state[f'{prefix}{name}'] + changed), (name, changed)
        runner.call_hook('before_test_epoch' if changed else 'after_test_epoch')


@pytest.mark.parametrize('learned', [['class1', 'class0'], ['class1', 'x'], ['class0', 'x'], ['x', 'class1'], []])
def test_data_that_number_a_checkpoints_classes_otherwise_are_not_tested_on(job, weights, tmp_path, learned):
    state = torch.load(weights['student'], weights_only=True)
    torch.save(dict(state_dict=state, meta=dict(dataset_meta=dict(classes=learned))), tmp_path / 'student.pth')
    runner = runner_of(job, **{'model.student_only': True, 'load_from': str(tmp_path / 'student.pth')})
    runner.call_hook('before_run')
    runner.load_or_resume()
    if learned[:1] != ['class1']:
        return runner.call_hook('before_test')
    with pytest.raises(DataError, match="student.pth' was trained on: .*'class1' is class 1 here and 0 there"):
        runner.call_hook('before_test')


OTHERS = {
    'wide': r'is not of this model: \d+ of \d+ tensors fit; \d+ of another shape',
    'vit': r'is not of this model: 1 of \d+ tensors fit; \d+ missing \(.*\); \d+ unexpected',
    'classes': 'has 5 classes, the model has 2',
}


@pytest.mark.parametrize('other', OTHERS)
def test_a_test_refuses_another_models_weights(job, weights, other):
    with pytest.raises(CheckpointError, match=f'checkpoint=.*{OTHERS[other]}'):
        test(job, load_from=weights[other])
    runner = plain(job, weights[other])
    with pytest.raises(CheckpointError, match=f'checkpoint=.*{OTHERS[other]}'):
        runner.load_or_resume()


@pytest.mark.parametrize('key', ['load_from', 'checkpoint'], ids=['train', 'test'])
def test_what_cannot_be_read_is_one_clear_error_before_training_and_before_a_test(job, weights, tmp_path, key):
    def refused(address, error=CheckpointError):
        runner = runner_of(job, load_from=address)
        with pytest.raises(error) as refusal:
            runner.train() if key == 'load_from' else test(job, load_from=address)
        return str(refusal.value)

    file = tmp_path / 'a.pth'
    contents = {
        'there is no file {}': None,
        '{} is empty (0 bytes)': b'',
        '{} is not a checkpoint that torch can read as weights: it is another kind of file': b'version https://git-lfs',
        '{} is not a checkpoint that torch can read as weights: it is cut short': Path(weights['vit']).read_bytes()[
            :900
        ],
    }
    for message, content in contents.items():
        if content is not None:
            file.write_bytes(content)
        assert refused(str(file)) == f'{key}: {message.format(repr(str(file)))}'
    file.rename(tmp_path / 'epoch_49.pth')
    gone = str(tmp_path / 'epoch_50.pth')
    assert refused(gone) == f"{key}: there is no file {gone!r}; did you mean 'epoch_49.pth'?"
    assert refused(str(tmp_path)) == f'{key}: {str(tmp_path)!r} is a folder; name a file in it'
    address = 'http://127.0.0.1:9/a.pth'
    assert refused(address).startswith(f'{key}={address!r} cannot be downloaded: ')
    assert refused('ftp://a/b.pth').startswith(f"{key}: 'ftp://a/b.pth' is no file, and of addresses only http(s)")
    assert refused(3, ConfigError) == f'{key}=3 is neither a path nor an address'


def test_training_takes_what_fits_and_refuses_weights_of_which_none_does(job, weights):
    for build in (lambda address: runner_of(job, load_from=address), lambda address: plain(job, address)):
        runner = build(weights['classes'])
        assert runner.train_loop is not None  # it is about to train
        runner.load_or_resume()
        student = getattr(runner.model, 'student', runner.model)
        saved = torch.load(weights['classes'], weights_only=True)
        assert torch.equal(student.backbone.conv1.weight.cpu(), saved['backbone.conv1.weight'])
        assert student.head.fc.weight.shape == (2, 32)
        runner = build(weights['vit'])
        assert runner.train_loop is not None
        with pytest.raises(CheckpointError, match='load_from=.*: 1 of its .* tensors fit .* none of them outside'):
            runner.load_or_resume()


@pytest.mark.parametrize('hook', ['mmengine.EMAHook', 'mmpretrain.EMAHook'])
@pytest.mark.parametrize('trains', [True, False], ids=['train', 'test'])
@pytest.mark.parametrize('whole', [True, False], ids=['checkpoint', 'state dict'])
def test_a_plain_model_takes_the_student_of_a_distillers_checkpoint_averaged_or_not(job, tmp_path, hook, trains, whole):
    state = {name: value + 2 for name, value in runner_of(job).model.state_dict().items()}  # all models begin alike
    raw = {f'module.{name}': value + 1 for name, value in state.items()}
    averaged = dict(state_dict=copy.deepcopy(state), ema_state_dict={'steps': torch.tensor(2), **raw}, meta={})
    torch.save(averaged if whole else state, tmp_path / 'epoch_2.pth')
    cfg = Config.fromfile(job.config)
    cfg.model, cfg.load_from, cfg.experiment_name = resnet(), str(tmp_path / 'epoch_2.pth'), f'{tmp_path}'
    cfg.custom_hooks = [dict(type='mmdualkd.PreflightHook'), dict(type=hook)]
    runner = Runner.from_cfg(cfg)
    assert not trains or runner.train_loop is not None
    runner.call_hook('before_run')
    runner.load_or_resume()
    if trains:
        runner.call_hook('before_train')
    runner.call_hook('before_val_epoch' if trains else 'before_test_epoch')  # which the averaged weights judge
    for name, value in runner.model.named_parameters():
        assert torch.equal(value.cpu(), state[f'student.{name}']), name
