"""Whether scores and labels come to the evaluator as it can read them."""

import numpy as np
from mmaction.evaluation import AccMetric
from mmengine.runner.base_loop import BaseLoop
from torch import nn

from ..errors import ConfigError
from ..names import LABELS, STUDENT

# the metrics of AccMetric for one label a sample, and for several; first those to take
OF_ONE = ('top_k_accuracy', 'mean_class_accuracy')
OF_SEVERAL = ('mean_average_precision', 'mmit_mean_average_precision')


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


def check_metrics(dataset: object, where: str, loop: BaseLoop) -> None:
    """Refuses accuracies of one label a sample where a data set has several, and the other way round: they fail at the
    first validation, when an epoch has been trained.

    Args:
        dataset: A data set without wrappers.
        where: Its place, for errors.
        loop: What validates or tests on it.

    Raises:
        ConfigError: Names the metrics.
    """
    several = getattr(dataset, 'multi_class', None)
    info = dataset.get_data_info(0) if several is False else {}
    if several is None or any(np.ndim(info.get(key, 0)) for key in LABELS):  # one's own may read several without it
        return
    told, other = (('one', OF_ONE), ('several', OF_SEVERAL))[:: 1 if several else -1]
    for metric in loop.evaluator.metrics:
        unfit = [name for name in getattr(metric, 'metrics', ()) if name in told[1]]
        if isinstance(metric, AccMetric) and unfit:
            raise ConfigError(
                f'{where} has {other[0]} label{"s" * several} a sample (multi_class={several}), and {", ".join(unfit)} '
                f'of AccMetric is for {told[0]}: set its metric_list={other[1]}'
            )
