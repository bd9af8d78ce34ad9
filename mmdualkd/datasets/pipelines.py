"""Mistakes in a pipeline, told from samples that do not decode."""

from typing import Any

from mmaction.datasets.transforms import RandomCrop

from ..errors import ConfigError

STOCK = ('mmaction', 'mmcv', 'mmpretrain', 'mmdualkd')


def check_pipeline(place: int, transform: Any, results: dict, pixels: str, error: Exception) -> None:
    """Refuses a pipeline whose transform asks for what is not there yet, or fails without having read the file.

    Decoders raise a ``TypeError`` or ``AttributeError`` of broken files too (OpenCV gives None for pixels), and what
    others' own transforms do is not known: of these only a ``KeyError`` for the pixels is a mistake for certain.

    Args:
        place: The transform's place in the pipeline.
        transform: The transform that failed before there were pixels.
        results: What it was given.
        pixels: The key of the pixels.
        error: What it raised.

    Raises:
        ConfigError: Names the transform.
    """
    package, *_, module = type(transform).__module__.rpartition('.')
    known = package.partition('.')[0] in STOCK and module != 'wrappers'  # these may hold anyone's transforms
    where = f'dataset.pipeline.{place} ({type(transform).__name__})'
    key = error.args[0] if isinstance(error, KeyError) and error.args else None
    if isinstance(key, str) and key not in results and (known or key == pixels):
        raise ConfigError(f'{where} needs {key!r}, which nothing before it in the pipeline gives') from error
    if known and module != 'loading' and isinstance(error, TypeError | AttributeError):
        reason = ' '.join(str(error).split())
        raise ConfigError(f'{where} fails before anything is decoded: {type(error).__name__}: {reason}') from error


def check_crop(place: int, transform: Any, results: dict, file: str | None, error: Exception) -> None:
    """Says what an ``AssertionError`` of mmaction2's ``RandomCrop`` is about; for the arguments see above.

    Raises:
        ConfigError: Names the file, the size of its frames and the crop.
    """
    if type(transform) is RandomCrop and isinstance(error, AssertionError) and 'img_shape' in results:
        height, width = results['img_shape']
        raise ConfigError(
            f'dataset.pipeline.{place} (RandomCrop): size={transform.size} is more than the frames of {file} have '
            f'there, {width} x {height} pixels: resize them before, or crop less'
        ) from error
