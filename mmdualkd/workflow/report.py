"""The report of a run: a page of text and a picture."""

import math
from pathlib import Path

from ..files import open_whole, replacing
from ..machine import in_time
from .outcome import Distilled

LABELS = ('model', 'top-1 %', 'parameters', 'GFLOPs', '')


def write_report(outcome: Distilled) -> str:
    """Writes ``report.md`` and ``report.png`` into the run's folder.

    Returns:
        What the user reads at the end.
    """
    share = (outcome.accuracy / 100 * outcome.val + 1) / (
        outcome.val + 2
    )  # Laplace's, or all right would have no spread
    spread = 100 * math.sqrt(share * (1 - share) / outcome.val)
    rows = [
        (
            row.name,
            f'{row.top1:.1f}',
            f'{row.parameters / 1e6:.2f} M',
            f'{row.gflops:.3g}',
            row.note,
        )
        for row in outcome.rows
    ]
    table = _table([LABELS, ('---',) * len(LABELS), *rows])
    draw(outcome, outcome.folder / 'report.png')
    classes, gain = len(outcome.classes), ''
    alone = next((row for row in outcome.rows if row.name == 'student alone'), None)
    if alone is not None:
        luck = 2 * math.sqrt(2) * spread
        gain = (
            f', {outcome.accuracy - alone.top1:+.1f} to the student alone (of one seed; up to {luck:.0f} may be luck)'
        )
    if outcome.accuracy < 100 / classes + 2 * spread:
        gain += '. That is no better than guessing: train longer, on more data, or with other models'
    stock = 'MMAction2' if outcome.of == 'videos' else 'MMPretrain'
    lines = [
        '# Distilled\n',
        f'{table}\n',
        f'{outcome.val} held-out {outcome.of} of {classes} classes, chance {100 / classes:.1f} %.',
        f'The distilled student reaches {outcome.accuracy:.1f} % (standard error {spread:.1f}){gain}.',
        f'The stages took {in_time(sum(outcome.seconds.values()))}, what was stopped not counted.\n',
        '![Accuracy of each model](report.png)\n',
        f'- the student for plain {stock}: `{outcome.checkpoint}` and `{outcome.config}`',
        f'- the configs of all trainings: `{outcome.folder / "configs"}`; change one and run `mmdualkd train` on it',
    ]
    text = '\n'.join(lines) + '\n'
    with open_whole(outcome.folder / 'report.md', 'w') as file:
        file.write(text)
    return text


def _table(rows: list[tuple[str, ...]]) -> str:
    """A Markdown table with aligned columns."""
    widths = [max(3, *(len(row[column]) for row in rows)) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = ['-' * width if cell == '---' else cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        lines.append(f'| {" | ".join(cells)} |')
    return '\n'.join(lines)


def draw(outcome: Distilled, path: Path) -> None:
    """Draws each model's accuracy, with its parameters."""
    import matplotlib

    matplotlib.use('Agg')
    from matplotlib import pyplot as plt

    rows = outcome.rows[::-1]  # the first at the top
    figure, axes = plt.subplots(figsize=(7, 0.9 + 0.5 * len(rows)), layout='constrained')
    colours = dict(teacher='tab:gray', alone='tab:orange', distilled='tab:blue')
    names = [f'{row.name}\n{row.parameters / 1e6:.2f} M parameters' for row in rows]
    bars = axes.barh(names, [row.top1 for row in rows], height=0.6, zorder=2)
    for bar, row in zip(bars, rows, strict=True):
        bar.set_color(next(colour for kind, colour in colours.items() if kind in row.name))
    axes.bar_label(bars, [f'{row.top1:.1f}' for row in rows], padding=4)
    axes.axvline(100 / len(outcome.classes), color='tab:red', linestyle=':', label='chance', zorder=3)
    axes.set_xlim(0, 108)
    axes.set_xlabel(f'top-1 % on {outcome.val} held-out {outcome.of}')
    axes.grid(axis='x', alpha=0.3)
    axes.legend(loc='lower right')
    with replacing(path) as part:
        figure.savefig(part, format='png', dpi=130)
    plt.close(figure)
