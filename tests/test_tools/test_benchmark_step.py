"""The benchmark of one config prints ratios of one run, for clips and for pictures."""

import re

import pytest
from distill_jobs import distill_job
from helpers import ROOT, TOOLS, run
from mmengine.config import Config
from tiny_pictures import cnn, vit

STEP = TOOLS / 'benchmarks' / 'step.py'


def test_a_step_is_compared_with_its_networks_apart(tmp_path):
    config = distill_job(tmp_path / 'job').config
    output = run(STEP, config, '--steps', 1, '--batch-size', 2, '--amp', fresh=True)
    names = ('distillation step', 'student step', 'teacher vit', 'teacher cnn')
    seconds = [float(re.search(rf'{name} +([\d.]+) s', output)[1]) for name in names]
    assert all(value > 0 for value in seconds)
    ratio = float(re.search(r'the step takes ([\d.]+) times that', output)[1])
    assert ', of single turns)' in output  # one step has no interval
    assert abs(ratio - seconds[0] / sum(seconds[1:])) < 0.05 * ratio + 0.01


def test_an_assistant_is_compared_with_plain_kd_and_no_checkpoint_is_read(tmp_path):
    views = dict(student=dict(size=32), teacher=dict(size=32))
    model = dict(
        type='mmdualkd.HybridAssistantDistiller', views=views, student=dict(config=cnn()),
        teachers=dict(teacher=dict(config=vit(), checkpoint='no/such/file.pth')),
    )  # fmt: skip
    imports = dict(imports=['mmdualkd'], allow_failed_imports=False)
    Config(dict(model=model, default_scope='mmpretrain', custom_imports=imports)).dump(tmp_path / 'hybrid.py')
    output = run(STEP, tmp_path / 'hybrid.py', '--steps', 1, '--batch-size', 2)
    found = re.search(r'beside plain KD: ([\d.]+) times the time, ([\d.]+) times the memory', output)
    assert found and float(found[2]) > 1, output


@pytest.mark.parametrize(
    'words, message',
    [
        (['student_distiled.py'], 'is not a file; did you mean '),
        (['.'], "demo/.' is a folder: name a file in it"),
        (['teacher_cnn.py'], "model.type='Recognizer3D' has no student and teachers"),
        (
            ['student_distilled.py', '--cfg-options', 'model.term.kd.weight=1'],
            'model.term: DualTeacherDistiller takes no',
        ),
        (['student_distilled.py', '--cfg-options', 'model'], "'model' is not key=value"),
        (['student_distilled.py', '--steps', '0'], "--steps: must be a whole number from 1, got '0'"),
        (['student_distilled.py', '--batch-size', '-1'], "--batch-size: must be a whole number from 1, got '-1'"),
        (['student_distilled.py', '--device', 'gpu'], "--device: invalid choice: 'gpu'"),
    ],
)
def test_what_cannot_be_measured_is_one_clear_error(words, message):
    output = run(STEP, f'{ROOT}/configs/demo/{words[0]}', *words[1:], ok=False)
    assert message in output and 'Traceback' not in output
