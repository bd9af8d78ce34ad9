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
