"""Text in aligned columns."""

from collections.abc import Sequence


def table(rows: Sequence[Sequence[str]], numbers: bool = True) -> str:
    """Rows of cells in aligned columns, the first row their names.

    Args:
        rows: The rows, all of one length.
        numbers: Whether all columns but the first hold numbers, which stand to the right.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if numbers and column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append('  '.join(cells).rstrip())
    return '\n'.join(lines)
