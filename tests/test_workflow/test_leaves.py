"""The configs that distill writes: plain Python that says what a training is, for every model of the catalogue."""

from dataclasses import replace

import pytest
from mmengine.config import Config

from mmdualkd.errors import ConfigError
from mmdualkd.settings import check_settings
from mmdualkd.top_keys import settle
from mmdualkd.workflow.entries import entry_of
from mmdualkd.workflow.leaves import Entry, Job, alone, distilled
from mmdualkd.workflow.recipes import recipe
from mmdualkd.workflow.writing import write_leaf
from mmdualkd.zoo.catalogue import MODELS, PICTURES, VIDEOS, find_model, rows
from mmdualkd.zoo.pretrained import without_pretrained
from mmdualkd.zoo.resolve import build_model, resolve_model


def job(tmp_path, of=VIDEOS, **changes):
    settings = dict(of=of, data_root=tmp_path / 'my data', annotations=tmp_path / 'lists', classes=7, samples=50,
                    batch_size=8, workers=0)  # fmt: skip
    return Job(**{**settings, **changes})


def entry(name, of=VIDEOS, **changes):
    model = find_model(name, of, 'x')
    return replace(Entry(name, model, model.checkpoint), **changes)


def written(config, tmp_path):
    write_leaf(tmp_path / 'leaf.py', config, tmp_path)
    cfg = Config.fromfile(tmp_path / 'leaf.py')
    check_settings(cfg)
    return cfg


@pytest.mark.parametrize(
    ('samples', 'batch_size', 'processes', 'seen'),
    [(60, 8, 1, 56), (53, 32, 1, 32), (64, 32, 1, 64), (3, 8, 1, 3), (53, 8, 2, 48), (3, 8, 2, 2), (1, 8, 2, 2)],
)
def test_what_full_batches_leave_over_is_not_counted_as_seen(samples, batch_size, processes, seen, tmp_path):
    one = job(tmp_path, samples=samples, batch_size=batch_size, processes=processes)
    assert one.seen == seen
    assert one.batch(samples) <= batch_size


@pytest.mark.parametrize(('of', 'name'), [(of, name) for of in MODELS for name in MODELS[of]])
def test_every_model_of_the_list_trains_alone_on_ones_own_data(of, name, tmp_path):
    model = entry(name, of)
    cfg = written(alone(job(tmp_path, of), model, 10), tmp_path)
    assert cfg.model.num_classes == 7 and cfg.train_cfg.max_epochs == 10
    for split in ('train', 'val', 'test'):
        dataset = cfg[f'{split}_dataloader'].dataset
        assert dataset.ann_file == str(tmp_path / 'lists' / ('train.txt' if split == 'train' else 'val.txt'))
        assert (dataset.data_prefix.video if of == VIDEOS else dataset.data_prefix) == str(tmp_path / 'my data')
    if of == VIDEOS:
        sampled = next(step for step in cfg.test_pipeline if step.type == 'SampleFrames')
        assert sampled.clip_len == model.model.view['clip_len'] and sampled.test_mode
        frames = 'NCHW' if model.model.view['clip_len'] == 1 else 'NCTHW'
        assert next(step for step in cfg.test_pipeline if step.type == 'FormatShape').input_format == frames


@pytest.mark.parametrize(('of', 'name'), [(VIDEOS, 'x3d-s'), (PICTURES, 'resnet18')])
def test_what_judges_alone_is_tested_on_and_not_validated_on(of, name, tmp_path):
    cfg = written(alone(job(tmp_path, of, validated=5, tested=9), entry(name, of), 5), tmp_path)
    settle(cfg, tmp_path / 'leaf.py')
    lists = {split: cfg[f'{split}_dataloader'].dataset.ann_file for split in ('train', 'val', 'test')}
    assert lists == {split: str(tmp_path / 'lists' / f'{split}.txt') for split in lists}


@pytest.mark.parametrize(
    ('of', 'teachers', 'method'),
    [
        (VIDEOS, dict(vit='mvitv2-s', cnn='x3d-m'), 'DualTeacherDistiller'),
        (VIDEOS, dict(cnn='x3d-m'), 'Distiller'),
        (VIDEOS, dict(a='x3d-m', b='tsm-r50'), 'Distiller'),
        (PICTURES, dict(vit='swin-t'), 'HybridAssistantDistiller'),
        (PICTURES, dict(vit='swin-t', cnn='resnet50'), 'Distiller'),
    ],
)
def test_the_method_is_that_of_the_teachers(of, teachers, method, tmp_path):
    entries = {role: entry(name, of, checkpoint='a.pth') for role, name in teachers.items()}
    cfg = written(
        distilled(job(tmp_path, of), entry('x3d-s' if of == VIDEOS else 'resnet18', of), entries, 5), tmp_path
    )
    assert cfg.model.type == f'mmdualkd.{method}' and set(cfg.model.views) == {'student', *teachers}
    assert ('terms' in cfg.model) == (method == 'Distiller')


@pytest.mark.parametrize(
    ('method', 'teachers', 'learned_from'),
    [
        ('fitnets', dict(vit='mvitv2-s', cnn='x3d-m'), 'vit'),
        ('fitnets', dict(cnn='x3d-m'), 'cnn'),
        ('rkd', dict(b='tsm-r50', a='x3d-m'), 'b'),
        ('kd', dict(b='tsm-r50', a='x3d-m'), 'b'),
        ('kd', dict(b='tsm-r50', a='mvitv2-s', c='x3d-m'), 'a'),
        ('fitnets', dict(c='x3d-m', b='swin-t', a='mvitv2-s'), 'c'),
        ('ca_mkd', dict(b='tsm-r50', a='x3d-m'), None),
    ],
)
def test_a_method_by_name_learns_from_the_vit_or_else_from_the_first_teacher(method, teachers, learned_from, tmp_path):
    entries = {role: entry(name, checkpoint='a.pth') for role, name in teachers.items()}
    cfg = written(distilled(job(tmp_path), entry('x3d-s'), entries, 5, method), tmp_path)
    [first, *_] = cfg.model.terms.values()
    said = first.get('source', first.get('teacher', *first.get('teachers', [None])))
    assert cfg.model.type == 'mmdualkd.Distiller' and said == learned_from


def test_the_student_alone_draws_clips_as_beside_its_teachers(tmp_path):
    teachers = {role: entry(name, checkpoint='a.pth') for role, name in dict(vit='swin-t', cnn='tsm-r50').items()}
    beside = written(alone(job(tmp_path), entry('tsm-mobilenetv2'), 5, beside=teachers), tmp_path).train_pipeline
    together = written(distilled(job(tmp_path), entry('tsm-mobilenetv2'), teachers, 5), tmp_path)
    assert beside[1].views == together.model.views and beside[2:] == together.train_pipeline[2:]


def test_the_shared_clip_is_as_large_as_the_largest_view(tmp_path):
    teachers = {role: entry(name, checkpoint='a.pth') for role, name in dict(vit='mvitv2-s', cnn='x3d-m').items()}
    for config in (
        alone(job(tmp_path), entry('x3d-s'), 5, beside=teachers),
        distilled(job(tmp_path), entry('x3d-s'), teachers, 5),
    ):
        [crop] = [step for step in written(config, tmp_path).train_pipeline if step.type == 'mmdualkd.RandomCropResize']
        assert (crop.size, crop.short_side) == (224, 256)


def test_who_learns_from_labels_alone_leaves_samples_without_one_out(tmp_path):
    few, teachers = job(tmp_path, samples=3, unlabelled=100), dict(cnn=entry('x3d-m', checkpoint='a.pth'))
    by_itself = written(alone(few, entry('x3d-s'), 5, beside=teachers), tmp_path)
    together = written(distilled(few, entry('x3d-s'), teachers, 5), tmp_path)
    assert by_itself.train_dataloader.dataset.unlabelled == 'drop' and by_itself.train_dataloader.batch_size == 3
    assert 'unlabelled' not in together.train_dataloader.dataset and together.train_dataloader.batch_size == 8
    assert 'unlabelled' not in by_itself.val_dataloader.dataset


@pytest.mark.parametrize(('of', 'name'), [(of, name) for of in MODELS for name in MODELS[of]])
def test_from_scratch_no_model_of_the_list_begins_from_weights_that_its_config_names(of, name, tmp_path):
    one = entry_of(name, of, '--student', True, None, dict(frames=300))
    cfg = written(alone(job(tmp_path, of), one, 10), tmp_path)
    model, weights = resolve_model(cfg.model.student, 'model.student', 7)
    assert weights is None and model == without_pretrained(model)


def test_what_is_changed_to_begin_from_scratch_stands_where_there_are_no_weights_alone(tmp_path):
    one = entry_of('tsm-mobilenetv2', VIDEOS, '--teachers', True, None, dict(frames=300))
    student = alone(job(tmp_path), one, 10)['model']['student']
    assert student['model'] == dict(backbone=dict(pretrained=None, pretrained2d=False))
    built = build_model(student, 'model.student', 7)[0]
    built.init_weights()  # downloads nothing
    trained = alone(job(tmp_path), replace(one, checkpoint='cnn.pth'), 10)['model']['student']
    tuned = entry_of('tsm-mobilenetv2', VIDEOS, '--teachers', False, None, dict(frames=300))
    assert 'model' not in trained and not tuned.changes


def test_crops_of_a_training_from_scratch_show_half_of_a_frame_at_least(tmp_path):
    for model, area in ((entry('resnet3d18-w8'), (0.5, 1.0)), (entry('x3d-s'), None)):
        cfg = written(alone(job(tmp_path), model, 5), tmp_path)
        [crop] = [step for step in cfg.train_pipeline if step.type == 'mmdualkd.RandomCropResize']
        assert crop.get('area_range') == area, model.name


@pytest.mark.parametrize(('samples', 'kept'), [(1800, True), (1900, False)])
def test_videos_are_decoded_once_where_there_is_room_for_all_frames(tmp_path, samples, kept):
    of_ten_seconds = job(tmp_path, samples=samples, video_frames=300)  # 8,541,000 bytes each at 130 x 73 pixels
    cfg = written(alone(of_ten_seconds, entry('resnet3d18-w8'), 5), tmp_path)
    opening = cfg.train_dataloader.dataset.pipeline[0]
    assert opening.get('keep_in') == (str(tmp_path / 'frames') if kept else None) and opening.short_side == 73
    assert not any('keep_in' in step for step in (*cfg.val_pipeline, *cfg.test_pipeline, *cfg.teacher_val_pipeline))


def test_mirroring_can_be_left_out(tmp_path):
    for flip in (True, False):
        cfg = written(alone(job(tmp_path, flip=flip), entry('x3d-s'), 5), tmp_path)
        assert any(step.type == 'Flip' for step in cfg.train_pipeline) == flip


def test_a_batch_is_no_larger_than_what_a_process_has(tmp_path):
    cfg = written(alone(job(tmp_path, samples=5, processes=2), entry('x3d-s'), 5), tmp_path)
    assert cfg.train_dataloader.batch_size == 2 and cfg.auto_scale_lr.base_batch_size == 4


@pytest.mark.parametrize(
    ('name', 'tuned', 'batch', 'optimizer', 'rate'),
    [
        ('x3d-s', True, 8, 'SGD', 1e-3),
        ('x3d-s', True, 64, 'SGD', 8e-3),
        ('mvitv2-s', True, 32, 'AdamW', 1.6e-4),
        ('mvitv2-s', True, 8, 'AdamW', 4e-5),
        ('resnet3d18-w8', False, 8, 'AdamW', 5e-3),
        ('uniformer-w32', False, 8, 'AdamW', 5e-4),
        ('cnn-w8', False, 64, 'AdamW', 4e-3),
        ('vit-w48', False, 32, 'AdamW', 2e-3),
    ],
)
def test_learning_rates_follow_the_batch(name, tuned, batch, optimizer, rate):
    data = PICTURES if name in MODELS[PICTURES] else VIDEOS
    settings = recipe(find_model(name, data, 'x'), tuned, 20, batch, 2)
    assert settings['optim_wrapper']['optimizer']['type'] == optimizer
    assert settings['optim_wrapper']['optimizer']['lr'] == pytest.approx(rate)
    warm, cosine = settings['param_scheduler']
    assert warm['end'] == cosine['begin'] == (2 if tuned else 4) and cosine['end'] == 20


@pytest.mark.parametrize('epochs', [1, 2])
def test_the_shortest_trainings_have_schedules_that_end_with_them(epochs):
    schedules = recipe(find_model('x3d-s', VIDEOS, 'x'), True, epochs, 8, 1)['param_scheduler']
    assert len(schedules) == epochs and schedules[-1]['end'] == epochs and schedules[-1]['T_max'] == 1


def test_a_config_of_a_zoo_has_the_view_of_its_own_pipeline():
    model = find_model('mmaction::recognition/slowonly/slowonly_r50_8xb16-4x16x1-256e_kinetics400-rgb.py', VIDEOS, 'x')
    assert model.view == dict(clip_len=4, frame_interval=16, size=224) and model.kind == 'cnn'
    assert find_model('mmpretrain::vision_transformer/vit-base-p16_64xb64_in1k-384px.py', PICTURES, 'x').kind == 'vit'


def test_a_model_of_cifars_rgb_arrays_sees_the_same_colours_of_files(tmp_path):
    names = ['mmpretrain::resnet/resnet18_8xb16_cifar10.py', 'mmpretrain::regnet/regnetx-400mf_8xb128_in1k.py']
    teachers = {name: entry(name, PICTURES, checkpoint='x.pth', trained=True) for name in names}
    model = written(distilled(job(tmp_path, PICTURES), entry('cnn-w8', PICTURES), teachers, 1), tmp_path).model
    preprocessors = [
        resolve_model(spec, f'model.teachers.{name}')[0].data_preprocessor for name, spec in model.teachers.items()
    ]
    assert [part.to_rgb for part in preprocessors] == [True, False]  # RegNet's weights take blue first
    assert preprocessors[0].mean == [125.307, 122.961, 113.8575]


@pytest.mark.parametrize(
    'text', ["model = dict(type='ImageClassifier'", 'model = dict(type=nothing)', "_base_ = 'x.py'"]
)
def test_a_config_that_cannot_be_read_is_one_error(tmp_path, text):
    (tmp_path / 'mine.py').write_text(text)
    with pytest.raises(ConfigError, match=r"--student='.*mine\.py' cannot be read: "):
        find_model(str(tmp_path / 'mine.py'), PICTURES, '--student')


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('mmaction::recognition/x3d/x3d_s.py', 'no such config; did you mean'),
        (
            'mmaction::skeleton/stgcn/stgcn_8xb16-joint-u100-80e_ntu60-xsub-keypoint-2d.py',
            "student='mmaction::skeleton",
        ),
        ('nothing.py', 'no such config file'),
        ('mmdualkd::demo/student_distilled.py', 'holds a distiller and not a plain model of videos'),
        ('resnet18', 'is a model of pictures'),
        ('x3d', "did you mean 'x3d-"),
    ],
)
def test_a_name_that_is_no_model_of_videos_is_one_error(name, message):
    with pytest.raises(ConfigError, match=message):
        find_model(name, VIDEOS, '--student')


def test_the_list_tells_what_the_zoos_tell():
    table = {row[0]: row for row in rows(VIDEOS)}
    assert table['x3d-s'][1:6] == ('cnn', '3.79 M', '2.97', '13x6, 160 px', '73.3')
    assert table['resnet3d18-w8'][2] == '0.52 M' and table['resnet3d18-w8'][5] == '-'
