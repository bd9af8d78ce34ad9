import re

import pytest
import torch
from helpers import TOOLS, call, run, shown_by
from jobs import write_job
from mmengine.config import Config
from mmengine.registry import MODELS
from mmengine.runner import Runner
from tiny import resnet3d, save_model

MODEL = """
views = dict(
    student=dict(clip_len=8, size=32), vit=dict(clip_len=8, size=32), cnn=dict(clip_len=3, frame_interval=3, size=32))
model = dict(
    type='mmdualkd.DualTeacherDistiller', num_classes=2, views=views,
    student=dict(config={student!r}, checkpoint={student_weights!r}),
    teachers=dict(vit=dict(config={vit!r}, checkpoint={vit_weights!r}), cnn=dict(config={cnn!r},
    checkpoint={cnn_weights!r})), blending=dict(type='MixupBlending', num_classes=2, alpha=0.8))
teacher_val_pipeline = [
    dict(type='DecordInit'), dict(type='mmdualkd.SampleViews', test_mode=True), dict(type='DecordDecode'),
    dict(type='Resize', scale=(32, 32), keep_ratio=False), dict(type='FormatShape', input_format='NCTHW'),
    dict(type='PackActionInputs')]
val_dataloader['batch_size'] = 3
"""


@pytest.fixture(scope='module')
def job(tmp_path_factory):
    """A distillation of which only the models' initial weights are there."""
    folder = tmp_path_factory.mktemp('check')
    models = dict(student=resnet3d(4, 2), vit=resnet3d(6, 2), cnn=resnet3d(8, 2))
    for model in models.values():
        model['cls_head']['average_clips'] = 'prob'
    weights = {f'{name}_weights': save_model(cfg, folder / f'{name}.pth', seed)
               for seed, (name, cfg) in enumerate(models.items())}  # fmt: skip
    job = write_job(folder, MODEL.format(**models, **weights), per_class=4)
    job.models, job.weights = models, weights
    return job


def rows_of(output):
    """The table's numbers by model name."""
    rows = re.findall(r'^(\w+)(?: \(.*?\))? +([\d.]+) +([\d.]+) +([\d.]+) M +([\d.]+)$', output, re.MULTILINE)
    return {name: tuple(map(float, values)) for name, *values in rows}


@pytest.fixture
def check(capsys):
    """Runs the tool in this process; returns its rows by model name, and all that it prints."""

    def run_tool(*arguments):
        call('check_teachers.py', *arguments)
        printed = capsys.readouterr()
        return rows_of(printed.out + printed.err), printed.out + printed.err

    return run_tool


def stock_accuracy(job, name):
    """Top-1 of a model by MMAction2's own loop on its own pipeline, in percent."""
    cfg = Config.fromfile(job.config)
    cfg.model, cfg.load_from, cfg.custom_hooks = job.models[name], job.weights[f'{name}_weights'], []
    view = cfg.views[name]
    for key in ('clip_len', 'frame_interval'):
        cfg.val_dataloader.dataset.pipeline[1][key] = view.get(key, 1)
    cfg.test_dataloader = cfg.val_dataloader
    cfg.experiment_name = f'{job.config.parent.name}_{name}'
    return 100 * Runner.from_cfg(cfg).test()['acc/top1']


def test_accuracies_are_those_of_mmaction2s_own_test(job):
    output = run(TOOLS / 'check_teachers.py', job.config, fresh=True)
    rows = rows_of(output)
    assert list(rows) == ['student', 'vit', 'cnn'] and 'student (initial)' in output
    for name in rows:  # their views need no resizing, so the stock pipeline's input is the same, frame for frame
        assert rows[name][0] == pytest.approx(stock_accuracy(job, name), abs=0.01)
    assert all(row[1] == 100 for row in rows.values())  # the best 2 of 2 classes


def test_parameters_and_flops_are_the_models(job, check):
    rows, _ = check(job.config)
    for name, cfg in job.models.items():
        model = MODELS.build({'_scope_': 'mmaction', **cfg})
        assert rows[name][2] == pytest.approx(sum(p.numel() for p in model.parameters()) / 1e6, abs=0.006)
    # width 6 for 4 on the same input, nearly all of it in convolutions of width squared
    assert 1.8 < rows['vit'][3] / rows['student'][3] < 2.4


def test_clips_that_do_not_decode_are_told_of(job, check, monkeypatch):
    said = []
    monkeypatch.setattr('mmdualkd.hooks.corrupt_video.print_log', lambda message, **kwargs: said.append(message))
    lost = sorted((job.config.parent / 'clips').rglob('*.avi'))[0]
    lost.rename(lost.with_suffix('.away'))
    try:
        check(job.config, '--cfg-options', 'val_dataloader.dataset.type=mmdualkd.VideoDataset')
    finally:
        lost.with_suffix('.away').rename(lost)
    [message] = said
    assert re.match(rf'running models: 1 of 8 videos of \S+ did not decode: \S*{lost.name}', message)


def test_a_terminal_shows_progress_and_time_left(job):
    assert '8/8' in shown_by(TOOLS / 'check_teachers.py', job.config)


def test_a_given_student_checkpoint_is_measured(job, check, tmp_path):
    state = torch.load(job.weights['student_weights'], weights_only=True)
    state['cls_head.fc_cls.weight'].zero_()
    state['cls_head.fc_cls.bias'].copy_(torch.tensor([1.0, 0.0]))  # it always says class 0
    torch.save(dict(state_dict={f'student.{name}': value for name, value in state.items()}), tmp_path / 'a.pth')
    rows, output = check(job.config, '--checkpoint', tmp_path / 'a.pth')
    assert rows['student'][0] == 50 and 'student (given checkpoint)' in output


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--checkpoint', 'nowhere.pth'], 'CheckpointError: --checkpoint.*nowhere.pth'),
        (['--cfg-options', 'teacher_val_pipeline=None'], 'ConfigError: .*teacher_val_pipeline'),
        (['--cfg-options', 'model.student.model.cls_head.multi_class=True'], 'ConfigError: accuracies ask for one lab'),
        (
            ['--cfg-options', 'model.teachers.vit.checkpoint=no.pth'],
            'CheckpointError: model.teachers.vit.checkpoint.*no.pth',
        ),
    ],
)
def test_bad_input_is_one_clear_error(job, check, options, message):
    with pytest.raises(SystemExit, match=message):
        check(job.config, *options)


def test_crops_of_which_models_would_see_the_first_alone_are_an_error(job, check, tmp_path):
    """A view is of one clip, and so are the accuracies."""
    path = tmp_path / 'crops.py'
    path.write_text(
        f'_base_ = {str(job.config)!r}\n'
        'begin, end = _base_.teacher_val_pipeline[:3], _base_.teacher_val_pipeline[4:]\n'
        "wide, crops = dict(type='Resize', scale=(48, 32), keep_ratio=False), dict(type='ThreeCrop', crop_size=32)\n"
        'teacher_val_pipeline = [*begin, wide, crops, *end]\n'
    )
    with pytest.raises(SystemExit, match=r'teacher_val_pipeline.* gives clips of \(3, 3, 11, 32, 32\), but .* need'):
        check(path)


def test_a_config_without_teachers_is_an_error(tmp_path, check):
    source = 'model = ' + repr(resnet3d(4, 2)) + '\nteacher_val_pipeline = []'
    with pytest.raises(SystemExit, match='ConfigError: .*no student and teachers'):
        check(write_job(tmp_path, source).config)
