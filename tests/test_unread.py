"""A key that nothing reads is an error, in the file that is trained with and on the command line."""

import functools
from pathlib import Path

import mmaction
import pytest
from helpers import ROOT
from jobs import stock_job
from leaves import load, refused, write_leaf
from mmengine.config import Config
from mmengine.fileio import dump

CONFIGS = ROOT / 'configs'
HMDB51 = next((CONFIGS / 'baselines' / 'hmdb51').glob('x3d-s_*.py'))
LEAVES = sorted(path for path in CONFIGS.rglob('*.py') if '_base_' not in path.parts)


@pytest.fixture
def leaf(tmp_path):
    """Writes a leaf on the demo's distillation, or another config; gives its path."""
    return functools.partial(write_leaf, tmp_path)


@pytest.mark.parametrize(
    'text, message',
    [
        ("ann_file_trian = 'a.txt'", "nothing reads it; did you mean 'ann_file_train'?"),
        ("data_rot = 'a'", "nothing reads it; did you mean 'data_prefix'?"),
        ("data_root = 'a'", 'nothing reads it here; paths of these data start from data_prefix'),
        ('train_pipeline = []', 'nothing reads it any more; set train_dataloader.dataset.pipeline'),
        ('val_pipeline = []\ntest_pipeline = val_pipeline', 'nothing reads it any more; set test_dataloader.'),
        ('train_pipeline = [*_base_.train_pipeline]', 'nothing reads it any more; set train_dataloader.dataset.'),
        ('val_crop224 = []', 'only the config that has set it before reads it, and did so already'),
        ('for epochs in range(3): pass', 'nothing reads it'),
        ('batch_size = 4', 'nothing reads it; set train_dataloader.batch_size ('),
        ('lr = 0.1', 'nothing reads it; set optim_wrapper.optimizer.lr ('),
        ('mine: int = 3', "(a name of one's own begins with '_')"),
    ],
)
def test_a_key_of_the_file_that_nothing_reads_is_refused_with_what_to_set_instead(text, message, leaf):
    path = leaf(text, HMDB51)
    said = refused(path)
    assert f' in {path}: ' in said and message in said


@pytest.mark.parametrize(
    'option, message',
    [
        ('train_pipeline=[]', 'nothing reads it any more; set train_dataloader.dataset.pipeline'),
        ('pack=[]', 'only the config that has set it before reads it'),
        ('data_prefx.video=x', "nothing reads it; did you mean 'data_prefix'?"),
    ],
)
def test_a_key_of_the_command_line_that_nothing_reads_is_refused(option, message):
    said = refused(HMDB51, '--cfg-options', option)
    assert said.startswith(f'--cfg-options {option.partition("=")[0].partition(".")[0]}: ') and message in said


def test_a_key_of_a_yaml_config_is_refused_too(tmp_path):
    for own, ok in (({}, True), ({'epochs': 3}, False)):
        dump({'_base_': str(HMDB51), 'num_classes': 12, **own}, tmp_path / 'leaf.yaml')
        if ok:
            assert load(tmp_path / 'leaf.yaml').model.num_classes == 12
        else:
            assert 'epochs in ' in refused(tmp_path / 'leaf.yaml')


def test_names_of_ones_own_are_left_alone_where_the_file_reads_them_or_they_begin_with_an_underscore(leaf):
    text = """
from math import sqrt
epochs, _note = 3, dict(anything=1)
tta_model = dict(type='ClsTTAModel')
train_dataloader_small = {name: sqrt(4) for name in ('a', 'b')}
def pipeline():
    return [dict(type='DecordInit'), train_dataloader_small]
_pipeline = pipeline()
train_cfg = dict(max_epochs=epochs)
"""
    assert load(leaf(text, HMDB51)).train_cfg.max_epochs == 3


def test_bases_dumps_and_configs_without_this_package_may_hold_what_they_like(leaf, tmp_path):
    base = leaf("epochs = 3\nann_file_trian = 'a'", HMDB51, 'base.py')
    dumped = load(leaf('num_classes = 12', base))
    dumped.dump(tmp_path / 'dump.py')
    assert load(tmp_path / 'dump.py').epochs == 3
    job = stock_job(tmp_path)
    stock = leaf("dataset_type = 'VideoDataset'\nfile_client_args = dict(io_backend='disk')", job.config)
    assert 'dataset_type in ' in refused(stock)
    job.config.write_text(
        job.config.read_text().replace("custom_imports = dict(imports=['mmdualkd', 'jobs']", '_a = dict(imports=[]')
    )
    assert load(stock).dataset_type == 'VideoDataset'


def test_mmaction2s_own_configs_stay_usable():
    stock = Path(mmaction.__file__).parent / '.mim' / 'configs' / 'recognition' / 'tsn'
    path = stock / 'tsn_imagenet-pretrained-r50_8xb32-1x1x3-100e_kinetics400-rgb.py'
    assert 'file_client_args' in load(path)


@pytest.mark.parametrize('path', LEAVES, ids=lambda path: path.relative_to(CONFIGS).as_posix())
def test_every_config_here_says_only_what_is_read(path):
    assert isinstance(load(path), Config)
