import re

from mmdualkd.study.logs import Result
from mmdualkd.study.runs import Run, State
from mmdualkd.study.table import markdown


def test_a_name_with_a_bar_stays_one_cell(tmp_path):
    state = State('finished', result=Result(50.0, 3.0, None, None))
    run = Run('KD | DKD', 'one | two', 0, 'kd.py', tmp_path, {}, state=state)
    text = markdown([run], dict(title='Bars', command='x', machine='y', splits=['one | two'], against={}, caches=[]))
    rows = [line for line in text.splitlines() if line.startswith('|')]
    assert {len(re.findall(r'(?<!\\)\|', row)) for row in rows} == {6} and r'| KD \| DKD |' in rows[2]


def test_a_training_whose_validation_had_samples_that_did_not_decode_is_named(tmp_path):
    runs = [
        Run(
            'KD', 'one', seed, 'kd.py', tmp_path, {}, state=State('finished', result=Result(50.0, 3.0, None, None, bad))
        )
        for seed, bad in enumerate((0, 4))
    ]
    text = markdown(runs, dict(title='Blanks', command='x', machine='y', splits=['one'], against={}, caches=[]))
    assert 'did not decode' in text and '\n- KD, one, seed 1: 4' in text and 'seed 0' not in text
