"""Every test process has the cures of the stack in place, as every process of a user has."""

import mmdualkd  # noqa: F401
