"""Whether the scores of a student come to the evaluator one row a sample."""

from mmaction.evaluation import AccMetric
from mmengine.runner.base_loop import BaseLoop
from torch import nn

from ..errors import ConfigError
from ..names import STUDENT


def check_averaging(model: nn.Module, loop: BaseLoop) -> None:
    """Refuses a head that leaves the scores of a sample's clips apart, which MMAction2's accuracies cannot read.

    They fail at the first validation, when an epoch has been trained, or, without the mean class accuracy, count each
    sample many times.

    Args:
        model: What is validated or tested: a distiller's student, or a model by itself.
        loop: What validates or tests it.

    Raises:
        ConfigError: If so.
    """
    student = getattr(model, STUDENT, model)
    apart = getattr(getattr(student, 'cls_head', None), 'average_clips', 'prob') is None
    if apart and any(isinstance(metric, AccMetric) for metric in loop.evaluator.metrics):
        key = 'model' if student is model else 'model.student.model'
        raise ConfigError(
            f"{key}.cls_head.average_clips=None leaves the scores of each sample's clips apart, and AccMetric needs "
            "one row a sample: set it to 'prob' (or 'score'), which a single clip needs as well"
        )
