import math

import pytest
import torch

from signdiff_slp.models.progressive.counter import advance, counter_target, is_last, true_counter


def test_counts_from_one_share_to_one():
    positions = torch.tensor([[0, 1, 2, 3], [0, 1, -1, -1]])
    counter = true_counter(positions, torch.tensor([4, 2]))
    assert counter.tolist() == [[0.25, 0.5, 0.75, 1.0], [0.5, 1.0, 0.0, 0.0]]


@pytest.mark.parametrize("mode", ["value", "rate"])
@pytest.mark.parametrize("length", [1, 7, 400])
def test_the_target_leads_to_the_true_counter(mode, length):
    lens = torch.tensor([length])
    counter = true_counter(torch.arange(length)[None], lens)
    before = torch.cat([torch.zeros(1, 1), counter[:, :-1]], dim=1)
    after = advance(mode, counter_target(mode, counter, lens)[0, :, None], before[0, :, None])[None, :, 0]
    torch.testing.assert_close(after, counter, atol=1e-6, rtol=0)
    assert is_last(after[0], before[0]).tolist() == [False] * (length - 1) + [True]


def test_a_rate_of_zero_takes_a_hundred_frames():
    assert advance("rate", torch.zeros(1), torch.zeros(1)).item() == pytest.approx(0.01)
    assert advance("rate", torch.tensor([math.log(2)]), torch.tensor([0.5])).item() == pytest.approx(0.52)


def test_a_counter_that_runs_backwards_is_not_complete():
    assert is_last(torch.tensor([0.4]), torch.tensor([0.9])).tolist() == [False]
