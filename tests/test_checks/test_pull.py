"""How hard each term pulls at the student, held against gradients that autograd gives one by one."""

from types import SimpleNamespace

import pytest
import torch
from distill_jobs import distill_job
from jobs import stock_job

from mmdualkd.checks.job import Job
from mmdualkd.checks.pull import check_pull, pulls_of
from mmdualkd.study.configs import config_of


@pytest.fixture(scope='module')
def job(tmp_path_factory):
    return distill_job(tmp_path_factory.mktemp('pull'))


def pulls(job, **options):
    with Job(config_of(str(job.config), options)) as parts:
        return pulls_of(parts)


def test_pulls_are_the_norms_of_each_losses_gradient_on_the_student_alone(job):
    with Job(config_of(str(job.config), {})) as parts:
        own, found = pulls_of(parts)
        model = parts.training().model
        losses = model(**model.data_preprocessor(parts.batch('train', 0), True), mode='loss')
        weights = [weight for weight in model.student.parameters() if weight.requires_grad]
        norms = {}
        for name in ('loss_cls', 'loss_kd', 'loss_sdd', 'loss_rkd'):
            parts = torch.autograd.grad(losses[name], weights, retain_graph=True, allow_unused=True)
            norms[name] = sum(part.double().square().sum() for part in parts if part is not None).sqrt().item()
        assert all(weight.grad is None for weight in model.parameters())
    assert own == pytest.approx(norms.pop('loss_cls'), rel=1e-4)
    assert {f'loss_{name}': pull for name, pull in found.items()} == pytest.approx(norms, rel=1e-4)


def test_a_terms_weight_is_in_its_pull(job):
    own, once = pulls(job)
    same, thrice = pulls(job, **{'model.terms.kd.weight': 3.0})
    assert same == pytest.approx(own, rel=1e-4) and thrice['kd'] == pytest.approx(3 * once['kd'], rel=1e-4)


def test_small_gradients_in_half_precision_are_those_of_training_which_scales_its_losses(job, monkeypatch):
    found = []
    for weight in (1.0, 1e-6):
        with Job(config_of(str(job.config), {'model.terms.kd.weight': weight})) as parts:
            wrapper = parts.training().optim_wrapper
            monkeypatch.setattr(wrapper, 'optim_context', lambda model: torch.autocast('cpu', torch.float16))
            monkeypatch.setattr(wrapper, 'loss_scaler', SimpleNamespace(get_scale=lambda: 65536.0), raising=False)
            found.append(pulls_of(parts)[1]['kd'])
    assert found[1] == pytest.approx(1e-6 * found[0], rel=0.02)


def test_what_passes_one_backward_only_is_left_alone(job):
    with Job(config_of(str(job.config), {'model.student.config.backbone.with_cp': True})) as parts:
        assert not list(check_pull(parts))


def test_a_term_that_pulls_a_hundred_times_as_hard_as_the_labels_is_a_warning_that_names_its_weight(job):
    with Job(config_of(str(job.config), {'model.terms.kd.weight': 5000.0})) as parts:
        fine, hard = check_pull(parts)
    assert fine.level == 'fine' and 'sdd x' in fine.text and 'rkd x' in fine.text
    assert hard.level == 'warning' and hard.text.startswith('model.terms.kd pulls ')
    assert hard.text.endswith('if the student does not learn, lower model.terms.kd.weight=5000')


@pytest.mark.parametrize('found', [(0.0, dict(kd=1.0)), (float('inf'), dict(kd=1.0)), (1.0, dict(kd=float('nan')))])
def test_of_gradients_that_are_not_finite_and_of_a_batch_without_labels_nothing_is_said(job, found, monkeypatch):
    monkeypatch.setattr('mmdualkd.checks.pull.pulls_of', lambda job: found)
    with Job(config_of(str(job.config), {})) as parts:
        assert not list(check_pull(parts))


def test_the_first_batch_in_which_a_clip_has_a_label_is_looked_at(job, tmp_path):
    clips = job.config.parent / 'clips' / 'annotation.txt'
    with Job(config_of(str(job.config), {})) as parts:
        first = parts.places('train', 0)
    lines = enumerate(clips.read_text().splitlines())
    lists = tmp_path / 'train.txt'
    lists.write_text(''.join(f'{line[:-1]}-1\n' if place in first else f'{line}\n' for place, line in lines))
    with Job(config_of(str(job.config), {'train_dataloader.dataset.ann_file': str(lists)})) as parts:
        [finding] = check_pull(parts)
    assert 'kd x' in finding.text


def test_memory_that_is_enough_for_a_step_and_not_for_all_terms_is_no_error(job, monkeypatch):
    def full(loss, student, scale):
        raise torch.OutOfMemoryError('CUDA out of memory')

    monkeypatch.setattr('mmdualkd.checks.pull._pull', full)
    with Job(config_of(str(job.config), {})) as parts:
        assert not list(check_pull(parts))


def test_a_student_alone_has_nothing_that_pulls(tmp_path):
    with Job(config_of(str(stock_job(tmp_path).config), {})) as parts:
        assert not list(check_pull(parts))
