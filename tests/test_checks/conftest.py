import pytest
from commands import findings, subcommand


@pytest.fixture
def check(capsys):
    """Runs ``mmdualkd check`` in this process; gives its exit code and what it found."""

    def run(*words):
        code = subcommand('check', *words)
        return code, findings(capsys.readouterr().out)

    return run
