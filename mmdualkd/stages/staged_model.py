"""A whole classifier whose stages run one by one."""

from typing import Any

from torch import Tensor, nn

from ..errors import ConfigError
from ..outputs import Outputs, head_outputs
from .division import divide
from .features import Features


class StagedModel:
    """A recognizer or classifier, divided: it hands out its stages' features, and its last stage runs on those of
    another model.

    It is no module and holds no weights. What is called are the backbone's own parts as they were when it was divided,
    so hooks on the backbone as a whole do not fire, and who replaces parts of the model divides it anew. A deep copy
    beside the model's runs the model's copy.

    Args:
        model: A classifier of MMPretrain (``ImageClassifier``, ``TimmClassifier``) or a ``Recognizer3D`` of MMAction2.

    Attributes:
        kind: ``'cnn'``, ``'vit'`` or ``'mlp'``.

    Raises:
        ConfigError: If the model's family is not divided, see :func:`mmdualkd.stages.divide`.
    """

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.division = divide(model.backbone if hasattr(model, 'backbone') else getattr(model, 'model', model))
        self.kind = self.division.kind

    def __reduce__(self) -> tuple:
        return StagedModel, (self.model,)

    def run(self, inputs: Tensor, data_samples: list | None = None) -> tuple[Outputs, tuple[Features, ...]]:
        """Runs the whole model once; its outputs are those of :func:`mmdualkd.outputs.run_model` to the last bit.

        Args:
            inputs: Normalised (N, C, H, W), or (N, clips, C, T, H, W) of a recognizer.
            data_samples: Labels for necks that add a loss of their own in training.

        Returns:
            The outputs, and what each of the four stages gives; a recognizer's have N * clips rows, sample by sample.

        Raises:
            ConfigError: If a recognizer is given segments.
        """
        if hasattr(self.model, 'cls_head'):
            if inputs.ndim != 6:
                raise ConfigError(
                    f'{type(self.model).__name__} reads segments, {tuple(inputs.shape)}: only recognizers of clips, '
                    '(N, clips, C, T, H, W), are divided into stages'
                )
            inputs = inputs.flatten(0, 1)
        features: Any = inputs
        given = []
        for stage in self.division.stages:
            features = stage(features)
            given.append(features)
        return self._head(features, data_samples), tuple(given)

    def last(self, features: Features, data_samples: list | None = None) -> Outputs:
        """Runs the fourth stage, the final norm, the neck and the head.

        Args:
            features: N rows of the width that this model's fourth stage takes, its own or another's.
            data_samples: See :meth:`run`.

        Returns:
            The outputs, N rows.
        """
        return self._head(self.division.stages[3](features), data_samples)

    def _head(self, features: Features, data_samples: list | None) -> Outputs:
        return head_outputs(self.model, self.division.finish(features), data_samples)
