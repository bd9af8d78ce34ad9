"""All checks of a training, each tried on its own."""

import functools
import sys
from collections.abc import Callable, Collection, Iterator

from mmengine.config import Config

from ..errors import ConfigError, DistillError
from ..faults import explain
from ..findings import Finding
from .classes import check_classes, check_labels_fit
from .cost import check_batch, check_disk, check_step, check_time, check_validation, check_workers
from .data import check_files, check_leak, check_set
from .job import Job, NotBuilt
from .learned import check_learned
from .models import check_model, check_start
from .pull import check_pull
from .rate import check_rate
from .teachers import check_teachers


def check_config(
    cfg: Config, untrained: Collection[str] = (), *, processes: int = 1, samples: int | None = None
) -> list[Finding]:
    """Checks a training: everything is built, every file opened, a few steps are taken in memory. Nothing is kept.

    Args:
        cfg: The config, as :func:`~mmdualkd.launch.load_config` gives it.
        untrained: Teachers whose checkpoints a later stage writes: they get random weights and are not judged.
        processes: Processes that will train together; the check itself runs in one.
        samples: Training samples that teachers are judged on; None takes 64, and five of each class up to 512.

    Returns:
        What was found, in the order in which it was looked for. One error hides no other: what could not be looked at
        because of it says so.

    Raises:
        ConfigError: If the config trains nothing.
    """
    if not isinstance(cfg.get('train_dataloader'), dict):
        raise ConfigError(
            'the config has no train_dataloader: it trains nothing that could be checked; on data of your own its '
            'model trains as --student or one of --teachers of `mmdualkd distill`'
        )
    found, lacking = [], {}
    with Job(cfg, untrained, processes) as job:
        for what, check in _checks(job, processes, samples):
            print(f'check: {what}', file=sys.stderr, flush=True)
            try:
                for finding in check(job):
                    found.append(finding)
            except NotBuilt as error:
                lacking.setdefault(str(error), []).append(what)
            except DistillError as error:
                found.append(Finding('error', what, str(error)))
            except Exception as error:
                found.append(Finding('error', what, explain(error) or f'{type(error).__name__}: {error}'))
    for part, checks in lacking.items():
        text = f'{", ".join(checks)}: for want of {part}, which cannot be built (an error says why)'
        found.append(Finding('warning', 'not checked', text))
    return found


def _checks(job: Job, processes: int, samples: int | None) -> Iterator[tuple[str, Callable[[Job], Iterator[Finding]]]]:
    """The checks by what they look at, in an order in which each part is first asked for by the check of its name."""
    for split in job.splits():
        yield f'{split} data', functools.partial(check_set, split=split)
    yield 'model', check_model
    yield 'labels', check_labels_fit
    yield 'classes', check_classes
    yield 'leak', check_leak
    yield 'learned', check_learned
    yield 'files', check_files
    yield 'start', check_start
    yield 'teachers', functools.partial(check_teachers, samples=samples)
    yield 'learning rate', functools.partial(check_batch, processes=processes)
    yield 'step', check_step
    yield 'gradients', check_pull
    yield 'validation', check_validation
    yield 'decoding', functools.partial(check_workers, processes=processes)
    yield 'time', functools.partial(check_time, processes=processes)
    yield 'disk', check_disk
    yield 'updates', check_rate  # leaves other weights behind
