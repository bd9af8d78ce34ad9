"""Every video config in configs/ parses, names models that exist, and runs a whole small job."""

import copy
import csv
import json
import math
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from helpers import read_config, without_random_numbers, write_clips
from mmaction.registry import DATASETS as MMACTION_DATASETS
from mmaction.registry import MODELS
from mmaction.utils import register_all_modules
from mmengine.runner import Runner
from whole_configs import CONFIGS, begun_anew, beside, merged, named, specs, without_weights

from mmdualkd.distillers.dual_teacher import DEFAULT_TERMS
from mmdualkd.distillers.preprocessor import ClipPreprocessor, PicturePreprocessor
from mmdualkd.hooks.preflight import hand_views
from mmdualkd.registry import TRANSFORMS
from mmdualkd.views import ViewPlan
from mmdualkd.zoo.resolve import resolve_model

PICTURES = {'cifar100', 'imagenet', 'pictures'}  # test_image_configs.py
LEAVES = sorted(
    path for path in CONFIGS.rglob('*.py') if '_base_' not in path.parts and path.parent.name not in PICTURES
)
DISTILLED = [path for path in LEAVES if path.parts[-3] in ('dualkd', 'kd') or path.name.startswith('dualkd_')]
ZOO = 'https://download.openmmlab.com/mmaction/v1.0/recognition/'
SIZE, FRAMES = 64, 8

# Overrides that make a zoo model of each backbone narrow. The depth of a stage changes, what the configs say does not.
NARROW = dict(
    X3D=dict(backbone=dict(gamma_w=0.5, gamma_d=0.6), cls_head=dict(in_channels=288)),
    ResNet3dSlowFast=dict(
        backbone=dict(slow_pathway=dict(depth=18, base_channels=16), fast_pathway=dict(depth=18, base_channels=2)),
        cls_head=dict(in_channels=144),
    ),
    MViT=dict(
        backbone=dict(
            arch=dict(_delete_=True, embed_dims=8, num_layers=4, num_heads=1, downscale_indices=[1, 2, 3]),
            temporal_size=FRAMES,
            spatial_size=SIZE,
        ),
        cls_head=dict(in_channels=64),
    ),
    SwinTransformer3D=dict(
        backbone=dict(
            arch=dict(_delete_=True, embed_dims=16, depths=[2, 2], num_heads=[1, 2]), out_indices=(1,), pretrained=None
        ),
        cls_head=dict(in_channels=32),
    ),
    ResNetTSM=dict(backbone=dict(depth=18, pretrained=None, pretrained2d=False), cls_head=dict(in_channels=512)),
    MobileNetV2TSM=dict(backbone=dict(widen_factor=0.25, pretrained=None, pretrained2d=False)),
    ResNet3d=dict(backbone=dict(base_channels=4)),
    VisionTransformer=dict(),
    UniFormer=dict(),
)


def setup_module():
    register_all_modules()


# What the configs promise, read from them


@pytest.mark.parametrize('path', LEAVES, ids=named)
def test_models_are_named_right_and_know_the_data_set_s_classes(path):
    cfg = read_config(path)
    classes = cfg.num_classes
    if not specs(cfg):
        assert cfg.model.cls_head.num_classes == classes
        return
    for key, spec in specs(cfg).items():
        model, _ = resolve_model(spec, key, cfg.model.get('num_classes'))
        assert model.cls_head.num_classes == classes, key
    assert set(cfg.model.views) == {'student', *cfg.model.get('teachers', {})}


def test_every_full_size_model_builds(monkeypatch):
    without_random_numbers(monkeypatch)
    built = {}
    for path in LEAVES:
        cfg = read_config(path)
        models = [resolve_model(spec, key)[0] for key, spec in specs(cfg).items()] or [cfg.model]
        for model in models:
            model = dict(model, data_preprocessor=None)
            model['backbone'] = dict(model['backbone'], pretrained=None)
            model['cls_head'] = dict(model['cls_head'], num_classes=2)
            key = repr((model['backbone'], model['cls_head']))
            if key not in built:
                built[key] = type(MODELS.build(model).backbone).__name__
    assert set(built.values()) == set(NARROW), 'a new family: say in NARROW how to make it small'


@pytest.mark.parametrize('path', DISTILLED, ids=named)
def test_teachers_come_from_the_zoo_or_from_a_teacher_config_here(path):
    cfg = read_config(path)
    for name, spec in cfg.model.teachers.items():
        model, address = resolve_model(spec, f'model.teachers.{name}', cfg.num_classes)
        if spec.checkpoint == 'zoo':
            assert cfg.num_classes == 400 and address.startswith(ZOO)
            continue
        folder, file = address.removeprefix('work_dirs/').split('/')
        teacher = read_config(beside(path, 'teachers', f'{folder}.py'))
        assert file == f'epoch_{teacher.train_cfg.max_epochs}.pth'
        assert teacher.num_classes == cfg.num_classes
        plain = MODELS.build(merged(teacher.model, narrow(model)))
        ours = MODELS.build(merged(model, narrow(model)))
        shapes = [{key: value.shape for key, value in net.state_dict().items()} for net in (plain, ours)]
        assert shapes[0] == shapes[1], f'{folder} does not train the {name} teacher'
        for key in ('mean', 'std'):
            assert model.data_preprocessor[key] == teacher.model.data_preprocessor[key]
        clip = next(step for step in teacher.train_pipeline if step.type == 'SampleFrames')
        view = cfg.model.views[name]
        for key in ('clip_len', 'frame_interval', 'num_clips'):
            assert clip.get(key, 1) == view.get(key, 1), key


def student_frames(cfg, total):
    """The frames that a config's student sees of a video of so many frames, with the random numbers of one seed."""
    sampler = TRANSFORMS.build(next(step for step in cfg.train_pipeline if step.type == 'mmdualkd.SampleViews'))
    dataset = SimpleNamespace(pipeline=SimpleNamespace(transforms=[sampler]))
    hand_views(dataset, ViewPlan(cfg.model.views), 'train_pipeline')
    np.random.seed(total)
    frames = sampler.transform(dict(total_frames=total, avg_fps=25.0, start_index=0))['frame_inds']
    return (frames if sampler.alone else frames[sampler.plan.places('student')]).reshape(-1).tolist()


@pytest.mark.parametrize('path', DISTILLED, ids=named)
def test_a_baseline_of_the_same_recipe_stands_beside_each_distillation(path):
    student = path.name.split('_', 2)[2]
    cfg, alone = read_config(path), read_config(beside(path, 'baselines', student))
    for key in ('student', 'num_classes', 'type'):
        assert cfg.model[key] == alone.model[key]
    assert not alone.model.teachers and not alone.model.terms
    assert cfg.model.views.student == alone.model.views.student
    for key in ('train_cfg', 'optim_wrapper', 'param_scheduler', 'val_pipeline', 'test_pipeline', 'val_dataloader'):
        assert cfg[key] == alone[key], key
    ours, theirs = ([dict(step, views=None) for step in one.train_pipeline] for one in (cfg, alone))
    assert ours == theirs
    samplers = [step for step in cfg.train_pipeline if step.type == 'mmdualkd.SampleViews']
    assert len(samplers) == 1 and 'views' not in samplers[0], 'views stand in the model, once'
    for key in ('batch_size', 'sampler', 'drop_last'):
        assert cfg.train_dataloader[key] == alone.train_dataloader[key]
    for total in (9, 90, 300):  # frames of a video
        together, by_itself = student_frames(cfg, total), student_frames(alone, total)
        assert together == by_itself, 'the student alone sees other frames than beside its teachers'


@pytest.mark.parametrize('path', LEAVES, ids=named)
def test_its_learning_rate_is_for_the_clips_a_step_that_its_name_says(path):
    cfg = read_config(path)
    name = re.search(r'_(\d+)xb(\d+)-', path.name)
    gpus, clips = map(int, name.groups()) if name else (1, cfg.train_dataloader.batch_size)  # the demo's say neither
    assert cfg.train_dataloader.batch_size == clips and cfg.auto_scale_lr.base_batch_size == gpus * clips


# Every config, run


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    """Videos of two classes for both kinds of annotation."""
    folder = tmp_path_factory.mktemp('data')
    annotation = write_clips(folder, classes=2, per_class=1, frames=24, size=SIZE)
    columns = ('participant_id', 'video_id', 'start_timestamp', 'stop_timestamp', 'verb_class', 'noun_class')
    with (folder / 'epic.csv').open('w') as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for label in (0, 1):
            (folder / f'P01_0{label}.mp4').write_bytes((folder / f'class{label}_0.avi').read_bytes())
            writer.writerow(['P01', f'P01_0{label}', '00:00:00.20', '00:00:00.70', label, label])
    return dict(text=str(annotation), csv=str(folder / 'epic.csv'), folder=str(folder))


def small_view(view):
    """A view of a full-size model made small: its words stay, its numbers shrink."""
    if view.get('size', SIZE) <= SIZE:
        return
    view['size'] = SIZE
    if view['clip_len'] > 1:
        view.update(clip_len=FRAMES, frame_interval=min(view['frame_interval'], 2))


def small_pipeline(pipeline):
    for step in pipeline:
        if step.type == 'SampleFrames':
            step['num_clips'] = step.get('num_clips', 1) if step.clip_len == 1 else 1
        if step.type == 'SampleFrames' and step.clip_len > 1 and pipeline_is_large(pipeline):
            step.update(clip_len=FRAMES, frame_interval=2)
    if pipeline_is_large(pipeline):
        for step in pipeline:
            if step.type == 'Resize':
                step['scale'] = (SIZE, SIZE) if step.get('keep_ratio') is False else (-1, SIZE)
            if step.type in ('CenterCrop', 'ThreeCrop'):
                step['crop_size'] = SIZE


def pipeline_is_large(pipeline):
    return any(step.type == 'Resize' and max(step.scale) > 100 for step in pipeline)


def narrow(model):
    """Overrides for a model config, by its backbone."""
    overrides = copy.deepcopy(NARROW[model.backbone.type])
    if model.backbone.type == 'ResNet3d':
        overrides['cls_head'] = dict(in_channels=4 * 2 ** (model.backbone.get('num_stages', 4) - 1))
    return overrides


def small(cfg, data):
    """The same job on two tiny videos, its models narrow; what else the config says stays."""
    if specs(cfg):
        for key, spec in specs(cfg).items():
            overrides = narrow(resolve_model(dict(spec, checkpoint=None), key)[0])
            spec['model'] = overrides
        beside_teachers = [step.views for step in cfg.train_dataloader.dataset.pipeline if step.get('views')]
        for views in (cfg.model.views, *beside_teachers):
            for view in views.values():
                small_view(view)
    else:
        cfg.model = merged(cfg.model, narrow(cfg.model))
    for split in ('train', 'val', 'test'):
        loader = cfg[f'{split}_dataloader']
        small_pipeline(loader.dataset.pipeline)
        loader.update(batch_size=2, num_workers=0, persistent_workers=False)
        epic = loader.dataset.type == 'mmdualkd.EpicKitchens'
        for key in ('data_root', 'indices'):
            loader.dataset.pop(key, None)
        loader.dataset.update(ann_file=data['csv' if epic else 'text'], data_prefix=dict(video=data['folder']))
        loader.dataset.serialize_data = False  # which collects garbage, slowly
        if epic:
            loader.dataset.update(train_ann_file=data['csv'], num_classes=None)
    cfg.train_cfg.update(max_epochs=1, val_begin=1, val_interval=1)
    cfg.default_hooks.checkpoint.interval = 1
    cfg.default_hooks.logger.interval = 1
    return begun_anew(cfg)


@pytest.mark.parametrize('path', LEAVES, ids=named)
def test_a_small_job_trains_a_step_validates_and_saves(path, data, tmp_path, monkeypatch):
    loads = without_weights(monkeypatch)
    cfg = small(read_config(path), data)
    cfg.work_dir = str(tmp_path)
    runner = Runner.from_cfg(cfg)
    before = {name: value.clone() for name, value in runner.model.state_dict().items()}
    runner.train()

    wanted = [spec for spec in specs(cfg).values() if spec.get('checkpoint')]
    assert len(loads) == len(wanted)
    after = torch.load(tmp_path / 'epoch_1.pth', weights_only=True)['state_dict']
    assert any(not value.equal(before[name]) for name, value in after.items() if 'cls_head' in name)
    scalars = next(tmp_path.glob('*/vis_data/scalars.json'))
    log = json.loads(scalars.read_text().splitlines()[0])
    assert all(math.isfinite(value) for value in log.values())
    if 'student' in cfg.model:
        terms = cfg.model.get('terms', DEFAULT_TERMS)
        assert {key for key in log if key.startswith('loss_')} == {'loss_cls', *(f'loss_{name}' for name in terms)}
        assert (tmp_path / 'student_epoch_1.pth').exists()
    assert 'acc/top1' in json.loads(scalars.read_text().splitlines()[-1])

    sample = MMACTION_DATASETS.build(cfg.test_dataloader.dataset)[0]
    assert sample['inputs'].dtype == torch.uint8


@pytest.mark.parametrize('name', ['hmdb51', 'kinetics400', 'epic_kitchens100_verb', 'cifar100_224', 'imagenet_224'])
def test_loaders_of_the_large_data_sets_pin_what_is_copied_without_waiting(name):
    cfg = read_config(CONFIGS / '_base_' / 'datasets' / f'{name}.py')
    assert all(cfg[f'{split}_dataloader'].pin_memory for split in ('train', 'val', 'test'))
    assert ClipPreprocessor(torch.nn.Identity())._non_blocking
    assert PicturePreprocessor(torch.nn.Identity(), 2)._non_blocking


@pytest.mark.parametrize('runtime', ['default_runtime.py', 'default_runtime_image.py'])
def test_cudnn_chooses_its_algorithms_unless_a_run_is_deterministic(runtime, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, 'benchmark', False)
    monkeypatch.setattr(torch.backends.cudnn, 'deterministic', False)
    env_cfg = read_config(CONFIGS / '_base_' / runtime).env_cfg
    for deterministic in (False, True):
        Runner(torch.nn.Identity(), str(tmp_path), env_cfg=env_cfg, log_level='ERROR',
               experiment_name=f'{runtime}_{deterministic}',
               randomness=dict(seed=0, deterministic=deterministic))  # fmt: skip
        assert torch.backends.cudnn.benchmark != deterministic
    torch.use_deterministic_algorithms(False)
