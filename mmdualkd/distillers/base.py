"""A student, frozen teachers and a dict of loss terms, in one model that a Runner trains."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from mmengine.logging import MessageHub
from mmengine.model import BaseModel
from torch import Tensor, nn

from ..errors import ConfigError, check_flags, check_part_names
from ..heads import Assistant, check_assistant
from ..losses.term import Step
from ..names import ASSISTANT, STUDENT
from ..outputs import Outputs, align_rows, in_float32, in_order, run_model
from ..registry import MODELS
from ..running_statistics import standing_statistics
from ..seeds import seeded_by_name, set_aside
from ..stages import Features, StagedModel
from ..views import ClipViews, View, ViewPlan, first_alike, tell_colours
from ..zoo.resolve import build_resolved, resolve_model
from ..zoo.weights import load_student_weights
from .accuracy import batch_accuracies
from .blending import build_blending, check_blended_classes, check_blending
from .caching import check_cacheable, check_holds, open_cache, values_of
from .dry_run import check_same_classes, run_on_zeros
from .labels import (
    check_neck,
    check_own_loss,
    is_multi_label,
    label_distributions,
    labelled_rows,
    mask_of,
    own_losses,
    takes_rows,
)
from .preprocessor import ClipPreprocessor, PicturePreprocessor
from .student_only import alone
from .teachers import frozen_teachers
from .terms import Terms, check_counts, check_log_names


@MODELS.register_module()
class Distiller(BaseModel):
    """Trains a student by its own loss and any terms that compare it with frozen teachers.

    The student is a plain recognizer of MMAction2 or classifier of MMPretrain: validation, testing and export are its
    own. Teachers run in eval mode outside autograd and appear in no state dict, optimizer or DDP bucket (see
    :class:`~mmdualkd.teachers.frozen.FrozenTeachers`).

    Args:
        student: ``config`` (a name in the zoo such as ``'mmaction::recognition/...py'``, the path of a config, or an
            inline model dict), ``model`` (overrides merged into it) and ``checkpoint`` (None, ``'zoo'``, a path or an
            http(s) address; tensors that fit are taken).
        teachers: The same by name; checkpoints are loaded strictly. ``compile=True`` runs a teacher's forward through
            ``torch.compile``.
        views: A view for the student (``student``) and for each teacher, see
            :class:`~mmdualkd.views.plan.ViewSpec`; :class:`~mmdualkd.hooks.PreflightHook` hands them to the train
            pipeline's ``SampleViews``.
        terms: Configs of loss terms by name; a term's ``weight`` is what it counts in the sum.
        num_classes: Classes of every model's head; None leaves the configs' own.
        blending: mmaction2's mixup or cutmix on the shared clip; for pictures the arguments of MMPretrain's
            ``RandomBatchAugment``.
        assistant: ``dict(teacher='<name>')`` builds an assistant of the student's and that teacher's stages, see
            :class:`~mmdualkd.heads.assistant.Assistant`; terms name it ``assistant``. None builds none.
        student_only: Builds the student alone, with no weights but its start: for testing, where a checkpoint of the
            whole or of the student is loaded. ``tools/test.py`` sets it.
        teacher_cache: A folder that ``tools/cache_teachers.py`` wrote: the teachers' outputs are read from it, their
            networks are not built and their frames not decoded. None runs them.
        warmup_iters: Iterations over which the terms grow from 0 to their weight; the student's own loss does not.

    Raises:
        ConfigError: If names, views, class counts or a term's arguments do not fit together.
        CheckpointError: If a checkpoint is missing or belongs to another model.
        CacheError: If ``teacher_cache`` is not whole, is of other teachers or views, or lacks what the terms read.
    """

    def __init__(
        self,
        student: dict,
        teachers: Mapping[str, dict],
        views: Mapping[str, dict],
        terms: Mapping[str, dict],
        num_classes: int | None = None,
        blending: dict | None = None,
        warmup_iters: int = 0,
        assistant: dict | None = None,
        student_only: bool = False,
        teacher_cache: str | None = None,
    ) -> None:
        super().__init__()
        check_flags(student_only=student_only)
        for key, part in dict(teachers=teachers, views=views, terms=terms).items():
            if not isinstance(part, Mapping):
                raise ConfigError(f'model.{key} must be a dict by name, got {part!r}')
        terms = {name: cfg for name, cfg in terms.items() if name != '_delete_'}  # MMEngine leaves it in a first dict
        check_counts(num_classes=num_classes, warmup_iters=warmup_iters)
        if student_only:
            student = alone(student, num_classes)
            teachers, terms, assistant, blending = {}, {}, None, None
            views = {name: view for name, view in views.items() if name == STUDENT}
            teacher_cache = None
        if teacher_cache is not None:
            check_cacheable(blending, assistant)
        self.student_only = student_only
        check_part_names('model.teachers', teachers, reserved=(STUDENT, ASSISTANT))
        check_log_names('model.teachers', teachers)
        self.warmup_iters = warmup_iters
        # before any model: a wrong name, view or blending shall not wait for downloads
        self.assisted = check_assistant(assistant, teachers) if assistant is not None else None
        blend = build_blending(blending) if blending is not None else None
        terms = Terms(terms, teachers, assisted=self.assisted is not None)
        cfg, address = resolve_model(student, 'model.student', num_classes)
        self.of_pictures = 'cls_head' not in cfg  # MMPretrain's classifiers have a `head`
        check_blending(blend, self.of_pictures)
        self.plan = ViewPlan(views, key='model.views', pictures=self.of_pictures)
        self.read_stages = terms.read_stages
        self.plan.check_names([STUDENT, *teachers])
        self.cache, self.decoded = None, self.plan
        if teacher_cache is not None:
            self.cache, teachers = open_cache(teacher_cache, teachers, self.plan, num_classes)
            self.decoded = ViewPlan({STUDENT: views[STUDENT]}, key='model.views', pictures=self.of_pictures)
        # all but the student has random numbers of its own, so that the student starts as in plain training
        self.student, self.student_config = build_resolved(cfg), cfg
        self.student_loaded = address is not None
        self.multi_label = is_multi_label(self.student)
        if not student_only:
            check_own_loss(self.student, blended=blend is not None)
        if self.student_loaded:
            self.student.init_weights()
            load_student_weights(self.student, address, 'model.student.checkpoint')
        self.teachers = teachers if self.cache is not None else frozen_teachers(teachers, num_classes)
        models = {STUDENT: self.student, **(self.teachers if self.cache is None else {})}
        self.views = nn.ModuleDict(
            {name: View(self.decoded, name, model.data_preprocessor) for name, model in models.items()}
        )
        self.alike = first_alike(self.views)
        tell_colours(self.views)
        with seeded_by_name('assistant'):
            step = self.dry_step()
        classes = step.student.logits.size(1)
        if self.of_pictures:
            rows = takes_rows(self.student)
            self.data_preprocessor = PicturePreprocessor(self.student.data_preprocessor, classes, blend, rows)
        else:
            check_blended_classes(blend, classes)
            self.data_preprocessor = ClipPreprocessor(self.student.data_preprocessor, blend)
        terms.setup(step)
        if self.cache is not None:
            check_holds(self.cache, terms, step)
        self.terms = terms
        self.finite: dict[str, Tensor] = {}
        self.some_unlabelled = False  # of the training data, in any process

    @torch.no_grad()
    def dry_step(self) -> Step:
        """Runs every model once on a clip of zeros, to know shapes and to find misfits before training."""
        staged, assistant = {}, None
        training = self.student.training
        self.student.eval()
        if self.divided:
            try:
                self.staged = staged[STUDENT] = StagedModel(self.student)
            except ConfigError as error:
                readers = 'model.assistant' if self.assisted else 'model.terms (OFAExits)'
                raise ConfigError(f'model.student cannot serve {readers}: {error}') from error
        if self.assisted:
            staged[self.assisted] = self.teachers.staged(self.assisted)
        outputs, stages = run_on_zeros(self, staged)
        if self.assisted:
            pair = stages[STUDENT][2], stages[self.assisted][2]
            self.assistant = Assistant(self.staged, staged[self.assisted], pair)
            assistant = self._assist(pair[0 if self.assistant.student_first else 1], None)
        self.student.train(training)
        student = replace(outputs.pop(STUDENT), window=self.plan.window(STUDENT))
        self.rows = len(student.logits)
        outputs = self._comparable(outputs, self.rows) if self.cache is None else self.teachers.dry_outputs()
        classes = student.logits.size(1)
        check_same_classes(outputs, classes)
        labels = torch.eye(classes)[:1].expand(len(student.logits), -1)
        step = Step(student, outputs, labels, assistant=assistant, multi_label=self.multi_label)
        return self._with_stages(step, stages[STUDENT]) if self.read_stages else step

    @property
    def divided(self) -> bool:
        """Whether the student runs stage by stage: for an assistant, or for terms that read what stages give."""
        return self.assisted is not None or self.read_stages

    def _with_stages(self, step: Step, stages: tuple[Features, ...]) -> Step:
        grids = (features.grid.float() for features in stages)
        return replace(step, stages=tuple(map(Features, grids)), kind=self.staged.kind)

    def init_weights(self) -> None:
        """Initialises the student by its own config, unless it was loaded from an explicit checkpoint.

        Raises:
            ConfigError: If there is nothing to learn from: a Runner that trains begins with this.
        """
        if self.student_only:
            raise ConfigError('model.student_only=True builds no teachers and no terms: take it out to train')
        if not self.student_loaded:
            self.student.init_weights()

    def train(self, mode: bool = True) -> 'Distiller':
        """Divides the student anew: since it was built, a Runner may have put other norm layers into it."""
        super().train(mode)
        if self.divided:
            self.staged = StagedModel(self.student)
        return self

    def forward(self, inputs: Tensor, data_samples: list | None = None, mode: str = 'tensor', **kwargs: Any) -> Any:
        """MMEngine's three modes; ``'predict'`` and ``'tensor'`` are the student's own."""
        if mode == 'loss':
            return self.loss(inputs, data_samples, **kwargs)
        return self.student(inputs, data_samples, mode=mode, **kwargs)

    def loss(
        self,
        inputs: Tensor,
        data_samples: list,
        teacher_rows: Tensor | None = None,
        labelled: list[bool] | None = None,
    ) -> dict[str, Tensor]:
        """Losses of one training step.

        Args:
            inputs: The shared clip, (N, 1, 3, T, H, W), uint8 or float in [0, 255]; with a cache the student's frames.
            data_samples: N samples with ``gt_label``.
            teacher_rows: With a cache the samples' records, (N, bytes).
            labelled: Which of the samples have a label; None if all have.

        Returns:
            dict: The student's own losses and accuracies, ``loss_<term>`` a term, the terms' diagnostics, and
            what :func:`~mmdualkd.distillers.accuracy.batch_accuracies` gives.

        The attribute ``finite`` then says for each model whether its outputs are all finite, on the device.
        """
        self.decoded.check_clip(inputs)
        has_label, some = None, True
        if labelled is not None or self.some_unlabelled:
            counts = len(data_samples), self.rows
            has_label, some = labelled_rows(labelled, *counts, self.some_unlabelled, self.student)
        views = ClipViews(self.views, self.alike, inputs)
        if self.cache is None:
            outputs, features = self.run_teachers(inputs, views)
        else:
            outputs, features = self.teachers.stored_outputs(values_of(self.cache, teacher_rows)), None
        view = self.view_of(STUDENT, views)
        student_first = self.assisted is not None and self.assistant.student_first
        if self.read_stages or student_first:
            student, stages = self.staged.run(view, data_samples)
            features = stages[2] if student_first else features
        else:
            student = run_model(self.student, view, data_samples)
        student = replace(in_float32(student), window=self.plan.window(STUDENT))
        rows, assistant = len(student.logits), None
        if self.assisted:
            assistant = align_rows(in_float32(self._assist(features, data_samples)), rows)
        of_networks = {STUDENT: student, **({} if self.cache else outputs)}
        if assistant:
            of_networks[ASSISTANT] = assistant
        self.finite = {name: value.finite() for name, value in of_networks.items()}
        samples = [sample for sample in data_samples for _ in range(rows // len(data_samples))]
        labels = label_distributions(samples, student.logits.size(1), self.multi_label, has_label)
        step = Step(student, outputs, labels, assistant=assistant, multi_label=self.multi_label)
        if self.read_stages:
            step = self._with_stages(step, stages)
        if has_label is not None:
            step.labelled = mask_of(has_label, inputs.device)
        average = None if has_label is None else step.labelled_rows
        losses = own_losses(self.student, student, samples, has_label, average)
        with torch.autocast(inputs.device.type, enabled=False):
            warmup = self._warmup(inputs.device) if self.warmup_iters else 1.0
            accuracies = batch_accuracies(step) if some else {}
            return {**losses, **self.terms.losses(step, warmup, losses), **accuracies}

    def expect_unlabelled(self) -> None:
        """Tells that training data have samples without a label, in this process or another.

        Raises:
            ConfigError: If the student's neck learns from labels by itself.
        """
        check_neck(self.student)
        self.some_unlabelled = True

    def run_teachers(self, clip: Tensor, views: ClipViews | None = None) -> tuple[dict[str, Outputs], Features | None]:
        """Runs the teachers.

        Args:
            clip: The shared clip, (N, 1, 3, T, H, W).
            views: Its views, where the student goes on from them.

        Returns:
            Their outputs in float32, as many rows as the student has, and what an assistant goes on from.
        """
        views = views or ClipViews(self.views, self.alike, clip)
        outputs, features = {}, None
        for name in self.teachers:
            view = self.view_of(name, views)
            if name == self.assisted and not self.assistant.student_first:
                outputs[name], features = self.teachers.run_staged(name, view)
            else:
                outputs[name] = self.teachers.run(name, view)
        return self._comparable(outputs, len(clip) * self.rows), features

    def _comparable(self, outputs: dict[str, Outputs], rows: int) -> dict[str, Outputs]:
        """Teachers' outputs as a cache gives them: in float32 and in order, of the student's rows, with their time."""
        aligned = {name: in_order(align_rows(in_float32(value), rows)) for name, value in outputs.items()}
        return {name: replace(value, window=self.plan.window(name)) for name, value in aligned.items()}

    def view_of(self, name: str, views: ClipViews) -> Tensor:
        """A model's view, in the type of its weights."""
        model = self.student if name == STUDENT else self.teachers[name]
        return views[name].to(next(model.parameters()).dtype)

    def _assist(self, features: Features, samples: list | None) -> Outputs:
        """Runs the assistant from what the third stage of its first model gave."""
        last = self.teachers.staged(self.assisted) if self.assistant.student_first else self.staged
        # the student's next dropout and its running statistics shall be those of plain training
        with set_aside(features.grid.device), standing_statistics(self.student):
            outputs = self.assistant(features, last, samples)
        first = STUDENT if self.assistant.student_first else self.assisted
        return replace(outputs, window=self.plan.window(first))

    @torch.compiler.disable  # it reads a clock that would make each iteration a program of its own
    def _warmup(self, device: torch.device) -> Tensor:
        done = MessageHub.get_current_instance().get_info('iter', 0)
        return torch.full((), min(1.0, done / self.warmup_iters), device=device)

    def _apply(self, fn: Any, recurse: bool = True) -> 'Distiller':
        super()._apply(fn, recurse)
        if self.cache is None:
            self.teachers.apply_to_tensors(fn, recurse)
        return self

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args: Any) -> None:
        """Takes a student's own checkpoint (``load_from``, ``tools/test.py``) as well as a distiller's."""
        if not any(key.startswith(f'{prefix}{STUDENT}.') for key in state_dict):
            own = set(self.student.state_dict())
            for key in [key for key in state_dict if key[len(prefix) :] in own]:
                state_dict[f'{prefix}{STUDENT}.{key[len(prefix) :]}'] = state_dict.pop(key)
        super()._load_from_state_dict(state_dict, prefix, *args)
