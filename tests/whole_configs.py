"""What the tests of all configs, those of videos and those of pictures, have in common."""

import copy

from helpers import ROOT
from mmengine.config import Config

from mmdualkd.distillers import base
from mmdualkd.top_keys import NUM_CLASSES, places
from mmdualkd.zoo import resolve

CONFIGS = ROOT / 'configs'


def named(path):
    return path.relative_to(CONFIGS).with_suffix('').as_posix()


def beside(path, kind, name):
    """The teacher or baseline of a distillation; those on one's own data lie in one folder."""
    return path.with_name(name) if path.parts[-3] == 'own' else CONFIGS / kind / path.parent.name / name


def specs(cfg):
    """Student and teachers of a distillation, by their keys in the config."""
    if 'student' not in cfg.model:
        return {}
    teachers = {f'model.teachers.{name}': spec for name, spec in cfg.model.get('teachers', {}).items()}
    return {'model.student': cfg.model.student, **teachers}


def merged(cfg, overrides):
    whole = Config(dict(model=cfg))
    whole.merge_from_dict(dict(model=copy.deepcopy(overrides)))  # merging takes `_delete_` out
    return whole.model


def begun_anew(cfg):
    """The same job from no weights, its paths at the top those of its data sets, whose paths were changed."""
    for key, place in places(cfg).items():
        if place.top is not None and key != NUM_CLASSES:
            cfg[place.name] = place.own
    cfg.load_from = None
    cfg.log_level = 'ERROR'
    return cfg


def without_weights(monkeypatch):
    """Lets no weights be loaded, for there is no network and no trained teacher; gives what is asked for by its key."""
    loads = {}
    for load in ('load_teacher_weights', 'load_student_weights'):
        monkeypatch.setattr(
            base if 'student' in load else resolve, load, lambda model, address, key: loads.update({key: address})
        )
    return loads
