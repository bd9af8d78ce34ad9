"""What the weights that a training begins with have learned from: clips that judge the student must not be among it."""

from collections.abc import Iterator
from pathlib import Path

from ..checkpoint import read_checkpoint, trained_with
from ..datasets.learned import training_samples
from ..errors import listed
from ..findings import Finding
from .data import shared
from .job import Job


def check_learned(job: Job) -> Iterator[Finding]:
    """No teacher, and nothing that the student starts from, was trained on the clips that judge the student.

    That is known of checkpoints that say which list they learned from, where that list is still there.
    """
    for key, path in _weights(job):
        learned = list(training_samples(trained_with(read_checkpoint(path, key), path)))
        for split in [split for split in job.splits() if split != 'train' and learned]:
            judged = job.samples(split)
            if pairs := shared(learned, judged):
                text = (
                    f'{key}={path!r} has learned from {len(pairs)} of the {len(judged)} {split} samples: '
                    f'{listed(list(pairs))}. What it knows by heart of them it hands on: take weights that were '
                    'trained on the clips of this split'
                )
                yield Finding('error' if 10 * len(pairs) > len(judged) else 'warning', 'learned', text)


def _weights(job: Job) -> Iterator[tuple[str, str]]:
    """The files of weights that are there, by the key that names them."""
    model = job.cfg.model
    entries = {f'model.teachers.{name}': entry for name, entry in (model.get('teachers') or {}).items()}
    entries = {key: entry for key, entry in entries.items() if key.rpartition('.')[2] not in job.untrained}
    entries['model.student'] = model.get('student')
    found = {f'{key}.checkpoint': entry.get('checkpoint') for key, entry in entries.items() if entry is not None}
    for key, path in {**found, 'load_from': job.cfg.get('load_from')}.items():
        if isinstance(path, str) and Path(path).expanduser().is_file():
            yield key, path
