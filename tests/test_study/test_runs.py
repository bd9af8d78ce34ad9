import pytest

from mmdualkd.errors import ConfigError
from mmdualkd.study.runs import Run, seconds_in


def test_damaged_settings_of_a_training_are_one_line_that_names_the_file(tmp_path):
    run = Run('KD', 'one', 0, 'kd.py', tmp_path, {})
    (tmp_path / 'finished').write_text('3.0 s\n')
    (tmp_path / 'settings.json').write_text('{"config": "kd')
    with pytest.raises(ConfigError, match=r"^KD, one, seed 0: '.*settings\.json' cannot be read; delete it"):
        run.look()


@pytest.mark.parametrize(('text', 'seconds'), [('3.5 s\n', 3.5), ('', None), ('\0\0', None)])
def test_a_note_of_seconds_that_is_cut_short_says_none(tmp_path, text, seconds):
    (tmp_path / 'spent').write_text(text)
    assert seconds_in(tmp_path / 'spent') == seconds
