import math

import torch
from fairseq2.nn import BatchLayout

from signdiff_slp.models.progressive.frontend import SourceReader


def reader(seed=0):
    torch.manual_seed(seed)
    return SourceReader(16)


def layout(*lens):
    return BatchLayout((len(lens), max(lens)), list(lens))


def test_equal_durations_make_a_steady_pace():
    counter = torch.tensor([[[0.0], [0.25], [0.5], [1.0]]])
    place = reader().place(counter, torch.randn(1, 8, 16), layout(8))
    torch.testing.assert_close(place.flatten(), torch.tensor([0.0, 2.0, 4.0, 8.0]))


def test_longer_tokens_are_passed_more_slowly():
    source_reader = reader()
    with torch.no_grad():
        source_reader.duration_proj.weight[0, 0] = 1.0
    encoded = torch.zeros(1, 3, 16)
    # exp(2 tanh(x / 2)) is 2 here: the middle token lasts twice as long as the others.
    encoded[0, 1, 0] = 2 * math.atanh(math.log(2) / 2)
    counter = torch.tensor([0.25, 0.5, 0.75, 1.0]).view(1, 4, 1)
    place = source_reader.place(counter, encoded, layout(3))
    torch.testing.assert_close(place.flatten(), torch.tensor([1.0, 1.5, 2.0, 3.0]))


def test_the_place_never_goes_back_and_ends_at_the_end():
    source_reader = reader()
    torch.nn.init.normal_(source_reader.duration_proj.weight)
    counter = torch.linspace(0, 1, 50).view(1, 50, 1).expand(2, -1, -1)
    place = source_reader.place(counter, torch.randn(2, 9, 16), layout(9, 4))
    assert (place.diff(dim=1) >= 0).all()
    torch.testing.assert_close(place[:, -1].flatten(), torch.tensor([9.0, 4.0]))


def test_padding_is_not_read():
    source_reader = reader()
    torch.nn.init.normal_(source_reader.duration_proj.weight)
    encoded = torch.randn(1, 9, 16)
    counter = torch.rand(1, 5, 1)
    alone = source_reader(counter, encoded[:, :6], layout(6))
    padded = source_reader(counter.expand(2, -1, -1), encoded.expand(2, -1, -1), layout(6, 9))
    torch.testing.assert_close(padded[:1], alone)


def test_durations_can_be_learned():
    source_reader = reader()
    source_reader(torch.rand(2, 5, 1), torch.randn(2, 6, 16), layout(6, 4)).square().sum().backward()
    assert source_reader.duration_proj.weight.grad.abs().max() > 0
