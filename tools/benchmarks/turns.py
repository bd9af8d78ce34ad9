"""Parts that take turns, what their seconds say of each other, and the memory that a part needs."""

import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
from scipy.stats import binom
from torch import nn

Part = Callable[[], object]


@dataclass
class Ratio:
    """A figure of one run.

    Attributes:
        value: The figure.
        low: The least of the turns' own figures; with ``high`` what the machine's noise makes of it.
        high: The largest.
        note: What else is to be known; a figure that could not be measured has no value but a note.
        detail: More figures, for the JSON file.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    note: str = ''
    detail: dict | None = None


def take_turns(
    parts: Mapping[str, Part], turns: int, device: str, amp: bool = False, warm: int = 1
) -> dict[str, list[float]]:
    """Seconds of each part, turn by turn, so that what else a machine does falls upon all of them.

    Args:
        parts: What is measured, by name.
        turns: How often.
        device: ``'cpu'`` or ``'cuda'``.
        amp: Whether under autocast.
        warm: Turns before those that count.

    Returns:
        dict: ``turns`` numbers a part.
    """
    seconds: dict[str, list[float]] = {name: [] for name in parts}
    for turn in range(-warm, turns):
        order = list(parts.items())
        for name, part in order if turn % 2 == 0 else reversed(order):  # none always comes first
            if device == 'cuda':
                torch.cuda.synchronize()
            begin = time.perf_counter()
            with torch.autocast(device, enabled=amp):
                part()
            if device == 'cuda':
                torch.cuda.synchronize()
            if turn >= 0:
                seconds[name].append(time.perf_counter() - begin)
    return seconds


def ratio(seconds: Mapping[str, list[float]], above: str | Iterable[str], below: str | Iterable[str]) -> Ratio:
    """Some parts' time over that of others.

    Args:
        seconds: What :func:`take_turns` gives.
        above: The parts that are added up above the line.
        below: Those below it.

    Returns:
        The least seconds of each part, which a noisy machine disturbs least, over each other; the spread is that of
        single turns.
    """
    above, below = ([names] if isinstance(names, str) else list(names) for names in (above, below))
    single = [
        sum(seconds[name][turn] for name in above) / sum(seconds[name][turn] for name in below)
        for turn in range(len(seconds[above[0]]))
    ]
    least = sum(min(seconds[name]) for name in above) / sum(min(seconds[name]) for name in below)
    medians = {name: statistics.median(seconds[name]) for name in dict.fromkeys([*above, *below])}
    return Ratio(least, min(single), max(single), detail=dict(median_seconds=medians, turns=len(single)))


def paired_ratio(seconds: Mapping[str, list[float]], above: str, *below: str) -> Ratio:
    """One part's time over another's where the two differ by less than the machine's noise.

    Args:
        seconds: What :func:`take_turns` gives, of at least 6 turns.
        above: The part above the line.
        below: Those below it, in their mean: the same loop twice differs by where its weights lie in memory.

    Returns:
        The median of the turns' own ratios, with a 95 % interval of it: the order statistics between which a median
        lies with that probability (by the sign test, Conover, Practical Nonparametric Statistics, 3.2).
    """
    means = map(statistics.mean, zip(*(seconds[name] for name in below), strict=True))
    single = sorted(one / other for one, other in zip(seconds[above], means, strict=True))
    outside = max(int(binom.ppf(0.025, len(single), 0.5)) - 1, 0)
    medians = {name: statistics.median(seconds[name]) for name in (above, *below)}
    detail = dict(median_seconds=medians, turns=len(single))
    return Ratio(statistics.median(single), single[outside], single[-1 - outside], detail=detail)


def peak_memory(part: Part, device: str, amp: bool = False) -> float:
    """MiB that a part allocates at its peak, beside all that was there before.

    On a GPU torch counts it. On a CPU the profiler notes what torch's allocator gives and takes back; what libraries
    allocate for themselves (oneDNN's scratchpads) is not in it.
    """
    with torch.autocast(device, enabled=amp):
        if device == 'cuda':
            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()
            before = torch.cuda.memory_allocated()
            part()
            torch.cuda.synchronize()
            return (torch.cuda.max_memory_allocated() - before) / 2**20
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as profile:
            part()
    events = [event for event in profile.profiler.kineto_results.events() if event.name() == '[memory]']
    now = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        now += event.nbytes()
        peak = max(peak, now)
    return peak / 2**20


def without_gradients(models: Iterable[nn.Module]) -> None:
    """Frees what a step before has left, so that the next one allocates it itself."""
    for model in models:
        model.zero_grad(set_to_none=True)
