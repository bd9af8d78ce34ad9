"""Redundancy suppression distillation."""

from torch import Tensor

from ..errors import ConfigError, check_not_negative
from ..global_batch import gather_batch
from ..heads import Decoupler
from ..heads.decoupler import standardise_rows
from ..names import STUDENT
from ..registry import MODELS
from .pair import PairTerm
from .term import Step


@MODELS.register_module()
class RSD(PairTerm):
    r"""Redundancy suppression: each feature of the source correlates with one projected feature of the target and no
    other (Zhang et al., ICCV 2025).

    https://arxiv.org/abs/2507.21844, with :math:`\hat f` standardised over the batch and h the projector
    (:class:`~mmdualkd.heads.decoupler.Decoupler`), which trains with the loss:

    .. math::
        P = \frac{1}{N} \hat f^{src\,T} \widehat{h(f^{tgt})}, \quad
        L = \sum_i (P_{ii} - 1)^2 + \kappa \sum_{i \ne j} P_{ij}^2

    What is known of the paper is second-hand: Pearson's correlations of the vectors that the heads read pulled to the
    identity, the projector, :math:`\kappa` and the weight 0.1 beside the cross-entropy; that entries are summed and not
    averaged is a public implementation's. Ours: N counts the samples of all processes, in the projector's normalisation
    as well, and features that hardly vary over the batch are not stretched, so that every gradient has a bound. Chance
    alone leaves about :math:`\kappa D^2 / N` of the second sum, D the source's width: in small batches it outweighs all
    else, and the weight that was found for large ones is too much.

    Log: ``<term>/correlation``, the mean of :math:`P_{ii}`.

    Args:
        source: See :class:`~mmdualkd.losses.pair.PairTerm`.
        target: The same.
        off_diagonal: What the squares off the diagonal count (kappa); not negative.
        ratio: How many times wider than its input the projector's middle is, a whole number from 1.
        detach_source: See :class:`~mmdualkd.losses.pair.PairTerm`.
        weight: See :class:`~mmdualkd.losses.term.Term`.

    Raises:
        ConfigError: If an argument is out of its range, or source and target do not fit.
    """

    fewest_samples = 3  # of two every feature is 1 and -1, whatever it was

    def __init__(
        self,
        source: str,
        target: str = STUDENT,
        off_diagonal: float = 0.01,
        ratio: int = 2,
        detach_source: bool = False,
        weight: float = 1.0,
    ) -> None:
        super().__init__(source, target, detach_source, weight)
        check_not_negative(off_diagonal=off_diagonal)
        if type(ratio) is not int or ratio < 1:
            raise ConfigError(f'ratio must be a whole number from 1, got {ratio!r}')
        self.off_diagonal = off_diagonal
        self.ratio = ratio

    def setup(self, step: Step) -> None:
        super().setup(step)
        source, target = self.read(step, 'pooled')
        self.projector = Decoupler(target.size(1), source.size(1), self.ratio)

    def forward(self, step: Step) -> Tensor:
        source, target = (gather_batch(features) for features in self.read(step, 'pooled'))
        correlations = standardise_rows(source).t() @ standardise_rows(self.projector(target)) / len(source)
        own = correlations.diagonal()
        step.log[f'{self.name}/correlation'] = own.detach().mean()
        others = correlations.square().sum() - own.square().sum()
        return (own - 1).square().sum() + self.off_diagonal * others
