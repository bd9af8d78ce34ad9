"""The job that tests of the cache share, and its cache."""

import pytest
from cache_jobs import cache_job, write_cache


@pytest.fixture(scope='module')
def job(tmp_path_factory):
    return cache_job(tmp_path_factory.mktemp('job'))


@pytest.fixture(scope='module')
def cache(job):
    """The folder of two views in float32."""
    write_cache(job, job.work_dir / 'cache', '--views', 2, '--dtype', 'float32')
    return job.work_dir / 'cache'
