import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from signdiff_eval.functional import align, dtw, dtw_batch, dtw_channels


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
        assert dtw(hypothesis, reference, variant="pt") == pytest.approx(golden["dtw_normalised"], rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(("frames", "others"), [(2, 2), (30, 17), (12, 41)])
def test_pt_equals_the_plain_loop(walk, frames, others):
    reference, hypothesis = with_counter(walk(frames)), with_counter(walk(others))
    assert dtw(hypothesis, reference, variant="pt") == pytest.approx(plain_pt(reference, hypothesis), rel=1e-12)


def test_pt_cuts_before_the_first_peak_of_each_counter():
    reference = np.array([[0.0, 0.1], [1.0, 0.7], [50.0, 0.9], [60.0, 0.9]])
    hypothesis = np.array([[0.0, 0.2], [3.0, 0.5], [70.0, 1.0], [80.0, 0.3]])
    assert dtw(hypothesis, reference, variant="pt") == (0 + 2) / 2


def test_pt_keeps_a_frame_when_the_peak_comes_first():
    assert dtw([[1.0, 1.0], [9.0, 0.5]], [[3.0, 1.0], [7.0, 0.0]], variant="pt") == 2.0


def test_pt_divides_by_the_reference():
    short, long = with_counter(np.zeros((3, 1, 1))), with_counter(np.ones((5, 1, 1)))
    assert dtw(long, short, variant="pt") == 4 / 2
    assert dtw(short, long, variant="pt") == 4 / 4


def test_drop_bos_takes_off_the_hypothesis_first_frame(walk):
    reference, hypothesis = with_counter(walk(12)), with_counter(walk(9))
    begin = np.concatenate([np.full((1, 151), 7.0), hypothesis])
    begin[0, -1] = 0.0
    assert dtw(begin, reference, variant="pt", drop_bos=True) == dtw(hypothesis, reference, variant="pt")
    assert dtw(begin, reference, variant="pt") > dtw(hypothesis, reference, variant="pt")


def test_mje_by_hand():
    # Frame costs |0-0| + |3-2| and the path is the diagonal: errors 5 and 0 for the first frame's joints, 0 and 1 then.
    reference = np.array([[[0.0, 0.0], [9.0, 9.0]], [[20.0, 0.0], [0.0, 0.0]]])
    hypothesis = np.array([[[3.0, 4.0], [9.0, 9.0]], [[20.0, 0.0], [0.0, 1.0]]])
    assert dtw(hypothesis, reference, variant="mje") == (5 + 0 + 0 + 1) / 4


def test_mje_averages_along_the_path_of_dtaidistance(walk):
    dtw_ndim = pytest.importorskip("dtaidistance.dtw_ndim")
    reference, hypothesis = walk(40), walk(31)
    path = dtw_ndim.warping_path(reference.reshape(40, -1), hypothesis.reshape(31, -1), inner_dist="euclidean")
    errors = [np.linalg.norm(reference[i] - hypothesis[j], axis=1) for i, j in path]
    assert dtw(hypothesis, reference, variant="mje") == pytest.approx(np.mean(errors), rel=1e-12)


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
    assert dtw(with_counter(noisy), with_counter(joints), variant="pt") > 0


def test_more_noise_is_worse_on_average(walk, rng):
    reference, noise = walk(60), rng.normal(size=(20, 60, 50, 3))
    scores = [
        np.mean([dtw(reference + scale * each, reference, variant="mje") for each in noise])
        for scale in (0, 0.01, 0.02, 0.05, 0.2)
    ]
    assert scores == sorted(scores)
    assert scores[0] < scores[1]


@pytest.mark.parametrize("factor", [2, 3])
def test_a_time_stretched_copy_lies_on_the_path(walk, factor):
    reference = walk(25)
    slow = np.repeat(reference, factor, axis=0)
    assert dtw(slow, reference, variant="mje") == 0
    assert dtw(slow, reference, variant="pjpe") == 0
    # The counter's last frame is cut from both; the stretched copy keeps factor - 1 repetitions of its last pose.
    last = np.abs(reference[-1] - reference[-2]).sum() * (factor - 1) / 24
    assert dtw(with_counter(slow), with_counter(reference), variant="pt") == pytest.approx(last, rel=1e-9)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "options", "message"),
    [
        (np.zeros((3, 4)), np.zeros((3, 5)), {}, r"same shape.*\(5,\) and \(4,\)"),
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
        dtw(hypothesis, reference, **options)


def joint_errors(reference, hypothesis):
    """(T, U) mean over joints of the distance between each."""
    return np.linalg.norm(reference[:, None] - hypothesis[None], axis=-1).mean(axis=-1)


@pytest.mark.parametrize(("frames", "others"), [(1, 1), (24, 31), (60, 12)])
def test_pjpe_averages_along_the_path_that_it_is_least_on(walk, frames, others):
    reference, hypothesis = walk(frames, joints=9), walk(others, joints=9)
    total, path = align(joint_errors(reference, hypothesis))
    assert dtw(hypothesis, reference, variant="pjpe") == pytest.approx(total / len(path), rel=1e-12)


@pytest.mark.parametrize(("frames", "others"), [(1, 7), (24, 31), (60, 12)])
def test_pt_and_mje_equal_an_alignment_of_scipy_s_costs(walk, frames, others):
    reference, hypothesis = walk(frames, joints=9), walk(others, joints=9)
    flat = reference.reshape(frames, -1), hypothesis.reshape(others, -1)
    counted = with_counter(reference), with_counter(hypothesis)
    cut = [each[: max(1, len(each) - 1)] for each in flat]
    expected = align(cdist(*cut, "cityblock"))[0] / len(cut[0])
    assert dtw(*reversed(counted), variant="pt") == pytest.approx(expected, rel=1e-12)
    path = align(cdist(*flat))[1]
    expected = joint_errors(reference, hypothesis)[path[:, 0], path[:, 1]].mean()
    assert dtw(hypothesis, reference, variant="mje") == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("variant", "shape"), [("pt", (40, 151)), ("mje", (40, 50, 3)), ("pjpe", (40, 50, 3))])
def test_a_batch_equals_its_pairs(rng, variant, shape):
    references = [rng.normal(size=(frames, *shape[1:])) for frames in (5, 17, 40, 1)]
    hypotheses = [rng.normal(size=(frames, *shape[1:])) for frames in (9, 4, 33, 12)]
    expected = [dtw(*pair, variant=variant) for pair in zip(hypotheses, references, strict=True)]
    for workers in (None, 1, 3):
        assert dtw_batch(hypotheses, references, variant, workers=workers).tolist() == expected


def test_batch_refuses_uneven_lists_and_names_bad_arrays():
    with pytest.raises(ValueError, match="are 2 and 1"):
        dtw_batch([np.zeros((2, 4))] * 2, [np.zeros((2, 4))])
    with pytest.raises(ValueError, match="hypothesis must be finite"):
        dtw_batch([np.full((2, 4), np.nan)], [np.zeros((2, 4))])


@pytest.mark.parametrize("variant", ["pt", "mje", "pjpe"])
def test_channels_are_what_their_joints_alone_score(walk, variant):
    reference, hypothesis = walk(20), walk(26)
    channels = {"body": range(8), "left_hand": range(8, 29), "right_hand": range(29, 50)}
    scores = dtw_channels(hypothesis, reference, channels, variant)
    assert list(scores) == ["body", "left_hand", "right_hand", "all"]
    for name, joints in {**channels, "all": range(50)}.items():
        pair = [each[:, list(joints)] for each in (hypothesis, reference)]
        pair = [with_counter(each) for each in pair] if variant == "pt" else pair
        assert scores[name] == dtw(*pair, variant=variant)


@pytest.mark.parametrize("channels", [{"all": [0]}, {"body": []}, {"body": [2]}, {"body": [-1]}])
def test_channels_refuse(channels):
    with pytest.raises(ValueError, match=r"channels.*(indices from 0 to 1|other names than 'all')"):
        dtw_channels(np.zeros((2, 2, 3)), np.zeros((2, 2, 3)), channels)


def test_long_pairs_stay_within_memory():
    # Peak resident memory of a process of its own, beyond what it takes for a short pair.
    code = """
import json, resource, numpy as np
from signdiff_eval.functional import dtw
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
rng = np.random.default_rng(0)
left, right = (rng.normal(size=(FRAMES, 50, 3)) for _ in range(2))
counted = [np.c_[x.reshape(len(x), -1), np.arange(len(x)) / len(x)] for x in (left, right)]
for pair, variant in ((counted, "pt"), ((left, right), "mje")):
    dtw(*(x[:4] for x in pair), variant)
before = peak()
dtw(*counted, "pt")
after_pt = peak()
dtw(left, right, "mje")
print(json.dumps([after_pt - before, peak() - before]))
"""
    command = [sys.executable, "-c", code.replace("FRAMES", "2000")]
    pt, mje = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    # A table of float64 would take 32 MB; copies of the arrays take 10, a byte a cell 4, the path's joints up to 15.
    assert pt < 14
    assert mje < 30


def test_of_several_pairs_the_wrong_one_is_named():
    arrays = [np.zeros((3, 2, 3)), np.zeros((4, 2, 3)), np.zeros((4, 3, 3))]
    with pytest.raises(ValueError, match=r"^pair 2: hypothesis and reference must have frames of the same shape"):
        dtw_batch(arrays, [arrays[0]] * 3, variant="mje")
