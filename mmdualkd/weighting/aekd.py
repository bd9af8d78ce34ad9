"""Adaptive weighting in gradient space."""

import torch
from torch import Tensor

from ..errors import ConfigError, check_positive
from ..global_batch import over_processes
from ..registry import MODELS
from .weighting import Weighting

MOST = 6  # teachers; the exact search has 3^K cases


@MODELS.register_module()
class AEKD(Weighting):
    r"""Weights that make the sum of the teachers' gradients short, so that no teacher is moved away from (Du et al.,
    NeurIPS 2020).

    *Agree to Disagree: Adaptive Ensemble Knowledge Distillation in Gradient Space*,
    https://proceedings.neurips.cc/paper_files/paper/2020/hash/91c77393975889bd08f301c9e13a44b7-Abstract.html:

    .. math::
        \min_w \left| \sum_k w_k \frac{\partial L_k}{\partial z_S} \right|^2, \quad
        \sum_k w_k = 1, \quad 0 \le w_k \le C, \quad
        \frac{\partial L_k}{\partial z_S} \propto softmax(z_S / \tau) - softmax(z_k / \tau)

    with :math:`\tau` that of the term that it weighs for. All samples of a batch have the same weights: as in the
    authors' code (second-hand) the mean gradient over the batch counts, here over the batch of all processes.
    The minimum is exact: in closed form for two teachers, and for more by trying which weights are at a bound. A term
    with ``fuse='probabilities'`` adds up these gradients.

    Args:
        tolerance: C, the most that one teacher may weigh, in (0, 1] and at least 1 / K; the authors' default is 0.6.
            With 1 / K all weigh the same.

    Raises:
        ConfigError: If ``tolerance`` is out of its range, or there are more than six teachers (when the distiller is
            built).
    """

    def __init__(self, tolerance: float = 0.6) -> None:
        super().__init__()
        check_positive(tolerance=tolerance)
        if tolerance > 1:
            raise ConfigError(f'tolerance must be at most 1, got {tolerance!r}')
        self.tolerance = tolerance
        self.tau = 4.0

    def prepare(self, count: int, tau: float) -> None:
        if count > MOST:
            raise ConfigError(f'AEKD weighs at most {MOST} teachers, there are {count}: name fewer in `teachers`')
        if count > 1 and self.tolerance * count < 1 - 1e-6:
            raise ConfigError(
                f'tolerance={self.tolerance!r} leaves the weights of {count} teachers no sum of 1: at least 1 / {count}'
            )
        self.tau = tau

    @torch.no_grad()
    def forward(self, teachers: Tensor, student: Tensor, labels: Tensor) -> Tensor:
        """Weighs teachers' logits (K, N, C), each the same for all samples: (K, N)."""
        p, q = ((logits / self.tau).softmax(dim=-1) for logits in (teachers, student))
        gradients = over_processes((q - p).mean(dim=1), teachers.size(1))  # (K, C)
        weights = shortest_sum(gradients.double(), self.tolerance)
        return weights.to(teachers.dtype)[:, None].expand(-1, teachers.size(1))


def shortest_sum(vectors: Tensor, most: float) -> Tensor:
    """Shares w, each at most ``most``, for which the sum of w_k v_k is shortest; equal ones where all are the same.

    Args:
        vectors: (K, C), double.
        most: From 1 / K to 1.
    """
    count = len(vectors)
    if count == 1:
        return vectors.new_ones(1)
    gram = vectors @ vectors.t()
    gram = gram / gram.trace().clamp_min(1e-30)
    if count == 2:  # |v_1 + w (v_0 - v_1)|, shortest at the foot of the perpendicular
        apart = gram[0, 0] + gram[1, 1] - 2 * gram[0, 1]
        first = torch.where(apart > 1e-12, (gram[1, 1] - gram[0, 1]) / apart.clamp_min(1e-12), 0.5)
        first = first.clamp(1 - most, most)
        return torch.stack([first, 1 - first])
    return _search(gram + 1e-9 * torch.eye(count, dtype=gram.dtype, device=gram.device), most)


def _search(gram: Tensor, most: float) -> Tensor:
    """The same from a Gram matrix (K, K).

    It tries all shares at which some weights are 0, some ``most``, and the free ones stationary, and takes the best:
    the problem is convex, so its solution is among them.
    """
    count, cases = len(gram), 3 ** len(gram)
    place = torch.arange(count, device=gram.device)
    state = torch.arange(cases, device=gram.device)[:, None] // 3**place % 3  # (cases, K): 0, free, most
    free, fixed = (state == 1).to(gram.dtype), (state == 2).to(gram.dtype) * most
    # a row for each free w_i, sum_j G_ij w_j + m = 0; for each other, w_i = its bound; the last: sum_i w_i = 1,
    # or m = 0 where none is free
    any_free = free.amax(dim=1)
    identity = torch.eye(count, dtype=gram.dtype, device=gram.device)
    weights_of = free[:, :, None] * gram + (1 - free)[:, :, None] * identity
    last = torch.cat([any_free[:, None].expand(-1, count), (1 - any_free)[:, None]], dim=1)
    system = torch.cat([torch.cat([weights_of, free[:, :, None]], dim=2), last[:, None]], dim=1)
    right = torch.cat([fixed, any_free[:, None]], dim=1)
    found, _ = torch.linalg.solve_ex(system, right[..., None])  # unlike solve it waits for no device
    shares = found[:, :count, 0]
    within = (shares > -1e-9) & (shares < most + 1e-9)
    valid = within.all(dim=1) & ((shares.sum(dim=1) - 1).abs() < 1e-6)
    lengths = ((shares @ gram) * shares).sum(dim=1)
    best = torch.where(valid, lengths, float('inf')).argmin()
    shares = shares.index_select(0, best[None])[0].clamp(0, most)
    return shares / shares.sum()
