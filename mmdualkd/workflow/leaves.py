"""The configs of a run: a leaf for each training, which says what that training is and can be run by hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..datasets.kept import KEEP_GB
from ..zoo.catalogue import VIDEOS, Model
from .methods import terms_of
from .recipes import VALIDATIONS, recipe
from .stages import FRAMES
from .writing import Code

# what crops show of a frame where training begins from scratch; docs/distill.md has what it is worth
FROM_SCRATCH_AREA = (0.5, 1.0)


@dataclass(frozen=True)
class Entry:
    """A student or teacher of a run.

    Attributes:
        name: What the user called it.
        model: What it is.
        checkpoint: Weights that it starts from, or of a teacher that need no training (``trained``); None for none.
        trained: Whether the checkpoint knows the user's classes.
        changes: What of the model's config is changed where it starts from no checkpoint, so that no weights that this
            config names are loaded.
    """

    name: str
    model: Model
    checkpoint: str | None
    trained: bool = False
    changes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def config(self) -> str | Code:
        """The ``config`` of its entry in a distiller."""
        return self.model.config if self.model.variable is None else Code(f'_base_.{self.model.variable}')


@dataclass(frozen=True)
class Job:
    """What all trainings of a run have in common.

    Attributes:
        of: ``'videos'`` or ``'pictures'``.
        data_root: The folder that paths in annotation files start from.
        annotations: The folder of ``train.txt``, ``val.txt`` and ``classes.txt``, of a split into three ``test.txt``.
        classes: How many there are.
        samples: How many there are to train on.
        batch_size: Samples a process and step.
        workers: Processes that a data loader starts.
        processes: How many train together.
        flip: Whether a mirrored clip keeps its class.
        amp: Whether it trains in mixed precision.
        seed: Of the trainings.
        unlabelled: How many samples there are beside, in ``train.txt`` too, that have no label.
        video_frames: Frames of a video, about; 0 for pictures.
        validated: How many samples there are to validate on.
        tested: How many others there are to test on; 0 where they are the same.
    """

    of: str
    data_root: Path
    annotations: Path
    classes: int
    samples: int
    batch_size: int
    workers: int
    processes: int = 1
    flip: bool = True
    amp: bool = False
    seed: int = 0
    unlabelled: int = 0
    video_frames: int = 0
    validated: int = 0
    tested: int = 0

    def batch(self, samples: int) -> int:
        """Samples of a process and step, of so many to train on."""
        return min(self.batch_size, max(samples // self.processes, 1))

    @property
    def seen(self) -> int:
        """Samples with a label that an epoch shows; what is left over from full batches differs by epoch."""
        share = max(self.samples // self.processes, 1)
        return (share - share % self.batch(self.samples)) * self.processes

    @property
    def test_list(self) -> Path:
        """The annotation file of what judges where that is not validated on."""
        return self.annotations / 'test.txt'

    @property
    def frames(self) -> Path:
        """Where decoded frames lie while the run trains."""
        return self.annotations.parent / FRAMES


def alone(job: Job, entry: Entry, epochs: int, beside: Mapping[str, Entry] = MappingProxyType({})) -> dict[str, Any]:
    """The config of one model that learns from labels alone, be it a teacher or the student as a baseline.

    Args:
        job: What all trainings share.
        entry: The model.
        epochs: How long it trains.
        beside: Teachers whose distillation it is compared with: it sees the clips and crops that it would see there.
    """
    model = dict(
        type='mmdualkd.Distiller',
        num_classes=Code('num_classes'),
        views=dict(student=dict(entry.model.view)),
        student=_spec(entry),
        teachers={},
        terms={},
    )
    return _config(job, [entry], model, beside, epochs)


def distilled(
    job: Job, student: Entry, teachers: Mapping[str, Entry], epochs: int, method: str | None = None
) -> dict[str, Any]:
    """The config of the distillation, by a method that is named, or else by what its teachers are.

    That is the dual-teacher method, the hybrid assistant, or plain KD of other teachers.
    """
    kinds = {role: teacher.model.kind for role, teacher in teachers.items()}
    terms = {}
    if method is not None:
        kind, terms = 'mmdualkd.Distiller', dict(terms=terms_of(method, kinds))
    elif job.of == VIDEOS and kinds == dict(vit='vit', cnn='cnn'):
        kind = 'mmdualkd.DualTeacherDistiller'
    elif job.of != VIDEOS and len(teachers) == 1:
        kind = 'mmdualkd.HybridAssistantDistiller'
    else:
        kind = 'mmdualkd.Distiller'
        weighting = dict(type='Uniform' if len(teachers) == 1 else 'DATW')
        terms = dict(terms=dict(kd=dict(type='FusedKD', weighting=weighting)))
    model = dict(
        type=kind,
        num_classes=Code('num_classes'),
        views={name: dict(entry.model.view) for name, entry in dict(student=student, **teachers).items()},
        student=_spec(student),
        teachers={name: _spec(teacher) for name, teacher in teachers.items()},
        **terms,
    )
    return _config(job, [student, *teachers.values()], model, teachers, epochs)


def _spec(entry: Entry) -> dict[str, Any]:
    weights = dict(checkpoint=entry.checkpoint) if entry.checkpoint else {}
    changes = {} if entry.checkpoint else dict(entry.changes)
    if entry.model.of_rgb:
        changes['data_preprocessor'] = {**changes.get('data_preprocessor', {}), 'to_rgb': True}
    return dict(config=entry.config, **(dict(model=changes) if changes else {}), **weights)


def _config(job: Job, entries: list[Entry], model: dict, beside: Mapping[str, Entry], epochs: int) -> dict[str, Any]:
    """A whole leaf, by its names at the top; the first of the entries is the one that trains."""
    student = entries[0]
    video = job.of == VIDEOS
    runtime = 'default_runtime' if video else 'default_runtime_image'
    bases = [f'mmdualkd::_base_/{runtime}.py', f'mmdualkd::_base_/datasets/{job.of}.py']
    bases += sorted({entry.model.config for entry in entries if entry.model.variable})
    sees = {name: dict(entry.model.view) for name, entry in dict(student=student, **beside).items()}
    pipelines = _video_pipelines(job, student, sees) if video else _picture_pipelines(job, student.model, sees)
    samples = job.samples + (job.unlabelled if model.get('teachers') else 0)
    batch = job.batch(samples)
    loader = dict(num_workers=job.workers, persistent_workers=job.workers > 0)

    prefix = dict(video=Code('data_root')) if video else Code('data_root')

    def load(split: str) -> dict[str, Any]:
        file = Code('ann_file_val' if split == 'test' and not job.tested else f'ann_file_{split}')
        data = dict(ann_file=file, data_prefix=prefix, pipeline=Code(f'{split}_pipeline'))
        if split == 'train' and job.unlabelled and not model['teachers']:
            data['unlabelled'] = 'drop'
        return dict(batch_size=batch, **loader, dataset=data)

    every = -(-epochs // VALIDATIONS)
    return dict(
        _base_=bases,
        num_classes=job.classes,
        data_root=str(job.data_root),
        ann_file_train=str(job.annotations / 'train.txt'),
        ann_file_val=str(job.annotations / 'val.txt'),
        **(dict(ann_file_test=str(job.test_list)) if job.tested else {}),
        model=model,
        **pipelines,
        train_dataloader=load('train'),
        val_dataloader=load('val'),
        test_dataloader=load('test'),
        **recipe(student.model, student.checkpoint is not None, epochs, batch * job.processes, every, job.amp),
        randomness=dict(seed=job.seed),
        # the last epoch's weights are taken, so that the validation data choose nothing
        default_hooks=dict(checkpoint=dict(save_best=None, max_keep_ckpts=1)),
    )


def _video_pipelines(job: Job, entry: Entry, sees: Mapping[str, dict]) -> dict[str, list]:
    student = entry.model
    size = max(view['size'] for view in sees.values())  # of the clip that all views are made of
    frames = {name: value for name, value in student.view.items() if name != 'size'}
    side, short = round(size * 8 / 7), _short_side(student)
    crop = dict(area_range=FROM_SCRATCH_AREA) if entry.checkpoint is None else {}
    pack = [dict(type='FormatShape', input_format='NCTHW'), dict(type='PackActionInputs')]
    packed = [dict(type='FormatShape', input_format='NCHW'), pack[1]] if frames['clip_len'] == 1 else pack

    def test(clips: int) -> list[dict]:
        several = {} if frames['clip_len'] == 1 or clips == 1 else dict(num_clips=clips)
        return [
            dict(type='DecordInit'),
            dict(type='SampleFrames', **{**frames, **several}, test_mode=True),
            dict(type='DecordDecode'),
            dict(type='Resize', scale=(-1, short)),
            dict(type='CenterCrop', crop_size=student.test_size),
            *packed,
        ]

    return dict(
        train_pipeline=[
            dict(type='mmdualkd.DecordInit', short_side=side, **_keep(job, side)),
            dict(type='mmdualkd.SampleViews', **(dict(views=sees) if len(sees) > 1 else {})),
            dict(type='DecordDecode'),
            dict(type='mmdualkd.RandomCropResize', size=size, short_side=side, **crop),
            *([dict(type='Flip', flip_ratio=0.5)] if job.flip else []),
            *pack,
        ],
        val_pipeline=test(1),
        test_pipeline=test(test_clips(student)),
        teacher_val_pipeline=[
            dict(type='DecordInit'),
            dict(type='mmdualkd.SampleViews', test_mode=True),
            dict(type='DecordDecode'),
            dict(type='Resize', scale=(-1, side)),
            dict(type='CenterCrop', crop_size=size),
            *pack,
        ],
    )


def _keep(job: Job, side: int) -> dict[str, str]:
    """Lets videos be decoded once if the frames of all, at 16:9, take no more than they may."""
    size = 3 * side * round(side * 16 / 9) * job.video_frames * (job.samples + job.unlabelled)
    return dict(keep_in=str(job.frames)) if size <= KEEP_GB * 1e9 else {}


def test_clips(model: Model) -> int:
    """How many clips of a video a student is tested on; a picture is one."""
    if 'clip_len' not in model.view:
        return 1
    return 3 if model.variable else 10


def _short_side(model: Model) -> int:
    """The shorter side that a testing picture is resized to before its centre is cut out."""
    return model.test_size if model.test_size != model.view['size'] else round(model.test_size * 8 / 7)


def _picture_pipelines(job: Job, student: Model, sees: Mapping[str, dict]) -> dict[str, list]:
    size = max(view['size'] for view in sees.values())  # of the picture that all views are made of
    crop = (
        [dict(type='RandomResizedCrop', scale=size)]
        if size >= 64
        else [
            dict(type='ResizeEdge', scale=size, edge='short'),
            dict(type='CenterCrop', crop_size=size),
            dict(type='RandomCrop', crop_size=size, padding=size // 8),
        ]
    )

    def centre(side: int) -> list[dict]:
        return [
            dict(type='LoadImageFromFile'),
            dict(type='ResizeEdge', scale=side if side < 64 else round(side * 8 / 7), edge='short'),
            dict(type='CenterCrop', crop_size=side),
            dict(type='PackInputs'),
        ]

    return dict(
        train_pipeline=[
            dict(type='LoadImageFromFile'),
            *crop,
            *([dict(type='RandomFlip', prob=0.5, direction='horizontal')] if job.flip else []),
            dict(type='PackInputs'),
        ],
        val_pipeline=centre(student.view['size']),
        test_pipeline=Code('val_pipeline'),
        teacher_val_pipeline=centre(size),
    )
