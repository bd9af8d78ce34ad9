"""What a stage hands on, in one form for CNNs, transformers and MLPs."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Features:
    """Features between two stages. Conversions are views wherever no token is added, and all are undone exactly.

    Attributes:
        grid: One vector a cell, (N, C, T, H, W); a picture has T = 1.
        extra: Tokens that belong to no cell (class token, distillation token), (N, K, C), in the model's own order;
            None where there are none.
    """

    grid: Tensor
    extra: Tensor | None = None

    @classmethod
    def from_map(cls, picture_map: Tensor) -> 'Features':
        """Takes a map of a picture, (N, C, H, W)."""
        return cls(picture_map.unsqueeze(2))

    @classmethod
    def from_tokens(cls, tokens: Tensor, shape: tuple[int, ...], num_extra: int = 0) -> 'Features':
        """Takes tokens, (N, num_extra + T * H * W, C): first those of no cell, then the cells, W fastest.

        Args:
            tokens: The tokens.
            shape: (T, H, W).
            num_extra: K.
        """
        grid = tokens[:, num_extra:].transpose(1, 2).unflatten(2, tuple(shape))
        return cls(grid, tokens[:, :num_extra] if num_extra else None)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(T, H, W)."""
        return tuple(self.grid.shape[2:])

    def to_map(self) -> Tensor:
        """Gives the map of a picture, (N, C, H, W)."""
        return self.grid.squeeze(2)

    def to_tokens(self, num_extra: int = 0) -> Tensor:
        """Gives the tokens, (N, num_extra + T * H * W, C), as :meth:`from_tokens` takes them.

        Args:
            num_extra: Tokens of no cell that the model expects. Features that bring none (they come from a model of
                another kind) get the mean of their cells in each such place, which is our reconstruction.
        """
        tokens = self.grid.flatten(2).transpose(1, 2)
        if not num_extra:
            return tokens
        extra = self.extra
        if extra is None:
            extra = tokens.mean(dim=1, keepdim=True).expand(-1, num_extra, -1)
        return torch.cat((extra, tokens), dim=1)
