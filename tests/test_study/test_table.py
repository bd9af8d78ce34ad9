import re

from mmdualkd.study.logs import Result
from mmdualkd.study.runs import Run, State
from mmdualkd.study.table import machines_told, markdown


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


def test_cells_are_of_a_rows_finished_trainings_and_the_mean_of_the_splits_of_seeds_that_have_all(tmp_path):
    def run(row, split, seed, *result):
        state = State('finished', result=Result(*result, None, None)) if result else State()
        return Run(row, split, seed, 'kd.py', tmp_path, {}, state=state)

    runs = [run('A', 'x', 0, 50.0, 10.0), run('A', 'x', 1, 60.0, 20.0), run('A', 'y', 0, 70.0, 30.0), run('A', 'y', 1)]
    runs += [run('B', 'x', 0, 40.0, 900.0), run('B', 'y', 0, 41.0, None)]  # a kill kept the seconds of the last
    text = markdown(runs, dict(title='Gaps', command='x', machine='y', splits=['x', 'y'], against={}, caches=[]))
    assert '\n| A | 55.0 ± 7.1 | 70.0 (1 of 2) | 60.0 (1 of 2) | 2 | 20 |\n' in text
    assert '\n| B | 40.0 | 41.0 | 40.5 | 1 |  |\n' in text


def test_a_teacher_that_ran_on_another_machine_parts_no_rows(tmp_path):
    def run(row, machine, teacher=False):
        state = State('finished', result=Result(50.0, 3.0, None, None, machines=(machine,)))
        return Run(row, 'x', 0, 'kd.py', tmp_path, {}, teacher, state)

    assert machines_told([run('T', 'GPU', True), run('A', 'CPU'), run('B', 'CPU')]) is None
    assert '\n- GPU: 1 of A' in machines_told([run('T', 'GPU', True), run('A', 'GPU'), run('B', 'CPU')])
