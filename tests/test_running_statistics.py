"""Running statistics of batch norms beside forward passes that are not the model's own."""

import copy

import torch

from mmdualkd.running_statistics import standing_statistics


def test_another_forward_pass_is_of_the_batch_and_leaves_no_trace_in_what_follows():
    model = torch.nn.Sequential(
        torch.nn.Conv1d(2, 3, 1), torch.nn.BatchNorm1d(3), torch.nn.BatchNorm1d(3, momentum=None)
    )
    plain, batches = copy.deepcopy(model), torch.randn(3, 4, 2, 5)
    plain(batches[0]), model(batches[0])
    with standing_statistics(model):
        given = model(batches[1] * 3 + 1)
    assert torch.allclose(given.mean((0, 2)), torch.zeros(3), atol=1e-5)
    plain(batches[2]), model(batches[2])
    assert int(model[1].num_batches_tracked) == 2
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in plain.state_dict().items())
