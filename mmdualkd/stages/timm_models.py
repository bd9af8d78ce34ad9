"""How timm's MLPs divide (MLP-Mixer, ResMLP). Imported when one of them is divided for the first time."""

from collections.abc import Callable, Iterable

from timm.models._manipulate import checkpoint_seq
from timm.models.mlp_mixer import MlpMixer
from torch import Tensor

from .division import Division, divide, in_turn, token_stages
from .features import Features


@divide.register
def _(backbone: MlpMixer) -> Division:
    def embed(inputs: Tensor) -> tuple[Tensor, tuple[int, int, int]]:
        return backbone.stem(inputs), (1, *backbone.stem.grid_size)

    def run(blocks: Iterable[Callable], x: Tensor) -> Tensor:
        return checkpoint_seq(blocks, x) if backbone.grad_checkpointing else in_turn(blocks, x)

    def finish(features: Features) -> Tensor:
        return backbone.norm(features.to_tokens())

    return Division('mlp', token_stages(embed, backbone.blocks, run=run), finish)
