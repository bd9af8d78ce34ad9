"""Spoilt teachers are what their names say, and none is written where the command line or the folder is wrong."""

import torch
from helpers import ROOT, TOOLS, run

TOOL = TOOLS / 'make_spoilt_teachers.py'
FOLDER = ('work_dirs', 'spoilt')


def test_they_answer_with_the_next_class_or_have_other_weights(tmp_path):
    good = torch.load(ROOT / 'configs' / 'demo' / 'teacher_vit.pth', weights_only=True)['state_dict']
    run(TOOL, cwd=tmp_path)
    permuted, random, noisy = (
        torch.load(tmp_path.joinpath(*FOLDER, f'{name}.pth'), weights_only=True)['state_dict']
        for name in ('permuted', 'random', 'noisy')
    )
    for name, value in good.items():
        head = name.startswith('cls_head.')
        assert torch.equal(permuted[name], value.roll(1, 0) if head else value), name
        assert random[name].shape == noisy[name].shape == value.shape, name
    name = 'cls_head.fc_cls.weight'
    assert not torch.equal(permuted[name], good[name])
    assert 1.5 < (noisy[name] - good[name]).std() / good[name].float().std() < 2.5


def test_a_wrong_command_or_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    assert 'unrecognized arguments: --out x' in run(TOOL, '--out', 'x', cwd=tmp_path, ok=False)
    assert 'permuted.pth' in run(TOOL, '--help', cwd=tmp_path) and not [*tmp_path.iterdir()]
    (tmp_path / FOLDER[0]).touch()
    output = run(TOOL, cwd=tmp_path, ok=False)
    assert output.startswith("ConfigError: folder of the spoilt teachers='work_dirs/spoilt' cannot be written: ")
    assert output.count('\n') == 1
