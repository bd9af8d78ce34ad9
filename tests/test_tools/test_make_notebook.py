"""The tool that runs the notebook has a command line of its own, and needs the notebook."""

import shutil

from helpers import TOOLS, run

TOOL = TOOLS / 'make_notebook.py'


def test_help_and_wrong_words_run_no_notebook(tmp_path):
    assert 'Runs the notebook of the docs' in run(TOOL, '--help', cwd=tmp_path)
    assert 'unrecognized arguments: --out' in run(TOOL, '--out', cwd=tmp_path, ok=False)


def test_without_the_repository_it_is_one_line(tmp_path):
    (tmp_path / 'tools').mkdir()
    output = run(shutil.copy(TOOL, tmp_path / 'tools'), cwd=tmp_path, ok=False)
    assert output.startswith('ConfigError: notebook, of a clone of the repository=') and output.count('\n') == 1
