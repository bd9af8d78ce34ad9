"""The docs lead where they say, have a page a method, and a notebook that was run."""

import csv
import functools
import itertools
import json
import re
import statistics

import pytest
import yaml
from helpers import ROOT
from packaging.requirements import Requirement

from mmdualkd.cli.listing import found
from mmdualkd.study.comparison import describe
from mmdualkd.workflow.leaves import FROM_SCRATCH_AREA

DOCS = ROOT / 'docs'
RECORDS = sorted((DOCS / 'records').glob('*.csv'))
NOTEBOOKS = sorted((DOCS / 'notebooks').glob('*.ipynb'))
PAGES = [
    *(ROOT / name for name in ('README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'configs/README.md')),
    *sorted(path for path in DOCS.rglob('*.md') if 'api' not in path.parts),
    *NOTEBOOKS,
]


def named(path):
    return path.relative_to(ROOT).as_posix()


@functools.cache
def text_of(page):
    """A page's Markdown without its blocks of code; of a notebook the cells of text."""
    text = page.read_text(encoding='utf-8')
    if page.suffix == '.ipynb':
        cells = json.loads(text)['cells']
        text = '\n\n'.join(''.join(cell['source']) for cell in cells if cell['cell_type'] == 'markdown')
    return re.sub(r'^```.*?^```$', '', text, flags=re.M | re.S)


@functools.cache
def anchors(page):
    """The anchors that a git host gives the headings of a page."""
    seen, names = {}, set()
    for heading in re.findall(r'^#{1,6} (.*)$', text_of(page), re.M):
        name = re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-')
        count = seen[name] = seen.get(name, -1) + 1
        names.add(f'{name}-{count}' if count else name)
    return names


def faults_of(page, text):
    """What is wrong with the relative links in a text, were it the page's."""
    for target in re.findall(r'\]\(<?([^)\s>]+)>?\)', re.sub(r'`[^`\n]*`', '', text)):
        if re.match(r'\w+:', target):
            continue
        path, _, anchor = target.partition('#')
        file = (page.parent / path).resolve() if path else page
        if not file.is_relative_to(ROOT) or not file.is_file():
            yield f'{target}: no such file'
        elif anchor and (file.suffix not in ('.md', '.ipynb') or anchor not in anchors(file)):
            yield f'{target}: no such heading'


def test_every_relative_link_and_anchor_leads_somewhere():
    faults = {named(page): list(faults_of(page, text_of(page))) for page in PAGES}
    assert not {page: lines for page, lines in faults.items() if lines}


def test_a_link_that_leads_nowhere_is_found():
    page = DOCS / 'cache.md'
    text = '[a](gone.md) [b](results.md#gone) [c](../../x) [e](results.md#cost-of-a-step) [f](#which-clips)'
    assert [fault.partition(':')[0] for fault in faults_of(page, text)] == ['gone.md', 'results.md#gone', '../../x']


def test_pages_read_well_where_no_site_is_built():
    # no directive, box or role of a site generator
    pattern = re.compile(r'^(?:```\{.*|:::.*|!!! .*|\?\?\? .*|\{\w+\}`.*)$', re.M)
    seen = {named(page): pattern.findall(page.read_text(encoding='utf-8')) for page in PAGES}
    assert not {page: lines for page, lines in seen.items() if lines}


@pytest.mark.parametrize('kind', [*found('terms'), *found('weightings')], ids=lambda kind: kind.__name__)
def test_every_term_and_weighting_has_a_page_with_its_docstring_and_stands_in_the_list(kind):
    if not kind.__module__.startswith('mmdualkd.'):
        return  # another test's
    *_, package, module = kind.__module__.split('.')
    page = DOCS / 'methods' / f'{module}.md'
    assert page.is_file(), f'write {named(page)}: copy another page of that folder'
    line = f'[`mmdualkd.{package}.{kind.__name__}`](../../mmdualkd/{package}/{module}.py)'
    assert line in page.read_text().splitlines(), f'{named(page)} has no line {line}'
    assert f']({page.name})' in (DOCS / 'methods' / 'README.md').read_text(), (
        f'{page.name} is not in the list of methods'
    )
    assert 'results.md' in text_of(page), f'{named(page)} does not say what was measured'


@pytest.mark.parametrize('page', [DOCS / 'which.md', *sorted((DOCS / 'methods').glob('*.md'))], ids=named)
def test_a_figure_that_a_page_tells_stands_in_the_results(page):
    figures = re.compile(r'(?<![\w.])\d+\.\d+(?![\w.])')
    known = {
        *figures.findall((DOCS / 'results.md').read_text()),
        *figures.findall((ROOT / 'configs/README.md').read_text()),
    }
    assert not set(figures.findall(text_of(page))) - known, 'measured anew? say here, too, what it is now'


def of_seeds(values):
    """A cell of a table: the mean, and the sample standard deviation where there are several."""
    return f'{statistics.mean(values):.1f}' + (f' ± {statistics.stdev(values):.1f}' if len(values) > 1 else '')


@pytest.mark.parametrize('record', RECORDS, ids=named)
def test_a_table_says_what_was_recorded_of_each_training(record):
    with record.open(encoding='utf-8', newline='') as file:
        runs = list(csv.DictReader(file))
    splits = list(dict.fromkeys(run['split'] for run in runs))
    rows = {}
    for run in runs:
        rows.setdefault(run['row'], {}).setdefault(run['split'], {})[run['seed']] = float(run['top1'])
    table = {line.replace('*', '') for line in (DOCS / 'results.md').read_text().splitlines()}
    for name, by_split in rows.items():
        cells = [of_seeds(by_split[split].values()) if split in by_split else '–' for split in splits]
        if all(split in by_split for split in splits):
            whole = zip(*(by_split[split].values() for split in splits), strict=True)
            cells.append(of_seeds([statistics.mean(values) for values in whole]))
        line = f'| {" | ".join([name, *cells])} |'
        assert any(told.startswith(line) for told in table), f'docs/results.md has no line {line}'


def test_differences_in_a_table_are_those_that_a_study_makes_of_what_was_recorded():
    with (DOCS / 'records' / 'ut_sequences.csv').open(encoding='utf-8', newline='') as file:
        runs = list(csv.DictReader(file))
    rows = {}
    for run in runs:
        rows.setdefault(run['row'].lower(), []).append(float(run['top1']))
    table = (DOCS / 'results.md').read_text().partition('| pairs over eleven splits |')[2].partition('\n\n')[0]
    lines = [line.strip('| ').split(' | ') for line in table.splitlines()[2:]]
    assert len(lines) == 10
    for name, *told in lines:
        one, other = (rows[part.lower()] for part in name.split(' minus '))
        found = describe([ours - theirs for ours, theirs in zip(one, other, strict=True)])
        ends = f'{found["low"]:+.1f} to {found["high"]:+.1f}'
        assert told[:3] == [f'{found["mean"]:+.1f}', ends, f'{found["above"]}, {found["below"]}'], name
        assert float(told[3]) == float(f'{found["sign_p"]:.2g}'), name


@pytest.mark.parametrize('notebook', NOTEBOOKS, ids=named)
def test_a_notebook_was_run_from_its_first_cell_to_its_last_and_names_no_machine(notebook):
    text = notebook.read_text(encoding='utf-8')
    cells = [cell for cell in json.loads(text)['cells'] if cell['cell_type'] == 'code']
    assert [cell['execution_count'] for cell in cells] == list(range(1, len(cells) + 1)), 'run `make notebook`'
    outputs = list(itertools.chain.from_iterable(cell['outputs'] for cell in cells))
    assert not [output for output in outputs if output['output_type'] == 'error']
    assert any('image/png' in output.get('data', {}) for output in outputs)
    assert 'student distilled' in text and 'mmaction' in text
    assert not re.findall(r'/tmp/|/home/|/root/|/work/|\.venv', text)
    assert len(text) < 1_500_000


def test_the_crop_that_the_notebook_changes_is_the_one_that_distill_writes():
    [notebook] = NOTEBOOKS
    assert f"replace('area_range={FROM_SCRATCH_AREA}', " in notebook.read_text(encoding='utf-8')


def pins(name):
    """Versions by package in a file of requirements."""
    lines = (ROOT / 'requirements' / name).read_text().splitlines()
    found = [Requirement(line.partition('#')[0]) for line in lines if '==' in line]
    return {pin.name.lower(): next(iter(pin.specifier)).version for pin in found}


def test_what_runs_before_a_commit_and_in_a_public_ci_is_what_is_tested_here():
    hooks = {
        repo['repo'].rpartition('/')[2]: repo
        for repo in yaml.safe_load((ROOT / '.pre-commit-config.yaml').read_text())['repos']
    }
    assert hooks['ruff-pre-commit']['rev'] == f'v{pins("tests.txt")["ruff"]}'
    jobs = yaml.safe_load((ROOT / '.github' / 'workflows' / 'ci.yml').read_text())['jobs']
    commands = [step['run'] for job in jobs.values() for step in job['steps'] if 'run' in step]
    assert commands == ['make test', 'make docs']
    setup = (ROOT / 'setup.py').read_text()
    assert jobs['test']['strategy']['matrix']['python'] == re.findall(r'Python :: (3\.\d+)', setup)


def test_the_extra_for_the_docs_names_what_is_pinned_for_them():
    (extra,) = re.findall(r"'docs': \[(.*?)\]", (ROOT / 'setup.py').read_text())
    wanted = [Requirement(text) for text in re.findall(r"'(.*?)'", extra)]
    direct = list(pins('docs.txt').items())[: len(wanted)]
    assert {need.name for need in wanted} == {name for name, _ in direct}
    assert all(need.specifier.contains(dict(direct)[need.name]) for need in wanted)
    assert not {name for name in pins('docs.txt')} & {
        *pins('tests.txt'),
        *pins('runtime.txt'),
        *pins('constraints.txt'),
    }
