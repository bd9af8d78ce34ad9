"""What a loss term is: it reads one training step and gives one scalar."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from torch import Tensor, nn

from ..errors import check_name, check_not_negative
from ..global_batch import batch_mean, mean_rows
from ..names import ASSISTANT, STUDENT
from ..outputs import Outputs
from ..stages import Features


@dataclass
class Step:
    """What the terms of one training step read, all of it in float32.

    Attributes:
        student: The student's outputs, N rows, in autograd.
        teachers: The teachers' outputs by name, N rows each, outside autograd: what networks gave, or what was stored
            of it (see :mod:`~mmdualkd.teachers.readings`), so a term reads ``logits``, ``pooled``, ``grid``,
            ``cells(size, window)`` or ``class_maps(size, window)`` and nothing else of them.
        labels: Label distributions (N, C), rows summing to 1: a clip of several labels shares it among them. Rows of
            clips without a label, and of clips that are of no class, are zeros.
        log: Diagnostics by name, that a term may add to; they go to the training log beside the losses.
        assistant: The assistant's outputs, N rows, in autograd; None for a distiller without one.
        multi_label: Whether a clip may have several labels.
        stages: What each of the student's four stages gives, N rows, in autograd; empty unless a term reads them
            (:attr:`Term.reads_stages`).
        kind: The divided student's, ``'cnn'``, ``'vit'`` or ``'mlp'``; empty as well.
        labelled: Which rows have a label, (N,) bool; None if all have. A term that reads labels takes its mean by
            :meth:`mean_of_labelled`.
    """

    student: Outputs
    teachers: Mapping[str, Outputs]
    labels: Tensor
    log: dict[str, Tensor] = field(default_factory=dict)
    assistant: Outputs | None = None
    multi_label: bool = False
    stages: tuple[Features, ...] = ()
    kind: str = ''
    labelled: Tensor | None = None

    def of(self, name: str) -> Outputs:
        """Gives the outputs of ``'student'``, ``'assistant'`` or the teacher of that name."""
        models = {**self.teachers, STUDENT: self.student}
        if self.assistant is not None:
            models[ASSISTANT] = self.assistant
        check_name('name', name, models, 'model of this step')
        return models[name]

    @cached_property
    def labelled_rows(self) -> Tensor:
        """How many labelled rows a process has on average, a scalar; at least a part of one, to divide by."""
        return mean_rows(self.labelled)

    def mean_of_labelled(self, values: Tensor) -> Tensor:
        """The mean over the rows that have a label, those of all processes; 0 where there are none.

        It is this process's part: DDP's mean over the processes makes it that of the global batch.

        Args:
            values: What is averaged, (N, ...); all but the first axis is summed.

        Returns:
            A scalar; where all rows are labelled :func:`~mmdualkd.global_batch.batch_mean`.
        """
        if self.labelled is None:
            return batch_mean(values)
        labelled = self.labelled.view(-1, *[1] * (values.dim() - 1))
        return values.where(labelled, 0).sum() / self.labelled_rows


class Term(nn.Module, ABC):
    """A loss term of a distiller.

    A new one is a subclass with ``forward(step) -> scalar`` in any file that the config imports, registered in
    ``mmdualkd.registry.MODELS``. Modules that train only while distilling are made in :meth:`setup`.

    Args:
        weight: What the term counts in the sum of losses; not negative. 0 leaves the student's gradients exactly those
            of plain training, and the term in the log.

    Attributes:
        name: The term's key in ``terms``, set by the distiller.
        reads_stages: Whether the student has to be divided, for the term reads ``step.stages``.
        fewest_samples: Of how many samples a batch must be for anything to learn; more than 1 of a term that only
            compares them with one another.
    """

    name: str = ''
    reads_stages: bool = False
    fewest_samples: int = 1

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        check_not_negative(weight=weight)
        self.weight = weight

    def teachers_used(self) -> dict[str, str]:
        """Teachers' names by the argument that gave them; the distiller checks them when it is built."""
        return {}

    def models_used(self) -> dict[str, str]:
        """Names of any models (student, assistant, teachers) by the argument that gave them; checked likewise."""
        return {}

    def models_trained(self) -> set[str]:
        """Names of the models that the term's gradient reaches, whatever its weight: all it uses, unless it says so."""
        return set(self.models_used().values())

    def setup(self, step: Step) -> None:
        """Makes modules that depend on shapes, from one dry step (2 samples, zeros), when the distiller is built."""

    @abstractmethod
    def forward(self, step: Step) -> Tensor:
        """Gives the term's unweighted scalar."""
