"""The wheel carries what a user needs outside the clone; a clone and an editable install find the same."""

import importlib.util
import re
import shutil
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from helpers import ROOT, environment, run, run_code, write_clips
from packaging.requirements import Requirement
from warm import WarmProcess

IGNORED = shutil.ignore_patterns(
    '.git', '.venv', 'work_dirs', 'data', 'build', 'site', '*.egg-info', '__pycache__', '.*_cache'
)


@pytest.fixture(scope='module')
def built(tmp_path_factory):
    """A wheel and a source archive built from a copy of the tree."""
    copy = tmp_path_factory.mktemp('build') / 'tree'
    shutil.copytree(ROOT, copy, symlinks=True, ignore=IGNORED)
    (copy / 'configs' / 'demo').mkdir(exist_ok=True)
    (copy / 'configs' / 'demo' / 'weights-for-this-test.pth').write_bytes(b'weights')
    pip = [sys.executable, '-m', 'pip', 'wheel', '-q', '--no-deps', '--no-build-isolation', '-w', copy.parent]
    run(*pip, copy)
    run(sys.executable, 'setup.py', '-q', 'sdist', '-d', copy.parent, cwd=copy)
    return next(copy.parent.glob('*.whl')), next(copy.parent.glob('*.tar.gz')), copy


def files_below(folder, tree):
    return {
        str(path.relative_to(tree))
        for path in (tree / folder).rglob('*')
        if path.is_file() and path.suffix != '.pyc' and not path.name.startswith('.')
    }


def test_the_wheel_carries_every_config_tool_and_weight_file(built):
    wheel, _, tree = built
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = files_below('configs', tree) | files_below('tools', tree)
    assert 'configs/demo/weights-for-this-test.pth' in expected and 'tools/train.py' in expected
    assert {f'mmdualkd/.mim/{name}' for name in expected} <= names
    assert 'mmdualkd/.mim/model-index.yml' in names
    assert {name for name in files_below('mmdualkd', tree) if '/.mim/' not in name} <= names
    assert not [name for name in names if name.endswith('.pyc') or name.startswith('tests/')]


def test_the_wheel_forces_neither_mmcv_nor_mmcv_lite(built):
    archive = zipfile.ZipFile(built[0])
    metadata = archive.read(next(name for name in archive.namelist() if name.endswith('METADATA'))).decode()
    forced = [line for line in re.findall(r'^Requires-Dist: (.*)', metadata, re.M) if 'extra ==' not in line]
    assert any(line.startswith('torch>=2.6') or line.startswith('torch<3,>=2.6') for line in forced)
    assert not [line for line in forced if line.startswith('mmcv')]
    assert 'License-File: LICENSE' in metadata


def test_the_source_archive_builds_the_same_wheel(built, tmp_path):
    wheel, archive, _ = built
    shutil.unpack_archive(archive, tmp_path)
    tree = next(tmp_path.iterdir())
    run(sys.executable, '-m', 'pip', 'wheel', '-q', '--no-deps', '--no-build-isolation', '-w', tmp_path, tree)
    again = next(tmp_path.glob('*.whl'))
    assert set(zipfile.ZipFile(again).namelist()) == set(zipfile.ZipFile(wheel).namelist())


USE = (
    'import pathlib, sys, mmdualkd\n'
    'from mmengine.config import Config\n'
    'pathlib.Path("mine.py").write_text("_base_ = [\'mmdualkd::_base_/default_runtime.py\']")\n'
    'cfg = Config.fromfile("mine.py", import_custom_modules=False)\n'
    'print("scope", cfg.default_scope, "from", pathlib.Path(mmdualkd.__file__).parent)\n'
)


MINE = """
_base_ = 'mmdualkd::demo/student_distilled.py'
custom_imports = dict(imports=['mmdualkd', 'quick_configs'])
data = dict(data_root='clips', ann_file='annotation.txt')
train_dataloader = dict(batch_size=2, dataset=data)
val_dataloader = dict(batch_size=2, dataset=data)
test_dataloader = val_dataloader
train_cfg = dict(max_epochs=1, val_interval=1)
param_scheduler = dict(total_steps=1)
default_hooks = dict(checkpoint=dict(interval=1))
"""


def test_an_installed_wheel_trains_tests_and_exports_in_an_empty_folder(built, tmp_path):
    site = tmp_path / 'site'
    run(sys.executable, '-m', 'pip', 'install', '-q', '--no-deps', '--target', site, built[0])
    output = run_code(USE, cwd=tmp_path, env=environment(site))
    assert f'scope mmaction from {site / "mmdualkd"}' in output

    tools, folder = site / 'mmdualkd' / '.mim' / 'tools', tmp_path / 'empty'
    write_clips(folder / 'clips', classes=2, per_class=1, frames=10, size=64)
    (folder / 'mine.py').write_text(MINE)
    env = environment(site, ROOT / 'tests')
    warm = WarmProcess(env)
    outputs = []
    for words in (
        ['train.py', 'mine.py'],
        ['test.py', 'mine.py', 'work_dirs/mine/epoch_1.pth'],
        ['export_student.py', 'work_dirs/mine'],
    ):
        done = warm.run([str(tools / words[0]), *words[1:]], str(folder), env)
        assert done.returncode == 0, done.stdout[-3000:]
        outputs.append(done.stdout)
    warm.close()
    assert '1 x sdd (SDD)' in outputs[0] and 'acc/top1' in outputs[1]
    assert (folder / 'work_dirs' / 'mine' / 'export' / 'student.pth').is_file()


@pytest.fixture(scope='module')
def installed(built, tmp_path_factory):
    """A Python of its own with the wheel installed, on this Python's stack; and the folder of its packages."""
    folder = tmp_path_factory.mktemp('installed')
    run(sys.executable, '-m', 'venv', '--without-pip', folder)
    site = next(folder.glob('lib/python3*/site-packages'))
    run(sys.executable, '-m', 'pip', 'install', '-q', '--no-deps', '--target', site, built[0])
    (site / 'stack.pth').write_text(''.join(f'{path}\n' for path in sys.path if 'site-packages' in path))
    return folder / 'bin' / 'python', site


UPSTREAM = Path(importlib.util.find_spec('mmaction').origin).parent / '.mim' / 'tools'


@pytest.mark.skipif(not UPSTREAM.is_dir(), reason='this mmaction2 was installed without its tools')
def test_mmaction2s_own_tools_train_and_test_a_leaf_on_our_bases_from_a_wheel(installed, tmp_path):
    python, _ = installed
    write_clips(tmp_path / 'clips', classes=2, per_class=1, frames=10, size=64)
    (tmp_path / 'mine.py').write_text(MINE)
    env = environment(ROOT / 'tests')
    assert 'loss_sdd' in run(python, UPSTREAM / 'train.py', 'mine.py', cwd=tmp_path, env=env)
    output = run(python, UPSTREAM / 'test.py', 'mine.py', 'work_dirs/mine/epoch_1.pth', cwd=tmp_path, env=env)
    assert 'acc/top1' in output


READ = (
    'import sys\n'
    'from mmengine.config import Config\n'
    'assert "mmdualkd" not in sys.modules\n'
    'scopes = [Config.fromfile("mine.py").train_dataloader.dataset.get("_scope_") for _ in range(2)]\n'
    'print("read", scopes, sys.modules["mmdualkd"].__file__)\n'
)


def test_what_python_runs_at_its_start_imports_nothing_and_breaks_nothing(installed, tmp_path):
    python, site = installed
    (tmp_path / 'mine.py').write_text(MINE)
    env = environment(ROOT / 'tests')
    words = [python, '-c', 'import sys; print(sorted(sys.modules))']
    start = site / 'mmdualkd-bases.pth'
    assert start.read_text().count('\n') == 1
    imported = run(*words, env=env)
    start.rename(site / 'aside')
    assert imported == run(*words, env=env)
    (site / 'aside').rename(start)
    (site / 'twice.pth').write_text(start.read_text())
    assert f'read [None, None] {site}' in run(python, '-c', READ, cwd=tmp_path, env=env)
    (site / 'twice.pth').unlink()
    (site / 'mmdualkd').rename(site / 'gone')  # an uninstall that left the line behind
    code = 'from mmengine.config import Config; print(Config(dict(a=1)))'
    assert "{'a': 1}" in run(python, '-c', code, env=env)
    assert 'No module named' in run(python, '-c', READ, cwd=tmp_path, env=env, ok=False)
    (site / 'gone').rename(site / 'mmdualkd')


def test_an_editable_install_gives_the_configs_of_the_clone(built, tmp_path):
    tree = built[2]
    pip = [sys.executable, '-m', 'pip', 'install', '-q', '--no-deps', '--no-build-isolation']
    run(*pip, '--prefix', tmp_path / 'prefix', '--ignore-installed', '-e', tree)
    site = next((tmp_path / 'prefix').rglob('site-packages'))
    # -S and a path by hand: an editable install that this environment has of its own must not answer for it
    env = environment(site, sysconfig.get_path('purelib'))
    add = f'import site; site.addsitedir({str(site)!r})\n'
    (tmp_path / 'mine.py').write_text("_base_ = 'mmdualkd::demo/student_distilled.py'")
    output = run(sys.executable, '-S', '-c', add + READ, cwd=tmp_path, env=env)
    assert f'read [None, None] {tree}' in output
    code = add + USE
    assert f'scope mmaction from {tree / "mmdualkd"}' in run(sys.executable, '-S', '-c', code, cwd=tmp_path, env=env)


def test_a_clone_on_the_path_gives_its_configs(tmp_path):
    assert f'scope mmaction from {ROOT / "mmdualkd"}' in run_code(USE, cwd=tmp_path, env=environment(ROOT))


def test_a_process_that_knows_nothing_of_us_reads_a_base_that_imports_us(tmp_path):
    # as the README has it for MMAction2's own tools, which read bases before they import plugins
    (printed,) = re.findall(r'^(_base_ = \[\s*__import__.*?\])$', (ROOT / 'README.md').read_text(), re.M | re.S)
    (tmp_path / 'mine.py').write_text(printed)
    code = (
        'import sys\n'
        'from mmengine.config import Config\n'
        'assert "mmdualkd" not in sys.modules\n'
        'cfg = Config.fromfile("mine.py")\n'
        'print(cfg.model.type, cfg.train_dataloader.dataset.get("_scope_"))\n'
    )
    assert 'mmdualkd.DualTeacherDistiller None' in run_code(code, cwd=tmp_path, env=environment(ROOT))


def test_the_pins_are_within_the_ranges(built):
    pins = {}
    for line in (ROOT / 'requirements' / 'runtime.txt').read_text().splitlines():
        line = line.partition('#')[0].strip()
        if line and not line.startswith('-'):
            pin = Requirement(line)
            pins.setdefault(pin.name.lower(), []).append(next(iter(pin.specifier)).version)
    archive = zipfile.ZipFile(built[0])
    metadata = archive.read(next(name for name in archive.namelist() if name.endswith('METADATA'))).decode()
    for line in re.findall(r'^Requires-Dist: (.*)', metadata, re.M):
        needed = Requirement(line)
        for version in pins.get(needed.name.lower(), []) if not needed.marker else []:
            assert needed.specifier.contains(version), f'{needed} does not allow the pinned {version}'
        assert needed.marker or needed.name.lower() in pins, f'{needed.name} is not pinned'
