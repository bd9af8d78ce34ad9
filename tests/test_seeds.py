import random

import numpy as np
import torch

from mmdualkd.seeds import seed_step, seeded_by_name, set_aside


def draw():
    return random.random(), np.random.rand(), torch.rand(()).item()


def test_a_part_draws_from_seed_and_name_alone_and_leaves_what_follows_as_it_was():
    def run(inside, seed=3):
        random.seed(0), np.random.seed(0), torch.manual_seed(seed)
        torch.rand(inside)
        with seeded_by_name('terms.kd'):
            first = draw()
        with seeded_by_name('terms.rkd'):
            second = draw()
        return first, second, draw()

    first, second, after = run(inside=0)
    assert len(set(first + second + after)) == 9
    random.seed(0), np.random.seed(0), torch.manual_seed(3)
    assert draw() == after
    assert run(inside=5)[:2] == (first, second)
    assert not set(run(inside=0, seed=4)[0]) & set(first)


def test_numbers_set_aside_do_not_move_those_that_follow():
    torch.manual_seed(0)
    with set_aside(torch.device('cpu')):
        torch.rand(9)
    after = torch.rand(3)
    torch.manual_seed(0)
    assert torch.equal(torch.rand(3), after)


def test_a_step_draws_from_seed_iteration_and_process_whatever_drew_before():
    def drawn(*step):
        seed_step(*step)
        return draw()

    first = drawn(3, 1, 0)
    assert drawn(3, 1, 0) == first
    for other in ((4, 1, 0), (3, 2, 0), (3, 1, 1)):
        assert all(one != two for one, two in zip(drawn(*other), first, strict=True))
