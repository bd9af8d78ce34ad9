"""Terms whose samples see each other, over two processes with half the batch each, and over one."""

import subprocess
import sys

import numpy as np
import torch
from helpers import environment, free_port

from mmdualkd.losses import DIST, RKD, InfoNCE, Step
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
            ]
        )
        for term in self.terms:
            term.setup(self.step(torch.zeros(2, 5), torch.zeros(2, 6)))
        self.double()

    def step(self, x, teacher):
        x = x.to(self.student.weight)
        student, assistant, vit = (
            Outputs(pooled[:, :4], pooled, None) for pooled in (self.student(x), self.assistant(x), teacher)
        )
        return Step(student, dict(vit=vit), None, assistant=assistant)

    def forward(self, x, teacher):
        step = self.step(x, teacher)
        return sum(term(step) for term in self.terms)


# Both processes find this class by the path of this file.
TWO_PROCESSES = """
import importlib.util
import sys
import mmdualkd
import torch
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
del pair, loss, gradients  # the model holds the group, and a group that outlives Python ends in an abort
torch.distributed.destroy_process_group()
"""


def test_two_processes_with_half_the_batch_each_have_the_loss_and_gradients_of_one(tmp_path):
    rng = np.random.default_rng(0)
    x, teacher = torch.tensor(rng.normal(size=(6, 5))), torch.tensor(rng.normal(size=(6, 6)))
    pair = Pair()
    whole = pair(x, teacher)
    whole.backward()
    torch.save((x, teacher), tmp_path / 'batch.pth')
    port = free_port()
    environ = {name: value for name, value in environment().items() if name != 'LOCAL_RANK'}
    processes = [
        subprocess.Popen([sys.executable, '-c', TWO_PROCESSES, str(rank), port, tmp_path, __file__], env=environ)
        for rank in range(2)
    ]
    assert [process.wait(timeout=240) for process in processes] == [0, 0]
    (first, gradients), (second, others) = (
        torch.load(tmp_path / f'{rank}.pth', weights_only=True) for rank in range(2)
    )
    torch.testing.assert_close((first + second) / 2, whole.detach())
    assert first != second
    for name, parameter in pair.named_parameters():
        torch.testing.assert_close(gradients[name], parameter.grad, msg=name)
        torch.testing.assert_close(others[name], parameter.grad, msg=name)
