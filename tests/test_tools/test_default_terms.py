"""A single setting of a method's default terms is changed on the command line."""

import json
import tempfile
from pathlib import Path

import pytest
from distill_jobs import distill_job
from helpers import ROOT, TOOLS, run
from leaves import load
from picture_jobs import HYBRID, picture_job

from mmdualkd.distillers.dual_teacher import DEFAULT_TERMS
from mmdualkd.distillers.hybrid_assistant import default_terms
from mmdualkd.distillers.terms import changed_defaults


def first_losses(job, *options):
    """The losses of the first step of a training."""
    with tempfile.TemporaryDirectory() as folder:
        words = ['--no-validate', '--work-dir', folder, '--cfg-options', 'train_cfg.max_epochs=1', *options]
        run(TOOLS / 'train.py', job.config, *words)
        (scalars,) = Path(folder).glob('*/vis_data/scalars.json')
        first = json.loads(scalars.read_text().splitlines()[0])
    return {key.removeprefix('loss_'): value for key, value in first.items() if key.startswith('loss_')}


def test_the_weight_of_one_default_term_of_two_teachers_or_of_its_weighting_is_changed(tmp_path):
    job = distill_job(tmp_path)
    plain = first_losses(job)
    changed = first_losses(job, 'model.terms.kd.weight=0.5', 'model.terms.sdd.weight=0')
    assert set(plain) == set(changed) == {'cls', *DEFAULT_TERMS}
    assert changed['kd'] == pytest.approx(plain['kd'] / 2, rel=1e-4) and changed['sdd'] == 0 < plain['sdd']
    assert changed['rkd'] == pytest.approx(plain['rkd'], rel=1e-4)
    terms = changed_defaults(dict(kd=dict(weighting=dict(tau=2))), DEFAULT_TERMS)
    assert terms['kd'] == dict(type='FusedKD', weighting=dict(type='DATW', tau=2))
    assert DEFAULT_TERMS['kd'] == dict(type='FusedKD', weighting=dict(type='DATW'))


def test_the_weight_of_one_default_term_of_the_hybrid_assistant_is_changed(tmp_path):
    job = picture_job(tmp_path, HYBRID)
    plain, changed = first_losses(job), first_losses(job, 'model.terms.ofa_ts.weight=0.5')
    assert set(plain) == set(changed) == {'cls', *default_terms('teacher')}
    assert changed['ofa_ts'] == pytest.approx(plain['ofa_ts'] / 2, rel=1e-4)
    assert changed['nce_as'] == pytest.approx(plain['nce_as'], rel=1e-4)
    output = run(TOOLS / 'train.py', job.config, '--cfg-options', 'model.terms.kd.weight=0.5', ok=False)
    assert "ConfigError: a key of model.terms='kd' names no default term, and has no type" in output


@pytest.mark.parametrize('name, term', [('dualkd', 'sdd'), ('hybrid', 'nce_ta')])
def test_every_config_here_that_has_default_terms_takes_a_change_of_one(name, term):
    defaults = DEFAULT_TERMS if name == 'dualkd' else default_terms('teacher')
    count = 0
    for path in sorted((ROOT / 'configs' / name).rglob('*.py')):
        if '\n    terms=' in path.read_text() or path.parent.name == 'imagenet':  # many and alike
            continue
        cfg = load(path, '--cfg-options', f'model.terms.{term}.weight=0.25')
        terms = changed_defaults(cfg.model.terms, defaults)
        assert list(terms) == list(defaults) and terms[term] == {**defaults[term], 'weight': 0.25}
        count += 1
    assert count >= 12
