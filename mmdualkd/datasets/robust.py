"""What every data set of ours does: survive samples that do not decode, and draw each sample from its own seed."""

import copy
import zlib
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from mmengine.dataset import BaseDataset
from mmengine.structures import BaseDataElement

from ..errors import CacheError, ConfigError, DataError
from ..seeds import seeded
from .draws import Draw, parts_of, shown
from .labels import DROP, KEEP, LabelUse, is_unlabelled
from .pipelines import check_crop, check_pipeline
from .wrappers import occurrence, position

UNSET = -1
ERROR_BYTES = 512


class RobustDataset:
    """A mix-in for data sets on MMEngine's ``BaseDataset``; it stands before that class.

    **Samples that do not decode** (missing, truncated, without frames): an error of the pipeline before there are
    pixels flags the sample, unless only the pipeline can be to blame (:func:`check_pipeline`). In training another one
    takes its place. In test mode it is scored as a blank under its own label, so that accuracies stay comparable. Flags
    lie in shared memory: those that worker processes set are seen by :class:`~mmdualkd.hooks.CorruptVideoHook` in the
    main process.

    **Seeds**: once :class:`~mmdualkd.hooks.EpochSeedHook` has set the clock, Python's, NumPy's and torch's random
    numbers in the pipeline depend only on the seed, the epoch, the sample's position in the data set (or in the
    wrapper that repeats it), and how often the sampler has named it in this epoch. So neither the number of workers
    nor a stop changes a result. The caller's own random numbers go on untouched.

    **Views that repeat**: with ``num_views=K`` a sample has K draws and no more, one after the other each time that it
    comes up: in epoch e the view e mod K, counted on by wrappers that repeat a sample and by loops without epochs. A
    draw depends on (``view_seed``, index, view) alone, so that runs of other seeds, samplers, wrappers or processes see
    the same clips, and what teachers make of them can be kept (:meth:`attach`).

    **Samples without labels** have the label -1. In training they take part in the terms of a distillation that read no
    labels; what learns from labels alone leaves them out with ``unlabelled='drop'``.

    Args:
        *args: As for the class that this one stands before.
        num_views: K; None draws anew each time.
        view_seed: Other seeds give other views.
        labelled_fraction: Takes the labels of training samples away but for this share of each class (at least one), in
            0 to 1; None leaves them all.
        label_seed: Decides which keep theirs, whatever is done with the rest. A smaller share is part of a larger one.
        unlabelled: What is done with samples without a label: ``'keep'``, or ``'drop'``, as if they were not there.
        **kwargs: As for the class that this one stands before.

    Raises:
        ConfigError: If ``num_views`` is no whole number from 1, or ``view_seed`` none from 0; if a setting of labels is
            out of its range, or in test mode.

    Attributes:
        noun: What a sample is, in messages.
        pixels: The key under which a pipeline puts what it decoded.
        file: The key of a sample's file.
        label: The key of a sample's label.
    """

    noun = 'samples'
    pixels = 'img'
    file = 'img_path'
    label = 'gt_label'
    max_refetch: int

    def __init__(
        self,
        *args: Any,
        num_views: int | None = None,
        view_seed: int = 0,
        labelled_fraction: float | None = None,
        label_seed: int = 0,
        unlabelled: str = KEEP,
        **kwargs: Any,
    ) -> None:
        if num_views is not None and (type(num_views) is not int or num_views < 1):
            raise ConfigError(f'dataset.num_views must be None or a whole number from 1, got {num_views!r}')
        if type(view_seed) is not int or view_seed < 0:
            raise ConfigError(f'dataset.view_seed must be a whole number from 0, got {view_seed!r}')
        self.label_use = LabelUse(labelled_fraction, label_seed, unlabelled, kwargs.get('test_mode', False))
        self.num_views = num_views
        self.view_seed = view_seed
        self.records = None
        with seeded(view_seed):  # some transforms draw once for all, when they are built
            super().__init__(*args, **kwargs)

    def full_init(self) -> None:
        """Reads the annotations and makes the flags that the workers share."""
        super().full_init()
        if not hasattr(self, '_flags'):
            self._share()

    def _share(self) -> None:
        self._flags = torch.zeros(len(self), dtype=torch.uint8).share_memory_()
        self._clock = torch.full((3,), UNSET, dtype=torch.int64).share_memory_()
        self._error = torch.zeros(ERROR_BYTES, dtype=torch.uint8).share_memory_()

    def get_subset(self, indices: Sequence[int] | int) -> 'RobustDataset':
        """Gives a part of it, as MMEngine does (and MMPretrain's ``KFoldDataset``), with flags and clock of its own."""
        part = super().get_subset(indices)
        part._share()  # what is copied lies in no memory that workers share
        return part

    def filter_data(self) -> list[dict]:
        """Gives the samples that are used, with the labels that are: a share of each class is one of its ``indices``.

        Raises:
            DataError: If there are none.
        """
        self.data_list = super().filter_data()
        if self._indices is not None:  # MMEngine would take them of what is left
            self.data_list, self._indices = self._get_unserialized_subset(self._indices), None
        infos = self.label_use.of(self.data_list, self.label)
        if not infos and self.label_use.unlabelled == DROP:
            raise DataError(f"{source_of(self)}: no sample has a label, and dataset.unlabelled='drop'")
        return infos

    def set_clock(self, seed: int, epoch: int, part: int = 0) -> None:
        """Starts an epoch: samples are drawn from (seed, epoch, part, position, visit), or their views, from now on.

        Args:
            seed: The run's seed.
            epoch: The epoch that starts.
            part: Which of several data sets this is.
        """
        self._clock.copy_(torch.tensor([seed, epoch, part]))

    @property
    def flags(self) -> torch.Tensor:
        """A uint8 tensor (len(self),): 1 where the sample did not decode since the flags were last zeroed."""
        return self._flags

    @property
    def last_error(self) -> str:
        """What the last sample that did not decode raised, in any process."""
        return bytes(self._error.numpy()).rstrip(b'\0').decode(errors='replace')

    def attach(self, records: Any) -> None:
        """Lets each sample bring what a cache of teachers holds of it, under the key ``teacher_rows``.

        Args:
            records: Gives ``read(index, view)``, a record, see :class:`~mmdualkd.cache.layout.Layout`.
        """
        self.records = records

    def __getitem__(self, idx: int) -> Any:
        """Gives the sample, or what stands in for it if it does not decode.

        Raises:
            DataError: If ``max_refetch`` others in a row do not decode either.
            CacheError: If the sample is not drawn as it was when its record was written.
        """
        self.full_init()
        entropy = self._entropy(idx)
        if self.records is None:
            return self.draw(int(idx), entropy, tell=False).data
        if self.num_views is None or not entropy:
            raise ConfigError(
                'model.teacher_cache needs mmdualkd.EpochSeedHook among custom_hooks, which counts epochs'
            )
        record = self.records.read(int(idx), entropy[-1])
        draw = self.draw(int(idx), entropy, first=int(record['stand_in']))
        if (draw.stand_in, draw.shown) != (record['stand_in'], record['shown']):
            raise self._drawn_otherwise(int(idx), draw, int(record['stand_in']))
        draw.data['teacher_rows'] = torch.frombuffer(bytearray(record.tobytes()), dtype=torch.uint8)
        return draw.data

    def draw(self, idx: int, entropy: tuple[int, ...], first: int = 0, tell: bool = True) -> Draw:
        """Draws a sample; where it does not decode, another one.

        Args:
            idx: The sample.
            entropy: What its random numbers come from; none goes on with those of the process.
            first: The stand-in to begin with; those before it are known not to decode.
            tell: Whether to tell what was shown.

        Raises:
            DataError: See :meth:`__getitem__`.
        """
        for stand_in in range(self.max_refetch + 1):
            with seeded(*entropy, *([stand_in] if stand_in else [])) if entropy else nullcontext():
                place = self._rand_another() if stand_in else idx
                if stand_in < first:
                    file = self.get_data_info(place).get(self.file, f'sample {place}')
                    self._flag(place, f'{file}: it did not decode when the cache of teachers was written')
                    continue
                data = self.prepare_data(place)
                if data is not None:
                    return Draw(data, stand_in, shown(data, self._content(place)) if tell else 0)
                if self.test_mode:
                    return Draw(self._blank(idx), 0, 0)
        raise self._hopeless()

    def _entropy(self, idx: int) -> tuple[int, ...]:
        """What a sample's random numbers come from; its view last, where views repeat."""
        seed, epoch, part = self._clock.tolist()
        if seed == UNSET:
            return ()
        place = position(idx)
        visit = getattr(place, 'count', 0)
        if self.num_views is None:
            return seed, epoch, part, int(place), visit
        return self.entropy_of(int(idx), occurrence(epoch + visit) % self.num_views)

    def entropy_of(self, idx: int, view: int) -> tuple[int, int, int]:
        """What the random numbers of one view of a sample come from."""
        return self.view_seed, idx, view

    def _content(self, idx: int) -> list[int]:
        """Checksums of parts of a sample's file, or of its pixels where it has none."""
        info = self.get_data_info(idx)
        pixels = info.get(self.pixels)
        return [zlib.crc32(np.ascontiguousarray(pixels))] if pixels is not None else parts_of(info.get(self.file))

    def _drawn_otherwise(self, idx: int, draw: Draw, stand_in: int) -> CacheError:
        file = self.get_data_info(idx).get(self.file, f'sample {idx}')
        if draw.stand_in != stand_in:
            what = f'it decoded when the cache was written, and does not now ({self.last_error})'
        else:
            what = (
                'its file, frames, size or random numbers are not those that the teachers were shown: another video, '
                "another student's view, version of a library, or a transform whose random numbers depend on how many "
                'frames it is given'
            )
        return CacheError(f'model.teacher_cache does not fit {file}: {what}')

    def prepare_data(self, idx: int) -> Any:
        """Runs the pipeline; None if the sample does not decode. Errors after decoding are raised as they are.

        Raises:
            ConfigError: If the pipeline is to blame.
        """
        results = self.get_data_info(idx)
        file, frames = results.get(self.file), None
        for place, transform in enumerate(self.pipeline.transforms):
            try:
                results = transform(results)
            except Exception as error:
                check_crop(place, transform, results, file, error)
                if self.pixels in results or isinstance(error, ConfigError):
                    raise
                check_pipeline(place, transform, results, self.pixels, error)
                self._flag(idx, f'{file or f"sample {idx}"}: {type(error).__name__}: {error}')
                return None
            if results is None:
                return None
            frames = results.get('teacher_frames', frames) if isinstance(results, dict) else frames
        self._name(results, sample_idx=idx, teacher_frames=frames, **{self.file: file})
        return results

    @staticmethod
    def _name(data: Any, **meta: Any) -> None:
        """Lets a sample carry which one it is."""
        sample = data.get('data_samples') if isinstance(data, dict) else None
        if isinstance(sample, BaseDataElement):
            sample.set_metainfo({name: value for name, value in meta.items() if value is not None})

    def get_cat_ids(self, idx: int) -> list[int]:
        """The labels of a sample, for MMEngine's ``ClassBalancedDataset``; none if it has none."""
        labels = np.atleast_1d(BaseDataset.get_data_info(self, idx)[self.label])
        return [] if is_unlabelled(labels) else labels.tolist()

    def failed(self, flags: torch.Tensor | None = None) -> list[str]:
        """Names the flagged samples, each once.

        Args:
            flags: Flags of all processes together; by default this process's and its workers'.
        """
        indices = (self._flags if flags is None else flags).nonzero().flatten().tolist()
        return list(dict.fromkeys(self.get_data_info(index).get(self.file, f'sample {index}') for index in indices))

    def _flag(self, idx: int, message: str) -> None:
        self._flags[idx] = 1
        text = ' '.join(message.split()).encode()[:ERROR_BYTES].ljust(ERROR_BYTES, b'\0')
        self._error.copy_(torch.frombuffer(bytearray(text), dtype=torch.uint8))

    def _blank(self, idx: int) -> Any:
        """A zeroed copy of the next sample that decodes, with this sample's label."""
        for step in range(1, min(self.max_refetch, len(self) - 1) + 1):
            data = self.prepare_data((idx + step) % len(self))
            if data is not None:
                data = copy.deepcopy(data)
                data['inputs'] = torch.zeros_like(data['inputs'])
                info = self.get_data_info(idx)
                data['data_samples'].set_gt_label(info[self.label])
                self._name(data, sample_idx=idx, **{self.file: info.get(self.file)})
                return data
        raise self._hopeless()

    def _hopeless(self) -> DataError:
        return DataError(
            f'{source_of(self)}: {int(self._flags.sum())} {self.noun} do not decode, '
            f'{min(self.max_refetch, len(self))} of them in a row; the last one: {self.last_error}'
        )


def source_of(dataset: object) -> str:
    """Where a data set's samples come from, for messages: the annotation file, else the first folder."""
    folders = [str(folder) for folder in (getattr(dataset, 'data_prefix', None) or {}).values() if folder]
    return getattr(dataset, 'ann_file', None) or next(iter(folders), type(dataset).__name__)
