"""What a check found: one line each, the worst last. It imports nothing heavy."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

LEVELS = ('fine', 'warning', 'error')


@dataclass(frozen=True)
class Finding:
    """One line of a check.

    Attributes:
        level: ``'error'`` (training would stop, or be worth nothing), ``'warning'`` or ``'fine'``.
        what: What was looked at, in a word or two.
        text: The measured value, and what to do where something is wrong.
    """

    level: Literal['error', 'warning', 'fine']
    what: str
    text: str


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Findings, fine ones first and errors last, else as they were found; what is wrong is said once."""
    once = {}
    for finding in findings:
        once.setdefault((finding.level, finding.text, finding.level == 'fine' and finding.what), finding)
    return sorted(once.values(), key=lambda finding: LEVELS.index(finding.level))


def report(findings: Iterable[Finding]) -> str:
    """The findings as lines, below a line that counts them."""
    findings = in_order(findings)
    counts = [(level, sum(finding.level == level for finding in findings)) for level in reversed(LEVELS)]
    lines = [', '.join(counted(count, level) for level, count in counts)]
    level, what = (max((len(getattr(finding, name)) for finding in findings), default=0) for name in ('level', 'what'))
    for finding in findings:
        lines.append(f'{finding.level:{level}}  {finding.what:{what}}  {" ".join(finding.text.split())}')
    return '\n'.join(lines)


def counted(count: int, level: str) -> str:
    """How many there are of a level: ``2 errors``, ``1 warning``, ``9 fine``."""
    return f'{count} {level}' if count == 1 or level == 'fine' else f'{count} {level}s'


def exit_code(findings: Iterable[Finding]) -> int:
    """1 if there is an error among the findings."""
    return int(any(finding.level == 'error' for finding in findings))
