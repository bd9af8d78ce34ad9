"""Configs as Python that a person might have written."""

from mmdualkd.workflow.writing import Code, source, write_leaf


def test_source_is_python_that_gives_the_value_back():
    value = dict(a=1, b=[dict(type='x', scale=(-1, 256))] * 9, c={'not an identifier': 1}, d='it\'s "q"', e=None)
    assert eval(source(value)) == value and source(dict(x=Code('_base_.x'))) == 'dict(x=_base_.x)'
    assert all(len(line) < 120 for line in source(value).split('\n'))


def test_the_command_in_a_config_can_be_pasted_wherever_it_stands(tmp_path):
    for name in ('a b', 'a\nb = 1'):
        folder = tmp_path / name
        folder.mkdir()
        write_leaf(folder / 'leaf.py', dict(x=1), folder)
        first, second = (folder / 'leaf.py').read_text().splitlines()
        assert second == 'x = 1' and (name != 'a b' or f"train '{folder}/leaf.py' --work-dir '{folder}' " in first)
