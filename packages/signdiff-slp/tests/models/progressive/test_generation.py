import warnings

import pytest
import torch

from signdiff_slp.models.progressive import generate

MODES = [
    pytest.param({"just_counter": True, "clock": "token", "counter": "rate"}, id="counter-token-rate"),
    pytest.param({"just_counter": False, "clock": "token", "counter": "rate"}, id="pose-token-rate"),
    pytest.param({"just_counter": False, "clock": "frame", "counter": "value"}, id="pose-frame-value"),
    pytest.param({"just_counter": False, "clock": "frame", "counter": "rate", "num_future_frames": 3}, id="future"),
]


def texts(*lens, seed=1):
    generator = torch.Generator().manual_seed(seed)
    seqs = torch.zeros(len(lens), max(lens), dtype=torch.int64)
    for row, length in enumerate(lens):
        seqs[row, :length] = torch.randint(4, 31, (length,), generator=generator)
    return seqs, list(lens)


def generate_quietly(*args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return generate(*args, **kwargs)


@pytest.mark.parametrize("settings", MODES)
def test_the_cache_changes_nothing(make_model, settings):
    model = make_model(**settings)
    seqs, lens = texts(7, 3, 5)
    cached = generate_quietly(model, seqs, lens, max_frames=60)
    full = generate_quietly(model, seqs, lens, max_frames=60, use_cache=False)
    assert [len(item) for item in cached] == [len(item) for item in full]
    for a, b in zip(cached, full, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=0)


@pytest.mark.parametrize("settings", MODES)
def test_a_batch_equals_its_items(make_model, settings):
    model = make_model(**settings, max_frames_per_token=7)
    seqs, lens = texts(7, 3, 5)
    batch = generate_quietly(model, seqs, lens)
    for row, length in enumerate(lens):
        [single] = generate_quietly(model, seqs[row : row + 1, :length], [length])
        torch.testing.assert_close(batch[row], single, atol=1e-5, rtol=0)


@pytest.mark.parametrize("num_frames", [1, 2, 9, 73, 150])
def test_the_counter_alone_stops(make_model, sign_steadily, num_frames):
    model = sign_steadily(make_model(), num_frames)
    seqs, lens = texts(4, 6)
    for item in generate(model, seqs, lens):
        assert len(item) == num_frames
        expected = torch.arange(1, num_frames + 1) / num_frames
        torch.testing.assert_close(item[:, -1], expected, atol=1e-4, rtol=0)


def test_items_leave_the_batch_one_by_one(make_model):
    model = make_model(max_frames_per_token=2)
    seqs, lens = texts(9, 3, 6)
    with pytest.warns(RuntimeWarning, match=r"\d of 3 texts were cut"):
        lengths = [len(item) for item in generate(model, seqs, lens, max_frames=15)]
    assert all(length <= limit for length, limit in zip(lengths, (15, 6, 12), strict=True))
    assert len(set(lengths)) > 1


def test_starts_from_the_rest_pose(make_model):
    model = make_model(just_counter=False)
    seqs, lens = texts(5)
    [before] = generate_quietly(model, seqs, lens, max_frames=1)
    model.standardizer.rest.add_(1.0)
    [after] = generate_quietly(model, seqs, lens, max_frames=1)
    assert not torch.allclose(before, after)


def test_just_counter_does_not_read_poses(make_model):
    model = make_model(just_counter=True)
    seqs, lens = texts(5)
    [before] = generate_quietly(model, seqs, lens, max_frames=9)
    model.standardizer.rest.add_(1.0)
    [after] = generate_quietly(model, seqs, lens, max_frames=9)
    assert torch.equal(before, after)


def test_later_tokens_matter_and_padding_does_not(make_model):
    model = make_model()
    seqs, lens = texts(5)
    [plain] = generate_quietly(model, seqs, lens, max_frames=20)
    padded = torch.cat([seqs, torch.full((1, 4), 9)], dim=1)
    [same] = generate_quietly(model, padded, lens, max_frames=20)
    torch.testing.assert_close(plain, same, atol=1e-5, rtol=0)
    changed = seqs.clone()
    changed[0, -1] = 4 + (changed[0, -1] - 3) % 27
    [other] = generate_quietly(model, changed, lens, max_frames=20)
    assert plain.shape != other.shape or not torch.allclose(plain, other, atol=1e-4)
