import numpy as np
import pytest

pytest.importorskip("spoken_to_signed", reason="needs signdiff-slp[corpora]")

from signdiff_core.skeleton import RIGHT_HAND
from signdiff_slp.corpora.body import rest_pose
from signdiff_slp.corpora.classifier import LetterClassifier
from signdiff_slp.corpora.clips import ALPHABET
from signdiff_slp.corpora.stitch import spell


@pytest.fixture(scope="module")
def classifier():
    return LetterClassifier()


@pytest.mark.parametrize("letter", ALPHABET)
def test_stitched_letters_are_read(classifier, letter):
    spelling = spell(f"a{letter}o", rng=np.random.default_rng(0))
    hold = spelling.holds[1]
    assert classifier(spelling.joints[hold.start : hold.end]) == letter


def test_movements_tell_j_from_i(classifier):
    spelling = spell("j")
    hold = spelling.holds[0]
    start = spelling.joints[hold.start : hold.start + 1]
    assert classifier(spelling.joints[hold.start : hold.end]) == "j"
    assert classifier(np.repeat(start, 8, axis=0)) != "j"


def test_size_and_place_do_not_matter(classifier):
    spelling = spell("k")
    joints = spelling.joints[spelling.holds[0].start : spelling.holds[0].end].astype(np.float64)
    here = classifier.distances(joints)
    there = classifier.distances(1.7 * joints + [0.3, -0.2, 0.5])
    assert there == pytest.approx(here)


def test_orientation_matters(classifier):
    spelling = spell("k")
    joints = spelling.joints[spelling.holds[0].start : spelling.holds[0].end]
    turned = joints.copy()
    hand = joints[:, RIGHT_HAND]
    turned[:, RIGHT_HAND] = hand[:, :1] - (hand - hand[:, :1])
    assert classifier.distances(turned)["k"] > 10 * classifier.distances(joints)["k"]


def test_a_resting_hand_is_far_from_every_letter(classifier):
    at_rest = min(classifier.distances(rest_pose()[None]).values())
    spelling = spell("k")
    held = min(classifier.distances(spelling.joints[spelling.holds[0].start :][:4]).values())
    assert at_rest > 5 * held
