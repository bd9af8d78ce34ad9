"""Runs the notebook of the docs (`make notebook`) and stores what its cells printed and drew."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from mmdualkd.errors import DistillError
from mmdualkd.files import open_whole
from mmdualkd.launch import run_tool
from mmdualkd.reading import check_file

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / 'docs' / 'notebooks' / 'from_folder_to_student.ipynb'


def parse_args() -> argparse.Namespace:
    """Reads the command line, which has no flags but --help."""
    return argparse.ArgumentParser(description=__doc__).parse_args()


def main() -> None:
    """Runs it and writes it, in some minutes."""
    parse_args()
    check_file('notebook, of a clone of the repository', str(NOTEBOOK))
    try:
        import nbformat
        from nbclient import NotebookClient
    except ImportError as error:
        raise DistillError(f'{error}; run: pip install nbclient nbformat ipykernel') from error
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    os.environ['PATH'] = os.pathsep.join([str(Path(sys.executable).parent), os.environ['PATH']])
    with tempfile.TemporaryDirectory() as folder:
        folder = os.path.realpath(folder)
        where = dict(metadata=dict(path=folder))
        NotebookClient(notebook, timeout=3600, kernel_name='python3', record_timing=False, resources=where).execute()
    notebook.metadata = dict(
        kernelspec=dict(name='python3', display_name='Python 3', language='python'),
        language_info=dict(name='python', pygments_lexer='ipython3'),
    )
    text = nbformat.writes(notebook)
    for place in (f'{folder}/', f'{ROOT}/mmdualkd/.mim/', f'{ROOT}/'):
        text = text.replace(place, '')
    for place in (folder, str(ROOT), str(Path.home()), sys.prefix):
        if place in text:
            line = next(line for line in text.splitlines() if place in line)
            raise DistillError(f'an output holds a path of this machine: {line.strip()}')
    with open_whole(NOTEBOOK, 'w') as file:
        file.write(text + '\n')


if __name__ == '__main__':
    run_tool(main)
