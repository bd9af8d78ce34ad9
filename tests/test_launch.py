"""What the tools refuse before anything is built, each in one line that names the key and the nearest right one."""

import argparse
import functools
import json
import os
from pathlib import Path

import pytest
import torch
from helpers import ROOT, full_disk
from leaves import DISTILLATION, load, refused, write_leaf

from mmdualkd import launch
from mmdualkd.arguments import file_path, folder_path
from mmdualkd.distillers import DualTeacherDistiller
from mmdualkd.errors import CheckpointError, ConfigError
from mmdualkd.flags import set_flags
from mmdualkd.hooks.corrupt_video import max_fraction_of
from mmdualkd.launch import build_runner, run_tool
from mmdualkd.reading import check_file
from mmdualkd.registry import MODELS

ALONE = ROOT / 'configs' / 'demo' / 'student_alone.py'


@pytest.fixture(scope='module')
def leaf(tmp_path_factory):
    """Writes a leaf on the demo's distillation; gives its path."""
    return functools.partial(write_leaf, tmp_path_factory.mktemp('leaf'))


def test_a_home_folder_that_the_shell_leaves_as_it_is_written_is_that_folder(leaf, tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    assert load(leaf(''), '--work-dir=~/run').work_dir == str(tmp_path / 'run')
    assert load(leaf("work_dir = '~/mine'")).work_dir == str(tmp_path / 'mine')
    assert folder_path('~/a') == file_path('~/a') == tmp_path / 'a' and file_path('~nobody1/a') == Path('~nobody1/a')


@pytest.mark.parametrize(
    'text, key, nearest',
    [
        ('train_cfg = dict(max_epoch=3)', 'train_cfg.max_epoch', 'max_epochs'),
        ("train_cfg = dict(type='EpochBasedTrainLop')", 'train_cfg.type', 'EpochBasedTrainLoop'),
        ('val_cfg = dict(fp_16=True)', 'val_cfg.fp_16', 'fp16'),
        ('optim_wrapper = dict(clip_gradd=None)', 'optim_wrapper.clip_gradd', 'clip_grad'),
        ('optim_wrapper = dict(optimizer=dict(beta=0))', 'optim_wrapper.optimizer.beta', 'betas'),
        ('param_scheduler = dict(eta_mx=1.0)', 'param_scheduler.eta_mx', 'eta_max'),
        ('default_hooks = dict(chekpoint=dict(interval=5))', 'default_hooks.chekpoint', 'checkpoint'),
        ('default_hooks = dict(checkpoint=dict(intervall=5))', 'default_hooks.checkpoint.intervall', 'interval'),
        ("custom_hooks = [dict(type='EMAHook', begin_epch=1)]", 'custom_hooks.0.begin_epch', 'begin_epoch'),
        ('train_dataloader = dict(batchsize=2)', 'train_dataloader.batchsize', 'batch_size'),
        ('train_dataloader = dict(dataset=dict(ann_flie=""))', 'train_dataloader.dataset.ann_flie', 'ann_file'),
        ('val_evaluator = dict(metric_lists=())', 'val_evaluator.metric_lists', 'metric_list'),
        ('model = dict(term=dict())', 'model.term', 'terms'),
        ('model = dict(teacher=dict())', 'model.teacher', 'teachers'),
        ("model = dict(type='mmdualkd.DualTeacherDistiler')", 'model.type', 'DualTeacherDistiller'),
        ('train_dataloder = dict(batch_size=2)', 'train_dataloder', 'train_dataloader'),
        ('defualt_hooks = dict()', 'defualt_hooks', 'default_hooks'),
        ('modle = dict()', 'modle', 'model'),
        ('num_clases = 12', 'num_clases', 'num_classes'),
        ("custom_hooks = [dict(type='mmdualkd.PreflightHook', tpe=1)]", 'custom_hooks.0.tpe', None),
        ("model = dict(type='DualTeacherDistiller')", 'model.type', 'mmdualkd.DualTeacherDistiller'),
        ("default_scope = 'mmactoin'", 'val_evaluator.type', 'mmaction.AccMetric'),
        ('optim_wrapper = dict(clip_grad=dict(maxnorm=1))', 'a key of optim_wrapper.clip_grad', 'max_norm'),
        (
            'optim_wrapper = dict(paramwise_cfg=dict(norm_decay_mul=0))',
            'a key of optim_wrapper.paramwise_cfg',
            'norm_decay_mult',
        ),
        (
            'optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mul=0.1))))',
            'optim_wrapper.paramwise_cfg.custom_keys.backbone.lr_mul',
            'lr_mult',
        ),
        ('env_cfg = dict(cudnn_benchmrk=True)', 'a key of env_cfg', 'cudnn_benchmark'),
        ('randomness = dict(sed=3)', 'a key of randomness', 'seed'),
        (
            "default_hooks = dict(checkpoint=dict(save_best='acc/top11'))",
            'default_hooks.checkpoint.save_best',
            'acc/top1',
        ),
    ],
)  # fmt: skip
def test_a_misspelt_key_is_refused_with_the_nearest_right_one(text, key, nearest, leaf):
    message = refused(leaf(text))
    assert message.startswith((f'{key}:', f'{key}=', f'{key} ')), message
    assert nearest is None or f'did you mean {nearest!r}?' in message, message


@pytest.mark.parametrize(
    'text, message',
    [
        ('train_cfg = dict(max_epochs=0)', 'train_cfg.max_epochs must be a whole number from 1, got 0'),
        ('train_cfg = dict(dynamic_intervals=[[5, 1]])', 'train_cfg.dynamic_intervals must be a list of tuples [(from'),
        ('train_cfg = dict(val_interval=0)', 'train_cfg.val_interval must be a whole number from 1, got 0'),
        ("train_dataloader = dict(batch_size='8')", "train_dataloader.batch_size must be a whole number"),
        ('val_dataloader = dict(num_workers=-1)', 'val_dataloader.num_workers must be a whole number from 0, got -1'),
        ('train_dataloader = None', 'train_dataloader must be a dict to train with, got None'),
        ('optim_wrapper = dict(_delete_=True)', 'optim_wrapper has no optimizer'),
        ('optim_wrapper = dict(optimizer=dict(lr=-1))', 'optim_wrapper.optimizer.lr must not be negative, got -1'),
        ("optim_wrapper = dict(optimizer=dict(lr='a'))", "optim_wrapper.optimizer.lr must be a finite number, got 'a'"),
        ('optim_wrapper = dict(clip_grad=5.0)', 'optim_wrapper.clip_grad must be a dict such as'),
        ('optim_wrapper = dict(clip_grad=dict(max_norm=-1))', 'optim_wrapper.clip_grad.max_norm must be positive'),
        ('optim_wrapper = dict(paramwise_cfg=0.1)', 'optim_wrapper.paramwise_cfg must be a dict, got 0.1'),
        (
            'optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(backbone=0.1)))',
            'optim_wrapper.paramwise_cfg.custom_keys.backbone must be a dict such as dict(lr_mult=0.1), got 0.1',
        ),
        (
            'optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=-1))))',
            'optim_wrapper.paramwise_cfg.custom_keys.backbone.lr_mult must not be negative, got -1',
        ),
        ('optim_wrapper = dict(accumulative_counts=0)', 'optim_wrapper.accumulative_counts must be a whole number'),
        ("optim_wrapper = dict(constructor='LearningRateDecayOptimizerConstructor')", 'name layers in paramwise_cfg'),
        ('train_cfg = dict(max_epochs=100)', 'ends before train_cfg.max_epochs=100: give both one number'),
        ('optim_wrapper = dict(optimizer=dict(lr=0.1))', 'lr=0.1 is not read, for the schedule sets the learning rate'),
        (
            "optim_wrapper = dict(paramwise_cfg=dict(custom_keys={'cls_head': dict(lr_mult=5)}))",
            'lr_mult is not read where param_scheduler.eta_max sets the learning rate',
        ),
        (
            "train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=9)\n"
            "param_scheduler = [dict(_delete_=True, type='MultiStepLR', milestones=[3])]",
            'param_scheduler.0 (MultiStepLR) counts epochs, and an IterBasedTrainLoop has one: it would never step',
        ),
        (
            'train_cfg = dict(_delete_=True, by_epoch=False, max_iters=9)',
            'default_hooks.checkpoint counts epochs, and an IterBasedTrainLoop has one: nothing could be resumed',
        ),
        (
            'auto_scale_lr = dict(_delete_=True, enable=True)',
            'auto_scale_lr.enable=True scales nothing without auto_scale_lr.base_batch_size',
        ),
        (
            "activation_checkpointing = ['student.cls_head', 'backbone']",
            "activation_checkpointing: a distiller has no 'backbone'; its student's is 'student.backbone'",
        ),
        (
            'data_preprocessor = dict(mean=[0.0] * 3)',
            'data_preprocessor at the top of the config reaches no model of a distiller',
        ),
        (
            "model_wrapper_cfg = dict(type='MMFullyShardedDataParallel')",
            "model_wrapper_cfg.type='MMFullyShardedDataParallel': a distiller is not divided over devices",
        ),
        ("efficient_conv_bn_eval = 'backbone'", "efficient_conv_bn_eval: a distiller has no 'backbone'"),
        ("num_classes = '12'", "num_classes must be a whole number from 1, got '12'"),
        ("compile = 'yes'", "compile must be True, False or a dict of torch.compile, got 'yes'"),
        ('randomness = dict(seed=-1)', 'randomness.seed must be None or a whole number from 0 to 2**32 - 1, got -1'),
        ('work_dir = 3', 'work_dir=3 names no folder'),
        ("device = 'gpu'", "device='gpu': known are 'cpu' and 'cuda'"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_work_is_refused_before_anything_is_built(text, message, leaf):
    assert message in refused(leaf(text))


@pytest.mark.parametrize(
    'text, message',
    [
        (
            'data_preprocessor = dict(mean=[0.0] * 3)',
            'data_preprocessor at the top of the config reaches no model of a',
        ),
        ("efficient_conv_bn_eval = 'backbone'", "efficient_conv_bn_eval: a distiller has no 'backbone'"),
        ("optim_wrapper = dict(constructor='LearningRateDecayOptimizerConstructor')", 'name layers in paramwise_cfg'),
    ],
)
def test_a_distiller_of_ones_own_is_checked_whatever_its_name(text, message, leaf):
    MODELS.register_module('MyMethod', module=DualTeacherDistiller, force=True)
    try:
        assert message in refused(leaf(f"model = dict(type='mmdualkd.MyMethod')\n{text}"))
    finally:
        del MODELS._module_dict['MyMethod']


def test_what_others_refuse_while_it_is_built_is_told_with_its_place_in_the_config(leaf, tmp_path, capsys, monkeypatch):
    def line(text):
        with pytest.raises(SystemExit) as end:
            run_tool(lambda: train(leaf(text)))
        assert 'Traceback' not in capsys.readouterr().err
        line, _, log = str(end.value).rpartition(' (traceback: ')
        assert 'Traceback' in Path(log.rstrip(')')).read_text()
        return line

    def train(config):
        cfg = load(config, '--work-dir', str(tmp_path / 'run'))
        build_runner(cfg).build_dataloader(cfg.val_dataloader)

    monkeypatch.chdir(tmp_path)
    typo = "val_dataloader = dict(dataset=dict(pipeline=[dict(type='DecordInitt')]))"
    assert line(typo).startswith('ConfigError: val_dataloader.dataset.pipeline.0 (DecordInitt): KeyError: ')
    assert 'ConfigError: visualizer (NoVisualizer): ' in line("visualizer = dict(type='NoVisualizer')")


def test_errors_of_training_itself_keep_their_traceback():
    def main():
        raise ValueError('of a step')

    with pytest.raises(SystemExit) as end:
        run_tool(main)
    assert str(end.value).startswith('Traceback') and str(end.value).endswith('\nValueError: of a step')


def test_a_model_of_a_package_that_is_not_there_names_the_package(leaf):
    said = refused(leaf("model = dict(_delete_=True, type='FastRCNN', _scope_='no_such_package')"))
    assert said == "model: FastRCNN is of the package 'no_such_package', which is not installed"


def test_hooks_that_a_leafs_list_left_out_are_named(leaf, monkeypatch):
    said = []
    monkeypatch.setattr(launch, 'print_log', lambda message, **kwargs: said.append(message))
    load(leaf("custom_hooks = [dict(type='EMAHook'), dict(type='mmdualkd.PreflightHook')]"))
    load(DISTILLATION)
    assert len(said) == 1
    assert 'without mmdualkd.StudentCheckpointHook, mmdualkd.CorruptVideoHook, mmdualkd.EpochSeedHook' in said[0]


def test_hooks_that_a_model_alone_lost_are_named_where_its_data_are_seeded_by_them(leaf, monkeypatch):
    said = []
    monkeypatch.setattr(launch, 'print_log', lambda message, **kwargs: said.append(message))
    alone = leaf("custom_hooks = [dict(type='EMAHook')]", base=ALONE)
    load(alone)
    load(ALONE)
    assert len(said) == 1 and said[0].endswith(
        'without mmdualkd.PreflightHook, mmdualkd.CorruptVideoHook, mmdualkd.EpochSeedHook, mmdualkd.CheckFiniteHook; '
        'to keep them, add them'
    )
    stock = "train_dataloader = dict(dataset=dict(type='mmaction.VideoDataset'))\n"
    load(leaf(f"{stock}custom_hooks = [dict(type='EMAHook')]", base=ALONE))
    assert len(said) == 1


def test_a_python_style_config_means_what_names_in_place_of_its_classes_mean(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(launch, 'print_log', lambda message, **kwargs: said.append(message))
    path = tmp_path / 'python_style.py'
    path.write_text(
        'from mmaction.engine.optimizers import TSMOptimWrapperConstructor\n'
        'from mmengine.optim import OptimWrapper\n'
        'from mmdualkd.distillers import Distiller\n'
        'from mmdualkd.hooks import CorruptVideoHook, EpochSeedHook, PreflightHook\n'
        'custom_hooks = [dict(type=PreflightHook), dict(type=CorruptVideoHook, max_fraction=0.5),'
        ' dict(type=EpochSeedHook)]\n'
        'model = dict(type=Distiller, student=dict(), teachers=dict(), terms=dict())\n'
        'train_dataloader, train_cfg = dict(), dict(max_epochs=1)\n'
        'optim_wrapper = dict(type=OptimWrapper, constructor=TSMOptimWrapperConstructor, optimizer=dict(type="SGD"))\n'
    )
    cfg = load(path)
    assert max_fraction_of(cfg) == 0.5
    assert len(said) == 1 and 'without mmdualkd.StudentCheckpointHook, mmdualkd.CheckFiniteHook; to keep' in said[0]
    assert cfg.optim_wrapper.constructor.endswith('.TSMOptimWrapperConstructor')
    set_flags(cfg, argparse.Namespace(no_validate=False, amp=True, auto_scale_lr=False))
    assert cfg.optim_wrapper.type == 'AmpOptimWrapper'


def test_a_misspelt_key_of_the_command_line_is_refused_too(leaf):
    assert "did you mean 'max_epochs'?" in refused(leaf(''), '--cfg-options', 'train_cfg.max_epoch=3')
    assert '--cfg-options do not fit' in refused(leaf(''), '--cfg-options', 'custom_hooks.17.type=A')


@pytest.mark.parametrize(
    'text, line, what',
    [
        ('\nviews = dict(', 3, "SyntaxError: '(' was never closed"),
        ('model = dict(num_classes=classes)', 2, "NameError: name 'classes' is not defined"),
        ('views = _base_.viewss', 2, 'viewss'),
    ],
)
def test_a_config_that_cannot_be_read_names_file_and_line(text, line, what, leaf, tmp_path):
    broken = leaf(text)
    message = refused(broken)
    assert f'leaf.py, line {line}: ' in message and what in message
    inherits = tmp_path / 'inherits.py'
    inherits.write_text(f'_base_ = {str(broken)!r}')
    assert f'leaf.py, line {line}: ' in refused(inherits) and f'config={str(inherits)!r}' in refused(inherits)


def test_other_files_that_are_no_config_are_refused_in_one_line(leaf, tmp_path):
    (tmp_path / 'job.py').write_bytes(b'\xff\xfe\x00')
    (tmp_path / 'job.txt').write_text('')
    (tmp_path / 'empty.py').write_text('')
    assert 'job.py' in refused(tmp_path / 'job.py')
    assert 'Only py/yml/yaml/json' in refused(tmp_path / 'job.txt')
    assert refused(tmp_path / 'empty.py').endswith('has no `model`')
    imports = "custom_imports = dict(imports=['no_such_loss'], allow_failed_imports=False)"
    assert "No module named 'no_such_loss'; is it on PYTHONPATH?" in refused(leaf(imports))
    config = leaf(imports)
    (config.parent / 'no_such_loss.py').touch()
    message = refused(config)
    assert message.endswith(f'it lies in {config.parent}: export PYTHONPATH={config.parent}')


def test_a_work_dir_that_cannot_be_written_is_named(leaf, tmp_path):
    (tmp_path / 'file').write_text('in the way')
    for way in ('file', 'file/run'):
        message = refused(leaf(''), '--work-dir', tmp_path / way)
        assert message.startswith(f'work_dir={str(tmp_path / way)!r} cannot be written: ')
    assert refused(leaf(''), '--work-dir', '') == "work_dir='' names no folder"
    out_dir = str(tmp_path / 'file')
    message = refused(
        leaf(f'work_dir = {str(tmp_path / "a")!r}\ndefault_hooks = dict(checkpoint=dict(out_dir={out_dir!r}))')
    )
    assert message.startswith(f'default_hooks.checkpoint.out_dir={out_dir + "/a"!r} cannot be written: ')
    cfg, full = load(leaf(''), '--work-dir', tmp_path / 'full'), str(tmp_path / 'full')
    with full_disk(1000), pytest.raises(ConfigError, match=f'^work_dir={full!r} cannot be written: File too large$'):
        build_runner(cfg)


def test_a_work_dir_in_which_the_copy_would_take_the_place_of_a_config_is_refused(leaf, tmp_path, monkeypatch):
    config = leaf('# mine')
    monkeypatch.chdir(config.parent)
    before = config.read_text()
    for flags in ((config.name, '--work-dir', '.'), (DISTILLATION, '--work-dir', DISTILLATION.parent)):
        message = refused(*flags)
        assert message.startswith(
            f'work_dir={str(flags[-1])!r} holds a config of your own, {Path(flags[0]).name}, where'
        )
    assert config.read_text() == before
    dump = tmp_path / 'leaf.py'
    load(config).dump(dump)
    build_runner(load(dump, '--work-dir', tmp_path))  # as to resume with the copy
    build_runner(load(config, '--work-dir', tmp_path))


def test_the_copy_of_a_config_is_written_whole_or_stays_and_an_empty_one_is_nobodys(leaf, tmp_path):
    config = leaf('')
    build_runner(load(config, '--work-dir', tmp_path)).load_or_resume()
    copy = tmp_path / config.name
    before, again = copy.read_text(), build_runner(load(config, '--work-dir', tmp_path))
    with full_disk(100), pytest.raises(CheckpointError, match=f'^{str(copy)!r} cannot be written: File too large'):
        again.load_or_resume()
    assert copy.read_text() == before and 'launcher' in before
    copy.write_text('')  # as MMAction2's own tools leave it
    build_runner(load(config, '--work-dir', tmp_path)).load_or_resume()
    assert copy.read_text() == before


def test_a_session_stands_behind_the_earlier_ones_whatever_the_clock_says(leaf, tmp_path):
    for name in ('20991231_235959', '20990101_000000', 'vis_data', '20261301_000000'):
        (tmp_path / name).mkdir()
    runner = build_runner(load(leaf(''), '--work-dir', tmp_path))
    assert runner.timestamp == '21000101_000000' and Path(runner.log_dir) == tmp_path / runner.timestamp
    assert build_runner(load(leaf(''), '--work-dir', tmp_path)).timestamp == '21000101_000001'
    assert build_runner(load(leaf(''), '--work-dir', tmp_path / 'other')).timestamp < '21'


def test_a_runner_that_is_not_there_is_refused(leaf, tmp_path):
    assert "runner_type='Runer'" in refused(leaf("runner_type = 'Runer'"), '--work-dir', tmp_path)
    other = refused(leaf("runner_type = 'FlexibleRunner'"), '--work-dir', tmp_path)
    assert "runner_type='FlexibleRunner' is no subclass of Runner" in other
    assert type(build_runner(load(leaf("runner_type = 'Runner'"), '--work-dir', tmp_path))).__name__ == 'Runner'


def test_a_folder_in_place_of_a_file_is_refused_with_a_file_in_it(tmp_path):
    for index, name in enumerate(('epoch_1.pth', 'epoch_2.pth', 'student_epoch_2.pth', 'job.py')):
        (tmp_path / name).write_text('')
        os.utime(tmp_path / name, (index, index))
    for key, name in (('--resume', 'epoch_2.pth'), ('config', 'job.py')):
        with pytest.raises(ConfigError) as error:
            check_file(key, str(tmp_path))
        assert str(error.value) == f'{key}={str(tmp_path)!r} is a folder: name a file in it, such as {tmp_path / name}'
    (tmp_path / 'epoch_3').mkdir()
    with pytest.raises(ConfigError, match='is not a file$'):
        check_file('--resume', str(tmp_path / 'epoch_4'))


@pytest.mark.parametrize(
    'launcher, how', [('pytorch', 'bash tools/dist_train.sh'), ('slurm', 'tools/slurm_train.sh'), ('mpi', 'mpirun')]
)
def test_a_launcher_that_did_not_start_the_process_is_refused(launcher, how, leaf, monkeypatch):
    for name in ('RANK', 'SLURM_PROCID', 'OMPI_COMM_WORLD_LOCAL_RANK'):
        monkeypatch.delenv(name, raising=False)
    assert f'--launcher={launcher}, but ' in refused(leaf(''), '--launcher', launcher)
    assert how in refused(leaf(''), '--launcher', launcher)


@pytest.mark.skipif(torch.cuda.is_available(), reason='needs a machine without a GPU')
def test_a_gpu_that_is_not_there_is_refused(leaf):
    assert refused(leaf("device = 'cuda'")).startswith("device='cuda': torch finds no GPU here")


def test_under_torchrun_the_message_goes_where_torchrun_reads_it(tmp_path, monkeypatch):
    def main():
        raise ConfigError('model.terms is wrong')

    with pytest.raises(SystemExit, match='^ConfigError: model.terms is wrong$'):
        run_tool(main)
    monkeypatch.setenv('TORCHELASTIC_ERROR_FILE', str(tmp_path / 'error.json'))
    with pytest.raises(SystemExit) as end:
        run_tool(main)
    assert end.value.code == 1
    assert (
        json.loads((tmp_path / 'error.json').read_text())['message']['message'] == 'ConfigError: model.terms is wrong'
    )


@pytest.mark.parametrize(
    'text, testing, message',
    [
        ('val_dataloader = None', False, 'val_dataloader not set: val_dataloader, val_cfg, val_evaluator go together'),
        (
            'test_dataloader = test_cfg = test_evaluator = None',
            True,
            'test_dataloader, test_cfg, test_evaluator not set',
        ),
        ("optim_wrapper = dict(type='AmpOptimWrapper', dtype='float16')", False, "dtype='float16' needs a GPU"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is_built(leaf, tmp_path, monkeypatch, text, testing, message):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    cfg = load(leaf(text), '--work-dir', tmp_path / 'none')
    with pytest.raises(ConfigError, match=message):
        build_runner(cfg, testing)
    assert not (tmp_path / 'none').exists()


@pytest.mark.parametrize('value', ["[{'type': 'EMAHook'}]", '{"type": "EMAHook"}'])
def test_a_dict_in_cfg_options_is_an_error_of_the_command_line(leaf, capsys, value):
    with pytest.raises(SystemExit):
        load(leaf(''), '--cfg-options', f'custom_hooks={value}')
    assert r'set its keys (custom_hooks.NAME=VALUE)' in capsys.readouterr().err
    assert load(leaf(''), '--cfg-options', '_tmpl={:05}.jpg', '_other={a}')._tmpl == '{:05}.jpg'
