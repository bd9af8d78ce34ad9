"""Terms whose samples see each other, over two processes with half the batch each, and over one; uneven parts too."""

import numpy as np
import pytest
import torch
from two_processes import run_two

from mmdualkd.errors import ConfigError
from mmdualkd.global_batch import gather_batch, standardise_channels
from mmdualkd.losses import DIST, MLLD, RKD, RSD, SP, FusedKD, InfoNCE, Step
from mmdualkd.outputs import Outputs


class Pair(torch.nn.Module):
    """A student, an assistant, a teacher and the terms between them, on features."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.student, self.assistant = torch.nn.Linear(5, 4), torch.nn.Linear(5, 6)
        self.terms = torch.nn.ModuleList(
            [
                InfoNCE('assistant', 'student', symmetric=True),
                InfoNCE('vit', 'assistant'),
                InfoNCE('vit', 'student', detach_source=True),
                DIST('assistant', 'student'),
                RKD('vit', angle=1.0),
                SP('vit', 'student'),
                RSD('assistant', 'student'),
                MLLD('vit', 'assistant'),
                FusedKD(dict(type='AEKD', tolerance=0.9), fuse='probabilities'),
            ]
        )
        for term in self.terms:
            term.setup(self.step(torch.zeros(2, 5), torch.zeros(2, 6)))
        self.double()

    def step(self, x, teacher):
        x = x.to(self.student.weight)
        student, assistant, vit = (
            Outputs(pooled[:, :4], pooled, pooled[..., None, None, None])
            for pooled in (self.student(x), self.assistant(x), teacher)
        )
        cnn = Outputs(2 * teacher[:, 2:], None, None)
        return Step(student, dict(vit=vit, cnn=cnn), None, assistant=assistant)

    def forward(self, x, teacher):
        step = self.step(x, teacher)
        return sum(term(step) for term in self.terms)


RNG = np.random.default_rng(0)
X, TEACHER = torch.tensor(RNG.normal(size=(6, 5))), torch.tensor(RNG.normal(size=(6, 6)))
LABELLED = torch.tensor([True, False, False, True, True, True])
GRID = torch.tensor(RNG.normal(100.0, 0.1, size=(7, 3, 2, 4, 4)), dtype=torch.float32)


def losses_and_statistics(rank):
    """What a process makes of its half of a batch, and of its uneven part of a grid."""
    pair = torch.nn.parallel.DistributedDataParallel(Pair())
    half = slice(rank * 3, rank * 3 + 3)
    loss = pair(X[half], TEACHER[half])
    loss.backward()
    gradients = {name: value.grad for name, value in pair.module.named_parameters()}
    # statistics count uneven parts, a gathered batch refuses them
    part = GRID[:2] if rank == 0 else GRID[2:]
    messages = []
    for rows in (part, part.clone().requires_grad_()):
        with pytest.raises(ConfigError) as error:
            gather_batch(rows)
        messages.append(str(error.value))
    of_labelled = Step(None, {}, None, labelled=LABELLED[half]).mean_of_labelled(X[half])
    return loss.detach(), gradients, standardise_channels(part), messages, of_labelled


@pytest.fixture(scope='module')
def both(tmp_path_factory):
    """What both processes gave."""
    return run_two(losses_and_statistics, tmp_path_factory.mktemp('two_processes'))


def test_two_processes_with_half_the_batch_each_have_the_loss_and_gradients_of_one(both):
    pair = Pair()
    whole = pair(X, TEACHER)
    whole.backward()
    (first, gradients, *_), (second, others, *_) = both
    torch.testing.assert_close((first + second) / 2, whole.detach())
    assert first != second
    for name, parameter in pair.named_parameters():
        torch.testing.assert_close(gradients[name], parameter.grad, msg=name)
        torch.testing.assert_close(others[name], parameter.grad, msg=name)


def test_channel_statistics_of_uneven_processes_are_those_of_the_whole_batch(both):
    parts = [process[2] for process in both]
    assert [len(part) for part in parts] == [2, 5]
    exact = GRID.double()
    exact = (exact - exact.mean((0, 2, 3, 4), keepdim=True)) / (
        exact.var((0, 2, 3, 4), keepdim=True, unbiased=False) + 1e-5
    ).sqrt()
    torch.testing.assert_close(torch.cat(parts).double(), exact, rtol=0, atol=2e-6)
    torch.testing.assert_close(torch.cat(parts), standardise_channels(GRID), rtol=0, atol=2e-6)


def test_the_mean_over_labelled_samples_is_that_of_the_whole_batch_however_they_are_spread(both):
    parts = [process[4] for process in both]
    torch.testing.assert_close(sum(parts) / 2, X[LABELLED].sum(dim=1).mean())


def test_uneven_processes_get_one_clear_error_each(both):
    message = (
        'the processes hold [2, 5] samples, by rank, and a loss over the global batch needs as many in each: set '
        'train_dataloader.sampler.round_up=True'
    )
    for process in both:
        assert process[3] == [message, message]
