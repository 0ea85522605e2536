"""Hands and face in detail: the windows that follow them, the network, and how crops come back into frames."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from signdiff_core.camera import Camera  # noqa: E402
from signdiff_core.diffusion.conditions import Conditions  # noqa: E402
from signdiff_core.diffusion.detail import DetailModel  # noqa: E402
from signdiff_core.diffusion.refining import Refiner, by_network, enlarged  # noqa: E402
from signdiff_core.diffusion.windows import Window, check_parts, windows_of  # noqa: E402

SIZE, STEP = (512, 512), 16
INSIDE = Window(16, 32, 48)
LEFT, RIGHT = slice(8, 29), slice(29, 50)


@pytest.fixture
def signing():
    """Forty frames of two open hands; the right one goes across the chest and meets the other half-way."""
    rng = np.random.default_rng(0)
    joints = np.zeros((40, 50, 3))
    joints[:, 0] = (0, -0.22, 0)
    joints[:, 2], joints[:, 5] = (-1 / 6, 0, 0), (1 / 6, 0, 0)
    hand = rng.uniform(-0.06, 0.06, (21, 3))
    joints[:, LEFT] = np.array([0.15, 0.1, 0]) + hand
    joints[:, RIGHT] = np.linspace((-0.28, 0.1, 0), (0.12, 0.1, 0), 40)[:, None] + hand
    joints[:, [4, 7]] = joints[:, [RIGHT.start, LEFT.start]]
    return joints


def found(joints, seen=None, **options):
    seen = np.ones(joints.shape[:2]) if seen is None else seen
    settings = {"camera": Camera(), "size": SIZE, "parts": ("hands", "face"), "step": STEP} | options
    return windows_of(joints, seen, **settings)


def holds(window, points):
    low, high = points.min(axis=0), points.max(axis=0)
    start = np.array([window.left, window.top])
    return (low >= start).all() and (high <= start + window.side).all()


def test_windows_hold_what_they_follow_and_lie_on_the_grid(signing):
    for frame, windows in zip(signing, found(signing), strict=True):
        for window in windows:
            assert window.left % STEP == window.top % STEP == window.side % STEP == 0
            assert min(window.left, window.top) >= 0
            assert max(window.left, window.top) + window.side <= 512
        for hand in (LEFT, RIGHT):
            points = Camera().project(frame[hand], 512)
            assert any(holds(window, points) for window in windows)
        nose = Camera().project(frame[0], 512)
        assert any(holds(window, nose[None] + [[-40, -60], [40, 40]]) for window in windows)


def test_hands_that_meet_are_one_window_and_a_moment_apart_changes_nothing(signing):
    counts = [len(windows) for windows in found(signing, parts=("hands",))]
    assert counts[0] == 2
    assert counts[-1] == 1
    assert counts == sorted(counts, reverse=True), "once together, together"
    parted = signing.copy()
    parted[30:33, RIGHT, 0] -= 0.4
    assert [len(windows) for windows in found(parted, parts=("hands",))][28:36] == [1] * 8


def test_windows_of_one_part_are_equally_large_and_do_not_jump(signing):
    shaken = signing + np.random.default_rng(1).normal(scale=0.002, size=signing.shape)
    windows = [each[-1] for each in found(shaken[:10], parts=("hands",))]
    assert len({window.side for window in windows}) == 1
    moved = np.abs(np.diff([window.left for window in windows]))
    assert moved.max() <= STEP, "the hand moves by 0.01 units a frame, 6 pixels"
    still = np.repeat(signing[:1], 30, axis=0) + np.random.default_rng(1).normal(scale=0.002, size=(30, 50, 3))
    lefts = [each[-1].left for each in found(still, parts=("hands",))]
    assert len(set(lefts)) <= 2


def test_what_is_absent_or_outside_has_no_window(signing):
    seen = np.ones((40, 50))
    seen[:, RIGHT] = 0
    assert {len(windows) for windows in found(signing, seen, parts=("hands",))} == {1}
    below = signing.copy()
    below[:, LEFT, 1] += 3
    assert {len(windows) for windows in found(below[:5], parts=("hands",))} == {1}
    assert found(signing, np.zeros((40, 50))) == [[]] * 40
    assert found(signing, parts=()) == [[]] * 40


def test_parts_are_named():
    assert check_parts("hands") == ("hands",)
    assert check_parts(["face", "hands", "face"]) == ("face", "hands")
    assert check_parts(()) == ()
    for wrong in (("feet",), 3, None, "all"):
        with pytest.raises(ValueError, match="detail must hold 'hands' or 'face', or nothing, but is"):
            check_parts(wrong)


@pytest.fixture
def network():
    torch.manual_seed(0)
    network = DetailModel(block_out_channels=(8, 16, 16)).eval()
    for weights in network.conv_out.parameters():
        torch.nn.init.normal_(weights, std=0.05)
    return network


def test_a_new_network_adds_nothing():
    sample, control = torch.rand(2, 3, 32, 48), torch.rand(2, 6, 32, 48)
    assert torch.equal(DetailModel(block_out_channels=(8, 16))(sample, control), sample)


def test_what_is_drawn_moves_along_with_the_window(network):
    """Far from the borders, a crop one grid step further shows the same: windows that move do not flicker."""
    assert network.step == 8
    sample, control = torch.rand(1, 3, 160, 160), torch.rand(1, 6, 160, 160)
    with torch.inference_mode():
        whole, part = network(sample, control), network(sample[..., 8:], control[..., 8:])
    torch.testing.assert_close(whole[..., 72:96, 72:96], part[..., 72:96, 64:88], atol=1e-5, rtol=1e-5)


def test_a_network_is_saved_and_loaded(network, tmp_path):
    network.save_pretrained(tmp_path)
    again = DetailModel.from_pretrained(tmp_path)
    assert (again.config.scale, again.config.sample_size, again.step) == (2, 512, 8)
    sample, control = torch.rand(1, 3, 32, 32), torch.rand(1, 6, 32, 32)
    assert torch.equal(again(sample, control), network(sample, control))
    with pytest.raises(ValueError, match="block_out_channels multiples of 8"):
        DetailModel(block_out_channels=(4,))


def conditions(count=1):
    rng = np.random.default_rng(2)
    return iter([Conditions(*rng.integers(0, 256, (2, 96, 96, 3), dtype=np.uint8)) for _ in range(count)])


def refiner(redraw, windows=((INSIDE,),), strength=1.0):
    return Refiner(
        windows=windows,
        conditions=conditions(len(windows)),
        size=(96, 96),
        enlarged=1,
        redraw=redraw,
        strength=strength,
    )


def test_a_crop_comes_back_into_its_window_softly():
    coarse = np.full((48, 48, 3), 0.2, np.float32)
    (made,) = refiner(lambda numbers, crops, control: np.ones((len(crops), 48, 48, 3), np.float32))(
        [0], [coarse], [None]
    )
    plain = enlarged(coarse, (96, 96)) / 255
    outside = np.ones((96, 96), dtype=bool)
    outside[32:80, 16:64] = False
    assert np.array_equal(made[outside], plain.astype(np.float32)[outside])
    assert (made[44:68, 28:52] == 1).all(), "the middle is all new"
    row = made[56, 16:64, 0]
    assert (np.diff(row[:24]) >= 0).all()
    assert row[0] < 0.25, "and begins as the frame around it"


def test_a_window_at_the_edge_of_the_frame_is_new_up_to_it():
    coarse = np.zeros((96, 96, 3), np.float32)
    white = lambda numbers, crops, control: np.ones((len(crops), 48, 48, 3), np.float32)  # noqa: E731
    (made,) = refiner(white, windows=((Window(0, 48, 48),),))([0], [coarse], [None])
    assert (made[70:, :30] == 1).all()


def test_without_strength_nothing_changes_and_a_frame_that_is_none_stays_none():
    coarse = np.random.default_rng(0).random((96, 96, 3)).astype(np.float32)
    noise = lambda numbers, crops, control: np.random.default_rng(1).random((len(crops), 48, 48, 3))  # noqa: E731
    made = refiner(noise, windows=((INSIDE,),) * 2, strength=0.0)([0, 1], [coarse, None], [None, None])
    assert np.array_equal(made[0], (np.rint(coarse * 255) / 255).astype(np.float32))
    assert made[1] is None


def test_crops_and_conditions_are_cut_at_one_place(network):
    seen = {}

    def redraw(numbers, crops, control):
        seen.update(crops=crops, control=control)
        return by_network(network, 2)(numbers, crops, control)

    coarse = np.random.default_rng(3).random((96, 96, 3)).astype(np.float32)
    (made,) = refiner(redraw)([0], [coarse], [None])
    (both,) = conditions()
    assert np.array_equal(seen["crops"][0], np.rint(coarse * 255).astype(np.uint8)[32:80, 16:64])
    assert np.array_equal(seen["control"][0].drawing, both.drawing[32:80, 16:64])
    assert np.array_equal(seen["control"][0].fr_map, both.fr_map[32:80, 16:64])
    hint = np.concatenate([both.drawing, both.fr_map], axis=-1)[None, 32:80, 16:64].transpose(0, 3, 1, 2) / 255
    sample = torch.from_numpy(seen["crops"].transpose(0, 3, 1, 2) / 127.5 - 1).float()
    with torch.inference_mode():
        expected = network(sample, torch.from_numpy(hint).float())[0].clamp(-1, 1).permute(1, 2, 0).numpy() / 2 + 0.5
    np.testing.assert_allclose(made[44:68, 28:52], expected[12:36, 12:36], atol=1e-5)
