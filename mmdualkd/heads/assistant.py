"""An assistant between two models of different kinds, made of their own stages."""

from torch import nn

from ..errors import ConfigError, check_name
from ..outputs import Outputs
from ..stages import Features, StagedModel
from .local_to_global import LocalToGlobal


class Assistant(nn.Module):
    r"""The first three stages of one model, a local-to-global projector, the last stage and the head of the other.

    .. math::
        p_F(x) = fc_m \circ S_m^4 \circ L2G \circ S_c^3 \circ S_c^2 \circ S_c^1 (x)

    (TAS, https://arxiv.org/abs/2410.12342). Of a CNN and another kind the CNN comes first; otherwise the student does.
    Stages are the models' own: the student's train along, gradients reach them through the assistant as well, the
    teacher's stay frozen and in eval mode. The projector is the only part that this module holds, and what the first
    three stages gave is taken from the model's own run. That teacher's stages stay frozen is our reconstruction.

    Args:
        student: The student, divided.
        teacher: The teacher, divided.
        features: What the third stages of student and teacher give, from which the projector is sized.

    Attributes:
        student_first: Whether the first stages are the student's.
    """

    def __init__(self, student: StagedModel, teacher: StagedModel, features: tuple[Features, Features]) -> None:
        super().__init__()
        self.student_first = not (teacher.kind == 'cnn' and student.kind != 'cnn')
        shapes = [tuple(part.grid.shape[1:]) for part in features]
        first, last = shapes if self.student_first else reversed(shapes)
        self.l2g = LocalToGlobal(first, last)

    def forward(self, features: Features, last: StagedModel, samples: list | None = None) -> Outputs:
        """Runs the projector and the last stage.

        Args:
            features: What the first model's third stage gave in this step, N rows.
            last: The other model, divided. A teacher's weights take no gradient, what flows through it does.
            samples: The samples, for necks that read them.

        Returns:
            The assistant's outputs, N rows.
        """
        return last.last(Features(self.l2g(features.grid), None), samples)


def check_assistant(cfg: dict, teachers: dict) -> str:
    """Checks ``model.assistant`` and gives its teacher's name."""
    if not isinstance(cfg, dict) or set(cfg) != {'teacher'}:
        raise ConfigError(f"model.assistant must be dict(teacher='<name>'), got {cfg!r}")
    check_name('model.assistant.teacher', cfg['teacher'], teachers, 'teacher')
    return cfg['teacher']
