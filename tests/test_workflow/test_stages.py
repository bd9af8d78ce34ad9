"""A run's stages are done once; its folder takes no other run, and no second command at a time."""

import json
import subprocess
import sys
import time

import pytest
from helpers import environment, gone

from mmdualkd.errors import ConfigError
from mmdualkd.processes import locked
from mmdualkd.workflow.stages import Run, StageError, parse_time, run_tool


def test_a_stage_that_is_done_is_not_done_again(tmp_path, capsys):
    done = []
    for _ in range(2):
        result = Run(tmp_path, dict(seed=0)).stage('data', 'the data', lambda: done.append(1) or {'n': len(done)})
        assert result == {'n': 1}
    assert capsys.readouterr().out == '== the data\n== the data: done before\n'


def test_a_stage_that_fails_is_done_again(tmp_path):
    with pytest.raises(StageError):
        Run(tmp_path, {}).stage('data', 'data', lambda: (_ for _ in ()).throw(StageError('no')))
    assert Run(tmp_path, {}).stage('data', 'data', lambda: 3) == 3


def test_a_folder_of_another_run_is_refused_once_it_has_trained_and_the_argument_named(tmp_path):
    Run(tmp_path, dict(student='a', teachers=('b',))).stage('data', 'data', lambda: 1)
    (tmp_path / 'teachers').mkdir()
    assert Run(tmp_path, dict(student='a', teachers=('b',))).state['stages']['data']['result'] == 1
    with pytest.raises(ConfigError, match="holds another run: student='a' there, 'c' here"):
        Run(tmp_path, dict(student='c', teachers=('b',)))


@pytest.mark.parametrize('text', ['', '{', '[1]', '{"arguments": 1}'])
def test_a_damaged_state_is_one_error(tmp_path, text):
    (tmp_path / 'run.json').write_text(text)
    with pytest.raises(ConfigError, match='run.json.*cannot be read.*delete it'):
        Run(tmp_path, {})


def test_before_it_has_trained_other_arguments_take_the_place_of_the_old_ones(tmp_path):
    Run(tmp_path, dict(epochs=1)).stage('data', 'data', lambda: 1)
    (tmp_path / 'configs').mkdir()
    (tmp_path / 'configs' / 'distilled.py').write_text('epochs = 1')
    assert not Run(tmp_path, dict(epochs=2)).state['stages']
    assert not list((tmp_path / 'configs').iterdir())


def test_the_first_stage_is_done_again_until_something_has_trained_with_what_was_made_of_it(tmp_path, capsys):
    def begin(result):
        run = Run(tmp_path, {})
        run.first_stage('data', 'data', lambda: result)
        run.stage('plan', 'time', lambda: 1)
        return run

    begin({'val': 3})
    config = tmp_path / 'configs' / 'distilled.py'
    config.parent.mkdir()
    config.write_text('changed by hand')
    begin({'val': 3})
    assert config.is_file() and 'other than before' not in capsys.readouterr().out
    run = Run(tmp_path, {})
    assert run.first_stage('data', 'data', lambda: {'val': 4}) == {'val': 4}
    assert list(Run(tmp_path, {}).state['stages']) == ['data'] and not config.exists()
    assert 'other than before: all configs are written anew' in capsys.readouterr().out
    (tmp_path / 'teachers').mkdir()
    assert begin({'val': 5}).state['stages']['data']['result'] == {'val': 4}


def test_a_run_that_was_moved_is_refused(tmp_path):
    (tmp_path / 'a').mkdir()
    Run(tmp_path / 'a', {})
    (tmp_path / 'a').rename(tmp_path / 'b')
    with pytest.raises(ConfigError, match=r"made in '.*/a', and its configs name that place"):
        Run(tmp_path / 'b', {})


def test_a_run_whose_state_was_lost_goes_on(tmp_path):
    (tmp_path / 'annotations').mkdir()
    (tmp_path / 'run.json.mmdualkd-part').touch()  # of a kill while it was first written
    (tmp_path / 'frames').mkdir()
    (tmp_path / 'frames' / f'{"0a" * 16}.pt').touch()
    Run.check_free(tmp_path)
    assert Run(tmp_path, {}).state['stages'] == {}


def test_a_folder_with_other_things_in_it_is_refused(tmp_path):
    (tmp_path / 'thesis.txt').write_text('mine')
    with pytest.raises(ConfigError, match=r'other things in it \(thesis.txt\)'):
        Run.check_free(tmp_path)
    with pytest.raises(ConfigError, match='is a file'):
        Run.check_free(tmp_path / 'thesis.txt')
    (tmp_path / 'a' / 'frames').mkdir(parents=True)
    (tmp_path / 'a' / 'frames' / 'mine.png').touch()  # the run's own frames are removed at its end
    with pytest.raises(ConfigError, match=r'other things in it \(frames\)'):
        Run.check_free(tmp_path / 'a')


def test_a_run_whose_state_was_deleted_is_known_by_its_config_whatever_it_has_made(tmp_path):
    (tmp_path / 'teachers.json').touch()
    (tmp_path / 'configs').mkdir()
    with pytest.raises(ConfigError, match=r'other things in it \(teachers\.json\)'):
        Run.check_free(tmp_path)
    (tmp_path / 'configs' / 'distilled.py').touch()
    Run.check_free(tmp_path)


def test_two_commands_do_not_work_in_one_folder(tmp_path):
    with locked(tmp_path), pytest.raises(ConfigError, match='another command is working there'), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass


def test_a_tool_that_fails_hands_on_its_own_error(capfd):
    with pytest.raises(StageError, match=r"^ConfigError: config='nothing.py' is not a file"):
        run_tool('train', 'nothing.py')
    assert capfd.readouterr().err.strip().splitlines()[-1].startswith('ConfigError: config=')


def running(folder, tool):
    """A program that runs, as a stage, a tool that lies in a folder."""
    return f"""
import pathlib
from mmdualkd import processes
from mmdualkd.workflow import stages
processes.TOOLS = pathlib.Path({str(folder)!r})
stages.run_tool({tool!r})
"""


def test_a_tool_goes_on_where_its_errors_can_be_printed_no_more(tmp_path):
    (tmp_path / 'talk.py').write_text(
        'import pathlib, sys\n'
        'for line in range(10_000):\n    print("x" * 80, file=sys.stderr)\n'  # more than a pipe holds
        f'pathlib.Path({str(tmp_path)!r}, "done").touch()\n'
    )
    with open('/dev/full', 'w') as full:
        subprocess.run([sys.executable, '-c', running(tmp_path, 'talk')], env=environment(), stderr=full, timeout=300)
    assert (tmp_path / 'done').is_file()


def test_a_stage_ends_with_the_command_that_started_it(tmp_path):
    (tmp_path / 'wait.py').write_text(
        'import os, pathlib, time\n'
        f'pathlib.Path({str(tmp_path)!r}, "pid").write_text(str(os.getpid()))\n'
        'time.sleep(60)\n'
    )
    command = subprocess.Popen([sys.executable, '-c', running(tmp_path, 'wait')], env=environment())
    while not (tmp_path / 'pid').is_file() or not (tmp_path / 'pid').read_text():
        assert command.poll() is None
        time.sleep(0.05)
    command.kill()
    command.wait()
    assert gone(int((tmp_path / 'pid').read_text()))


@pytest.mark.parametrize(
    ('text', 'seconds'), [('90m', 5400), ('2h', 7200), ('1h30m', 5400), ('45s', 45), ('1.5d', 129600)]
)
def test_times_are_read(text, seconds):
    assert parse_time(text) == seconds


@pytest.mark.parametrize('text', ['', '2', 'two hours', '2 h', '0h', '-2h', '2h!', 'h'])
def test_what_is_no_time_is_an_error(text):
    with pytest.raises(ConfigError, match='--time-budget='):
        parse_time(text)


def test_the_state_is_json_that_people_can_read(tmp_path):
    Run(tmp_path, dict(seed=0)).stage('data', 'data', lambda: dict(train=3))
    state = json.loads((tmp_path / 'run.json').read_text())
    assert state['arguments'] == dict(seed=0) and state['stages']['data']['result'] == dict(train=3)
