"""The loss terms of a distiller."""

import copy
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.model import BaseModule
from torch import Tensor, nn

from ..errors import ConfigError, check_name, check_part_names
from ..losses.term import Step, Term
from ..names import ASSISTANT, STUDENT
from ..registry import build
from ..seeds import seeded_by_name

OWN_LOSSES = ('cls', 'aux')  # what heads and necks of the two libraries call theirs, after `loss_`


class Terms(nn.ModuleDict):
    """Terms by name, built from their configs; they stay in float32 whatever type the models are brought to.

    Args:
        terms: Configs by name.
        teachers: Names of the teachers.
        assisted: Whether there is an assistant.

    Raises:
        ConfigError: If a name is taken, a config does not fit, a term names a model that is not there, or no term
            trains the assistant.
    """

    def __init__(self, terms: Mapping[str, dict], teachers: Collection[str], assisted: bool) -> None:
        super().__init__()
        check_part_names('model.terms', terms, reserved=OWN_LOSSES, owner=Terms)
        check_log_names('model.terms', terms)
        self._learned: set[str] = set()  # terms whose loss had a gradient
        self._made: dict[str, int] | None = None  # how many parameters each term had after its setup
        models = [STUDENT, *teachers, *([ASSISTANT] if assisted else [])]
        for name, cfg in terms.items():
            key = f'model.terms.{name}'
            with seeded_by_name(f'terms.{name}'):
                term = build(cfg, key)
            if not isinstance(term, Term):
                raise ConfigError(f'{key}.type={cfg["type"]!r} is no loss term (a subclass of mmdualkd.losses.Term)')
            for argument, teacher in term.teachers_used().items():
                check_name(f'{key}.{argument}', teacher, teachers, 'teacher')
            for argument, model in term.models_used().items():
                if model == ASSISTANT and model not in models:
                    raise ConfigError(f"{key} uses an assistant and there is none: model.assistant=dict(teacher='...')")
                others = {name for part, name in term.models_used().items() if part != argument}
                check_name(f'{key}.{argument}', model, [name for name in models if name not in others], 'model')
            term.name = name
            self[name] = term
        if assisted and not any(ASSISTANT in term.models_trained() for term in self.values()):
            raise ConfigError(
                'model.assistant is there, but none of model.terms trains it: it must be the target of a term, or a '
                "source without detach_source, or have its own AssistantCE; type='mmdualkd.Distiller' builds none"
            )

    @property
    def read_stages(self) -> bool:
        """Whether a term reads what the student's stages give."""
        return any(term.reads_stages for term in self.values())

    def setup(self, step: Step) -> None:
        """Lets each term make the modules that depend on shapes, and initialises what has an ``init_cfg``."""
        for name, term in self.items():
            with seeded_by_name(f'terms.{name}'):
                term.setup(step)
                for module in term.modules():
                    if isinstance(module, BaseModule) and module.init_cfg and not module.is_init:
                        module.init_weights()
        self._made = {name: len(list(term.parameters())) for name, term in self.items()}

    def losses(self, step: Step, warmup: float | Tensor, own: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Gives each term's weighted loss as ``loss_<name>``, and what the terms log.

        Args:
            step: The training step.
            warmup: A factor of all terms.
            own: The student's own losses and accuracies.

        Raises:
            ConfigError: If a term gives no scalar, or one that nothing learns from, has made modules in its forward,
                a name is among ``own``, or what a term logs is no tensor or would be added to the loss.
        """
        losses = {f'loss_{name}': term.weight * warmup * self._loss(name, term, step) for name, term in self.items()}
        check_log_names('a diagnostic of model.terms', step.log)
        for name, value in step.log.items():
            if not isinstance(value, Tensor):
                raise ConfigError(f'model.terms: step.log[{name!r}] must be a tensor, got {value!r}')
        for name in (*losses, *step.log):
            if name in own:
                raise ConfigError(
                    f'model.terms: {name!r} is in the log of the student itself; give the term another name'
                )
        return {**losses, **step.log}

    def _loss(self, name: str, term: Term, step: Step) -> Tensor:
        """A term's own loss, a scalar; until it first had a gradient, whether anything can learn from it."""
        loss, what = term(step), f'model.terms.{name} ({type(term).__name__})'
        if not isinstance(loss, Tensor) or loss.numel() != 1:
            given = f'a tensor {tuple(loss.shape)}' if isinstance(loss, Tensor) else type(loss).__name__
            raise ConfigError(f'{what}: its forward must give one scalar tensor, got {given}')
        if name in self._learned:
            return loss
        if self._made is not None and len(list(term.parameters())) != self._made[name]:
            raise ConfigError(f'{what}: its forward has made parameters, which no optimizer has; make them in `setup`')
        if loss.requires_grad:
            self._learned.add(name)
        elif term.weight and torch.is_grad_enabled():
            raise ConfigError(
                f'{what}: nothing learns from its loss, which has no gradient: `detach`, `no_grad`, `.data` or '
                '`argmax` stands between it and the student, or all that it reads there is frozen (frozen_stages); '
                'weight=0 only logs it'
            )
        return loss

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> 'Terms':
        def move(tensor: Tensor) -> Tensor:
            moved = fn(tensor)
            return moved if moved.dtype == tensor.dtype else tensor.to(moved.device)

        return super()._apply(move, recurse)


def changed_defaults(terms: Mapping[str, dict] | None, defaults: Mapping[str, dict]) -> Mapping[str, dict]:
    """The default terms of a method with changes in them, or other terms in their place.

    Args:
        terms: What the config says: None for the defaults, changes of them if no entry has a ``type``
            (``dict(kd=dict(weight=0.5))``), otherwise all terms; the log names what of the defaults is gone.
        defaults: The method's own.

    Raises:
        ConfigError: If what is changed is no default term.
    """
    if isinstance(terms, str):
        raise ConfigError(f'model.terms must be a dict by name, got {terms!r}; a fragment is named by terms={terms}')
    check_part_names('model.terms', terms or {})
    parts = list(terms.values()) if terms else []
    if terms is None or (parts and all(isinstance(cfg, Mapping) and 'type' not in cfg for cfg in parts)):
        for name in terms or ():
            check_name('a key of model.terms', name, defaults, 'default term, and has no type')
        changed = Config(dict(terms=copy.deepcopy(defaults)))
        changed.merge_from_dict(dict(terms=copy.deepcopy(terms or {})))
        return changed.terms
    if terms and (gone := [name for name in defaults if name not in terms]):
        print_log(f'model.terms stands in place of the defaults; without {", ".join(gone)}', logger='current')
    return terms


def check_log_names(key: str, names: Iterable[str]) -> None:
    """Refuses names with 'loss' in them: MMEngine adds every log entry so named to the loss that it minimises."""
    for name in names:
        if 'loss' in name:
            raise ConfigError(
                f"{key}: {name!r} must not contain 'loss', MMEngine would add its diagnostics to the loss"
            )


def check_counts(**counts: Any) -> None:
    """Refuses what is no whole number from 0, or from 1 if its name begins with ``num_``; None is left alone."""
    for name, count in counts.items():
        least = int(name.startswith('num_'))
        if count is not None and (not isinstance(count, int) or isinstance(count, bool) or count < least):
            raise ConfigError(f'model.{name} must be a whole number from {least}, got {count!r}')
