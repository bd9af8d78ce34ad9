"""What a run tells of its teachers."""

import json
import os
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config

from mmdualkd.errors import CheckpointError
from mmdualkd.top_keys import settle
from mmdualkd.workflow import plan
from mmdualkd.workflow.leaves import Entry, Job
from mmdualkd.workflow.plan import Plan
from mmdualkd.zoo.catalogue import VIDEOS, find_model


def test_a_teacher_near_chance_is_told_before_the_student_is_trained(tmp_path, monkeypatch, capsys):
    def tool(script, *arguments, **kwargs):
        rows = [dict(model=name, top1=top1) for name, top1 in (('student', 10.0), ('vit', 14.0), ('cnn', 16.0))]
        (tmp_path / 'teachers.json').write_text(json.dumps(rows))

    monkeypatch.setattr(plan, 'run_tool', tool)
    teachers = dict.fromkeys(('vit', 'cnn'), SimpleNamespace(trained=False))
    run, job = SimpleNamespace(folder=tmp_path), SimpleNamespace(classes=10, of='videos', tested=0)
    assert len(Plan(run, job, None, teachers, baseline=False).check_teachers()) == 3
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith('warning: teacher vit knows little more than chance: 14.0 %')


def test_teachers_are_judged_by_what_the_student_is_tested_on(tmp_path, monkeypatch):
    lists, seen = tmp_path / 'a, b', []
    job = Job(VIDEOS, tmp_path, lists, 2, 8, 4, 0, validated=4, tested=6)
    student = Entry('resnet3d18-w8', find_model('resnet3d18-w8', VIDEOS, '--student'), None)
    teachers = dict(cnn=replace(student, checkpoint='a.pth', trained=True))
    planned = Plan(SimpleNamespace(folder=tmp_path, state=dict(stages={})), job, student, teachers, baseline=False)
    planned.write_configs(dict(student=1, teachers=1))

    def tool(script, config, *arguments):
        cfg = Config.fromfile(config)
        settle(cfg, config)
        seen.extend(cfg[f'{split}_dataloader'].dataset.ann_file for split in ('val', 'test'))
        (tmp_path / 'teachers.json').write_text('[]')

    monkeypatch.setattr(plan, 'run_tool', tool)
    planned.check_teachers()
    assert seen == [str(lists / 'test.txt')] * 2


def test_a_training_goes_on_from_the_newest_whole_checkpoint_and_ends_with_no_older_one(tmp_path, capsys):
    plan, folder = Plan(SimpleNamespace(folder=tmp_path), None, None, {}, baseline=False), tmp_path / 'distilled'
    folder.mkdir()
    assert plan.last('distilled') is None
    for epoch in (1, 2):
        torch.save(dict(state_dict={}), folder / f'epoch_{epoch}.pth')
        os.utime(folder / f'epoch_{epoch}.pth', (epoch, epoch))
    (folder / 'last_checkpoint').write_text('elsewhere/distilled/epoch_2.pth')
    assert plan.last('distilled') == plan.final('distilled') == folder / 'epoch_2.pth'
    for note in (b'', b'\xff'):
        (folder / 'last_checkpoint').write_bytes(note)
        assert plan.last('distilled') == folder / 'epoch_2.pth' and 'names no checkpoint' in capsys.readouterr().out
    (folder / 'last_checkpoint').write_text('epoch_2.pth')
    (folder / 'epoch_2.pth').write_bytes((folder / 'epoch_2.pth').read_bytes()[:300])
    assert plan.last('distilled') == folder / 'epoch_1.pth' and 'cut short' in capsys.readouterr().out
    with pytest.raises(CheckpointError, match='holds no checkpoint any more'):
        plan.final('distilled')
    (folder / 'epoch_1.pth').write_bytes(b'')
    assert plan.last('distilled') is None and 'warning: distilled begins anew' in capsys.readouterr().out


def test_plain_weights_that_alone_are_damaged_or_gone_are_written_anew_from_their_checkpoint(tmp_path, capsys):
    plan, folder = Plan(SimpleNamespace(folder=tmp_path), None, None, {}, baseline=False), tmp_path / 'distilled'
    plan.mend_weights('distilled')  # nothing has been trained
    folder.mkdir()
    torch.save(dict(state_dict={'student.w': torch.ones(3)}), folder / 'epoch_2.pth')
    (folder / 'last_checkpoint').write_text('distilled/epoch_2.pth')
    weights = folder / 'student_epoch_2.pth'
    for damage in (lambda: None, lambda: weights.write_bytes(weights.read_bytes()[:99])):
        damage()
        plan.mend_weights('distilled')
        assert torch.load(weights)['state_dict']['w'].tolist() == [1, 1, 1]
        assert "student_epoch_2.pth'" in (told := capsys.readouterr().out) and 'anew from epoch_2.pth' in told
    plan.mend_weights('distilled')
    assert not capsys.readouterr().out


def test_the_workers_that_were_asked_for_are_those_that_are_checked(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(plan, 'load_config', lambda args: args.cfg_options)
    monkeypatch.setattr(plan, 'check_config', lambda options, **_: asked.append(options) or [])
    run, job = SimpleNamespace(folder=tmp_path, state=dict(stages={})), SimpleNamespace(processes=1)
    for workers in (None, 0):
        planned = Plan(run, job, None, {}, baseline=False, workers=workers)
        planned.lengths = {}
        monkeypatch.setattr(planned, 'trainings', lambda lengths: ['distilled'])
        assert planned.check() == 0
    assert asked[0] is None
    assert asked[1]['train_dataloader.num_workers'] == 0 and asked[1]['val_dataloader.persistent_workers'] is False
