"""`tools/benchmarks/run.py` prints a table and writes figures; what these say of a machine is not tested."""

import json
import math

import pytest
from helpers import TOOLS, run, run_code

RUN = TOOLS / 'benchmarks' / 'run.py'
PIECES = (
    'cached_speedup_x3d',
    'memory_over_floor',
    'cached_decode_over_student',
    'over_plain_loop',
    'over_torchdistill',
)


def test_figures_stand_in_a_table_and_in_a_file_that_keeps_those_of_earlier_runs(tmp_path):
    out = tmp_path / 'figures.json'
    out.write_text(json.dumps({'union_over_three_decodes': {'value': 0.3}, 'memory_over_floor': {'value': 9.0}}))
    output = run(RUN, '--quick', '--out', out, '--only', *PIECES)
    figures = json.loads(out.read_text())
    assert set(figures) == {*PIECES, 'union_over_three_decodes'}
    assert figures['union_over_three_decodes'] == {'value': 0.3}
    for name in PIECES[:4]:
        figure = figures[name]
        assert figure['value'] > 0
        assert figure['low'] is None if name == 'memory_over_floor' else figure['low'] <= figure['high']
        assert figure['holds'] is None  # small networks say nothing of a target
        assert f'{name:28s} {figure["value"]:>7.3f}' in output
    assert figures['memory_over_floor']['value'] < 2
    assert figures['cached_speedup_x3d']['target'] == 3 and figures['over_plain_loop']['target'] == 1
    assert 'say nothing of the targets' in output


def test_an_interval_is_the_narrowest_that_holds_the_median_with_95_percent():
    code = (
        f'import sys; sys.path.insert(0, {str(RUN.parent)!r})\n'
        'from turns import FEWEST, ratio\n'
        'print(FEWEST, *(int(ratio(dict(a=[*range(1, n + 1)], b=[1] * n), "a", "b").low) for n in range(1, 61)))\n'
    )
    fewest, *ranks = map(int, run_code(code).split())
    for turns, rank in enumerate(ranks, 1):
        outside = [sum(math.comb(turns, i) for i in range(k)) / 2**turns for k in (rank, rank + 1)]  # on one side
        assert outside[1] > 0.025 and (outside[0] <= 0.025 if turns >= fewest else rank == 1), turns


def test_a_target_that_is_missed_is_said_to_be_missed():
    code = (
        f'import sys; sys.path.insert(0, {str(RUN.parent)!r})\n'
        'from table import Target, at_most, entry, line\n'
        'from turns import Ratio\n'
        'most, least = at_most(1.35), Target(6.0, 8.0, at_most=False)\n'
        'for target, value in ((most, 1.354), (most, 1.36), (least, 5.9), (most, None), (None, 2.0)):\n'
        '    figure = entry(target, Ratio(value, value, value, note="a note"), "cpu", quick=False)\n'
        '    print(figure["holds"], line("name", target, figure))\n'
    )
    lines = [line for line in run_code(code).splitlines() if line.endswith('a note')]
    assert [line.split()[0] for line in lines] == ['True', 'False', 'False', 'None', 'None']
    assert ['MISSED' in line for line in lines] == [False, True, True, False, False]
    assert ['holds' in line for line in lines] == [True, False, False, False, False]


@pytest.mark.parametrize('quick', [True, False])
def test_figures_of_small_networks_and_of_whole_ones_stand_in_no_file_together(tmp_path, quick):
    out = tmp_path / 'figures.json'
    out.write_text(json.dumps(dict(memory_over_floor=dict(value=1.0, target=1.1, holds=True if quick else None))))
    before = out.read_text()
    output = run(RUN, *['--quick'] * quick, '--out', out, '--only', 'over_plain_loop', ok=False)
    assert f'holds figures {"without" if quick else "with"} --quick' in output and out.read_text() == before


@pytest.mark.parametrize(
    'words, message',
    [
        (['--only', 'online_over_network_x3d'], "did you mean 'online_over_networks_x3d'"),
        (['--only'], 'expected at least one argument'),
        (['--videos', 'no/such/folder'], "--videos='no/such/folder' is not a folder"),
        (['--device', 'gpu'], "invalid choice: 'gpu'"),
        (['--out', '/dev/null/figures.json'], '--out='),
        (['--out', __file__], 'must be a file that ends in .json'),
        (['--out', '/dev/full'], "--out='/dev/full' must be a file that ends in .json"),
        (['--only', 'memory_over_floor', '--only', 'growth'], "--only='growth' names no benchmark"),
    ],
)
def test_what_cannot_be_measured_is_one_clear_error(words, message):
    output = run(RUN, '--quick', *words, ok=False)
    assert message in output and 'Traceback' not in output
