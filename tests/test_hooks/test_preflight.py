"""Mistakes that are known before the first step, through tools/train.py, and the views that samplers get there."""

from types import SimpleNamespace
from unittest import mock

import pytest
import torch
from distill_jobs import distill_job
from helpers import TOOLS, run, write_clips
from mmaction.datasets import RawframeDataset
from mmaction.evaluation import AccMetric
from mmengine.config import Config
from mmengine.dataset import ConcatDataset, DefaultSampler, pseudo_collate
from tiny import batch, build_distiller, resnet3d, save_model, step_losses
from torch.utils.data import DataLoader

from mmdualkd.checkpoint import save_student
from mmdualkd.datasets import VideoDataset
from mmdualkd.errors import ConfigError, DataError
from mmdualkd.hooks import EpochSeedHook, PreflightHook, class_order, learned, preflight
from mmdualkd.hooks.averaging import check_metrics
from mmdualkd.hooks.class_order import check_class_folders, check_teacher_classes
from mmdualkd.hooks.learned import tell_of_learned, tell_of_shared
from mmdualkd.hooks.preflight import check_batches, hand_views, tell_of_rate
from mmdualkd.zoo.resolve import build_resolved
from mmdualkd.zoo.weights import load_student_weights, load_teacher_weights

MISTAKES = {
    'a label outside the range': (
        "train_dataloader['dataset'].update(ann_file=ANN)\n",
        'class0_0.avi 0\nclass1_0.avi 2\n',
        r'class1_0.avi has label 2, but the model has 2 classes (0 to 1)',
    ),
    'an accuracy of more answers than classes': (
        "val_evaluator = dict(type='mmpretrain.Accuracy', topk=(1, 5))\n",
        '',
        'val_evaluator: Accuracy of topk=(1, 5), but the model has 2 classes: topk=(1,)',
    ),
    'another number of classes': (
        "train_dataloader['dataset'].update(num_classes=51)\n",
        '',
        'has num_classes=51, but the model has 2: set model.num_classes',
    ),
    'labels that begin at 1': (
        "train_dataloader['dataset'].update(ann_file=ANN)\n",
        'class0_0.avi 1\nclass1_0.avi 2\n',
        'has label 2, but the model has 2 classes (0 to 1): labels begin at 1; subtract 1',
    ),
    'fewer clips than a batch': (
        'train_dataloader.update(batch_size=16, drop_last=True)\n',
        '',
        'an epoch has no batch. batch_size=16 and drop_last=True leave out all of the 8 samples',
    ),
    'an empty annotation file': (
        "train_dataloader['dataset'].update(type='mmdualkd.VideoDataset', ann_file=ANN)\n",
        '\n',
        'is empty',
    ),
    'views that differ': (
        "train_pipeline[1] = dict(type='mmdualkd.SampleViews', views=dict(views, vit=dict(clip_len=4, size=32)))\n",
        '',
        'the train pipeline samples the views',
    ),
    'scores of clips that stay apart': (
        "model['student']['config']['cls_head']['average_clips'] = None\n",
        '',
        "model.student.model.cls_head.average_clips=None leaves the scores of each sample's clips apart",
    ),
    'no views': ("train_pipeline[1] = dict(type='SampleFrames', clip_len=8)\n", '', 'put it in place of SampleFrames'),
    'a view longer than clip_len': (
        "train_pipeline[1] = dict(type='mmdualkd.SampleViews', clip_len=6)\n",
        '',
        'model.views.student asks for 7 frames (4 at an interval of 2), more than clip_len=6 allows',
    ),
}


@pytest.mark.parametrize('mistake', MISTAKES)
def test_a_mistake_ends_in_one_clear_line_before_training(mistake, tmp_path):
    extra, annotation, message = MISTAKES[mistake]
    path = tmp_path / 'annotation.txt'
    path.write_text(annotation)
    job = distill_job(tmp_path / 'job', extra.replace('ANN', repr(str(path))), epochs=1)
    output = run(TOOLS / 'train.py', job.config, ok=False)
    last = output.strip().splitlines()[-1]
    assert 'Error: ' in last and message in last, output[-3000:]
    assert not (job.work_dir / 'losses_0.json').exists()


def test_classes_without_a_clip_are_mentioned_and_do_no_harm(tmp_path):
    path = tmp_path / 'annotation.txt'
    path.write_text('class0_0.avi 0\nclass0_1.avi 0\n')
    job = distill_job(tmp_path / 'job', f"train_dataloader['dataset'].update(ann_file={str(path)!r})\n", epochs=1)
    assert 'has clips of 1 of the 2 classes' in run(TOOLS / 'train.py', job.config, '--no-validate')


def clips(folder, **sampler):
    """Clips of four classes, through a pipeline with ``SampleViews``."""
    pipeline = [
        dict(type='mmaction.DecordInit'),
        dict(type='mmdualkd.SampleViews', **sampler),
        dict(type='mmaction.DecordDecode'),
        dict(type='mmaction.FormatShape', input_format='NCTHW'),
        dict(type='mmaction.PackActionInputs'),
    ]
    annotation = write_clips(folder, classes=4, per_class=1)
    return VideoDataset(str(annotation), pipeline=pipeline, data_prefix=dict(video=str(folder)))


def runner(model, dataset, workers=2, **loop):
    loader = DataLoader(
        dataset, batch_size=2, num_workers=workers, collate_fn=pseudo_collate, persistent_workers=workers > 0
    )
    train_loop = SimpleNamespace(dataloader=loader, **loop)
    return SimpleNamespace(
        _resume=False, _load_from=None, work_dir='none', cfg=Config(), model=model, train_loop=train_loop, val_loop=None
    )


def test_the_models_views_reach_every_data_sets_sampler_and_its_workers(tmp_path):
    model = build_distiller(tmp_path)
    parts = [clips(tmp_path / 'a'), clips(tmp_path / 'b')]
    job = runner(model, ConcatDataset(parts))
    PreflightHook().before_train(job)
    for _ in range(2):  # epochs
        shapes = [clip.shape[1:3] for batch in job.train_loop.dataloader for clip in batch['inputs']]
        assert shapes == [(3, model.plan.num_frames)] * 8


def test_views_of_its_own_are_compared_with_the_models(tmp_path):
    model = build_distiller(tmp_path)
    views = {name: dict(clip_len=spec.clip_len, frame_interval=spec.frame_interval, size=8)
             for name, spec in model.plan.specs.items()}  # fmt: skip
    PreflightHook().before_train(runner(model, clips(tmp_path / 'a', views=views)))
    views['vit']['clip_len'] = 4
    with pytest.raises(ConfigError, match=r'samples the views .*vit.*: \(4, 1, 1\).*SampleViews without views takes'):
        PreflightHook().before_train(runner(model, clips(tmp_path / 'b', views=views)))


def test_a_pipeline_that_opens_videos_where_the_data_are_folders_of_frames_is_named(tmp_path):
    (tmp_path / 'frames.txt').write_text('a 12 0\n')
    pipeline = [dict(type='mmaction.DecordInit'), dict(type='mmdualkd.SampleViews')]
    frames = RawframeDataset(str(tmp_path / 'frames.txt'), pipeline, data_prefix=dict(img=str(tmp_path)))
    with pytest.raises(ConfigError, match=r'^teacher_val_pipeline opens video files \(DecordInit\), and .*frames.txt'):
        hand_views(frames, None, 'teacher_val_pipeline')


def test_a_frame_rate_that_folders_of_frames_do_not_have_is_told_to_be_left_aside(tmp_path):
    (tmp_path / 'frames.txt').write_text('a 12 0\n')
    for rate, told in ((10, True), (None, False)):
        pipeline = [dict(type='mmaction.SampleFrames', clip_len=2, target_fps=rate)]
        frames = RawframeDataset(str(tmp_path / 'frames.txt'), pipeline, data_prefix=dict(img=str(tmp_path)))
        with mock.patch.object(preflight, 'print_log') as log:
            tell_of_rate(frames, 'val_dataloader.dataset')
        assert log.called == told and (not told or 'target_fps=10, but folders' in log.call_args.args[0])


def test_workers_that_started_too_early_are_named(tmp_path):
    model, dataset = build_distiller(tmp_path), clips(tmp_path / 'a')
    with pytest.raises(ConfigError, match='workers of the train pipeline have started .*IterBasedTrainLoop'):
        PreflightHook().before_train(runner(model, dataset, dataloader_iterator=None))
    restarting = runner(model, clips(tmp_path / 'b'), dataloader_iterator=None)
    restarting.hooks = [EpochSeedHook()]
    PreflightHook().before_train(restarting)
    PreflightHook().before_train(runner(model, dataset, workers=0, dataloader_iterator=None))
    assert dataset[0]['inputs'].shape[2] == model.plan.num_frames


@pytest.mark.parametrize('workers', [0, 1])
def test_a_sampler_that_got_no_views_is_one_clear_error_and_no_broken_video(tmp_path, workers):
    job = runner(None, clips(tmp_path), workers)
    with pytest.raises(ConfigError, match='mmdualkd.SampleViews has no views'):
        next(iter(job.train_loop.dataloader))


def teacher(*names):
    model = torch.nn.Linear(1, len(names) or 1)
    model._dataset_meta = dict(classes=list(names))
    return model


def test_a_teacher_that_knows_the_classes_in_another_order_is_an_error_that_names_them():
    named = 'train.txt', ['jump', 'run_fast', 'walk', 'sit']
    with pytest.raises(
        DataError, match=r"teachers\.cnn was trained .* in another order: class 0 is 'Run Fast' there and"
    ):
        check_teacher_classes(dict(cnn=teacher('Run Fast', 'jump', 'stroll', 'sit')), named)


def listed_clips(folder, **labels):
    lines = [f'{name}/{part}.avi {label}' for name, label in labels.items() for part in 'ab']
    for line in lines:
        (folder / line.partition('/')[0]).mkdir(exist_ok=True)
        (folder / line.partition(' ')[0]).touch()
    (folder / 'list.txt').write_text('\n'.join(lines))
    return VideoDataset(str(folder / 'list.txt'), [], data_prefix=dict(video=str(folder)))


def test_lists_that_number_the_folders_of_classes_otherwise_are_an_error_that_names_one(tmp_path):
    known = {}
    check_class_folders(listed_clips(tmp_path, jump=0, run=1, walk=2), 'train', known)
    check_class_folders(listed_clips(tmp_path, run=1, walk=2), 'val', known)
    with pytest.raises(
        DataError, match=r"^val: files in a folder 'jump' have the label 1, by train it is 0; so of 2 of"
    ):
        check_class_folders(listed_clips(tmp_path, jump=1, run=2), 'val', known)
    check_class_folders(listed_clips(tmp_path, jump=1, run=1), 'val', known)  # these folders are no classes
    check_class_folders(listed_clips(tmp_path, jump=3, run=4), 'val', known)  # and these are of other ones
    (tmp_path / 'classes.txt').write_text('jump\nwalk\nrun\n')
    with pytest.raises(
        DataError, match=r"folder 'run' have the label 1, by the names of its classes it is 2; so of 2 of"
    ):
        check_class_folders(listed_clips(tmp_path, jump=0, run=1, walk=2), 'train', {})


def test_weights_that_have_learned_the_clips_that_judge_are_told_of(tmp_path, monkeypatch):
    lines = []
    monkeypatch.setattr(learned, 'print_log', lambda message, **kwargs: lines.append(message))
    monkeypatch.chdir(tmp_path)
    judged = listed_clips(tmp_path, jump=0, run=1)
    (tmp_path / 'other.txt').write_text('jump/b.avi 0\nsit/a.avi 1\n')
    cfg = "train_dataloader = dict(dataset=dict(ann_file='other.txt', data_prefix=dict(video='.')))"
    path = save_model(resnet3d(), tmp_path / 'teacher.pth')
    torch.save({**torch.load(path), 'meta': dict(cfg=cfg)}, path)
    model = build_resolved(resnet3d())
    load_teacher_weights(model, path, 'k')
    assert model._trained_with == cfg
    save_student(path, tmp_path / 'student_teacher.pth')  # without a config; the training's checkpoint lies beside it
    load_teacher_weights(model, str(tmp_path / 'student_teacher.pth'), 'k')
    tell_of_learned(dict(vit=model._trained_with, cnn=None), judged, 'val')
    assert len(lines) == 1 and f'vit has learned from 1 of the 4 samples of val: {tmp_path}/jump/b.avi.' in lines[0]
    hook, loader = PreflightHook(), DataLoader(judged)
    job = SimpleNamespace(_resume=False, _load_from='a.pth', model=torch.nn.Module(), _train_loop=None)
    job.test_loop = SimpleNamespace(dataloader=loader, evaluator=SimpleNamespace(metrics=[]))
    hook.after_load_checkpoint(job, dict(state_dict={}, meta=dict(cfg=cfg)))
    hook.before_test(job)
    assert lines[1].startswith("checkpoint='a.pth' has learned from 1 of the 4 samples of test_dataloader.dataset (")
    assert hook._trained_with(job, model) == {"load_from='a.pth'": cfg}
    job._resume = True
    begun = build_resolved(resnet3d())
    load_student_weights(begun, path, 'k')
    whole = SimpleNamespace(teachers=dict(vit=model), student=begun)
    assert hook._trained_with(job, whole) == {'model.teachers.vit': cfg, 'model.student': cfg}


def test_training_clips_that_judge_are_told_of(tmp_path, monkeypatch):
    lines = []
    monkeypatch.setattr(learned, 'print_log', lambda message, **kwargs: lines.append(message))
    judged = listed_clips(tmp_path, jump=0, run=1)
    shared = listed_clips(tmp_path, run=1, walk=0)
    tell_of_shared(listed_clips(tmp_path, walk=0, sit=1), judged, 'val')
    assert not lines
    tell_of_shared(ConcatDataset([shared, shared]), judged, 'val')
    assert len(lines) == 1 and lines[0].startswith('2 of the 4 samples of val are in the training data, too: /')
    loader = DataLoader(judged)
    job = runner(torch.nn.Module(), judged, workers=0)
    job.val_loop = SimpleNamespace(dataloader=loader, evaluator=SimpleNamespace(metrics=[]))
    PreflightHook().before_train(job)
    assert any(line.startswith('4 of the 4 samples of val_dataloader.dataset') for line in lines[1:])


def test_accuracies_of_one_label_where_samples_have_several_and_the_other_way_round_are_an_error_before_training():
    one = SimpleNamespace(multi_class=False, get_data_info=lambda index: dict(label=1))
    several = SimpleNamespace(multi_class=True)
    loop = SimpleNamespace(evaluator=SimpleNamespace(metrics=[AccMetric(metric_list=('top_k_accuracy',))]))
    check_metrics(one, 'val', loop)
    check_metrics(SimpleNamespace(), 'val', loop)
    with pytest.raises(
        ConfigError, match=r'^val has several labels a sample .* top_k_accuracy of AccMetric is for one:'
    ):
        check_metrics(several, 'val', loop)
    loop.evaluator.metrics = [AccMetric(metric_list=('mean_average_precision',))]
    check_metrics(several, 'val', loop)
    with pytest.raises(
        ConfigError, match=r"^val has one label a sample .* is for several: .*=\('top_k_accuracy', 'mean"
    ):
        check_metrics(one, 'val', loop)
    one.get_data_info = lambda index: dict(label=[0, 1])  # of one's own class, which needs no multi_class
    check_metrics(one, 'val', loop)


def test_a_teacher_whose_names_are_other_or_unknown_is_mentioned(monkeypatch):
    lines = []
    monkeypatch.setattr(class_order, 'print_log', lambda message, **kwargs: lines.append(message))
    models = dict(a=teacher('Jump', 'walk'), b=teacher('jump', 'stroll'), c=teacher(), d=torch.nn.Linear(1, 1))
    check_teacher_classes(models, ('train.txt', ['jump', 'walk']))
    assert len(lines) == 2 and 'whether c, d knows' in lines[1]
    assert "teachers.b: 1 of 2 classes have other names than in train.txt (class 1 is 'stroll' there and" in lines[0]
    check_teacher_classes(models, None)
    assert 'whether a, b, c, d knows' in lines[2]


def test_a_teachers_checkpoint_tells_its_classes(tmp_path):
    for meta in (dict(dataset_meta=dict(classes=('a', 'b'))), dict(CLASSES=['a', 'b'])):
        torch.save(dict(state_dict=torch.nn.Linear(1, 2).state_dict(), meta=meta), tmp_path / 'a.pth')
        model = torch.nn.Linear(1, 2)
        load_teacher_weights(model, str(tmp_path / 'a.pth'), 'k')
        assert model._dataset_meta == dict(classes=['a', 'b'])


def uneven(rank, store, results):
    torch.distributed.init_process_group('gloo', init_method=f'file://{store}', rank=rank, world_size=2)
    sampler = DefaultSampler(range(5), round_up=False, seed=0)
    try:
        check_batches(DataLoader(range(5), 2, sampler=sampler))
    except ConfigError as error:
        results.put(str(error))
    torch.distributed.destroy_process_group()


def test_processes_of_different_numbers_of_samples_are_an_error_in_each(tmp_path):
    fork = torch.multiprocessing.get_context('fork')
    results = fork.SimpleQueue()
    ranks = [fork.Process(target=uneven, args=(rank, tmp_path / 'store', results)) for rank in range(2)]
    for rank in ranks:
        rank.start()
    for rank in ranks:
        rank.join()
    for _ in ranks:
        assert 'gives the processes [3, 2] samples' in results.get()


RELATIONS = dict(
    kd=dict(type='FusedKD'),
    rkd=dict(type='RKD', teacher='vit'),
    nce=dict(type='InfoNCE', source='vit'),
    rsd=dict(type='RSD', source='vit', weight=0.0),
    sp=dict(type='SP', source='cnn'),
)


@pytest.mark.parametrize(
    'size, rows, processes, told',
    [
        (1, 1, 1, 'rkd (from 3 samples on), nce (from 2 samples on), sp (from 2 samples on)'),
        (2, 1, 1, 'rkd (from 3 samples on)'),
        (1, 1, 2, 'rkd (from 3 samples on)'),
        (3, 1, 1, None),
        (1, 3, 1, None),
        (1, 1, 3, None),
    ],
)
def test_terms_that_compare_samples_are_named_where_a_batch_has_too_few(tmp_path, size, rows, processes, told):
    model = build_distiller(tmp_path, terms=RELATIONS)
    model.rows = rows
    said = preflight.lone_samples(model, DataLoader([0] * 4, batch_size=size), processes)
    assert said is None if told is None else said.startswith(f'model.terms: nothing learns from {told}, which compare')


@pytest.mark.parametrize('count', [1, 2, 3])
@pytest.mark.parametrize('kind', ['RKD', 'InfoNCE', 'RSD', 'SP'])
def test_terms_that_compare_samples_have_a_gradient_from_the_number_on_that_they_name(tmp_path, kind, count):
    term = dict(type=kind, teacher='vit', angle=2.0) if kind == 'RKD' else dict(type=kind, source='vit')
    model = build_distiller(tmp_path, terms=dict(one=term))
    losses = step_losses(model, batch(model.plan.num_frames, count=count))
    found = torch.autograd.grad(losses['loss_one'], list(model.student.backbone.parameters()), allow_unused=True)
    learns = any(grad is not None and grad.abs().max() > 1e-6 for grad in found)
    assert learns == (count >= model.terms['one'].fewest_samples)
