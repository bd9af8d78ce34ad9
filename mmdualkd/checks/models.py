"""Whether models, optimizer and schedules can be built, and training can start."""

import logging
from collections.abc import Iterator

from ..findings import Finding
from ..hooks.preflight import lone_samples
from .job import Job

WEIGHTS = 'tensors '  # how messages about weights count
NO_NEWS = (
    'classes that the model has',  # check_classes names them
    'has learned from',  # check_learned does
    'are in the training data, too',  # check_leak does
    'will be deprecated',  # MMEngine's of its own parts
    'by the linear rule',  # check_batch, for all processes
    'nothing learns from',  # of the samples of this one process
)


def check_model(job: Job) -> Iterator[Finding]:
    """The models can be built and their weights loaded."""
    models = {'model': job.model}
    if job.student is not job.model:
        models = {'student': job.student, **({} if job.cached else job.model.teachers)}
    sizes = [
        f'{name} {sum(weight.numel() for weight in model.parameters()) / 1e6:.2f} M parameters'
        for name, model in models.items()
    ]
    if job.student is not job.model:
        sizes.append(f'terms {", ".join(job.model.terms) or "none"}')
    if job.cached:
        sizes.append('teachers read from a cache')
    yield Finding('fine', 'model', '; '.join(sizes))


def check_start(job: Job) -> Iterator[Finding]:
    """Weights fit, and the hooks that look at data and model before training find nothing."""
    try:
        job.started()
        yield Finding('fine', 'start', 'optimizer, schedules and hooks are built; training can begin')
        if message := lone_samples(job.model, job.loader('train'), job.processes):
            yield Finding('warning', 'terms', message)
    finally:
        for level, message in job.messages:
            if level >= logging.WARNING:
                if not any(text in message for text in NO_NEWS):
                    yield Finding('warning', 'log', message)
            elif WEIGHTS in message and job.folder not in message:
                yield Finding('fine', 'weights', message.splitlines()[0])
