"""A distillation on pictures from config to student checkpoint, through the tools, on MMPretrain's data sets."""

import pickle

import pytest
import torch
from helpers import TOOLS, call, one_of_two, run, run_in_two
from jobs import read, tensors
from mmengine.registry import MODELS
from mmpretrain.datasets import CustomDataset
from picture_jobs import HYBRID, picture_job, resnet

FLIP = """
train_pipeline.insert(1, dict(type='RandomFlip', prob=0.5))
train_dataloader['dataset'].update(pipeline=train_pipeline)
"""


def log_of(job):
    return ''.join(path.read_text() for path in sorted(job.work_dir.glob('*/*.log')))


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """A finished job with mixup and an average of the weights."""
    extra = """
model.update(blending=dict(augments=[dict(type='Mixup', alpha=0.8), dict(type='CutMix', alpha=1.0)]))
custom_hooks += [dict(type='EMAHook', momentum=0.5)]
default_hooks['checkpoint'].update(save_best='auto')
"""
    job = picture_job(tmp_path_factory.mktemp('job'), extra)
    call('train.py', job.config, '--cfg-options', 'log_level=INFO')
    return job


def test_the_log_shows_the_term_and_the_students_accuracy(trained):
    log = log_of(trained)
    assert 'loss_kd: ' in log and 'kd/target_entropy: ' in log and 'accuracy/top1: ' in log


def test_a_student_checkpoint_lies_beside_every_checkpoint_and_loads_strictly(trained):
    names = {path.name for path in trained.work_dir.glob('*.pth')}
    training = {name for name in names if not name.startswith('student_')}
    assert len(training) == 3 and names - training == {f'student_{name}' for name in training}
    model = MODELS.build({'_scope_': 'mmpretrain', **resnet()})
    for name in training:
        student = read(trained.work_dir / f'student_{name}')['state_dict']
        model.load_state_dict(student, strict=True)
        assert all(torch.equal(value, student[key]) for key, value in model.state_dict().items())


def test_no_tensor_of_the_teacher_is_in_any_file_and_the_average_is_of_the_student(trained):
    teacher = [value for value in read(trained.config.parent / 'teacher.pth').values() if value.dim() > 1]
    for path in trained.work_dir.glob('*.pth'):
        for tensor in tensors(read(path)):
            assert not any(tensor.shape == other.shape and torch.equal(tensor, other) for other in teacher), path
    checkpoint = read(trained.work_dir / 'epoch_2.pth')
    student = [name for name in checkpoint['state_dict'] if name.startswith('student.')]
    averaged = {name for name in checkpoint['ema_state_dict'] if name != 'steps'}
    assert averaged == {f'module.{name}' for name in checkpoint['state_dict']} and student
    beside = read(trained.work_dir / 'student_epoch_2.pth')['state_dict']
    key = 'head.fc.weight'
    assert torch.equal(beside[key], checkpoint['state_dict'][f'student.{key}'])
    assert not torch.equal(beside[key], checkpoint['ema_state_dict'][f'module.student.{key}'])


@pytest.mark.parametrize('prefix', ['', 'student_'])
def test_testing_takes_the_training_or_the_student_checkpoint_and_no_teacher(trained, prefix, tmp_path, monkeypatch):
    monkeypatch.setattr('mmdualkd.distillers.teachers.build_teacher', lambda *args: pytest.fail('a teacher was built'))
    options = ('--work-dir', tmp_path, '--dump', tmp_path / 'scores.pkl')
    call('test.py', trained.config, trained.work_dir / f'{prefix}epoch_2.pth', *options)
    samples = pickle.loads((tmp_path / 'scores.pkl').read_bytes())
    model = MODELS.build({'_scope_': 'mmpretrain', **resnet()}).eval()
    model.load_state_dict(read(trained.work_dir / 'student_epoch_2.pth')['state_dict'])
    stock = CustomDataset(
        data_prefix=str(trained.config.parent / 'pictures'),
        pipeline=[dict(type='mmpretrain.LoadImageFromFile'), dict(type='mmpretrain.PackInputs')],
    )
    assert len(samples) == len(stock) == 8
    with torch.no_grad():
        for sample, picture in zip(samples, stock, strict=True):
            data = model.data_preprocessor(dict(inputs=picture['inputs'][None], data_samples=None))
            scores = model(data['inputs'], mode='tensor').softmax(dim=1)[0]
            torch.testing.assert_close(sample['pred_score'], scores, rtol=1e-5, atol=1e-6)
            assert sample['gt_label'] == picture['data_samples'].gt_label


def test_a_job_that_goes_on_after_an_epoch_ends_as_an_unbroken_one_bit_for_bit(tmp_path):
    whole, broken = (picture_job(tmp_path / name, FLIP, epochs=3) for name in ('whole', 'broken'))
    call('train.py', whole.config, '--no-validate')
    call('train.py', broken.config, '--no-validate', '--cfg-options', 'train_cfg.max_epochs=1')
    torch.rand(7)  # another process is in another state
    call('train.py', broken.config, '--no-validate', '--resume', '--cfg-options', 'train_dataloader.num_workers=1')
    assert broken.losses() == whole.losses() and len(whole.losses()) == 6
    a, b = (read(job.work_dir / 'student_epoch_3.pth')['state_dict'] for job in (whole, broken))
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_a_timm_student_is_resumed_and_its_checkpoint_has_timms_names(tmp_path):
    timm = pytest.importorskip('timm')
    student = dict(type='TimmClassifier', model_name='resmlp_12_224', pretrained=False, img_size=32, num_classes=2)
    job = picture_job(tmp_path, student=student, epochs=2, per_class=2)
    call('train.py', job.config, '--no-validate', '--cfg-options', 'train_cfg.max_epochs=1')
    before = read(job.work_dir / 'epoch_1.pth')['state_dict']
    options = ['train_cfg.max_epochs=2']
    call('train.py', job.config, '--no-validate', '--resume', '--cfg-options', *options)
    after = read(job.work_dir / 'epoch_2.pth')['state_dict']
    assert before.keys() == after.keys()
    plain = timm.create_model('resmlp_12_224', num_classes=2, img_size=32)
    plain.load_state_dict(read(job.work_dir / 'student_epoch_2.pth')['state_dict'], strict=True)


def test_two_processes_learn_what_one_does_with_the_same_global_batch(tmp_path):
    """With the hybrid assistant; DDP is not told to look for unused parameters, so there are none."""
    one = picture_job(tmp_path / 'one', HYBRID, batch_size=4)
    run(TOOLS / 'train.py', one.config, '--no-validate', env=one_of_two())
    two = picture_job(tmp_path / 'two', HYBRID, batch_size=2)
    run_in_two(TOOLS / 'train.py', two.config, '--no-validate')
    mean = [(a + b) / 2 for a, b in zip(two.losses(0), two.losses(1), strict=True)]
    assert mean == pytest.approx(one.losses(), rel=1e-4)
    a, b = (read(job.work_dir / 'epoch_2.pth')['state_dict'] for job in (one, two))
    for name in a:
        torch.testing.assert_close(b[name], a[name], rtol=1e-3, atol=1e-4, msg=name)


def test_a_broken_picture_does_not_end_the_training_and_is_named(tmp_path):
    job = picture_job(tmp_path, epochs=1)
    file = tmp_path / 'pictures' / 'class1' / '2.jpg'
    file.write_bytes(file.read_bytes()[:40])
    call('train.py', job.config)
    assert f'train epoch 1: 1 of 8 pictures of {tmp_path / "pictures"} did not decode: {file}' in log_of(job)
    assert (job.work_dir / 'student_epoch_1.pth').is_file()


MISTAKES = {
    'a class too many': (
        "train_dataloader['dataset'].update(ann_file=ANN)\n",
        'class0/0.jpg 0\nclass1/0.jpg 2\n',
        r'class1/0\.jpg has label 2, but the model has 2 classes \(0 to 1\)',
    ),
    'an empty annotation file': ("train_dataloader['dataset'].update(ann_file=ANN)\n", '', 'is empty'),
    'other classes to validate on': (
        "val_dataloader['dataset'].update(metainfo=dict(classes=['class1', 'class0']))\n",
        '',
        r'val_dataloader\.dataset .* differ: in another order',
    ),
    'a teacher of other classes': (
        "model['teachers']['teacher']['config']['head'].update(num_classes=3)\n",
        '',
        r'model\.teachers\.teacher\.checkpoint=.* has 2 classes, the model has 3',
    ),
}


@pytest.mark.parametrize('mistake', MISTAKES)
def test_a_mistake_ends_in_one_clear_line_before_training(mistake, tmp_path):
    extra, annotation, message = MISTAKES[mistake]
    path = tmp_path / 'annotation.txt'
    path.write_text(annotation)
    job = picture_job(tmp_path / 'job', extra.replace('ANN', repr(str(path))), epochs=1)
    with pytest.raises(SystemExit, match=f'Error: .*{message}'):
        call('train.py', job.config)
    assert not (job.work_dir / 'losses_0.json').exists()


def test_mixed_precision_with_accumulated_gradients_trains_a_finite_student(tmp_path):
    extra = "optim_wrapper.update(type='AmpOptimWrapper', dtype='bfloat16', accumulative_counts=2)\n"
    job = picture_job(tmp_path, extra, epochs=1)
    call('train.py', job.config)
    student = read(job.work_dir / 'student_epoch_1.pth')['state_dict']
    assert all(value.isfinite().all() for value in student.values())
