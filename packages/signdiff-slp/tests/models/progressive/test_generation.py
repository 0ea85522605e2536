import warnings

import pytest
import torch
from fairseq2.nn import BatchLayout

from signdiff_slp.models.progressive import generate, generate_with_timing
from signdiff_slp.models.progressive.generation import CutWarning

MODES = [
    pytest.param({"just_counter": True, "clock": "token", "counter": "rate"}, id="counter-token-rate"),
    pytest.param({"just_counter": False, "clock": "token", "counter": "rate"}, id="pose-token-rate"),
    pytest.param({"just_counter": False, "clock": "frame", "counter": "value"}, id="pose-frame-value"),
    pytest.param({"just_counter": False, "clock": "frame", "counter": "rate", "num_future_frames": 3}, id="future"),
    pytest.param(
        {"just_counter": False, "clock": "frame", "counter": "value", "num_future_frames": 3, "variant": "published"},
        id="published",
    ),
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


@pytest.mark.parametrize("frames_per_step", [1, 2, 3, 4])
@pytest.mark.parametrize("num_frames", [1, 2, 9, 50])
def test_chunks_stop_within_a_step(make_model, sign_steadily, num_frames, frames_per_step):
    model = sign_steadily(make_model(num_future_frames=4, just_counter=False), num_frames)
    seqs, lens = texts(4, 6)
    for item in generate(model, seqs, lens, frames_per_step=frames_per_step):
        expected = torch.arange(1, num_frames + 1) / num_frames
        torch.testing.assert_close(item[:, -1], expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("settings", MODES[3:])
def test_chunks_are_cached_and_batched_alike(make_model, settings):
    model = make_model(**settings, max_frames_per_token=5)
    seqs, lens = texts(7, 3, 5)
    options = {"frames_per_step": 3}
    batch = generate_quietly(model, seqs, lens, **options)
    full = generate_quietly(model, seqs, lens, use_cache=False, **options)
    for row, length in enumerate(lens):
        [single] = generate_quietly(model, seqs[row : row + 1, :length], [length], **options)
        torch.testing.assert_close(batch[row], single, atol=1e-5, rtol=0)
        torch.testing.assert_close(batch[row], full[row], atol=1e-5, rtol=0)
        assert len(single) <= 5 * length


def test_a_chunk_is_what_the_model_predicts_at_once(make_model):
    model = make_model(num_future_frames=3, just_counter=False, clock="frame")
    seqs, lens = texts(5)
    [made] = generate_quietly(model, seqs, lens, max_frames=3, frames_per_step=3)
    rest = model.standardizer(model.standardizer.rest)
    start = torch.cat([rest, rest.new_zeros(1)])[None, None]
    with torch.no_grad():
        predicted = model(seqs, BatchLayout.of(seqs, lens), start, BatchLayout.of(start))[0, 0, :, :-1]
    torch.testing.assert_close(made[:, :-1], model.standardizer.inverse(predicted), atol=1e-5, rtol=0)


@pytest.mark.parametrize("speed", [0.5, 2.0])
@pytest.mark.parametrize("counter", ["rate", "value"])
def test_speed_changes_duration_alone(make_model, sign_steadily, counter, speed):
    model = make_model()
    model = sign_steadily(model, 40) if counter == "rate" else make_model(counter="value", max_frames_per_token=4)
    seqs, lens = texts(10)
    [plain] = generate_quietly(model, seqs, lens)
    [made] = generate_quietly(model, seqs, lens, speed=speed)
    assert len(made) == round(len(plain) / speed)
    if counter == "rate":
        torch.testing.assert_close(made[:, -1], torch.arange(1, len(made) + 1) / len(made), atol=1e-4, rtol=0)
    else:
        torch.testing.assert_close(made[[0, -1]], plain[[0, -1]], atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("options", "message"), [({"frames_per_step": 2}, "between 1 and the 1"), ({"speed": 0}, "0.1")]
)
def test_what_cannot_be_decoded(make_model, options, message):
    with pytest.raises(ValueError, match=message):
        generate(make_model(), *texts(3), **options)


def test_told_timing_is_followed(make_model):
    model = make_model(just_counter=False, clock="frame", counter="value")
    seqs, lens = texts(4, 4)
    frames = torch.randn(2, 6, 151)
    made = generate_with_timing(model, seqs, lens, frames)
    assert made.shape == (2, 7, 151)
    assert torch.equal(made[:, 0], frames[:, 0])
    # The same by hand, without a cache: the model's own poses beside the true counters.
    history = frames[:, :1]
    for step in range(6):
        layout = BatchLayout.of(history)
        with torch.no_grad():
            predicted = model(seqs, BatchLayout.of(seqs, lens), history, layout)[:, -1:, 0]
        torch.testing.assert_close(made[:, step + 1 : step + 2], predicted, atol=1e-5, rtol=0)
        if step < 5:
            history = torch.cat([history, torch.cat([predicted[..., :-1], frames[:, step + 1 : step + 2, -1:]], -1)], 1)
    frames[:, 1:, :-1] += 1  # later poses are not looked at
    assert torch.equal(generate_with_timing(model, seqs, lens, frames), made)


def test_items_leave_the_batch_one_by_one(make_model):
    model = make_model(max_frames_per_token=2)
    seqs, lens = texts(9, 3, 6)
    with pytest.warns(CutWarning, match=r"\d of 3 texts were cut") as caught:
        lengths = [len(item) for item in generate(model, seqs, lens, max_frames=15)]
    [warning] = caught
    assert set(warning.message.places) <= {place for place, limit in enumerate((15, 6, 12)) if lengths[place] == limit}
    assert warning.filename == __file__  # where it is called, and not within torch
    assert str(warning.message).startswith(f"{len(warning.message.places)} of 3")
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
