from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("spoken_to_signed", reason="needs signdiff-slp[corpora]")

from signdiff_core.skeleton import LEFT_HAND, LEFT_WRIST, LIMBS, RIGHT_HAND, RIGHT_WRIST, limb_lengths
from signdiff_slp.corpora.body import joints_from, rest_pose
from signdiff_slp.corpora.clips import ALPHABET, SHOULDERS_APART, read_clips
from signdiff_slp.corpora.letters import load_letters
from signdiff_slp.corpora.stitch import spell

PANGRAM = "sphinx of black quartz judge my vow"


@pytest.fixture(scope="module")
def pangram():
    return spell(PANGRAM, rng=np.random.default_rng(3))


def test_letters_keep_what_the_viewer_saw():
    ratios = []
    for clip in read_clips():
        letter = load_letters()[clip.letter]
        first, last = letter.core_frames
        made = joints_from(letter.core)[:, RIGHT_HAND, :2]
        made = made - made[:, :1]
        seen = clip.hand[first:last, :, :2] / (3 * SHOULDERS_APART)
        seen = seen - seen[:, :1]
        scale = np.sum(made * seen) / np.sum(seen**2)
        ratios.append(np.linalg.norm(made - scale * seen, axis=-1).mean() / np.linalg.norm(made, axis=-1).mean())
    assert np.median(ratios) < 0.05
    assert max(ratios) < 0.2


def test_still_letters_are_trimmed_to_still_frames():
    for letter in load_letters().values():
        first, last = letter.core_frames
        assert first >= 0
        assert last <= len(letter.whole)
        assert last - first >= 10
        if not letter.moves:
            joints = joints_from(letter.core)[:, RIGHT_HAND, :2]
            assert np.linalg.norm(np.diff(joints.mean(axis=1), axis=0), axis=-1).max() < 0.01


def test_bones_have_constant_lengths(pangram):
    lengths = limb_lengths(pangram.joints.astype(np.float64), LIMBS)
    assert np.ptp(lengths, axis=0).max() < 1e-6


def test_starts_and_ends_at_rest(pangram):
    assert np.array_equal(pangram.joints[0], rest_pose())
    assert np.array_equal(pangram.joints[-1], rest_pose())


def test_hands_hang_on_their_arms_and_the_left_one_rests(pangram):
    joints = pangram.joints
    assert np.array_equal(joints[:, RIGHT_HAND.start], joints[:, RIGHT_WRIST])
    assert np.array_equal(joints[:, LEFT_HAND.start], joints[:, LEFT_WRIST])
    assert np.ptp(joints[:, LEFT_HAND], axis=0).max() == 0


def test_holds_name_the_letters_in_order_without_overlap(pangram):
    assert "".join(hold.letter for hold in pangram.holds) == PANGRAM.replace(" ", "")
    assert all(a.end < b.start for a, b in pairwise(pangram.holds))
    assert all(hold.end - hold.start >= 2 for hold in pangram.holds)


def test_holds_are_still_and_movements_are_not(pangram):
    for hold in pangram.holds:
        moved = np.ptp(pangram.joints[hold.start : hold.end, RIGHT_HAND], axis=0).max()
        assert moved > 0.05 if hold.letter in "jz" else moved == 0


def test_nothing_jumps(pangram):
    steps = np.linalg.norm(np.diff(pangram.joints, axis=0), axis=-1)
    assert steps.max() < 0.25  # 6 m/s at a fingertip: a shoulder width is about a third of a metre
    starts = [hold.start for hold in pangram.holds]
    assert np.linalg.norm(np.diff(pangram.joints[: starts[0]], axis=0)[0], axis=-1).max() == 0


@pytest.mark.parametrize("letter", ALPHABET)
def test_every_pair_with_a_letter_can_be_spelled(letter: str):
    for other in "aejqz":
        spelling = spell(letter + other)
        assert np.isfinite(spelling.joints).all()
        assert np.linalg.norm(np.diff(spelling.joints, axis=0), axis=-1).max() < 0.3


def test_words_stay_in_one_place():
    spelling = spell("abcdefghiklmnopqrstuvwxy")
    wrists = np.array([spelling.joints[hold.start, RIGHT_WRIST] for hold in spelling.holds])
    assert np.ptp(wrists[:, 0]) < 0.1
    assert np.linalg.norm(wrists - np.median(wrists, axis=0), axis=-1).max() < 0.15


def test_double_letters_slide_aside_and_come_back():
    spelling = spell("hello")
    first, second = (spelling.joints[hold.start, RIGHT_WRIST] for hold in spelling.holds[2:4])
    assert second[0] - first[0] == pytest.approx(-0.06, abs=1e-3)
    shapes = [spelling.joints[h.start, RIGHT_HAND] - spelling.joints[h.start, RIGHT_WRIST] for h in spelling.holds]
    assert shapes[2] == pytest.approx(shapes[3], abs=1e-6)
    single = spell("helo")
    after = spelling.joints[spelling.holds[4].start, RIGHT_WRIST]
    assert after == pytest.approx(single.joints[single.holds[3].start, RIGHT_WRIST], abs=1e-6)


def test_a_space_sinks_part_of_the_way():
    spelling = spell("a b")
    a, b = spelling.holds
    between = spelling.joints[a.end : b.start, RIGHT_WRIST, 1].max()
    up, down = spelling.joints[a.start, RIGHT_WRIST, 1], rest_pose()[RIGHT_WRIST, 1]
    assert up + 0.1 * (down - up) < between < up + 0.6 * (down - up)


def test_two_or_three_letters_take_about_a_second():
    frames = np.diff([len(spell("spelling"[:n]).joints) for n in range(3, 9)])
    assert 25 / 3 <= frames.mean() <= 25 / 2


def test_the_last_letter_is_held_longer():
    holds = spell("abc").holds
    assert holds[-1].end - holds[-1].start > holds[0].end - holds[0].start


def test_timing_varies_about_the_usual_one():
    usual = len(spell("example").joints)
    drawn = [len(spell("example", rng=np.random.default_rng(seed)).joints) for seed in range(30)]
    assert np.mean(drawn) == pytest.approx(usual, rel=0.05)
    assert len(set(drawn)) > 5
    assert max(drawn) < 1.3 * usual


def test_the_same_seed_spells_alike():
    one, two = (spell("again", rng=np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(one.joints, two.joints)
    assert one.holds == two.holds


@pytest.mark.parametrize("text", ["", " a", "a  b", "A", "é", "a1"])
def test_what_it_cannot_spell_is_an_error(text: str):
    with pytest.raises(ValueError, match="letters a to z"):
        spell(text)
