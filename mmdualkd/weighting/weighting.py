"""What a weighting is: it says how much each teacher counts for each sample."""

from abc import ABC, abstractmethod

from torch import Tensor, nn


class Weighting(nn.Module, ABC):
    """A weighting of teachers.

    A new one is a subclass with ``forward`` in any file that the config imports, registered in
    ``mmdualkd.registry.MODELS``. No gradient flows through it to the student.
    """

    def prepare(self, count: int, tau: float) -> None:
        """Is told what it will weigh, when the distiller is built.

        Args:
            count: The number of teachers.
            tau: Temperature of the predictions that are fused.

        Raises:
            ConfigError: If it cannot weigh so many.
        """

    @abstractmethod
    def forward(self, teachers: Tensor, student: Tensor, labels: Tensor) -> Tensor:
        """Weighs K teachers for each sample.

        Args:
            teachers: Logits (K, N, C).
            student: Logits (N, C), outside autograd.
            labels: Label distributions (N, C).

        Returns:
            Tensor: Weights (K, N), not negative, summing to 1 over K.
        """
