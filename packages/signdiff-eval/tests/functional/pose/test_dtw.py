import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signdiff_eval.functional import dtw


def with_counter(joints):
    frames = len(joints)
    return np.concatenate([joints.reshape(frames, -1), np.arange(frames)[:, None] / frames], axis=1)


def plain_pt(reference, hypothesis):
    """The field's loop: absolute differences, one cell at a time."""
    reference = reference[: max(1, np.argmax(reference[:, -1])), :-1]
    hypothesis = hypothesis[: max(1, np.argmax(hypothesis[:, -1])), :-1]
    table = np.full((len(reference) + 1, len(hypothesis) + 1), np.inf)
    table[0, 0] = 0
    for i, frame in enumerate(reference):
        for j, other in enumerate(hypothesis):
            table[i + 1, j + 1] = np.abs(frame - other).sum() + min(table[i, j], table[i, j + 1], table[i + 1, j])
    return table[-1, -1] / len(reference)


@pytest.mark.realdata
def test_pt_equals_progressive_transformers(realdata):
    sequences = {
        split: [
            np.array(line.split(), dtype=np.float64).reshape(-1, 151)
            for line in (realdata / "phoenix14t-skels" / f"{split}.skels").read_text().splitlines()
        ]
        for split in ("train", "dev")
    }
    goldens = json.loads((realdata / "goldens" / "progressive_transformers_dtw.json").read_text())
    assert goldens
    for golden in goldens:
        reference, hypothesis = (sequences[split][index] for split, index in (golden["ref"], golden["hyp"]))
        assert dtw(reference, hypothesis, variant="pt") == pytest.approx(golden["dtw_normalised"], rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(("frames", "others"), [(2, 2), (30, 17), (12, 41)])
def test_pt_equals_the_plain_loop(walk, frames, others):
    reference, hypothesis = with_counter(walk(frames)), with_counter(walk(others))
    assert dtw(reference, hypothesis, variant="pt") == pytest.approx(plain_pt(reference, hypothesis), rel=1e-12)


def test_pt_cuts_before_the_first_peak_of_each_counter():
    reference = np.array([[0.0, 0.1], [1.0, 0.7], [50.0, 0.9], [60.0, 0.9]])
    hypothesis = np.array([[0.0, 0.2], [3.0, 0.5], [70.0, 1.0], [80.0, 0.3]])
    assert dtw(reference, hypothesis, variant="pt") == (0 + 2) / 2


def test_pt_keeps_a_frame_when_the_peak_comes_first():
    assert dtw([[1.0, 1.0], [9.0, 0.5]], [[3.0, 1.0], [7.0, 0.0]], variant="pt") == 2.0


def test_pt_divides_by_the_reference():
    short, long = with_counter(np.zeros((3, 1, 1))), with_counter(np.ones((5, 1, 1)))
    assert dtw(short, long, variant="pt") == 4 / 2
    assert dtw(long, short, variant="pt") == 4 / 4


def test_drop_bos_takes_off_the_hypothesis_first_frame(walk):
    reference, hypothesis = with_counter(walk(12)), with_counter(walk(9))
    begin = np.concatenate([np.full((1, 151), 7.0), hypothesis])
    begin[0, -1] = 0.0
    assert dtw(reference, begin, variant="pt", drop_bos=True) == dtw(reference, hypothesis, variant="pt")
    assert dtw(reference, begin, variant="pt") > dtw(reference, hypothesis, variant="pt")


def test_mje_by_hand():
    # Frame costs |0-0| + |3-2| and the path is the diagonal: errors 5 and 0 for the first frame's joints, 0 and 1 then.
    reference = np.array([[[0.0, 0.0], [9.0, 9.0]], [[20.0, 0.0], [0.0, 0.0]]])
    hypothesis = np.array([[[3.0, 4.0], [9.0, 9.0]], [[20.0, 0.0], [0.0, 1.0]]])
    assert dtw(reference, hypothesis, variant="mje") == (5 + 0 + 0 + 1) / 4


def test_mje_averages_along_the_path_of_dtaidistance(walk):
    dtw_ndim = pytest.importorskip("dtaidistance.dtw_ndim")
    reference, hypothesis = walk(40), walk(31)
    path = dtw_ndim.warping_path(reference.reshape(40, -1), hypothesis.reshape(31, -1), inner_dist="euclidean")
    errors = [np.linalg.norm(reference[i] - hypothesis[j], axis=1) for i, j in path]
    assert dtw(reference, hypothesis, variant="mje") == pytest.approx(np.mean(errors), rel=1e-12)


@given(st.integers(1, 30), st.integers(0, 2**32 - 1), st.floats(1e-3, 10))
@settings(max_examples=40, deadline=None)
def test_equal_sequences_are_perfect_and_noise_never_improves(frames, seed, scale):
    rng = np.random.default_rng(seed)
    joints = rng.normal(size=(frames, 5, 3))
    noisy = joints + rng.normal(scale=scale, size=joints.shape)
    for variant in ("mje", "pjpe"):
        assert dtw(joints, joints, variant=variant) == 0
        assert dtw(joints, noisy, variant=variant) > 0
    assert dtw(with_counter(joints), with_counter(joints), variant="pt") == 0
    assert dtw(with_counter(joints), with_counter(noisy), variant="pt") > 0


def test_more_noise_is_worse_on_average(walk, rng):
    reference, noise = walk(60), rng.normal(size=(20, 60, 50, 3))
    scores = [
        np.mean([dtw(reference, reference + scale * each, variant="mje") for each in noise])
        for scale in (0, 0.01, 0.02, 0.05, 0.2)
    ]
    assert scores == sorted(scores)
    assert scores[0] < scores[1]


@pytest.mark.parametrize("factor", [2, 3])
def test_a_time_stretched_copy_lies_on_the_path(walk, factor):
    reference = walk(25)
    slow = np.repeat(reference, factor, axis=0)
    assert dtw(reference, slow, variant="mje") == 0
    assert dtw(reference, slow, variant="pjpe") == 0
    # The counter's last frame is cut from both; the stretched copy keeps factor - 1 repetitions of its last pose.
    last = np.abs(reference[-1] - reference[-2]).sum() * (factor - 1) / 24
    assert dtw(with_counter(reference), with_counter(slow), variant="pt") == pytest.approx(last, rel=1e-9)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "options", "message"),
    [
        (np.zeros((3, 4)), np.zeros((3, 5)), {}, r"same shape.*\(4,\) and \(5,\)"),
        (np.zeros((3, 1)), np.zeros((3, 1)), {}, "beside the counter"),
        (np.zeros((0, 4)), np.zeros((3, 4)), {}, r"reference must.*\(T, D \+ 1\).*\(0, 4\)"),
        (np.zeros((3, 4)), np.full((3, 4), np.inf), {}, "hypothesis must be finite"),
        (np.zeros((3, 4)), np.zeros((1, 4)), {"drop_bos": True}, "after its begin frame"),
        (np.zeros((3, 4)), np.zeros((3, 4)), {"variant": "mje"}, r"\(T, J, C\)"),
        (np.zeros((3, 4, 3)), np.zeros((3, 4, 3)), {"variant": "mje", "drop_bos": True}, "drop_bos"),
        (np.zeros((3, 4)), np.zeros((3, 4)), {"variant": "l2"}, "pt, mje, pjpe.*'l2'"),
    ],
)
def test_refuses(reference, hypothesis, options, message):
    with pytest.raises(ValueError, match=message):
        dtw(reference, hypothesis, **options)
