"""The page of a study, from the notes of tools/run_study.py and the logs beside them."""

import json
import statistics

import pytest
from helpers import call
from html_pages import Page

from mmdualkd.report.study import Study
from mmdualkd.report.study_sections import curves
from mmdualkd.report.training import Training

EVIL = '<script>alert(1)</script> $x_1$ & "q"'
TOP1 = dict(alone=[50.0, 54.0, 49.0], full=[60.0, 61.5, 57.0])


def write_study(folder, statuses=('finished',) * 3, compared=True):
    """A study of two rows, a split and three seeds, in ``folder/work_dirs/studies/mine``."""
    place = folder / 'work_dirs' / 'studies' / 'mine'
    runs = [dict(row='vit', split='fold', seed=0, teacher=True, status='finished', top1=90.0, work_dir='gone')]
    for row, values in TOP1.items():
        for seed, (top1, status) in enumerate(zip(values, statuses, strict=True)):
            work_dir = place / row / 'fold' / f'seed{seed}'
            log = work_dir / '20260101' / 'vis_data' / 'scalars.json'
            log.parent.mkdir(parents=True)
            entries = [{'acc/top1': top1 * part / 300, 'step': part} for part in (1, 2, 3)]
            log.write_text(''.join(json.dumps(entry) + '\n' for entry in entries) + '{"acc/to')
            runs.append(
                dict(
                    row=row, split='fold', seed=seed, teacher=False, config='a.py', options={}, status=status,
                    work_dir=str(work_dir.relative_to(folder)), top1=top1 if status == 'finished' else None,
                    seconds=100.0 + seed, step_seconds=0.25, data_seconds=0.125, cache=None,
                    error=f'failed: {EVIL}' if status == 'failed' else None,
                )
            )  # fmt: skip
    difference = dict(pairs=3, mean=8.5, low=-1.5, high=10.25, sign_p=0.25)
    none = dict(pairs=0, mean=None, low=None, high=None, sign_p=None)
    few = dict(pairs=1, mean=-30.0, low=None, high=None, sign_p=1.0)
    notes = dict(
        title=f'A study {EVIL}', command='python tools/run_study.py mine.py', machine='two cores', started='today',
        splits=['fold'], rows=list(TOP1), teachers=['vit'], runs=runs,
        caches=[dict(path='c', records=10, bytes=2_500_000, seconds=3.0)],
        against=dict(full=dict(alone=difference, vit=few), alone=dict(vit=none)) if compared else dict(full={}),
    )  # fmt: skip
    (place / 'study.json').write_text(json.dumps(notes))
    return place


@pytest.fixture
def report(capsys):
    """Runs the tool in this process; gives what it printed."""

    def run_tool(*arguments):
        call('report.py', *arguments)
        return capsys.readouterr().out.strip()

    return run_tool


def test_a_study_shows_table_differences_curves_cost_and_where_it_ran(tmp_path, report, monkeypatch):
    place = write_study(tmp_path)
    monkeypatch.chdir(tmp_path / 'work_dirs')  # not where the study was called: logs are found by its folder
    assert report(place, '--out', tmp_path / 'page.html') == str(tmp_path / 'page.html')
    page = Page(tmp_path / 'page.html')
    page.check()
    for values in TOP1.values():
        assert f'{statistics.mean(values):.1f} ± {statistics.stdev(values):.1f}' in page.text
    assert 'full alone 3 +8.5 -1.5 +10.2 0.25' in page.text and 'full vit 1 -30.0 1' in page.text
    assert 'vit (teacher) 90.0' in page.text and '0.250 ± 0.000 0.125 ± 0.000 0 of 3' in page.text
    assert f'ending at: alone {51.0:.1f}, full {59.5:.1f}' in page.text
    assert '2.5 MB, written in 3 s' in page.text and 'Not finished' not in page.text
    assert 'python tools/run_study.py mine.py' in page.text and 'two cores' in page.text and '0, 1, 2' in page.text


def test_the_table_of_an_unfinished_study_says_of_how_many_seeds(tmp_path, report):
    place = write_study(tmp_path, ('finished', 'finished', 'waiting'))
    notes = json.loads((place / 'study.json').read_text())
    notes['splits'].append('later')
    later = [dict(run, split='later', status='waiting', top1=None) for run in notes['runs'] if not run['teacher']]
    (place / 'study.json').write_text(json.dumps(notes | dict(runs=notes['runs'] + later)))
    report(place, '--out', tmp_path / 'page.html')
    page = Page(tmp_path / 'page.html')
    for name, (first, second, _) in TOP1.items():
        spread = statistics.stdev([first, second])
        assert f'{name} {(first + second) / 2:.1f} ± {spread:.1f} (2 of 3) 3' in page.text


def test_what_others_wrote_is_text_and_failed_runs_are_named(tmp_path, report):
    report(write_study(tmp_path, ('finished', 'failed', 'waiting'), compared=False), '--out', tmp_path / 'page.html')
    page = Page(tmp_path / 'page.html')
    page.check()
    assert f'A study {EVIL}' in page.text and f'full fold 1 failed: {EVIL}' in page.text
    assert (
        'No two rows were compared' in page.text
        and 'Runs that failed: 2' in page.text
        and 'not done: 2 of 7' in page.text
    )


def test_a_study_without_a_finished_run_or_with_other_notes_is_one_line(tmp_path, report):
    place = write_study(tmp_path, ('waiting', 'failed', 'failed'))
    with pytest.raises(SystemExit, match='ConfigError: .* study without a finished run yet .1 finished, 2 waiting, 4'):
        report(place)
    with pytest.raises(SystemExit, match='ConfigError: --against goes with a training'):
        report(place, '--against', tmp_path)
    (place / 'study.json').write_text('{"rows": ["a"]}')
    with pytest.raises(SystemExit, match='ConfigError: .*study.json.* cannot be read .*run_study.py again'):
        report(place)
    notes = json.loads(write_study(tmp_path / 'other').joinpath('study.json').read_text())
    for key, value in (
        ('against', dict(full=dict(alone=dict(pairs=3)))),
        ('against', ['alone']),
        ('caches', ['c']),
        ('runs', [dict(notes['runs'][0], top1='90.0')]),
    ):
        (place / 'study.json').write_text(json.dumps(notes | {key: value}))
        with pytest.raises(SystemExit, match='ConfigError: .*study.json.* cannot be read .*run_study.py again'):
            report(place)
    with pytest.raises(SystemExit, match='ConfigError: --out=.* is a folder'):
        report(place, '--out', tmp_path)


def test_a_seed_without_all_splits_is_in_no_mean_of_the_splits(tmp_path):
    runs = [
        dict(row='A', split=split, seed=seed, status='finished', top1=top1)
        for split, seed, top1 in (('x', 0, 40.0), ('y', 0, 60.0), ('x', 1, 90.0))
    ]
    assert Study(tmp_path, '', '', '', '', ['x', 'y'], ['A'], runs, [], {}).means('A') == [50.0]


def test_curves_of_seeds_are_drawn_over_the_epochs_that_all_have(tmp_path, monkeypatch):
    runs = [dict(row='A', split='x', seed=seed, status='finished', top1=50.0) for seed in (0, 1)]
    study = Study(tmp_path, '', '', '', '', ['x'], ['A'], runs, [], {})
    found = [Training(tmp_path, {}, {1: 10.0, 2: 20.0, 3: 90.0}), Training(tmp_path, {}, {1: 30.0, 2: 40.0})]
    monkeypatch.setattr(Study, 'training', lambda _, run: found[run['seed']])
    assert 'ending at: A 30.0' in curves(study)
