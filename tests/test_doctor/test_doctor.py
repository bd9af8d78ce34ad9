"""`python -m mmdualkd doctor`, on this installation and on broken ones."""

import ast
import re
import sys
import venv
from pathlib import Path

import pytest
from commands import findings, texts
from helpers import ROOT, environment, run

from mmdualkd import compat
from mmdualkd.doctor import probes
from mmdualkd.doctor.packages import PACKAGES, packages

DOCTOR = (sys.executable, '-m', 'mmdualkd', 'doctor')


def test_a_sound_installation_is_fine(tmp_path):
    output = run(*DOCTOR, cwd=tmp_path)
    found = findings(output)
    assert not texts(found, 'error') and 'Traceback' not in output
    assert 'torch, torchvision, cv2, decord, mmengine, mmcv, mmaction.apis, mmpretrain.apis can be imported' in output
    assert texts(found, 'fine', 'decoder').count('decord gives the right frames') == 2
    for what in ('python', 'gpu', 'cpu', 'memory', 'work_dirs', 'downloads', 'network', 'torch', 'mmengine', 'decord'):
        assert [line for line in found if line.what == what], what
    for cure in (compat.know_our_configs, *compat.CURES.values()):
        assert re.search(rf'(present, mended|absent): {cure.__name__}: \S', texts(found, 'fine', 'fault')), cure
    assert not list(tmp_path.iterdir())


def test_an_empty_installation_is_a_line_each_package_and_no_traceback(tmp_path):
    venv.create(tmp_path / 'venv', with_pip=False)
    python = tmp_path / 'venv' / 'bin' / 'python'
    output = run(python, '-m', 'mmdualkd', 'doctor', ok=False, env=environment(ROOT), cwd=tmp_path)
    errors = texts(findings(output), 'error')
    for package in PACKAGES:
        line = f'is not installed; run: pip install "{package.asked}"'
        assert line in (texts(findings(output), 'fine', package.names[0]) if package.use else errors)
    assert 'torch>=2.6,<3' in errors and 'mmdualkd needs mmengine' in errors
    assert 'Traceback' not in output
    # everything else of the package stops with the first of these lines
    output = run(python, '-m', 'mmdualkd', 'list', 'terms', ok=False, env=environment(ROOT), cwd=tmp_path)
    assert output.startswith('StackError: mmdualkd needs mmengine (') and len(output.splitlines()) == 1


def test_packages_that_break_or_kill_the_process_hide_nothing(tmp_path):
    (tmp_path / 'decord.py').write_text('raise OSError("libav\\nis not there")\n')
    (tmp_path / 'cv2.py').write_text('raise ImportError("libGL.so.1: cannot open shared object file")\n')
    env = {**environment(tmp_path, ROOT), 'TORCH_HOME': '/proc/torch'}
    found = findings(run(*DOCTOR, ok=False, env=env, cwd='/proc'))
    assert 'fails: OSError: libav is not there' in texts(found, 'error', 'decord')
    assert 'pip install opencv-python-headless' in texts(found, 'error', 'cv2')
    assert texts(found, 'fine', 'imports').startswith('torch, torchvision, mmengine')  # and not what needs these two
    assert 'set TORCH_HOME' in texts(found, 'error', 'downloads') and '--work-dir' in texts(found, 'error', 'work_dirs')
    (tmp_path / 'torchvision.py').write_text('import os\nos.abort()\n')
    found = findings(run(*DOCTOR, ok=False, env=env, cwd=tmp_path))
    assert texts(found, 'error', 'torchvision') == 'the process that tried it ended: SIGABRT'
    assert texts(found, 'fine', 'torch')


def test_a_version_that_does_not_fit_is_an_error_with_the_command(tmp_path, monkeypatch):
    for name, version in (('mmengine', '0.9.0'), ('setuptools', '82.0')):
        folder = tmp_path / f'{name}-{version}.dist-info'
        folder.mkdir()
        (folder / 'METADATA').write_text(f'Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n')
    monkeypatch.syspath_prepend(tmp_path)
    found = list(packages())
    assert texts(found, 'error', 'mmengine') == '0.9.0 does not fit; run: pip install "mmengine>=0.10.4,<1.0.0"'
    assert texts(found, 'error', 'setuptools') == '82.0 does not fit; run: pip install "setuptools<81"'


def test_every_cure_has_a_probe_of_its_fault():
    cures = {compat.know_our_configs.__name__, *(cure.__name__ for cure in compat.CURES.values())}
    assert {probe.__name__ for probe in probes.PROBES} == cures and set(probes.FAULTS) <= cures


def test_the_tested_versions_are_those_of_the_requirements():
    pins = {}
    for file in ('runtime.txt', 'tests.txt'):
        for line in (ROOT / 'requirements' / file).read_text().splitlines():
            if found := re.match(r'([\w-]+)==(\S+?)(;|\s|$)', line):
                pins.setdefault(found[1].lower(), found[2])  # the first is that of the later Python
    for package in PACKAGES:
        pinned = {pins[name] for name in package.names if name in pins}
        assert pinned == ({package.tested} if package.tested else set()), package.names


def test_the_ranges_are_those_of_the_installation():
    tree = ast.parse((ROOT / 'setup.py').read_text())
    keywords = {keyword.arg: keyword.value for keyword in ast.walk(tree) if isinstance(keyword, ast.keyword)}
    asked = {re.match(r'[\w-]+', text)[0]: text for text in ast.literal_eval(keywords['install_requires'])}
    for package in PACKAGES:
        low, high = package.low, package.high
        for name in set(package.names) & set(asked):
            bounds = re.findall(r'>=([\d.]+)', asked[name]), re.findall(r'<([\d.]+)', asked[name])
            wanted = [bound.rstrip('.0') for bound in (low, high) if bound]
            assert [bound.rstrip('.0') for found in bounds for bound in found] == wanted, name
    assert not set(asked) - {name for package in PACKAGES for name in package.names}


@pytest.mark.parametrize(
    ('words', 'called'),
    [
        (['/usr/bin/mmdualkd', 'doctor'], True),
        (['-m', 'doctor'], True),
        (['-c', 'doctor'], False),
        (['/usr/bin/mmdualkd', 'check', 'doctor'], False),
        (['train.py', 'doctor'], False),
        ([''], False),
    ],
)
def test_only_the_doctor_itself_goes_without_cures(words, called, monkeypatch):
    monkeypatch.setattr(sys, 'argv', words)
    assert compat.called_for_the_doctor() is called


def test_the_sources_of_the_probes_stand_alone():
    source = Path(probes.__file__).read_text()
    assert not re.search(r'^\s*from \.|import mmdualkd|from mmdualkd', source, re.M)
