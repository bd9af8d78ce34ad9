"""Locks that keep a second command out of a folder, whatever its file system and whoever made them."""

import errno
import fcntl
import os

import pytest

from mmdualkd import processes
from mmdualkd.errors import ConfigError
from mmdualkd.processes import locked, training_in


@pytest.mark.parametrize('lock, call', [(locked, 'flock'), (training_in, 'lockf')])
def test_a_file_system_without_locks_keeps_nobody_out(tmp_path, monkeypatch, lock, call):
    def without(*_):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(fcntl, call, without)
    with lock(tmp_path):
        pass


@pytest.mark.parametrize(
    'lock, name, key', [(locked, processes.LOCK, '--out'), (training_in, processes.TRAINING, 'work_dir')]
)
def test_a_lock_that_is_not_ours_to_write_is_one_clear_error(tmp_path, lock, name, key):
    (tmp_path / name).mkdir()  # nothing else stops the user whom tests run as in a container
    message = rf"^{key}='.*' cannot be written: Is a directory \(.*/{name}\)$"
    with pytest.raises(ConfigError, match=message), lock(tmp_path):
        pass
