"""The installed command: one parser, tools behind it, tab completion; from a clone as from anywhere."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from commands import subcommand
from helpers import COMMAND, TOOLS, environment, process, run
from jobs import stock_job
from leaves import load
from picture_jobs import write_pictures

import mmdualkd
from mmdualkd.cli import main as cli
from mmdualkd.cli.main import COMMANDS, SCRIPTS, build_parser
from mmdualkd.errors import ConfigError

MISSING = """
import importlib.machinery as machinery
find = machinery.PathFinder.find_spec
def without(name, *args):
    return None if name.partition('.')[0] == {module!r} else find(name, *args)
machinery.PathFinder.find_spec = without
"""


@pytest.mark.parametrize(
    ('pairs', 'message'), [(['a'], "'a' is not MODEL=FILE"), (['a=b', 'a=c'], 'names a more than once')]
)
def test_a_teachers_weights_are_named_once_and_with_their_file(tmp_path, pairs, message):
    words = ['distill', tmp_path, '--student', 's', '--teachers', 'a', '--out', 'o', '--teacher-checkpoint', *pairs]
    args = build_parser().parse_args(list(map(str, words)))
    with pytest.raises(ConfigError, match=message):
        args.run(args)


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit):
        build_parser().parse_args(['--help'])
    text = capsys.readouterr().out
    assert all(name in text for name in (*COMMANDS, *SCRIPTS, 'distil'))


def test_the_version_is_the_packages(capsys):
    with pytest.raises(SystemExit) as error:
        build_parser().parse_args(['--version'])
    assert error.value.code == 0 and capsys.readouterr().out == f'mmdualkd {mmdualkd.__version__}\n'


@pytest.mark.parametrize('name', [*COMMANDS, 'distil'])
def test_every_command_has_a_help_of_its_own(name, capsys):
    with pytest.raises(SystemExit) as error:
        build_parser().parse_args([name, '--help'])
    assert error.value.code == 0 and f'usage: mmdualkd {name}' in capsys.readouterr().out


def test_building_the_parser_imports_nothing_heavy():
    code = (
        'import sys, mmdualkd.cli.main as main; main.build_parser();'
        "print(sorted({'torch', 'mmaction'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', code], env=environment(), capture_output=True, text=True
    )
    assert done.stdout.strip() == '[]', done.stderr


@pytest.mark.parametrize('script', SCRIPTS)
def test_tools_answer_under_the_commands_name(script):
    assert f'usage: mmdualkd {script}' in run(COMMAND, script, '--help')


def test_a_training_by_the_command_is_that_of_the_tool(tmp_path):
    job = stock_job(tmp_path, epochs=1)
    run(COMMAND, 'train', job.config, '--seed', 0)
    assert (job.work_dir / 'epoch_1.pth').is_file()


def test_a_mistake_is_one_line_and_exit_code_1(tmp_path):
    done = process(COMMAND, 'check', tmp_path / 'nothing.py')
    assert done.returncode == 1 and done.stdout.strip().splitlines()[-1].startswith('ConfigError: config=')
    words = ('--student', 'x3d-s', '--teachers', 'x3d-m', '--out', tmp_path / 'out')
    done = process(COMMAND, 'distill', tmp_path / 'nothing', *words)
    assert done.returncode == 1 and done.stdout.strip().splitlines()[-1].startswith('ConfigError: DATA=')


@pytest.mark.parametrize(
    ('name', 'text'),
    [
        ('x3d-s', "'x3d-s' is a model, not the config of a training"),
        ('x3d_s', "(nearly: 'x3d-s')"),
        ('resnet18_8xb32_in1k', 'did you mean mmpretrain::resnet/resnet18_8xb32_in1k.py?'),
        ('demo/student_distiled.py', 'did you mean mmdualkd::demo/student_distilled.py?'),
        ('mmaction::recognition/x3d/x3d_s.py', "did you mean 'mmaction::recognition/x3d/x3d_s_13x6x1"),
        (
            'mmaction::recognition/x3d/x3d_s_13x6x1_facebook-kinetics400-rgb.py',
            'it trains nothing that could be checked',
        ),
    ],
)
def test_a_name_that_is_no_training_says_what_is_near(name, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as error:
        subcommand('check', name)
    assert text in str(error.value)


def test_a_config_of_a_zoo_stands_where_a_path_does(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = 'recognition/tsn/tsn_imagenet-pretrained-r50_8xb32-1x1x8-100e_kinetics400-rgb'
    cfg = load(f'mmaction::{name}.py')
    assert cfg.work_dir == f'work_dirs/{Path(name).name}' and cfg.model.type == 'Recognizer2D'


@pytest.mark.parametrize('module', ['mmpretrain', 'decord'])
def test_a_missing_package_is_one_line(module, tmp_path):
    (tmp_path / 'sitecustomize.py').write_text(MISSING.format(module=module))
    words = [sys.executable, '-W', 'ignore', str(COMMAND), 'train', 'config.py']
    done = subprocess.run(words, env=environment(tmp_path), capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ''
    [line] = done.stderr.strip().splitlines()
    assert line.startswith(f'StackError: mmdualkd needs {module} (`mmdualkd doctor` tells more); run: pip install "')


def test_an_interruption_while_packages_are_imported_is_one_word(monkeypatch, capsys):
    def interrupted(name):
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, 'argv', ['mmdualkd', 'report', 'nothing'])
    monkeypatch.setattr(cli.importlib, 'import_module', interrupted)
    with pytest.raises(SystemExit) as error:
        cli.main()
    assert error.value.code == 130 and capsys.readouterr().err == 'Interrupted\n'


def test_an_error_of_a_stage_stands_once_and_last(tmp_path):
    write_pictures(tmp_path / 'pictures')
    words = ('--student', 'cnn-w8', '--teachers', 'swin-w24', '--from-scratch', '--out', tmp_path / 'out')
    (tmp_path / 'no.pth').write_bytes(b'no weights')
    given = ('--teacher-checkpoint', f'swin-w24={tmp_path / "no.pth"}')
    done = process(COMMAND, 'distill', tmp_path / 'pictures', *words, *given)
    last = done.stdout.strip().splitlines()[-1]
    assert done.returncode == 1 and last.startswith('CheckpointError: --teacher-checkpoint swin-w24')
    assert done.stdout.count('is not a checkpoint') == 1
    assert process(COMMAND, 'distill', tmp_path / 'pictures', *words, '--dry-run').returncode == 0  # once mended


@pytest.mark.parametrize(
    ('line', 'words'),
    [
        ('mmdualkd do', {'doctor'}),
        ('mmdualkd distill v --student x3d-', {'x3d-s', 'x3d-m'}),
        ('mmdualkd distill v --time', {'--time-budget'}),
        ('mmdualkd list ', {'models', 'methods', 'terms', 'weightings'}),
        ('mmdualkd train c.py --a', {'--amp', '--auto-scale-lr'}),
        ('mmdualkd cache c.py --dtype ', {'float16', 'float32'}),
        ('mmdualkd check mmdualkd::dem', {'demo/'}),  # what stands behind the colons, for bash takes them for a break
    ],
)
def test_the_shell_completes_commands_options_and_models(line, words, tmp_path):
    pytest.importorskip('argcomplete')
    out = tmp_path / 'words'
    wanted = dict(_ARGCOMPLETE='1', _ARGCOMPLETE_IFS='\n', COMP_LINE=line, COMP_POINT=str(len(line)),
                  _ARGCOMPLETE_STDOUT_FILENAME=str(out), COMP_TYPE='9', _ARGCOMPLETE_COMP_WORDBREAKS=' :=')  # fmt: skip
    code = 'import sys; sys.argv = ["mmdualkd"]; from mmdualkd.cli.main import main; main()'
    subprocess.run([sys.executable, '-W', 'ignore', '-c', code], env={**environment(), **wanted}, check=False)
    assert words <= {word.strip() for word in out.read_text().split('\n')}


def test_the_command_is_installed_beside_python():
    script = os.path.join(os.path.dirname(sys.executable), 'mmdualkd')
    if not os.path.exists(script):
        pytest.skip('mmdualkd is not installed here')
    assert 'distill' in subprocess.run([script, '--help'], capture_output=True, text=True).stdout


UNWRITTEN = {
    'list': (COMMAND, 'list', 'models'),
    'make_demo_clips': (TOOLS / 'make_demo_clips.py', '{folder}/clips', '--train', '2', '--test', '2'),
}


def unwritten(name, folder, output):
    """What a command says beside its output, which cannot be written, and its exit code."""
    words = [str(word).format(folder=folder) for word in UNWRITTEN[name]]
    done = subprocess.run([sys.executable, '-W', 'ignore', *words], stdout=output, stderr=-1, env=environment())
    return done.returncode, done.stderr.decode()


@pytest.mark.parametrize('name', UNWRITTEN)
def test_output_that_nobody_reads_any_more_ends_without_a_word(name, tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, 'wb') as closed:
        assert unwritten(name, tmp_path, closed) == (141, '')


@pytest.mark.skipif(not Path('/dev/full').exists(), reason='this system has no /dev/full')
def test_output_that_has_no_room_ends_with_one_line(tmp_path):
    with open('/dev/full', 'wb') as full:
        code, said = unwritten('make_demo_clips', tmp_path, full)
    assert (code, said) == (1, 'OSError: the output cannot be written: No space left on device\n')
