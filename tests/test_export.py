"""Configs and students as plain MMAction2 takes them; the tool itself is in ``test_export_student.py``."""

import pytest
from helpers import ROOT
from jobs import write_job
from mmengine.config import Config
from picture_jobs import picture_job
from tiny import averaging_recognizer, resnet3d

from mmdualkd.checkpoint import student_state_dict
from mmdualkd.errors import ConfigError
from mmdualkd.export import stock_config, student_model


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
    cfg.test_dataloader.dataset.update(type='mmdualkd.VideoDataset', num_views=2, indices=4)
    cfg.test_dataloader.dataset.pipeline[0].type = 'mmdualkd.TorchCodecInit'
    stock, remarks = stock_config(cfg)
    dataset = stock.test_dataloader.dataset
    assert dataset.type == 'VideoDataset' and remarks == [] and dataset.pipeline[0].type == 'DecordInit'
    assert 'num_views' not in dataset and dataset.indices == 4  # which MMAction2 refuses, and knows


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


def test_data_in_wrappers_bring_their_pipeline_to_plain_mmaction2s_inference(tmp_path):
    cfg = Config.fromfile(write_job(tmp_path, 'model = ' + repr(averaging_recognizer())).config)
    one = cfg.test_dataloader.dataset
    one.type = 'mmdualkd.VideoDataset'
    for wrapper in (
        dict(type='ConcatDataset', datasets=[one, one]),
        dict(type='RepeatDataset', times=1, dataset=dict(type='ConcatDataset', datasets=[one])),
    ):
        cfg.test_dataloader.dataset = wrapper
        stock, remarks = stock_config(cfg)
        assert stock.test_pipeline == one.pipeline and remarks == [] and 'mmdualkd' not in stock.pretty_text


def test_a_test_on_some_pictures_of_each_class_is_said_to_be_on_all(tmp_path):
    cfg = Config.fromfile(picture_job(tmp_path).config)
    cfg.test_dataloader.dataset.per_class = 2
    stock, [remark] = stock_config(cfg)
    assert 'per_class' not in stock.test_dataloader.dataset
    assert remark == 'test_dataloader: plain MMPretrain tests on all pictures, for it knows no per_class=2'


def test_a_test_on_videos_that_are_shrunk_as_they_decode_is_said_to_differ(tmp_path):
    cfg = Config.fromfile(write_job(tmp_path, 'model = ' + repr(averaging_recognizer())).config)
    cfg.test_dataloader.dataset.pipeline[0].update(type='mmdualkd.DecordInit', short_side=24)
    stock, [remark] = stock_config(cfg)
    assert stock.test_dataloader.dataset.pipeline[0] == dict(type='DecordInit')
    assert remark == 'test_dataloader: plain MMAction2 decodes without short_side, so that pixels differ a little'


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
