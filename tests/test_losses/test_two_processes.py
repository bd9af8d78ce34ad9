"""Terms whose samples see each other, over two processes with half the batch each, and over one; uneven parts too."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from helpers import environment, free_port

from mmdualkd.global_batch import standardise_channels
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


# Both processes find this class by the path of this file.
TWO_PROCESSES = """
import importlib.util
import sys
import torch
from mmdualkd.errors import ConfigError
from mmdualkd.global_batch import gather_batch, standardise_channels
spec = importlib.util.spec_from_file_location('pair', sys.argv[4])
tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tests)
rank, port, folder = int(sys.argv[1]), sys.argv[2], sys.argv[3]
torch.distributed.init_process_group('gloo', init_method=f'tcp://127.0.0.1:{port}', rank=rank, world_size=2)
x, teacher = torch.load(f'{folder}/batch.pth', weights_only=True)
pair = torch.nn.parallel.DistributedDataParallel(tests.Pair())
loss = pair(x[rank * 3 : rank * 3 + 3], teacher[rank * 3 : rank * 3 + 3])
loss.backward()
gradients = {name: value.grad for name, value in pair.module.named_parameters()}
torch.save((loss.detach(), gradients), f'{folder}/{rank}.pth')
# Uneven parts of a batch: statistics count them, a gathered batch refuses them.
grid = torch.load(f'{folder}/grid.pth', weights_only=True)
part = grid[:2] if rank == 0 else grid[2:]
messages = []
for rows in (part, part.clone().requires_grad_()):
    try:
        gather_batch(rows)
    except ConfigError as error:
        messages.append(str(error))
torch.save((standardise_channels(part), messages), f'{folder}/uneven{rank}.pth')
del pair, loss, gradients  # the model holds the group, and a group that outlives Python ends in an abort
torch.distributed.destroy_process_group()
"""


RNG = np.random.default_rng(0)
X, TEACHER = torch.tensor(RNG.normal(size=(6, 5))), torch.tensor(RNG.normal(size=(6, 6)))
GRID = torch.tensor(RNG.normal(100.0, 0.1, size=(7, 3, 2, 4, 4)), dtype=torch.float32)


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """What both processes gave."""
    folder = tmp_path_factory.mktemp('two_processes')
    torch.save((X, TEACHER), folder / 'batch.pth')
    torch.save(GRID, folder / 'grid.pth')
    port = free_port()
    environ = {name: value for name, value in environment().items() if name != 'LOCAL_RANK'}
    processes = [
        subprocess.Popen([sys.executable, '-c', TWO_PROCESSES, str(rank), port, folder, __file__], env=environ)
        for rank in range(2)
    ]
    assert [process.wait(timeout=240) for process in processes] == [0, 0]
    return folder


def test_two_processes_with_half_the_batch_each_have_the_loss_and_gradients_of_one(folder):
    pair = Pair()
    whole = pair(X, TEACHER)
    whole.backward()
    (first, gradients), (second, others) = (torch.load(folder / f'{rank}.pth', weights_only=True) for rank in range(2))
    torch.testing.assert_close((first + second) / 2, whole.detach())
    assert first != second
    for name, parameter in pair.named_parameters():
        torch.testing.assert_close(gradients[name], parameter.grad, msg=name)
        torch.testing.assert_close(others[name], parameter.grad, msg=name)


def test_channel_statistics_of_uneven_processes_are_those_of_the_whole_batch(folder):
    parts = [torch.load(folder / f'uneven{rank}.pth', weights_only=True)[0] for rank in range(2)]
    assert [len(part) for part in parts] == [2, 5]
    exact = GRID.double()
    exact = (exact - exact.mean((0, 2, 3, 4), keepdim=True)) / (
        exact.var((0, 2, 3, 4), keepdim=True, unbiased=False) + 1e-5
    ).sqrt()
    torch.testing.assert_close(torch.cat(parts).double(), exact, rtol=0, atol=2e-6)
    torch.testing.assert_close(torch.cat(parts), standardise_channels(GRID), rtol=0, atol=2e-6)


def test_uneven_processes_get_one_clear_error_each(folder):
    message = (
        'the processes hold [2, 5] samples, by rank, and a loss over the global batch needs as many in each: set '
        'train_dataloader.sampler.round_up=True'
    )
    for rank in range(2):
        messages = torch.load(folder / f'uneven{rank}.pth', weights_only=True)[1]
        assert messages == [message, message]
