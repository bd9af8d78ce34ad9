"""Parts that take turns, what their seconds say of each other, and the memory that a part needs."""

import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
from scipy.stats import binom
from torch import nn

Part = Callable[[], object]
FEWEST = 6  # turns whose least and largest ratio are a 95 % interval of the median: 1 - 2 / 2^6 = 0.969


@dataclass
class Ratio:
    """A figure of one run.

    Attributes:
        value: The figure.
        low: Where its 95 % interval begins; what the machine's noise makes of it. None of what takes no turns.
        high: Where it ends.
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
        The median of the turns' own ratios, with a 95 % interval of it: the order statistics between which a median
        lies with that probability at least (by the sign test, Conover, Practical Nonparametric Statistics, 3.2). With
        fewer than :data:`FEWEST` turns these are the least and the largest, which is no such interval.
    """
    above, below = ([names] if isinstance(names, str) else list(names) for names in (above, below))
    turns = range(len(seconds[above[0]]))
    single = sorted(
        sum(seconds[name][turn] for name in above) / sum(seconds[name][turn] for name in below) for turn in turns
    )
    outside = max(int(binom.ppf(0.025, len(single), 0.5)) - 1, 0)
    medians = {name: statistics.median(seconds[name]) for name in dict.fromkeys([*above, *below])}
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
