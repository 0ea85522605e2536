import json
import subprocess
import sys

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from signdiff_eval.functional import align, dtw, dtw_batch, dtw_channels


def with_counter(joints):
    frames = len(joints)
    return np.concatenate([joints.reshape(frames, -1), np.arange(frames)[:, None] / frames], axis=1)


def joint_errors(reference, hypothesis):
    """(T, U) mean over joints of the distance between each."""
    return np.linalg.norm(reference[:, None] - hypothesis[None], axis=-1).mean(axis=-1)


@pytest.mark.parametrize(("frames", "others"), [(1, 1), (24, 31), (60, 12)])
def test_pjpe_averages_along_the_path_that_it_is_least_on(walk, frames, others):
    reference, hypothesis = walk(frames, joints=9), walk(others, joints=9)
    total, path = align(joint_errors(reference, hypothesis))
    assert dtw(reference, hypothesis, variant="pjpe") == pytest.approx(total / len(path), rel=1e-12)


@pytest.mark.parametrize(("frames", "others"), [(1, 7), (24, 31), (60, 12)])
def test_pt_and_mje_equal_an_alignment_of_scipy_s_costs(walk, frames, others):
    reference, hypothesis = walk(frames, joints=9), walk(others, joints=9)
    flat = reference.reshape(frames, -1), hypothesis.reshape(others, -1)
    counted = with_counter(reference), with_counter(hypothesis)
    cut = [each[: max(1, len(each) - 1)] for each in flat]
    expected = align(cdist(*cut, "cityblock"))[0] / len(cut[0])
    assert dtw(*counted, variant="pt") == pytest.approx(expected, rel=1e-12)
    path = align(cdist(*flat))[1]
    expected = joint_errors(reference, hypothesis)[path[:, 0], path[:, 1]].mean()
    assert dtw(reference, hypothesis, variant="mje") == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("variant", "shape"), [("pt", (40, 151)), ("mje", (40, 50, 3)), ("pjpe", (40, 50, 3))])
def test_a_batch_equals_its_pairs(rng, variant, shape):
    references = [rng.normal(size=(frames, *shape[1:])) for frames in (5, 17, 40, 1)]
    hypotheses = [rng.normal(size=(frames, *shape[1:])) for frames in (9, 4, 33, 12)]
    expected = [dtw(*pair, variant=variant) for pair in zip(references, hypotheses, strict=True)]
    for workers in (None, 1, 3):
        assert dtw_batch(references, hypotheses, variant, workers=workers).tolist() == expected


def test_batch_refuses_uneven_lists_and_names_bad_arrays():
    with pytest.raises(ValueError, match="are 2 and 1"):
        dtw_batch([np.zeros((2, 4))] * 2, [np.zeros((2, 4))])
    with pytest.raises(ValueError, match="hypothesis must be finite"):
        dtw_batch([np.zeros((2, 4))], [np.full((2, 4), np.nan)])


@pytest.mark.parametrize("variant", ["pt", "mje", "pjpe"])
def test_channels_are_what_their_joints_alone_score(walk, variant):
    reference, hypothesis = walk(20), walk(26)
    channels = {"body": range(8), "left_hand": range(8, 29), "right_hand": range(29, 50)}
    scores = dtw_channels(reference, hypothesis, channels, variant)
    assert list(scores) == ["body", "left_hand", "right_hand", "all"]
    for name, joints in {**channels, "all": range(50)}.items():
        pair = [each[:, list(joints)] for each in (reference, hypothesis)]
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
    with pytest.raises(ValueError, match=r"^pair 2: reference and hypothesis must have frames of the same shape"):
        dtw_batch(arrays, [arrays[0]] * 3, variant="mje")
