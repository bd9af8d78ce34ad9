"""ONNX files of students; the tool itself is in ``test_tools/test_export_student.py``."""

import families
import pytest
import torch
from helpers import ROOT, full_disk
from jobs import write_job
from mmengine.config import Config
from tiny import averaging_recognizer, save_model
from tiny_pictures import build_plain, mixer

from mmdualkd.errors import CheckpointError
from mmdualkd.export import stock_config
from mmdualkd.export_onnx import export_onnx


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
