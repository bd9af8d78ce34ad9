"""What is read from the logs of a training that went on in several sessions."""

import json

import pytest

from mmdualkd.errors import DataError
from mmdualkd.study.logs import read_result


def session(folder, name, *entries, cut=''):
    log = folder / name / 'vis_data' / 'scalars.json'
    log.parent.mkdir(parents=True)
    log.write_text(''.join(json.dumps(entry) + '\n' for entry in entries) + cut)


def head(folder, name, *lines):
    """The head of a session's log, as MMEngine writes it."""
    start = ['2025/01/02 00:00:00 - mmengine - INFO - ', '-' * 60, 'System environment:', '    sys.platform: linux']
    (folder / name / f'{name}.log').write_text('\n'.join([*start, *lines]) + '\n')


def step(time, number):
    return dict(lr=0.1, data_time=time / 10, loss=1.0, time=time, epoch=1, iter=number, step=number)


def validation(top1, number):
    return {'acc/top1': top1, 'data_time': 7.0, 'time': 9.0, 'step': number}


def test_the_last_validation_counts_and_the_first_steps_of_every_session_do_not(tmp_path):
    first = [step(5.0, 1), step(0.2, 2), validation(0.5, 1), step(0.4, 3), validation(0.9, 2)]
    session(tmp_path, '20250102_000000', *first, cut='{"acc/top1": 0.99')  # killed before epoch 2 was saved
    session(tmp_path, '20250102_000500', step(6.0, 3), step(0.3, 4), validation(0.75, 2))
    session(tmp_path, '20250102_001000')  # nothing was left to do
    result = read_result('run', tmp_path, 12.0)
    assert (result.top1, result.seconds) == (75.0, 12.0)
    assert (result.step_seconds, result.data_seconds) == pytest.approx((0.3, 0.03))


def test_of_a_single_interval_there_is_no_step_time_and_percents_of_pictures_stay(tmp_path):
    session(tmp_path, '20250102_000000', step(5.0, 1), {'accuracy/top1': 61.5, 'step': 1})
    result = read_result('run', tmp_path, None)
    assert (result.top1, result.step_seconds, result.data_seconds) == (61.5, None, None)


def test_a_training_without_a_validation_is_an_error(tmp_path):
    session(tmp_path, '20250102_000000', step(5.0, 1))
    with pytest.raises(DataError, match='run: .* is finished, but its logs have no acc/top1 or accuracy/top1'):
        read_result('run', tmp_path, None)


def test_a_log_that_lost_its_last_validation_gives_no_earlier_one_in_its_place(tmp_path):
    session(tmp_path, '20250102_000000', step(5.0, 1), validation(0.5, 1), step(5.0, 2), cut='{"acc/to')
    with pytest.raises(DataError, match=r"run: '.*scalars\.json' is cut short, the last validation is missing"):
        read_result('run', tmp_path, None)


def test_samples_that_did_not_decode_are_those_of_the_last_validation(tmp_path):
    session(tmp_path, '20250102_000000', validation(0.5, 1), dict(undecoded=3, step=1))
    assert read_result('run', tmp_path, None).undecoded == 3
    session(tmp_path, '20250102_000500', validation(0.6, 1))  # validated anew, when all were there
    assert read_result('run', tmp_path, None).undecoded == 0


CPU = (
    '    PyTorch: 2.13.0+cpu',
    '    PyTorch compiling details: PyTorch built with:',
    '  - CPU capability usage: AVX2',
)
GPU = ('    CUDA available: True', '    GPU 0,1: NVIDIA A100', '    GPU 2: NVIDIA H200', '    PyTorch: 2.13.0+cu130')


def test_of_each_session_that_trained_it_is_known_what_it_ran_on(tmp_path):
    for place, lines in enumerate((CPU, GPU, CPU)):
        session(tmp_path, f'20250102_00000{place}', step(5.0, 1), validation(0.5, 1))
        head(tmp_path, f'20250102_00000{place}', *lines)
    session(tmp_path, '20250102_000005', step(5.0, 2), validation(0.5, 2))  # whose log is gone
    session(tmp_path, '20250102_000006', validation(0.6, 2))  # validated anew elsewhere
    head(tmp_path, '20250102_000006', CPU[0], CPU[2].replace('AVX2', 'AVX512'))
    found = read_result('run', tmp_path, None).machines
    assert found == ('CPU with AVX2, torch 2.13.0+cpu', 'NVIDIA A100 and NVIDIA H200, torch 2.13.0+cu130')
