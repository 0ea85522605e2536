import numpy as np
import pytest

pytest.importorskip("spoken_to_signed", reason="needs signdiff-slp[corpora]")

from signdiff_slp.corpora.clips import MOVED, Clip, find_movement, moved_frames, read_clips


def _clip(speeds, language="gsg"):
    hand = np.zeros((len(speeds), 21, 3))
    hand[..., 0] = np.cumsum(speeds)[:, None]
    rest = {"nose": hand[:, 0], "arm": hand[:, :3], "arm_confidence": np.ones((len(speeds), 3)), "hand": hand}
    return Clip(letter="a", language=language, **rest)


def test_on_asl_it_finds_what_the_eye_found():
    found = {clip.letter: find_movement(clip) for clip in read_clips() if find_movement(clip)}
    assert found.keys() == MOVED.keys()
    for letter, (start, end) in found.items():
        assert abs(start - MOVED[letter][0]) <= 1
        assert abs(end - MOVED[letter][1]) <= 1
    assert {clip.letter: moved_frames(clip) for clip in read_clips() if moved_frames(clip)} == MOVED


def test_a_movement_lies_between_arriving_and_standing_still():
    start, end = find_movement(_clip([80, 60, 40, 20, 5, 20, 30, 30, 20, 5, 0, 0, 0, 0, 30, 60]))
    assert 3 <= start <= 6
    assert 8 <= end <= 11


@pytest.mark.parametrize(
    "speeds",
    [
        [80, 60, 40, 20, 5, 0, 0, 0, 0, 0, 0, 20, 40, 60],  # only arrives and leaves
        [80, 60, 40, 20, 5, 10, 10, 5, 0, 0, 0, 0, 40, 60],  # springs back a little
        [0] * 12,
    ],
)
def test_what_is_no_movement(speeds):
    assert find_movement(_clip(speeds)) is None


def test_umlauts_of_german_move():
    moved = {clip.letter for clip in read_clips(language="gsg") if moved_frames(clip)}
    assert moved == set("jzßäöü")
