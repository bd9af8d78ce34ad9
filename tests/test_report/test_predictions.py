"""Predictions that are kept beside a training."""

import numpy as np

from mmdualkd.names import STUDENT
from mmdualkd.report.predictions import Predictions


def test_a_file_that_is_cut_short_or_damaged_anywhere_counts_as_none(tmp_path):
    path, rng = tmp_path / 'predictions.npz', np.random.default_rng(0)
    kept = Predictions(['a', 'b'], [f'{index}.jpg' for index in range(50)], rng.integers(0, 2, 50))
    kept.add(STUDENT, rng.random((50, 2)))
    kept.save(path, 'key')
    assert Predictions.load(path, 'key').files == kept.files and Predictions.load(path, 'other') is None
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert Predictions.load(path, 'key') is None
    for place in rng.integers(0, len(whole), 300):
        damaged = bytearray(whole)
        damaged[place] ^= 0x55
        path.write_bytes(damaged)
        found = Predictions.load(path, 'key')
        assert found is None or found.files == kept.files
