"""Random numbers of their own for parts of a run, beside those of its training."""

import random
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import numpy as np
import torch


def seed_step(seed: int, iteration: int, rank: int) -> None:
    """Seeds the random numbers of a training step: dropout, mixup, whatever a process draws.

    Args:
        seed: The run's.
        iteration: The iterations before it.
        rank: The process.
    """
    seeds = np.random.SeedSequence([seed, iteration, rank]).generate_state(3)
    random.seed(int(seeds[0]))
    np.random.seed(seeds[1])
    torch.manual_seed(int(seeds[2]))


@contextmanager
def seeded(*entropy: int) -> Iterator[None]:
    """Python's, NumPy's and torch's (CPU) random numbers come from ``entropy`` inside, and go on as before after.

    Args:
        *entropy: Non-negative integers.
    """
    states = random.getstate(), np.random.get_state(), torch.default_generator.get_state()
    seeds = np.random.SeedSequence(entropy).generate_state(3)
    random.seed(int(seeds[0]))
    np.random.seed(seeds[1])
    torch.default_generator.manual_seed(int(seeds[2]))  # torch.manual_seed would touch the devices' generators too
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.default_generator.set_state(states[2])


@contextmanager
def seeded_by_name(name: str) -> Iterator[None]:
    """The same from the run's seed and a part's name, on the GPU as well: what is built inside depends on nothing else.

    Args:
        name: The part, as the config calls it (``terms.sdd``).
    """
    entropy = torch.initial_seed(), zlib.crc32(name.encode())
    with set_aside(torch.device('cuda' if torch.cuda.is_available() else 'cpu')), seeded(*entropy):
        if torch.cuda.is_available():
            torch.cuda.manual_seed(sum(entropy) % 2**63)
        yield


def set_aside(device: torch.device) -> AbstractContextManager[None]:
    """Torch's random numbers go on inside, and after as if nothing had drawn any; nothing waits for the device.

    Args:
        device: Where is computed; the CPU's numbers are set aside always.
    """
    index = torch.cuda.current_device() if device.type == 'cuda' and device.index is None else device.index
    return torch.random.fork_rng(devices=[index] if device.type == 'cuda' else [])
