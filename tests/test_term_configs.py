"""Every fragment of configs/_base_/terms builds, trains a step, is right under autocast, and reads its teachers from a
cache; a leaf that inherits one has its terms and no others."""

import types
from dataclasses import replace

import pytest
import tiny
import tiny_pictures
import torch
from helpers import ROOT
from leaves import DISTILLATION, load, refused, write_leaf
from mmengine.config import Config

from mmdualkd.distillers.dual_teacher import DEFAULT_TERMS
from mmdualkd.distillers.terms import Terms, changed_defaults
from mmdualkd.errors import ConfigError
from mmdualkd.hooks.preflight import check_top_keys
from mmdualkd.launch import build_runner
from mmdualkd.teachers.cached import CachedTeacher, CachedTeachers
from mmdualkd.teachers.readings import StoredOutputs, readings_of

TERMS = ROOT / 'configs' / '_base_' / 'terms'
FRAGMENTS = sorted(TERMS.glob('*.py'))
OF_PICTURES = sorted((TERMS / 'pictures').glob('*.py'))
# as they are for pictures
ANY_TEACHERS = ['uniform', 'uniform_probabilities', 'datw', 'datw_hints', 'ebkd', 'ca_mkd', 'aekd']
KD = ROOT / 'configs' / 'kd' / 'pictures' / 'kd_swin-w24_cnn-w8_1xb32-20e_pictures-32.py'


def terms_of(paths):
    """The terms of all fragments together, each by the fragment's name and its own."""
    return {
        f'{path.stem}-{name}': term for path in paths for name, term in Config.fromfile(path).terms.to_dict().items()
    }


def readings_without_networks(terms, step):
    """What the terms read when they are set up from a cache's manifest."""
    known = {
        name: CachedTeacher(
            {what: list(getattr(outputs, what).shape) for what in ('logits', 'pooled', 'grid')},
            outputs.window,
            {},
            {},
            {},
        )
        for name, outputs in step.teachers.items()
    }
    step = replace(step, teachers=CachedTeachers(known).dry_outputs())
    terms = Terms(terms, known, assisted=False)
    terms.setup(step)
    return readings_of(terms, step)


def check(model, terms, data):
    """A step, and the same step from a cache, and in mixed precision."""
    seen = {}
    next(iter(model.terms.values())).register_forward_pre_hook(lambda _, args: seen.update(step=args[0]))
    losses = tiny.step_losses(model, data)
    model.parse_losses(losses)[0].backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None and weight.grad.isfinite().all(), name
    dry = model.dry_step()
    whole, readings = seen['step'], readings_of(model.terms, dry)
    assert readings_without_networks(terms, dry) == readings
    values = {reading: reading.of(whole.teachers[reading.teacher]) for reading in readings}
    assert {reading.what for reading in readings} >= {'logits', 'pooled', 'cells'}
    assert 'grid' not in {reading.what for reading in readings}  # whose cells are fewer
    stored = {name: StoredOutputs(name, outputs.window, values) for name, outputs in whole.teachers.items()}
    with torch.autocast('cpu', torch.bfloat16):
        half = tiny.step_losses(model, data)
    for name, term in model.terms.items():
        loss = losses[f'loss_{name}']
        assert loss.isfinite() and loss > 0, name
        assert not [*term.parameters()] or any(weight.grad.any() for weight in term.parameters()), name
        again = term.weight * term(replace(whole, teachers=stored, log={}))
        torch.testing.assert_close(again, loss, msg=name)
        assert half[f'loss_{name}'].dtype == torch.float32 and half[f'loss_{name}'].isfinite(), name


def test_each_trains_a_step_of_clips_from_networks_or_a_cache_and_in_mixed_precision(tmp_path):
    views = {name: dict(clip_len=2, size=64) for name in tiny.VIEWS}
    terms = terms_of(FRAGMENTS)
    check(tiny.build_distiller(tmp_path, terms=terms, views=views), terms, tiny.batch(2, size=64))


def test_each_trains_a_step_of_pictures_from_networks_or_a_cache_and_in_mixed_precision(tmp_path):
    paths = [*OF_PICTURES, *(TERMS / f'{name}.py' for name in ANY_TEACHERS)]
    assert {path.stem for path in paths} == {path.stem for path in FRAGMENTS} - {'full', 'full_hints'}
    student, teacher, terms = tiny_pictures.cnn(), tiny_pictures.cnn(6), terms_of(paths)
    check(tiny_pictures.build_distiller(tmp_path, student, teacher, terms=terms), terms, tiny_pictures.batch())


def test_the_full_fragment_is_the_methods_default_terms():
    assert Config.fromfile(TERMS / 'full.py').terms.to_dict() == DEFAULT_TERMS


# Leaves


def leaf(folder, fragment, text='', base=DISTILLATION):
    return write_leaf(folder, text, [str(base), str(TERMS / f'{fragment}.py')])


def test_a_line_in_a_leafs_bases_puts_its_terms_in_place_of_the_defaults(tmp_path):
    model = build_runner(load(leaf(tmp_path, 'rsd'), '--work-dir', tmp_path / 'run')).model
    assert {name: type(term).__name__ for name, term in model.terms.items()} == {'rsd': 'RSD'}
    assert model.terms['rsd'].weight == 0.1 and model.terms['rsd'].source == 'vit'


def test_terms_that_the_base_has_go_and_options_change_the_new_ones(tmp_path):
    base = write_leaf(tmp_path, "model = dict(terms=dict(kd=dict(type='FusedKD', tau=2.0)))", name='base.py')
    flags = ('--cfg-options', 'model.terms.at.weight=7', 'model.terms.at.source=cnn')
    assert load(leaf(tmp_path, 'at', base=base), *flags).model.terms == dict(at=dict(type='AT', source='cnn', weight=7))
    pictures = load(leaf(tmp_path, 'pictures/ofa', base=KD))
    assert {name: term.source for name, term in pictures.model.terms.items()} == dict(ofa='teacher', exits='teacher')
    changed = load(leaf(tmp_path, 'sp', "terms = dict(sp=dict(source='cnn', weight=1.0))"))
    assert changed.model.terms == dict(sp=dict(type='SP', source='cnn', weight=1.0))
    assert 'terms' not in changed


def test_a_fragments_name_on_the_command_line_is_the_whole_method_and_other_options_change_it(tmp_path):
    named = load(DISTILLATION, '--cfg-options', 'model.terms.rsd.weight=2', 'terms=rsd', 'model.terms.rsd.source=cnn')
    assert named.model.terms == dict(rsd=dict(type='RSD', source='cnn', weight=2))
    own = tmp_path / 'own.py'
    own.write_text("terms = dict(sp=dict(type='SP', source='cnn'))\n")
    assert load(DISTILLATION, '--cfg-options', f'terms={own}').model.terms == dict(sp=dict(type='SP', source='cnn'))
    for cfg in (
        load(KD, '--cfg-options', 'terms=pictures/ofa'),
        load(write_leaf(tmp_path, "terms = 'pictures/ofa'", KD)),
    ):
        assert {name: term.source for name, term in cfg.model.terms.items()} == dict(ofa='teacher', exits='teacher')
        assert 'terms' not in cfg


@pytest.mark.parametrize(
    ('value', 'message'),
    [
        ('rds', "terms='rds' is no fragment; did you mean 'rsd'?"),
        ('CA-MKD', "terms='CA-MKD' is no fragment; did you mean 'ca_mkd'?"),
        ('terms/pictures/full.py', "is no fragment; did you mean 'full'?"),
        ('no/where.py', "terms='no/where.py' is not a file"),
        ('~no-such-user/rsd2.py', "terms='~no-such-user/rsd2.py' is not a file"),
        ('', "terms='' is no fragment"),
        ('3', "terms must be terms, or one fragment's name as in terms=rsd, got 3"),
        ('rsd,dkd', "one fragment's name as in terms=rsd, got ['rsd', 'dkd']"),
        (str(DISTILLATION), 'that file sets no `terms`'),
    ],
)
def test_a_name_of_no_fragment_is_one_error_with_the_nearest(value, message):
    assert message in refused(DISTILLATION, '--cfg-options', f'terms={value}')


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('terms = dict(', "own.py' cannot be read: "),
        (
            'from nowhere import X\nterms = dict(x=dict(type=X))',
            "model.terms.x.type='nowhere.X' is not registered",
        ),
        ("terms = 'rsd'", "`terms` must be a dict of terms by name, got 'rsd'"),
        ('terms = {}', '`terms` must be a dict of terms by name, got {}'),
        ('terms = dict(rsd=dict(weight=2))', "'rsd' must be a dict with a `type`, for `terms` is the whole method"),
        ("train_cfg = dict(max_epochs=1)\nterms = dict(sp=dict(type='SP'))", "that file sets 'train_cfg', too"),
        ("weight = 2\nterms = dict(sp=dict(type='SP', source='vit', weight=weight))", None),
    ],
)
def test_a_file_that_is_no_fragment_or_says_more_is_one_error(tmp_path, text, message):
    own = tmp_path / 'own.py'
    own.write_text(f'{text}\n')
    if message is None:
        assert load(DISTILLATION, '--cfg-options', f'terms={own}').model.terms.sp.weight == 2
        return
    assert message in refused(DISTILLATION, '--cfg-options', f'terms={own}')


def test_two_methods_and_one_among_the_models_own_settings_are_refused(capsys):
    with pytest.raises(SystemExit):
        load(DISTILLATION, '--cfg-options', 'terms=rsd', 'terms=dkd')
    assert 'terms=rsd and terms=dkd: a model learns by one of them' in capsys.readouterr().err
    with pytest.raises(ConfigError, match="got 'rsd'; a fragment is named by terms=rsd"):
        changed_defaults('rsd', DEFAULT_TERMS)
    with pytest.raises(ConfigError, match='model.terms must be a dict by name, got 3'):
        changed_defaults(3, DEFAULT_TERMS)
    assert refused(DISTILLATION, '--cfg-options', 'model=3') == 'model must be a dict, got 3'
    assert "did you mean 'terms'?" in refused(DISTILLATION, '--cfg-options', 'Term=rsd')


def test_a_fragment_of_pictures_is_told_the_teachers_that_are_there():
    with pytest.raises(ConfigError, match=r"source='teacher' names no model; .*\(there are: 'vit', 'cnn'\)"):
        Terms(Config.fromfile(TERMS / 'pictures' / 'rsd.py').terms, ['vit', 'cnn'], assisted=False)


def test_a_part_of_terms_at_the_top_and_a_model_without_teachers_are_refused():
    message = refused(DISTILLATION, '--cfg-options', 'terms=rsd', 'terms.rsd.weight=2')
    assert message == '--cfg-options terms.rsd.weight: nothing reads it; set model.terms.rsd.weight'
    plain = ROOT / 'configs' / 'demo' / 'teacher_vit.py'
    assert 'terms is for a distillation' in refused(plain, '--cfg-options', 'terms=rsd')


def test_terms_in_two_places_and_a_model_without_teachers_are_one_clear_error(tmp_path):
    message = refused(leaf(tmp_path, 'rsd', 'model = dict(terms=dict(rsd=dict(weight=1.0)))'))
    assert 'leaf.py sets model.terms, and `terms` at the top, from a fragment, stands in their place' in message
    assert refused(write_leaf(tmp_path, '', tmp_path / 'leaf.py', name='on_it.py')) == message
    plain = ROOT / 'configs' / 'demo' / 'teacher_vit.py'
    assert '`terms` at the top is for a distillation' in refused(leaf(tmp_path, 'rsd', base=plain))


def test_a_launcher_that_leaves_them_at_the_top_is_told_how_they_reach_the_model():
    terms, model = dict(rsd=dict(type='RSD', source='vit')), torch.nn.Identity()
    for reached in (None, terms):
        cfg = Config(dict(terms=terms, model=dict(terms=reached)))
        runner = types.SimpleNamespace(cfg=cfg)
        if reached:
            check_top_keys(runner, model)
            continue
        with pytest.raises(ConfigError, match=r'terms at the top of the config does not reach the model: set model = '):
            check_top_keys(runner, model)
