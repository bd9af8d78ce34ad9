"""What a run tells of its teachers."""

import json
from types import SimpleNamespace

from mmdualkd.workflow import plan
from mmdualkd.workflow.plan import Plan


def test_a_teacher_near_chance_is_told_before_the_student_is_trained(tmp_path, monkeypatch, capsys):
    def tool(script, *arguments, **kwargs):
        rows = [dict(model=name, top1=top1) for name, top1 in (('student', 10.0), ('vit', 14.0), ('cnn', 16.0))]
        (tmp_path / 'teachers.json').write_text(json.dumps(rows))

    monkeypatch.setattr(plan, 'run_tool', tool)
    teachers = dict.fromkeys(('vit', 'cnn'), SimpleNamespace(trained=False))
    run, job = SimpleNamespace(folder=tmp_path), SimpleNamespace(classes=10, of='videos')
    assert len(Plan(run, job, None, teachers, baseline=False).check_teachers()) == 3
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith('warning: teacher vit knows little more than chance: 14.0 %')
