"""Every test process has the cures of the stack in place, as every process of a user has."""

import pytest
import unformatted  # noqa: F401
from mmengine.registry import DefaultScope

import mmdualkd  # noqa: F401


@pytest.fixture(autouse=True, scope='module')
def no_scope_of_another_file():
    """Runners set a default scope for their whole process; the next file's tests begin without one."""
    yield
    DefaultScope._instance_dict.clear()
