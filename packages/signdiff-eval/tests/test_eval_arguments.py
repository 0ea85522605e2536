"""Arguments of the Python API that can't be scored are one error that names them; what can be taken is taken."""

import numpy as np
import pytest

from signdiff_eval import functional
from signdiff_eval.metrics import BLEU, DTW, FID, SSIM, HandPose, HandSSIM

IMAGE = np.arange(40 * 40, dtype=np.uint8).reshape(40, 40)
POINTS = np.tile(np.linspace(10, 30, 21)[:, None], (5, 2, 1, 2))
WALK = np.cumsum(np.random.default_rng(3).normal(size=(9, 5, 3)), axis=0)


@pytest.mark.parametrize(
    ("metric", "given", "message"),
    [
        (HandSSIM(), {"keypoints": POINTS}, "keypoints must .* goes on after the last, number 4"),
        (HandSSIM(), {"keypoints": POINTS[:3]}, "keypoints must .* ends after 3"),
        (HandPose(), {"keypoints": (POINTS, POINTS[:4])}, "keypoints of the hypothesis must .* goes on .* number 4"),
        (HandPose(), {"keypoints": (POINTS[:4], POINTS)}, "keypoints of the reference must .* goes on .* number 4"),
        (HandPose(), {"keypoints": (POINTS[:4], POINTS[:3])}, "keypoints of the reference must .* ends after 3"),
        (HandPose(), {"keypoints": POINTS[:4]}, "keypoints must be the hypothesis' and the reference's"),
        (SSIM(), {"boxes": [(4, 4, 30, 30)] * 9}, "boxes must .* goes on after the last, number 4"),
        (SSIM(), {"boxes": iter([(4, 4, 30, 30)] * 5)}, "boxes must .* goes on after the last, number 4"),
    ],
)
def test_what_belongs_to_frames_is_as_many_as_they_are(metric, given, message):
    with pytest.raises(ValueError, match=message):
        metric.update([IMAGE] * 4, [IMAGE] * 4, **given)
    assert not len(metric.statistics)


def with_infinity(points):
    points = points.copy()
    points[2, 1, 7, 0] = np.inf
    return points


@pytest.mark.parametrize(
    "score",
    [
        lambda: functional.hand_box([[np.inf, 1], [2, 3]], IMAGE.shape),
        lambda: functional.hand_pose(POINTS, with_infinity(POINTS)),
        lambda: HandSSIM().update([IMAGE] * 5, [IMAGE] * 5, keypoints=with_infinity(POINTS)),
    ],
)
def test_an_infinite_key_point_is_not_taken_for_absent(score):
    with pytest.raises(ValueError, match=r"has an infinity at \("):
        score()


@pytest.mark.parametrize(
    ("score", "message"),
    [
        (lambda: functional.dtw(WALK * 1j, WALK, "mje"), "hypothesis must be real numbers, but is complex128"),
        (lambda: functional.hand_pose(POINTS, POINTS * 1j), "reference must be real numbers, but is complex128"),
        (lambda: FID(lambda images: images[:, 0, :2, 0] * 1j).update([IMAGE], [IMAGE]), "features must be real"),
        (lambda: functional.dtw(WALK.astype(str), WALK, "mje"), "hypothesis must be real numbers, but is <U"),
        (
            lambda: functional.dtw(WALK, [[[1.0]], [[1.0, 2.0]]], "mje"),
            "reference must be an array of numbers, but this list",
        ),
        (lambda: functional.dtw_batch([[[1.0], 2.0]], [WALK], "mje"), "pair 0: hypothesis must be an array of numbers"),
        (lambda: functional.duration(WALK, [[1.0], [1.0, 2.0]]), "reference must be an array of numbers"),
        (lambda: functional.align([[1.0], [1.0, 2.0]]), "costs must be an array of numbers"),
        (lambda: functional.ssim(IMAGE, [[1], [1, 2]]), "reference must be an array of numbers"),
        (lambda: functional.hand_box([[1, 2], [1]], IMAGE.shape), "keypoints must be an array of numbers"),
        (lambda: functional.dtw(WALK, {"a": 1}, "mje"), "reference must be real numbers, but is no such dict"),
        (lambda: functional.dtw(WALK, [[[10**400]]], "mje"), "reference must be real numbers, but is no such list"),
        (
            lambda: functional.total_distance(WALK, WALK, joints=[4.5]),
            r"joints must be indices from 0 to 4, .*\[4\.5\]",
        ),
        (lambda: functional.total_distance(WALK, WALK, joints=4), "joints must be indices from 0 to 4, .* but is 4"),
        (lambda: functional.total_distance(WALK, WALK, joints=[True] * 5), "joints must be indices"),
        (lambda: functional.dtw_channels(WALK, WALK, {"a": [0.5]}), r"channels\['a'\] must be indices from 0 to 4"),
        (lambda: functional.ssim(IMAGE, IMAGE, box=(8.5, 8.0, 40.0, 40.0)), "box must be four integers"),
        (lambda: functional.ssim(IMAGE, IMAGE, box=(8, 8, 40)), "box must be four integers"),
        (lambda: SSIM().update([IMAGE], [IMAGE], boxes=[5]), "box must be four integers"),
        (lambda: functional.hand_box([[1, 2]], IMAGE.shape, scale=np.inf), "scale must be positive and finite"),
        (lambda: HandSSIM(scale=np.nan), "scale must be positive and finite"),
    ],
)
def test_what_cannot_be_scored_is_named(score, message):
    with pytest.raises(ValueError, match=message):
        score()


@pytest.mark.parametrize("name", ["wer", "cer", "bleu", "chrf", "rouge"])
def test_sentences_may_come_from_any_iterable(name):
    score = getattr(functional, name)
    made, true = ["am abend schnee im norden", "und wind"], ["am abend regen im norden", "und wind"]
    assert score(iter(made), (line for line in true)) == score(made, true)
    assert score(np.array(made), tuple(true)) == score(made, true)
    with pytest.raises(TypeError, match="hypotheses must be a list of strings, but is 5"):
        score(5, true)


def test_metrics_and_batches_take_any_iterable():
    metric = BLEU()
    metric.update(iter(["a b c d"]), iter(["a b c d"]))
    assert metric.compute() == 100
    assert functional.dtw_batch(iter([WALK]), (walk for walk in [WALK]), "mje").tolist() == [0]


def test_indices_may_come_as_an_array():
    by_list = functional.dtw_channels(WALK, WALK + 1, {"a": [0, 1, 2]}, variant="mje")
    assert functional.dtw_channels(WALK, WALK + 1, {"a": np.arange(3)}, variant="mje") == by_list
    assert functional.total_distance(WALK * 2, WALK, joints=np.arange(2)) == pytest.approx(2)
    with pytest.raises(TypeError, match="channels must map names"):
        functional.dtw_channels(WALK, WALK, [[0]])
    with pytest.raises(ValueError, match="other names than 'all'"):
        functional.dtw_channels(WALK, WALK, {"all": [0]})


def test_tensors_are_taken_out_of_their_graph():
    torch = pytest.importorskip("torch")
    other = WALK + np.random.default_rng(4).normal(size=WALK.shape)
    plain = functional.dtw(WALK.astype(np.float32), other.astype(np.float32), "mje")
    left, right = (torch.tensor(walk, dtype=torch.float32, requires_grad=True) for walk in (WALK, other))
    assert functional.dtw(left, right, "mje") == plain
    assert functional.dtw(list(left), list(right), "mje") == plain
    assert functional.duration(list(left), right) == 1
    rough = functional.dtw(left.bfloat16(), right.bfloat16(), "mje")
    assert rough == functional.dtw(left.bfloat16().float().detach().numpy(), right.bfloat16().float(), "mje")
    assert rough == pytest.approx(plain, rel=0.01)
    metric = DTW("mje")
    metric.update(left, right)
    assert metric.compute() == plain
    with pytest.raises(ValueError, match="reference must be an array of numbers, but this Tensor"):
        functional.dtw(right, left[:, :, 0].detach().to_sparse(), "mje")
