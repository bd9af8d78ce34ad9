"""Exits from a student's stages to class scores, trained only while distilling."""

from torch import Tensor, nn

from .local_to_global import LocalToGlobal

Shape = tuple[int, int, int, int]


class Exit(nn.Module):
    """What brings the features of a stage to class scores (OFA-KD, https://arxiv.org/abs/2310.19444).

    The forms are the authors', second-hand: for a CNN as many depthwise separable convolutions as there are stages to
    come, each halving height and width, or a 1x1 convolution after the last stage; for transformers and MLPs merged
    patches and attention blocks; then the mean of the cells and a linear layer. Ours: the normalisation goes by sample,
    so that no layer depends on the batch; on clips the convolutions see three frames and keep their number; the other
    kinds go to the last stage's grid by a :class:`~mmdualkd.heads.local_to_global.LocalToGlobal`, and through another
    for each further stage to come; class tokens take no part.

    Args:
        kind: ``'cnn'``, ``'vit'`` or ``'mlp'``.
        stage: The stage's number, 1 to 4.
        shape: (C, T, H, W) of its features.
        last: (C, T, H, W) of the last stage's.
        width: Channels that a CNN's exit ends with.
        classes: Classes.
    """

    def __init__(self, kind: str, stage: int, shape: Shape, last: Shape, width: int, classes: int) -> None:
        super().__init__()
        to_come = 4 - stage
        if kind == 'cnn':
            widths = [shape[0] * 2**step for step in range(to_come)] + [width]
            layers = [separable(*pair, frames=shape[1]) for pair in zip(widths, widths[1:], strict=False)]
            self.layers = nn.Sequential(*(layers or [nn.Conv3d(shape[0], width, 1)]))
        else:
            width = last[0]
            blocks = [LocalToGlobal(shape, last), *(LocalToGlobal(last, last) for _ in range(to_come - 1))]
            self.layers = nn.Sequential(*blocks)
        self.classify = nn.Linear(width, classes)

    def forward(self, grid: Tensor) -> Tensor:
        """Scores (N, C, T, H, W) as (N, classes)."""
        return self.classify(self.layers(grid).mean((2, 3, 4)))


def separable(in_width: int, out_width: int, frames: int) -> nn.Sequential:
    """A depthwise convolution that halves height and width, a pointwise one, a norm, ReLU."""
    depth = 3 if frames > 1 else 1
    return nn.Sequential(
        nn.Conv3d(in_width, in_width, (depth, 3, 3), (1, 2, 2), (depth // 2, 1, 1), groups=in_width, bias=False),
        nn.Conv3d(in_width, out_width, 1, bias=False),
        nn.GroupNorm(1, out_width),
        nn.ReLU(inplace=True),
    )
