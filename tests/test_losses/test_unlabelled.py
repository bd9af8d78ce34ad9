"""Terms on a batch in which some samples have no label."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from steps import three_models

from mmdualkd.heads import SharedHeadResidual
from mmdualkd.losses import DIST, DKD, OFA, RKD, AssistantCE, FusedKD, InfoNCE
from mmdualkd.losses.dkd import decouple
from mmdualkd.losses.term import Step

LABELLED = [True, False, True, True, False]
READ_LABELS = dict(
    ofa=lambda: OFA('vit', gamma=1.4), dkd=lambda: DKD('vit', beta=2.0, tau=2.0), assistant_ce=lambda: AssistantCE()
)
READ_NONE = dict(
    kd=lambda: FusedKD(),
    rkd=lambda: RKD('vit'),
    dist=lambda: DIST('vit'),
    nce=lambda: InfoNCE('vit', 'assistant'),
)


def mixed(labelled=LABELLED):
    """A step whose samples have no label where ``labelled`` is False: their rows of labels are zeros."""
    step = three_models(5, 7)
    step.labelled = torch.tensor(labelled)
    step.labels = step.labels * step.labelled[:, None]
    return step


def part(step, rows):
    """The step of some of the samples, all of which have labels."""

    def of(outputs):
        return replace(outputs, logits=outputs.logits[rows], pooled=outputs.pooled[rows], grid=outputs.grid[rows])

    teachers = {name: of(outputs) for name, outputs in step.teachers.items()}
    return Step(of(step.student), teachers, step.labels[rows], assistant=of(step.assistant))


def loss_and_gradients(term, step, leaves):
    loss = term(step)
    gradients = torch.autograd.grad(loss, [leaves.student.logits, leaves.assistant.logits], allow_unused=True)
    return [loss.detach(), *(torch.zeros(5, 7) if value is None else value for value in gradients)]


@pytest.mark.parametrize('name', READ_LABELS)
def test_a_term_that_reads_labels_is_that_of_the_labelled_samples_alone(name):
    step, term = mixed(), READ_LABELS[name]()
    ours = loss_and_gradients(term, step, step)
    theirs = loss_and_gradients(term, part(step, step.labelled), step)
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-14, check_dtype=False)
    assert not torch.cat(ours[1:])[1].any() and torch.cat(ours[1:]).any()


@pytest.mark.parametrize('name', READ_LABELS)
def test_without_a_label_it_is_zero_with_gradients_of_zero(name):
    step = mixed([False] * 5)
    loss, *gradients = loss_and_gradients(READ_LABELS[name](), step, step)
    assert loss == 0 and not torch.cat(gradients).any()


@pytest.mark.parametrize('name', READ_NONE)
def test_a_term_that_reads_none_takes_all_samples(name):
    terms = [READ_NONE[name]() for _ in range(2)]
    whole = three_models(5, 7)
    for term in terms:
        term.setup(whole)
    torch.testing.assert_close(terms[0](mixed()), terms[1](whole), rtol=0, atol=0)


def test_teachers_weigh_alike_where_camkd_has_no_label_and_by_it_elsewhere():
    step = mixed()
    step.teachers = dict(vit=step.teachers['vit'], cnn=replace(step.teachers['vit'], logits=torch.randn(5, 7).double()))
    logits = torch.stack([teacher.logits for teacher in step.teachers.values()])
    weights = FusedKD(weighting=dict(type='CAMKD')).weighting(logits, step.student.logits, step.labels)
    assert torch.equal(weights[:, ~step.labelled], torch.full((2, 2), 0.5).double())
    assert (weights[:, step.labelled] != 0.5).all()


def test_the_shared_head_learns_from_the_labelled_samples_alone():
    step = mixed()
    vit, cnn = torch.randn(5, 4, 2, 2, 2).double(), torch.randn(5, 3, 2, 2, 2).double()
    module = SharedHeadResidual(4, 3, 6, 7).double()
    _, loss = module(vit, cnn, step.labels, step.mean_of_labelled)
    rows = []
    module(vit, cnn, step.labels, lambda values: rows.append(values) or values.sum())
    expected = sum(values.sum(dim=1)[step.labelled].mean() for values in rows)
    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=0)


def test_where_all_have_labels_each_mean_is_torchs_own_to_the_last_bit():
    step = three_models(5, 7)
    step.labels = step.labels.float()
    for outputs in (step.student, step.assistant, step.teachers['vit']):
        outputs.logits = outputs.logits.detach().float()
    assert torch.equal(AssistantCE()(step), F.cross_entropy(step.assistant.logits, step.labels))
    label = step.labels.argmax(dim=1, keepdim=True)
    source, target = (decouple(one.logits / 4, label) for one in (step.teachers['vit'], step.student))
    parts = [F.kl_div(b, a, reduction='batchmean', log_target=True) for a, b in zip(source, target, strict=True)]
    assert torch.equal(DKD('vit')(step), 16 * (parts[0] + 8 * parts[1]))
