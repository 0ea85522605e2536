"""Which frames are kept, and with which pose."""

import numpy as np
import pytest

from signdiff_core.prepare.clip import check_lengths, is_chosen, pose_frame, pose_rate, ranges, reason_against
from signdiff_core.prepare.plan import Settings

SETTINGS = Settings(min_hand_confidence=0.3)


@pytest.fixture
def joints():
    joints = np.zeros((50, 2))
    joints[[0, 2, 5]] = (0, -0.2), (-1 / 6, 0), (1 / 6, 0)
    joints[[3, 4, 6, 7]] = (-0.2, 0.2), (-0.1, 0.1), (0.2, 0.2), (0.1, 0.1)
    joints[8:29], joints[29:50] = (0.1, 0.1), (-0.1, 0.1)
    return joints


def test_a_whole_signer_is_kept(joints):
    assert reason_against(joints, np.ones(50), SETTINGS) is None


@pytest.mark.parametrize("joint", [1, 2, 5])
def test_neck_and_shoulders_must_be_there(joints, joint):
    confidence = np.ones(50)
    confidence[joint] = 0
    assert reason_against(joints, confidence, SETTINGS) == "body"
    assert reason_against(joints, np.zeros(50), SETTINGS) == "no pose"


def test_a_signer_who_jumps_is_somebody_else(joints):
    assert reason_against(np.add(joints, (0.3, 0)), np.ones(50), SETTINGS) is None
    assert reason_against(np.add(joints, (0.35, 0)), np.ones(50), SETTINGS) == "elsewhere"
    assert reason_against(joints * 0.3, np.ones(50), SETTINGS) == "elsewhere"
    assert reason_against(joints * 2.1, np.ones(50), SETTINGS) == "elsewhere"


def test_hands_in_the_picture_must_be_found(joints):
    confidence = np.ones(50)
    confidence[8:29] = 0.29
    assert reason_against(joints, confidence, SETTINGS) == "hands"
    confidence[8:29] = 0.31
    assert reason_against(joints, confidence, SETTINGS) is None
    confidence[29:50] = 0
    assert reason_against(joints, confidence, SETTINGS) == "hands"
    joints[4] = (-0.1, 0.6)  # below the frame: 0.475 + 1.2 * 0.6 > 1
    assert reason_against(joints, confidence, SETTINGS) is None
    joints[4], confidence[4] = (-0.1, 0.1), 0  # nobody knows where it is
    assert reason_against(joints, confidence, SETTINGS) is None


def test_equal_rates_go_frame_by_frame():
    for told in (24.0, 23.976, 24.1):
        rate = pose_rate(24.0, told)
        assert [pose_frame(n, 24.0, rate) for n in range(3000)] == list(range(3000))


@pytest.mark.parametrize(("video", "pose"), [(30, 25), (25, 30), (30, 15), (24, 60)])
def test_other_rates_take_the_nearest_in_time(video, pose):
    rate = pose_rate(video, pose)
    for number in range(200):
        assert abs(pose_frame(number, video, rate) / pose - number / video) <= 0.5 / pose + 1e-9


def test_some_frames_may_be_missing_and_not_a_half():
    check_lengths(170, 24, 160, 24)
    check_lengths(170, 24, 180, 24)
    check_lengths(300, 30, 150, 15)
    with pytest.raises(ValueError, match=r"170 frames in 7\.1 s, but has 140 frames"):
        check_lengths(170, 24, 140, 24)
    with pytest.raises(ValueError, match="as long as the video"):
        check_lengths(170, 24, 340, 24)


def test_frames_are_chosen_evenly():
    def chosen(**settings):
        return [n for n in range(240) if is_chosen(n, 24, Settings(**settings))]

    assert chosen() == list(range(240))
    assert chosen(every=5) == list(range(0, 240, 5))
    assert len(chosen(fps=10)) == 100
    assert set(np.diff(chosen(fps=10))) == {2, 3}
    assert chosen(fps=30) == chosen()
    assert chosen(every=2, fps=6) == list(range(0, 240, 4))


def test_ranges_name_every_number_once():
    numbers = sorted(np.random.default_rng(0).choice(100, 40, replace=False).tolist())
    read = []
    for run in ranges(numbers).split(","):
        first, _, last = run.partition("-")
        read += range(int(first), int(last or first) + 1)
    assert read == numbers


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"layout": "zip"}, "layout must be 'folder' or 'webdataset', but is 'zip'"),
        ({"size": 100}, "size must be a multiple of 64 from 64 to 2048, but is 100"),
        ({"every": 0}, "every must be at least 1, but is 0"),
        ({"fps": float("nan")}, "fps must be positive, but is nan"),
        ({"min_confidence": 1.5}, r"min_confidence must lie in \[0, 1\], but is 1.5"),
        ({"max_padding": -0.1}, "max_padding must lie"),
        ({"quality": 0}, "quality must be from 1 to 100, but is 0"),
    ],
)
def test_settings_are_checked(settings, match):
    with pytest.raises(ValueError, match=match):
        Settings(**settings)
