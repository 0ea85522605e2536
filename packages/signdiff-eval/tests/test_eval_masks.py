"""A masked array never loses its mask: its values are refused, or count as absent where absence is known."""

import numpy as np
import pytest
from pose_format import Pose

from signdiff_eval import functional
from signdiff_eval.metrics import DTW, FID, SSIM, HandPose, TotalDistance

VARIANTS = ("mje", "pjpe")


@pytest.fixture
def joints(rng):
    return np.ma.masked_array(rng.normal(size=(6, 4, 3)), mask=False)


@pytest.mark.realdata
@pytest.mark.parametrize("variant", VARIANTS)
def test_the_mask_of_a_real_pose_is_refused(realdata, variant):
    pose = Pose.read((realdata / "pose-format-samples" / "mediapipe.pose").read_bytes())
    joints = pose.body.data[:, 0]
    with pytest.raises(ValueError, match=r"hypothesis must have no masked values, but has \d+, the first in frame 0"):
        functional.dtw(joints + 10, joints, variant)


def test_what_nothing_masks_is_scored(joints):
    # Every joint is 10 off along each of 3 axes.
    assert functional.dtw(joints + 10, joints, "mje") == pytest.approx(10 * np.sqrt(3))


@pytest.mark.parametrize(
    "score",
    [
        *(lambda a, b, v=variant: functional.dtw(a, b, v) for variant in VARIANTS),
        lambda a, b: functional.dtw(a.reshape(6, -1), b.reshape(6, -1), "pt"),
        lambda a, b: functional.dtw_batch([a], [b], "mje"),
        lambda a, b: functional.dtw_channels(a, b, {"body": [0, 1]}),
        lambda a, b: functional.total_distance(a, b),
        lambda a, b: functional.align(abs(a[..., 0] - b[..., 0])),
        lambda a, b: functional.fid(a.reshape(6, -1), b.reshape(6, -1)),
        lambda a, b: functional.frechet_distance(a[0, 0], np.eye(3), b[0, 0], np.eye(3)),
        lambda a, b: functional.dtw(list(a), list(b), "mje"),
        lambda a, b: DTW("mje").update(a, b),
        lambda a, b: DTW("pjpe").update_batch([a], [b]),
        lambda a, b: TotalDistance().update(a, b),
    ],
)
@pytest.mark.filterwarnings("ignore::signdiff_eval.functional.SmallSampleWarning")
@pytest.mark.parametrize("side", [0, 1])
def test_masked_joints_are_refused_everywhere(joints, score, side):
    pair = [joints, joints + 1]
    score(*pair)
    pair[side] = np.ma.masked_array(pair[side].data, mask=pair[side].data == pair[side].data[0, 0, 0])
    with pytest.raises(ValueError, match=r"must have no masked values, but has 1, the first in frame 0"):
        score(*pair)


def test_masked_images_are_refused(rng):
    image = rng.integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
    masked = np.ma.masked_array(image, mask=image == image.max())
    for score in (
        lambda: functional.ssim(masked[0], image[0]),
        lambda: functional.flicker(image, masked),
        lambda: SSIM().update(masked, image),
        lambda: FID(lambda images: images.mean(axis=(1, 2))).update(masked, image),
    ):
        with pytest.raises(ValueError, match="must have no masked values"):
            score()


def test_masked_key_points_were_not_found(rng):
    points = rng.uniform(20, 60, size=(5, 2, 21, 2))
    missing = np.zeros(points.shape, dtype=bool)
    missing[2, 0] = missing[4, 1, 7] = True
    masked, with_nan = np.ma.masked_array(points, mask=missing), np.where(missing, np.nan, points)
    moved = points + np.array([3.0, 4.0])
    assert functional.hand_pose(masked, moved) == functional.hand_pose(with_nan, moved) == pytest.approx(5)
    assert functional.hand_box(masked[2, 0], (100, 100)) is None
    frames = np.zeros((5, 100, 100, 3), dtype=np.uint8)
    metrics = HandPose(), HandPose()
    for metric, given in zip(metrics, (masked, with_nan), strict=True):
        metric.update(frames, frames, keypoints=(given, moved))
    assert metrics[0].statistics.tolist() == metrics[1].statistics.tolist()
