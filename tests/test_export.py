"""Configs, students and ONNX files as plain MMAction2 takes them; the tool itself is in ``test_export_student.py``."""

import families
import pytest
import torch
from helpers import ROOT, full_disk
from jobs import write_job
from mmengine.config import Config
from tiny import averaging_recognizer, resnet3d, save_model
from tiny_pictures import build_plain, mixer

from mmdualkd.checkpoint import student_state_dict
from mmdualkd.errors import CheckpointError, ConfigError
from mmdualkd.export import export_onnx, stock_config, student_model


@pytest.mark.parametrize(
    'name',
    [
        'configs/dualkd/hmdb51/dualkd_mvitv2-s-x3d-m_x3d-s_1xb8-13x6x1-50e_hmdb51-rgb.py',
        'configs/baselines/hmdb51/x3d-s_1xb8-13x6x1-50e_hmdb51-rgb.py',
    ],
)
def test_our_configs_become_stock_configs(name):
    path = ROOT / name
    stock, remarks = stock_config(Config.fromfile(path))
    assert remarks == []
    assert stock.model.type == 'Recognizer3D' and stock.model.cls_head.num_classes == 51
    assert stock.test_dataloader.dataset.type == 'VideoDataset' and stock.test_pipeline[0].type == 'DecordInit'
    assert stock.val_cfg.type == 'ValLoop' and 'blending' not in stock.model.data_preprocessor
    assert 'mmdualkd' not in stock.pretty_text


def test_our_video_dataset_becomes_mmaction2s(tmp_path):
    cfg = Config.fromfile(write_job(tmp_path, 'model = ' + repr(averaging_recognizer())).config)
    cfg.test_dataloader.dataset.type = 'mmdualkd.VideoDataset'
    cfg.test_dataloader.dataset.pipeline[0].type = 'mmdualkd.TorchCodecInit'
    stock, remarks = stock_config(cfg)
    assert stock.test_dataloader.dataset.type == 'VideoDataset' and remarks == []
    assert stock.test_dataloader.dataset.pipeline[0].type == 'DecordInit'


def test_a_config_without_a_scope_becomes_one_with_it(tmp_path):
    cfg = Config.fromfile(write_job(tmp_path, 'model = ' + repr(averaging_recognizer())).config)
    cfg.pop('default_scope', None)  # as of a Python-style one, whose dump has whole paths
    cfg.test_dataloader.dataset.type = 'mmdualkd.datasets.video.VideoDataset'
    stock, _ = stock_config(cfg)
    assert stock.default_scope == 'mmaction' and stock.test_dataloader.dataset.type == 'VideoDataset'


def test_names_that_plain_mmaction2_does_not_read_are_said(tmp_path):
    cfg = Config.fromfile(write_job(tmp_path, 'model = ' + repr(averaging_recognizer())).config)
    cfg.test_dataloader.dataset.update(type='mmdualkd.VideoDataset', ann_file=str(tmp_path / 'names.txt'))
    (tmp_path / 'names.txt').write_text('a.avi 0\nrun fast/a.avi 1\n')
    _, [remark] = stock_config(cfg)
    assert remark.startswith('test_dataloader') and "such as 'run fast/a.avi'" in remark


def test_a_data_set_without_stock_counterpart_is_left_out_and_said():
    name = 'configs/baselines/epic_kitchens100/x3d-s_8xb8-13x6x1-30e_epic-kitchens100-verb-rgb.py'
    stock, remarks = stock_config(Config.fromfile(ROOT / name))
    assert not {'val_dataloader', 'test_dataloader', 'val_cfg', 'test_cfg', 'test_evaluator'} & set(stock)
    assert any('mmdualkd.EpicKitchens' in remark for remark in remarks)
    assert stock.test_pipeline[0].type == 'DecordInit' and stock.test_pipeline[1].target_fps == 30
    assert any('cut the segments out' in remark for remark in remarks)
    assert 'mmdualkd' not in stock.pretty_text


def test_a_student_of_our_own_modules_is_an_error():
    model = resnet3d(4, 2)
    model['cls_head']['type'] = 'mmdualkd.SomeHead'
    with pytest.raises(ConfigError, match='mmdualkd.SomeHead'):
        student_model(Config(dict(model=model)))


def test_imports_that_define_the_student_stay(tmp_path, monkeypatch):
    (tmp_path / 'own_head.py').write_text(
        'from mmaction.models.heads import I3DHead\nfrom mmaction.registry import MODELS\n\n\n'
        '@MODELS.register_module()\nclass OwnHead(I3DHead):\n    pass\n'
    )
    (tmp_path / 'own_loss.py').write_text('')
    monkeypatch.syspath_prepend(tmp_path)
    model = resnet3d(4, 2)
    model['cls_head']['type'] = 'OwnHead'
    imports = "\ncustom_imports = dict(imports=['mmdualkd', 'own_head', 'own_loss'], allow_failed_imports=False)"
    cfg = Config.fromfile(write_job(tmp_path / 'job', 'model = ' + repr(model) + imports).config)
    stock, remarks = stock_config(cfg)
    assert stock.custom_imports.imports == ['own_head'] and any('own_head' in remark for remark in remarks)


def test_tpn_heads_copy_for_convolutional_tests_is_left_out():
    state = {'student.cls_head.fc_cls.weight': 1, 'student.cls_head.new_cls.weight': 2, 'terms.sdd.a': 3}
    assert dict(student_state_dict(state)) == {'cls_head.fc_cls.weight': 1}


@pytest.mark.parametrize('name', ['x3d', 'tsm', 'tanet', 'mvit'])
def test_onnx_of_other_families(name, tmp_path):
    pytest.importorskip('onnxruntime')
    family = families.FAMILIES[name]
    torch.save(families.build(name).state_dict(), tmp_path / 'a.pth')
    view = family.view
    sampler = dict(type='SampleFrames', **{key: view[key] for key in ('clip_len', 'frame_interval', 'num_clips')})
    pipeline = [dict(type='DecordInit'), sampler, dict(type='DecordDecode'),
                dict(type='Resize', scale=(view['size'],) * 2, keep_ratio=False),
                dict(type='FormatShape', input_format=family.model['data_preprocessor']['format_shape']),
                dict(type='PackActionInputs')]  # fmt: skip
    cfg = Config(dict(model=family.model, val_pipeline=pipeline, default_scope='mmaction'))
    assert export_onnx(cfg, tmp_path / 'a.pth', tmp_path / 'a.onnx')[0] < 1e-4


def test_onnx_that_differs_is_an_error(tmp_path, monkeypatch):
    onnxruntime = pytest.importorskip('onnxruntime')
    real = onnxruntime.InferenceSession

    class Wrong:
        def __init__(self, *args, **kwargs):
            self.session = real(*args, **kwargs)

        def run(self, *args):
            return [output + 1 for output in self.session.run(*args)]

    monkeypatch.setattr(onnxruntime, 'InferenceSession', Wrong)
    cfg = stock_config(Config.fromfile(write_job(tmp_path, 'model = ' + repr(averaging_recognizer())).config))[0]
    save_model(cfg.model, tmp_path / 'a.pth')
    (tmp_path / 'a.onnx').write_bytes(b'of an earlier export')
    with pytest.raises(CheckpointError, match='differs from PyTorch by'):
        export_onnx(cfg, tmp_path / 'a.pth', tmp_path / 'a.onnx')
    assert (tmp_path / 'a.onnx').read_bytes() == b'of an earlier export'


def test_a_full_disk_leaves_no_half_of_an_onnx_file(tmp_path):
    pytest.importorskip('onnxruntime')
    cfg = stock_config(Config.fromfile(write_job(tmp_path, 'model = ' + repr(averaging_recognizer())).config))[0]
    save_model(cfg.model, tmp_path / 'a.pth')
    with full_disk(1000), pytest.raises(CheckpointError, match=r"^'.*a\.onnx' cannot be written: "):
        export_onnx(cfg, tmp_path / 'a.pth', tmp_path / 'a.onnx')
    assert not list(tmp_path.glob('a.onnx*'))


def clip_pipeline(**resize):
    """A validation pipeline that resizes and does not crop."""
    return [dict(type='DecordInit'), dict(type='SampleFrames', clip_len=4), dict(type='DecordDecode'),
            dict(type='Resize', **resize), dict(type='FormatShape', input_format='NCTHW'),
            dict(type='PackActionInputs')]  # fmt: skip


def test_onnx_of_a_pipeline_that_leaves_the_size_free_takes_any_size(tmp_path):
    onnxruntime = pytest.importorskip('onnxruntime')
    model = averaging_recognizer()
    save_model(model, tmp_path / 'a.pth')
    files = tmp_path / 'a.pth', tmp_path / 'a.onnx'
    cfg = Config(dict(model=model, val_pipeline=clip_pipeline(scale=(-1, 32)), default_scope='mmaction'))
    difference, remarks = export_onnx(cfg, *files)
    assert difference < 1e-4 and remarks == [
        'the size of the input is free: the validation pipeline leaves it to the picture'
    ]
    session = onnxruntime.InferenceSession(str(files[1]))
    assert session.get_inputs()[0].shape == ['batch', 1, 3, 4, 'height', 'width']
    for size in ((40, 56), (32, 33)):
        assert session.run(None, {'input': torch.zeros(1, 1, 3, 4, *size).numpy()})[0].shape == (1, 2)
    fixed = Config(dict(cfg, val_pipeline=clip_pipeline(scale=(32, 32), keep_ratio=False)))
    assert export_onnx(fixed, *files)[1] == []


@pytest.fixture
def pictures_of_any_size(tmp_path):
    """A classifier's weights, and its config with a pipeline that does not resize."""

    def write(model):
        torch.save(build_plain(model).state_dict(), tmp_path / 'a.pth')
        pipeline = [dict(type='LoadImageFromFile'), dict(type='PackInputs')]
        return Config(dict(model=model, val_pipeline=pipeline, default_scope='mmpretrain')), tmp_path / 'a.pth'

    return write


def test_onnx_of_a_model_that_fixes_the_size_says_which(pictures_of_any_size, tmp_path):
    onnxruntime = pytest.importorskip('onnxruntime')
    swin = Config.fromfile(ROOT / 'configs' / '_base_' / 'classifiers' / 'small_pictures.py').swin_w24
    difference, remarks = export_onnx(*pictures_of_any_size(swin), tmp_path / 'a.onnx')
    assert difference < 1e-4 and len(remarks) == 1
    assert remarks[0].startswith('the input is fixed to 240 x 320: ') and 'Resize' in remarks[0]
    session = onnxruntime.InferenceSession(str(tmp_path / 'a.onnx'))
    assert session.get_inputs()[0].shape[1:] == [3, 240, 320]


def test_onnx_of_a_model_that_takes_no_size_but_its_own_asks_for_it(pictures_of_any_size, tmp_path):
    pytest.importorskip('onnxruntime')
    with pytest.raises(CheckpointError, match='leaves the size to the picture.* Resize or CenterCrop in val_pipeline'):
        export_onnx(*pictures_of_any_size(mixer()), tmp_path / 'a.onnx')
