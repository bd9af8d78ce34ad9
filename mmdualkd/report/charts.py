"""Charts as inline SVG that takes the page's colour of text."""

import hashlib
import io
import re
import warnings
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from .markup import Html, tag
from .measures import Calibration
from .training import Curve

INK = '#010203'  # stands for the page's colour of text
COLOURS = ('#3d85c6', '#dd8227', '#3f9f5f', '#b35fc2', '#cf4a45', '#8a8d91', '#17a5b8', '#a8961c', '#e377a8', '#7d6be0')
STYLES = ('-', '--', ':', '-.')
GOOD, BAD = '#3f9f5f', '#cf4a45'
POINTS = 300  # of a curve; more cannot be told apart
FULL = 8  # curves of so many points in one chart; those of more curves have fewer
LENGTH = 28  # letters of a name
WIDTH = 4.6  # inches, some 330 points: as wide as a phone
SETTINGS = {
    'font.size': 9,
    'font.family': 'sans-serif',
    'svg.fonttype': 'none',
    'svg.hashsalt': 'mmdualkd',
    'text.parse_math': False,
    'axes.spines.top': False,
    'axes.spines.right': False,
    'axes.grid': True,
    'grid.alpha': 0.2,
    'legend.frameon': False,
    'legend.fontsize': 8,
    **{
        name: INK
        for name in ('text.color', 'axes.labelcolor', 'axes.edgecolor', 'xtick.color', 'ytick.color', 'grid.color')
    },
}


def short(name: str, length: int = LENGTH) -> str:
    """A name that fits beside a chart."""
    return name if len(name) <= length else f'{name[: length - 1]}…'


def colour_of(number: int) -> str:
    """The colour of the n-th line."""
    return COLOURS[number % len(COLOURS)]


class Chart:
    """A figure with one pair of axes, as a context; afterwards ``picture`` is its SVG.

    Args:
        alt: What is seen on it, for those who do not.
        height: In inches.
        **labels: As for matplotlib's ``Axes.set`` (``title``, ``xlabel``, ``ylabel``, ``xlim`` ...).
    """

    def __init__(self, alt: str, height: float = 2.9, **labels: object) -> None:
        self.alt, self.height, self.labels = alt, height, labels
        self.picture = Html()

    def __enter__(self) -> Axes:
        self._settings = rc_context(SETTINGS)
        self._settings.__enter__()
        self._figure = Figure(figsize=(WIDTH, self.height), layout='constrained')
        axes = self._figure.add_subplot()
        axes.set_axisbelow(True)
        axes.set(**self.labels)
        return axes

    def __exit__(self, kind: type | None, *rest: object) -> None:
        try:
            if kind is None:
                self.picture = _svg(self._figure, self.alt)
        finally:
            self._settings.__exit__(kind, *rest)


def _svg(figure: Figure, alt: str) -> Html:
    """A figure as an SVG element whose identifiers are its own, with nothing that leads out of the page."""
    buffer = io.StringIO()
    with warnings.catch_warnings():
        warnings.filterwarnings('ignore', 'Glyph')  # the browser has the letters that matplotlib's font lacks
        figure.savefig(buffer, format='svg', transparent=True)
    text = buffer.getvalue()
    text = text[text.index('<svg') :]
    text = re.sub(r'<metadata>.*?</metadata>', '', text, flags=re.DOTALL)
    text = text.replace(INK, 'currentColor')
    own = f'c{hashlib.sha256((alt + text).encode()).hexdigest()[:10]}-'
    text = re.sub(r'(<[^<>]* id=")', rf'\1{own}', text)
    text = re.sub(r'(xlink:href="#|url\(#)', rf'\1{own}', text)
    text = re.sub(r'>\s+<', '><', text)
    end = text.index('>')
    opening = re.sub(r' (?:width|height)="[^"]*"', '', text[:end])
    label = tag('title', alt)
    return Html(f'{opening} role="img">{label}{text[end + 1 :].strip()}')


def thinned(curve: Curve, points: int) -> Curve:
    """At most so many means of neighbours."""
    steps, values = (np.asarray(part, dtype=float) for part in curve)
    if len(steps) <= points:
        return list(steps), list(values)
    parts = np.array_split(np.arange(len(steps)), points)
    return [float(steps[part].mean()) for part in parts], [float(values[part].mean()) for part in parts]


def lines(
    alt: str,
    curves: Mapping[str, Curve],
    bands: Mapping[str, tuple[Sequence[float], Sequence[float]]] | None = None,
    colours: Mapping[str, str] | None = None,
    **labels: object,
) -> Html:
    """Curves by name.

    Args:
        alt: See :class:`Chart`.
        curves: Steps and values.
        bands: Lower and upper ends of a curve's range, at its steps.
        colours: Colours by name, in place of the usual order.
        **labels: See :class:`Chart`.
    """
    chart = Chart(alt, height=2.9 + 0.16 * max(0, len(curves) - 6), **labels)
    with chart as axes:
        taken = {name: colour for name, colour in (colours or {}).items() if name in curves}
        free = [colour for colour in COLOURS if colour not in taken.values()] or COLOURS
        others = [name for name in curves if name not in taken]
        points = POINTS * FULL // max(len(curves), FULL)
        taken |= {name: free[number % len(free)] for number, name in enumerate(others)}
        for number, (name, curve) in enumerate(curves.items()):
            colour = taken[name]
            steps, values = thinned(curve, points)
            marker = 'o' if len(steps) < 12 else None
            style = STYLES[number // len(COLOURS) % len(STYLES)]
            axes.plot(steps, values, style, color=colour, marker=marker, markersize=3, linewidth=1.6, label=short(name))
            if bands and name in bands:
                ends = (thinned((curve[0], end), points)[1] for end in bands[name])
                axes.fill_between(steps, *ends, color=colour, alpha=0.15, linewidth=0)
        if axes.get_yscale() == 'log':  # matplotlib writes powers as mathematics, which is switched off
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f'{value:g}'))
            axes.yaxis.set_minor_formatter(NullFormatter())
        if len(curves) > 1:
            columns = 1 if len(curves) < 3 else 2
            axes.figure.legend(loc='outside lower center', ncols=columns)
    return chart.picture


def bars(alt: str, names: Sequence[str], values: Sequence[float], **labels: object) -> Html:
    """Horizontal bars, the first at the top; what is below zero has the colour of a loss."""
    chart = Chart(alt, height=0.9 + 0.21 * len(names), **labels)
    with chart as axes:
        colours = [GOOD if value >= 0 else BAD for value in values]
        axes.barh(range(len(names)), values, height=0.7, color=colours)
        axes.axvline(0, color=INK, linewidth=0.8)
        _name_rows(axes, names)
    return chart.picture


def parts(
    alt: str, rows: Sequence[str], columns: Mapping[str, Sequence[float]], colours: Mapping[str, str], **labels: object
) -> Html:
    """Stacked bars of shares that sum to 1, a bar a row."""
    chart = Chart(alt, height=1.1 + 0.21 * len(rows), xlim=(0, 1), **labels)
    with chart as axes:
        left = np.zeros(len(rows))
        for name, values in columns.items():
            axes.barh(range(len(rows)), values, left=left, height=0.75, color=colours[name], label=short(name))
            left = left + np.asarray(values)
        axes.axvline(0.5, color=INK, linewidth=0.8, linestyle=':')
        _name_rows(axes, rows)
        axes.figure.legend(loc='outside lower center', ncols=2)
    return chart.picture


def matrix(alt: str, values: np.ndarray, rows: Sequence[str], columns: Sequence[str], **labels: object) -> Html:
    """A matrix of numbers from 0 to 100; written into its cells where these are large enough."""
    count = len(rows)
    chart = Chart(alt, height=1.3 + min(3.6, 0.3 * count), **labels)
    with chart as axes:
        axes.grid(visible=False)
        shades = axes.pcolormesh(np.nan_to_num(values), cmap='Blues', vmin=0, vmax=100, edgecolor='face', linewidth=0.3)
        shades.set_zorder(0)
        for place in np.ndindex(values.shape) if count <= 14 else ():
            if values[place] >= 0.5:
                colour = '#ffffff' if values[place] > 55 else '#0b1a2a'
                size = 8 if count <= 8 else 6.5
                text = f'{values[place]:.0f}'
                axes.text(place[1] + 0.5, place[0] + 0.5, text, ha='center', va='center', color=colour, size=size)
        size = 8 if count <= 14 else 6
        axes.set_yticks(np.arange(count) + 0.5, [short(name, 18) for name in rows], size=size)
        turned = dict(rotation=90) if len(columns) > 4 else {}
        axes.set_xticks(np.arange(len(columns)) + 0.5, [short(name, 18) for name in columns], size=size, **turned)
        axes.tick_params(length=0)
        axes.invert_yaxis()
    return chart.picture


def reliability(alt: str, calibration: Calibration, colour: str, **labels: object) -> Html:
    """A reliability diagram: accuracy by confidence, with the share of samples in each bin below."""
    chart = Chart(alt, height=3.1, xlim=(0, 1), ylim=(0, 1), xlabel='confidence', ylabel='accuracy', **labels)
    with chart as axes:
        bins = len(calibration.counts)
        centres = (np.arange(bins) + 0.5) / bins
        accuracy = np.nan_to_num(calibration.accuracy)
        axes.bar(centres, accuracy, width=0.9 / bins, color=colour, label='accuracy of a bin')
        share = calibration.counts / max(calibration.counts.sum(), 1)
        axes.step(centres, share, where='mid', color=INK, linewidth=1, label='share of the samples')
        axes.plot([0, 1], [0, 1], ':', color=INK, linewidth=1)
        axes.plot(calibration.confidence, calibration.accuracy, 'o', color=INK, markersize=3, label='mean confidence')
        axes.figure.legend(loc='outside lower center', ncols=2)
    return chart.picture


def forest(alt: str, names: Sequence[str], intervals: Sequence[tuple[float, float, float]], **labels: object) -> Html:
    """Means with the ends of their intervals; those that lie above or below zero as a whole are in colour."""
    chart = Chart(alt, height=0.9 + 0.24 * len(names), **labels)
    with chart as axes:
        for place, (mean, low, high) in enumerate(intervals):
            colour = GOOD if low > 0 else BAD if high < 0 else '#8a8d91'
            axes.plot([low, high], [place, place], color=colour, linewidth=2)
            axes.plot([mean], [place], 's', color=colour, markersize=5)
        axes.axvline(0, color=INK, linewidth=0.8)
        _name_rows(axes, names)
    return chart.picture


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Writes names beside horizontal bars, the first at the top."""
    axes.set_yticks(range(len(names)), [short(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(visible=False, axis='y')
