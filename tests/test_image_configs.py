"""Every image config in configs/ parses, names models that exist, and runs a whole small job."""

import copy
import json
import math
import pickle

import cv2
import numpy as np
import pytest
import timm
import torch
from helpers import read_config, without_random_numbers
from mmengine.runner import Runner
from mmpretrain.registry import DATASETS, MODELS
from mmpretrain.utils import register_all_modules
from timm.models.mlp_mixer import Affine, MlpMixer, ResBlock
from whole_configs import CONFIGS, begun_anew, beside, merged, named, specs, without_weights

from mmdualkd import datasets
from mmdualkd.distillers.hybrid_assistant import default_terms
from mmdualkd.zoo.resolve import resolve_model

DATA_SETS = ('cifar100', 'imagenet', 'pictures')
LEAVES = sorted(path for name in DATA_SETS for path in CONFIGS.glob(f'*/{name}/*.py') if '_base_' not in path.parts)
DISTILLED = [path for path in LEAVES if path.parts[-3] in ('hybrid', 'kd') or path.name.startswith('hybrid_')]
ZOO = 'https://download.openmmlab.com/mmclassification/v0/'
SIZE, FULL = 64, 224

CNNS = ('resnet18', 'mobilenetv2')
PAIRS = dict(
    cifar100=(
        (('swin-t', 'vit-s', 'mixer-b16'), CNNS),
        (('convnext-t', 'mixer-b16'), ('deit-t', 'swin-p')),
        (('convnext-t', 'swin-t'), ('resmlp-s12',)),
    ),
    imagenet=(
        (('deit-t', 'swin-t', 'mixer-b16'), CNNS),
        (('resnet50', 'convnext-t', 'mixer-b16'), ('deit-t', 'swin-n')),
        (('resnet50', 'convnext-t', 'swin-t'), ('resmlp-s12',)),
    ),
    pictures=((('cnn-w16',), ('vit-w48', 'mlp-w64')), (('swin-w24',), ('cnn-w8',))),
)

# Overrides that make a model of each backbone narrow and shallow. What the configs say beside that stays.
TOKENS = dict(embed_dims=16, num_layers=6)
NARROW = dict(
    ResNet=dict(backbone=dict(depth=18, stem_channels=8, base_channels=8), head=dict(in_channels=64)),
    MobileNetV2=dict(backbone=dict(widen_factor=0.25)),
    ConvNeXt=dict(
        backbone=dict(arch=dict(_delete_=True, depths=[1, 1, 1, 1], channels=[8, 16, 24, 32])),
        head=dict(in_channels=32),
    ),
    SwinTransformer=dict(
        backbone=dict(
            arch=dict(_delete_=True, embed_dims=8, depths=[1, 1, 2, 1], num_heads=[1, 1, 1, 1]),
            img_size=SIZE,
            window_size=2,
        ),
        head=dict(in_channels=64),
    ),
    VisionTransformer=dict(
        backbone=dict(
            arch=dict(_delete_=True, **TOKENS, num_heads=1, feedforward_channels=32), img_size=SIZE, patch_size=16
        ),
        head=dict(in_channels=16),
    ),
    MlpMixer=dict(
        backbone=dict(
            arch=dict(_delete_=True, **TOKENS, tokens_mlp_dims=8, channels_mlp_dims=32), img_size=SIZE, patch_size=16
        ),
        head=dict(in_channels=16),
    ),
    TimmClassifier=dict(model_name='narrow_resmlp'),
)


@timm.models.register_model
def narrow_resmlp(pretrained=False, num_classes=1000, **kwargs):
    """timm's ResMLP, for its own ``resmlp_12_224`` takes no other width."""
    parts = dict(block_layer=ResBlock, norm_layer=Affine)
    return MlpMixer(num_classes, SIZE, patch_size=16, num_blocks=6, embed_dim=16, mlp_ratio=2, **parts)


def setup_module():
    register_all_modules()


def classes_of(model):
    return model.num_classes if model.type == 'TimmClassifier' else model.head.num_classes


def family(model):
    return model.type if model.type == 'TimmClassifier' else model.backbone.type


def narrow(model):
    """Overrides for a model config; none for those that are small as they are."""
    is_small = family(model) == 'ResNet_CIFAR' or model.get('backbone', {}).get('img_size') == 32
    return {} if is_small else copy.deepcopy(NARROW[family(model)])


# What the configs promise, read from them


def test_the_papers_pairs_are_all_there():
    for name, groups in PAIRS.items():
        wanted = {(teacher, student) for teachers, students in groups for teacher in teachers for student in students}
        found = {tuple(path.name.split('_')[1:3]) for path in (CONFIGS / 'hybrid' / name).glob('*.py')}
        assert found == wanted
    assert len(list((CONFIGS / 'hybrid' / 'cifar100').glob('*.py'))) == 12
    assert len(list((CONFIGS / 'hybrid' / 'imagenet').glob('*.py'))) == 15


@pytest.mark.parametrize('path', LEAVES, ids=named)
def test_models_are_named_right_and_know_the_data_set_s_classes(path):
    cfg = read_config(path)
    assert 'data_preprocessor' not in cfg, "it would take the place of the distiller's"
    if not specs(cfg):
        assert cfg.model.head.num_classes == cfg.num_classes
        return
    for key, spec in specs(cfg).items():
        model, _ = resolve_model(spec, key, cfg.model.num_classes)
        assert classes_of(model) == cfg.num_classes, key
        assert model.data_preprocessor.to_rgb, 'the pipelines give BGR'
    assert set(cfg.model.views) == {'student', *cfg.model.teachers}


def test_every_full_size_model_builds(monkeypatch):
    without_random_numbers(monkeypatch)
    built = {}
    for path in LEAVES:
        cfg = read_config(path)
        for model in [resolve_model(spec, key)[0] for key, spec in specs(cfg).items()] or [cfg.model]:
            parts = repr(model if model.type == 'TimmClassifier' else model.backbone)
            if parts not in built:
                built[parts] = family(model)
                MODELS.build(copy.deepcopy(model))
    assert set(built.values()) == {*NARROW, 'ResNet_CIFAR'}, 'a new family: say in NARROW how it shrinks'


@pytest.mark.parametrize('path', DISTILLED, ids=named)
def test_teachers_come_from_the_zoo_or_from_a_teacher_config_here(path):
    cfg = read_config(path)
    spec = cfg.model.teachers.teacher
    model, address = resolve_model(spec, 'model.teachers.teacher', cfg.num_classes)
    if spec.checkpoint == 'zoo':
        assert cfg.num_classes == 1000 and address.startswith(ZOO)
        return
    folder, file = address.removeprefix('work_dirs/').split('/')
    teacher = read_config(beside(path, 'teachers', f'{folder}.py'))
    assert file == f'epoch_{teacher.train_cfg.max_epochs}.pth' and teacher.num_classes == cfg.num_classes
    plain = MODELS.build(merged(teacher.model, narrow(model)))
    ours = MODELS.build(merged(model, narrow(model)))
    shapes = [{key: value.shape for key, value in net.state_dict().items()} for net in (plain, ours)]
    assert shapes[0] == shapes[1], f'{folder} does not train this teacher'
    for key in ('mean', 'std', 'to_rgb'):
        assert model.data_preprocessor[key] == teacher.model.data_preprocessor[key]
    if (
        path.parent.name == 'cifar100' or path.parts[-3] == 'own'
    ):  # it starts from the weights that the zoo has for the teacher's config
        assert teacher.load_from == resolve_model(dict(spec, checkpoint='zoo'), 'model.teachers.teacher')[1]


@pytest.mark.parametrize('path', DISTILLED, ids=named)
def test_a_baseline_of_the_same_recipe_stands_beside_each_distillation(path):
    student = path.name.split('_', 2)[2]
    cfg, alone = read_config(path), read_config(beside(path, 'baselines', student))
    assert not alone.model.teachers and not alone.model.terms
    for key in ('student', 'num_classes', 'blending'):
        assert cfg.model.get(key) == alone.model.get(key), key
    assert cfg.model.views.student == alone.model.views.student
    for key in ('train_cfg', 'optim_wrapper', 'param_scheduler', 'train_dataloader', 'val_dataloader', 'custom_hooks'):
        assert cfg[key] == alone[key], key


@pytest.mark.parametrize('path', LEAVES, ids=named)
def test_its_name_says_the_pictures_a_step_and_the_epochs(path):
    cfg = read_config(path)
    gpus, batch = path.name.split('_')[-2].split('-')[0].split('xb')
    epochs = path.name.split('_')[-2].split('-')[1]
    assert cfg.train_dataloader.batch_size == int(batch) and f'{cfg.train_cfg.max_epochs}e' == epochs
    assert cfg.auto_scale_lr.base_batch_size == int(gpus) * int(batch)


# Every config, run


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    """A few pictures in the forms that the three data sets read."""
    folder = tmp_path_factory.mktemp('data')
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 256, (2, 3, 32, 32), dtype=np.uint8)
    rows[:, 0] = 255  # red comes first in CIFAR's files
    (folder / 'cifar-100-python').mkdir()
    for name in ('train', 'test'):
        entry = dict(data=rows.reshape(2, -1), fine_labels=[0, 99])
        (folder / 'cifar-100-python' / name).write_bytes(pickle.dumps(entry))
    for split in ('train', 'val', 'test'):
        for label in range(10):
            (folder / split / f'class{label}').mkdir(parents=True)
            picture = rng.integers(0, 256, (SIZE, SIZE + 8, 3), dtype=np.uint8)
            picture[..., 2] = 255  # red comes last in OpenCV
            assert cv2.imwrite(str(folder / split / f'class{label}' / '0.png'), picture)
    (folder / 'own.txt').write_text('class0/0.png 0\nclass1/0.png 1\n')
    (folder / 'meta').mkdir()
    for split in ('train', 'val'):
        (folder / 'meta' / f'{split}.txt').write_text('class0/0.png 0\nclass1/0.png 999\n')
    return folder


@pytest.fixture
def unchecked_cifar(monkeypatch):
    monkeypatch.setattr(datasets.CIFAR100, '_check_integrity', lambda self: True)  # the files' published checksums


def small_pipeline(pipeline):
    for step in pipeline:
        if step.type in ('Resize', 'RandomResizedCrop') and step.scale == FULL:
            step.scale = SIZE
        if step.type == 'ResizeEdge' and step.scale > FULL:
            step.scale = SIZE
        if step.type == 'CenterCrop' and step.crop_size == FULL:
            step.crop_size = SIZE


def small(cfg, data):
    """The same job on two pictures (ten of ten classes in a folder), its models narrow; what else it says stays."""
    for key, spec in specs(cfg).items():
        overrides = narrow(resolve_model(dict(spec, checkpoint=None), key)[0])
        spec['model'] = merged(spec.get('model') or {}, overrides)
    if specs(cfg):
        for view in cfg.model.views.values():
            view.size = min(view.size, SIZE)
    else:
        cfg.model = merged(cfg.model, narrow(cfg.model))
    for split in ('train', 'val', 'test'):
        loader = cfg[f'{split}_dataloader']
        small_pipeline(loader.dataset.pipeline)
        loader.update(batch_size=2, num_workers=0, persistent_workers=False)
        loader.dataset.data_root = str(data)
        if 'ann_file' in loader.dataset:
            loader.dataset.update(ann_file='own.txt', data_prefix='train')
        if 'per_class' in loader.dataset:
            loader.dataset.per_class = 1
        loader.dataset.serialize_data = False  # which collects garbage, slowly
    cfg.train_cfg.update(max_epochs=1, val_interval=1)
    cfg.default_hooks.logger.interval = 1
    return begun_anew(cfg)


@pytest.mark.parametrize('path', LEAVES, ids=named)
def test_a_small_job_trains_a_step_validates_and_saves(path, data, unchecked_cifar, tmp_path, monkeypatch):
    loads = without_weights(monkeypatch)
    cfg = small(read_config(path), data)
    cfg.work_dir = str(tmp_path)
    runner = Runner.from_cfg(cfg)
    before = {name: value.clone() for name, value in runner.model.state_dict().items()}
    runner.train()

    assert len(loads) == sum(bool(spec.get('checkpoint')) for spec in specs(cfg).values())
    saved = torch.load(tmp_path / 'epoch_1.pth', weights_only=True)
    assert any(not value.equal(before[name]) for name, value in saved['state_dict'].items() if '.weight' in name)
    assert ('ema_state_dict' in saved) == ('imagenet' in path.parts and '300e' in path.name)
    scalars = next(tmp_path.glob('*/vis_data/scalars.json'))
    log = json.loads(scalars.read_text().splitlines()[0])
    assert all(math.isfinite(value) for value in log.values())
    if 'student' in cfg.model:
        hybrid = default_terms('teacher') if cfg.model.type == 'mmdualkd.HybridAssistantDistiller' else {}
        terms = cfg.model.get('terms', hybrid)
        assert {key for key in log if key.startswith('loss_')} == {'loss_cls', *(f'loss_{name}' for name in terms)}
        assert (tmp_path / 'student_epoch_1.pth').exists()
    assert 'accuracy/top1' in json.loads(scalars.read_text().splitlines()[-1])


@pytest.mark.parametrize('name', DATA_SETS)
def test_pictures_reach_a_model_with_red_first(name, data, unchecked_cifar):
    """The zoo's preprocessors turn BGR into RGB; mmpretrain's CIFAR gives RGB, so the pipeline has to turn it first."""
    student = 'cnn-w8' if name == 'pictures' else 'resnet18'  # of weak augmentation, which leaves colours alone
    path = next(CONFIGS.glob(f'baselines/{name}/{student}_*.py'))
    cfg = read_config(path)
    model, _ = resolve_model(cfg.model.student, 'model.student', cfg.num_classes)
    preprocessor = MODELS.build({'type': 'ClsDataPreprocessor', **model.data_preprocessor})
    for split in ('train', 'val', 'test'):
        dataset = cfg[f'{split}_dataloader'].dataset
        dataset.data_root = str(data)
        if 'per_class' in dataset:
            dataset.per_class = 1
        sample = DATASETS.build(dataset)[0]
        assert sample['inputs'].dtype == torch.uint8
        batch = preprocessor(dict(inputs=[sample['inputs']], data_samples=[sample['data_samples']]))
        red, green, blue = (batch['inputs'] * preprocessor.std + preprocessor.mean).mean(dim=(0, 2, 3))
        assert red > 190 > max(green, blue)


@pytest.mark.parametrize('path', LEAVES, ids=lambda path: path.stem)
def test_several_processes_validate_the_running_statistics_that_are_saved(path):
    assert read_config(path).default_hooks.sync_buffers.type == 'SyncBuffersHook'
