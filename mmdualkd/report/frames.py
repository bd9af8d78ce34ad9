"""A small picture of a clip: the middle frame of what the student is shown."""

import base64
import io
from typing import Any

import numpy as np
import torch
from mmengine.dataset import ConcatDataset
from PIL import Image
from torch import Tensor

from ..datasets.pictures import is_blue_first

SIDE = 128  # pixels of the longer side, to which small frames are enlarged as well
QUALITY = 80


def frame(dataset: Any, index: int) -> str | None:
    """The middle frame of a sample as the address of an inline JPEG; None for one that does not decode.

    Args:
        dataset: The validation data.
        index: The sample.
    """
    plain, place = _inner(dataset, index)
    try:
        data = plain.prepare_data(place)
        picture = _picture(data['inputs'])
        turned = is_blue_first(plain, plain.get_data_info(place).get('img_path'))
    except Exception:  # whatever a decoder raises: there is no picture then, and the page says so
        return None
    image = Image.fromarray(np.ascontiguousarray(picture[..., ::-1] if turned else picture))
    scale = SIDE / max(image.size)
    image = image.resize([max(1, round(scale * side)) for side in image.size], Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    image.save(buffer, 'JPEG', quality=QUALITY)
    return f'data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}'


def _picture(inputs: Tensor) -> np.ndarray:
    """(H, W, 3) uint8 out of clips (clips, 3, T, H, W), frames (frames, 3, H, W) or a picture (3, H, W)."""
    if inputs.dim() == 5:
        inputs = inputs[len(inputs) // 2, :, inputs.size(2) // 2]
    elif inputs.dim() == 4:
        inputs = inputs[len(inputs) // 2]
    return inputs.clamp(0, 255).to(torch.uint8).permute(1, 2, 0).numpy()


def _inner(dataset: Any, index: int) -> tuple[Any, int]:
    """The data set inside MMEngine's wrappers, and the sample's index there."""
    if isinstance(dataset, ConcatDataset):
        part, index = dataset._get_ori_dataset_idx(index)
        return _inner(dataset.datasets[part], index)
    if type(dataset).__name__ == 'KFoldDataset':  # what it holds is the fold alone
        return _inner(dataset.dataset, index)
    if hasattr(dataset, 'dataset'):
        return _inner(dataset.dataset, dataset._get_ori_dataset_idx(index))
    return dataset, index
