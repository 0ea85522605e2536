import hashlib
import subprocess
import sys

import numpy as np
import pytest

from signdiff_eval import functional
from signdiff_eval.metrics import FID, SSIM, Flicker, HandPose, HandSSIM
from signdiff_eval.metrics.hands import Remembering
from signdiff_eval.metrics.image import update_together


@pytest.fixture
def videos(rng):
    return [tuple(rng.integers(0, 256, (2, frames, 40, 36, 3), dtype=np.uint8)) for frames in (3, 5)]


@pytest.fixture
def hands(rng):
    points = rng.uniform(5, 30, size=(5, 2, 21, 2))
    points[1, 0] = np.nan
    points[3] = np.nan
    return points


def brightness(images):
    return images.reshape(len(images), -1, 3).mean(axis=1)


def test_flicker_averages_over_all_changes(videos):
    metric = Flicker()
    for pair in videos:
        metric.update(*map(iter, pair))
    single = [functional.flicker(*pair) for pair in videos]
    assert metric.compute() == pytest.approx((2 * single[0] + 4 * single[1]) / 6, rel=1e-12)


def test_hand_ssim_is_ssim_within_the_boxes_of_the_reference(videos, hands):
    reference, hypothesis = videos[1]
    metric = HandSSIM()
    metric.update(hypothesis, reference, keypoints=hands)
    expected = [
        functional.ssim(hypothesis[t], reference[t], box=functional.hand_box(hands[t, side], (40, 36)))
        for t, side in ((0, 0), (0, 1), (1, 1), (2, 0), (2, 1), (4, 0), (4, 1))
    ]
    assert metric.compute() == pytest.approx(np.mean(expected), rel=1e-12)
    assert (metric.frames_without_hand, metric.frames) == (1, 5)
    assert ("detector", "given") in metric.settings


def test_hand_pose_compares_what_both_show(videos, hands):
    other = np.add(hands, [3.0, -4.0])
    other[0, 1] = np.nan
    metric = HandPose()
    metric.update(*videos[1], keypoints=(hands, other))
    assert metric.compute() == pytest.approx(5)
    assert metric.statistics.tolist() == [[pytest.approx(5 * 6 * 21), 6 * 21, 1, 5]]


def test_a_detector_sees_each_frame_once(videos, hands):
    seen = []

    def detect(frame):
        seen.append(frame)
        return hands[0] if frame[0, 0, 0] % 2 else np.full((2, 21, 2), np.nan)

    detector = Remembering(detect)
    metrics = [HandSSIM(detector=detector), HandPose(detector=detector)]
    ceilings = [HandSSIM(detector=detector), HandPose(detector=detector)]
    reference, hypothesis = (video | 1 for video in videos[0])
    update_together(metrics, hypothesis, reference, ceilings=ceilings)
    assert len(seen) == 6
    assert [ceiling.compute() for ceiling in ceilings] == [1, 0]
    assert metrics[1].compute() == 0
    assert ("detector", "detect") in metrics[0].settings


def test_no_hand_at_all_is_an_error_that_counts(videos):
    metric = HandSSIM(detector=lambda frame: np.full((2, 21, 2), np.nan))
    metric.update(*videos[0])
    assert metric.frames_without_hand == 3
    with pytest.raises(ValueError, match="hand_ssim must find at least one hand, but found none in 3 frames"):
        metric.compute()


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (HandSSIM, {"keypoints": [np.zeros((2, 21, 2))]}, "keypoints must have an entry for each frame.*after 1"),
        (HandSSIM, {"keypoints": [np.zeros((21, 2))] * 3}, r"\(2, K, 2\)"),
    ],
)
def test_hands_refuse(videos, make, options, message):
    metric = make()
    with pytest.raises(ValueError, match=message):
        metric.update(*videos[0], **options)
    assert not len(metric.statistics)


def test_one_pass_equals_one_metric_at_a_time(videos):
    together, ceilings = [SSIM(), Flicker(), FID(brightness)], [SSIM(), Flicker()]
    for pair in videos:
        update_together(together, *map(iter, pair), ceilings=ceilings)
    for metric, alone in zip(together, (SSIM(), Flicker(), FID(brightness)), strict=True):
        for pair in videos:
            alone.update(*pair)
        assert metric.compute() == pytest.approx(alone.compute(), rel=1e-9)
    assert [ceiling.compute() for ceiling in ceilings] == [1, 0]


@pytest.mark.parametrize("batch_size", [1, 3, 32])
def test_fid_streams_to_the_same_distance(videos, batch_size):
    metric = FID(brightness, batch_size=batch_size)
    for pair in videos:
        metric.update(*map(iter, pair))
    sides = [np.concatenate([brightness(pair[side]) for pair in videos]) for side in (0, 1)]
    assert metric.compute() == pytest.approx(functional.fid(*sides), rel=1e-9)
    assert metric.images == (8, 8)


def test_fid_merges_and_resets(videos):
    whole, parts = FID(brightness), [FID(brightness), FID(brightness), FID(brightness)]
    for part, pair in zip(parts, videos, strict=False):
        part.update(*pair)
        whole.update(*pair)
    merged = FID(brightness).merge(*parts)
    assert merged.compute() == pytest.approx(whole.compute(), rel=1e-12)
    assert whole.against_itself().compute() == pytest.approx(0, abs=1e-9)
    whole.reset()
    assert whole.images == (0, 0)
    with pytest.raises(ValueError, match="updated with at least one image"):
        whole.compute()


def test_fid_takes_sets_of_other_sizes_and_warns_with_the_number(rng):
    metric = FID(lambda images: images.reshape(len(images), -1)[:, :20])
    images = rng.integers(0, 256, (30, 8, 8, 3), dtype=np.uint8)
    metric.update(images, images[:12])
    with pytest.warns(functional.SmallSampleWarning, match="30 hypothesis and 12 reference images.*at least 21"):
        assert metric.compute() > 0


def test_fid_needs_two_images(videos):
    metric = FID(brightness)
    metric.update(videos[0][0][:1], videos[0][1][:1])
    with pytest.raises(ValueError, match="at least two images on each side, but has 1"):
        metric.compute()


@pytest.mark.parametrize(
    ("extractor", "message"),
    [(lambda images: images.mean(), r"\(N, D\) features for 3 images"), (lambda images: np.zeros((2, 4)), r"\(2, 4\)")],
)
def test_fid_refuses_extractors_that_return_something_else(videos, extractor, message):
    with pytest.raises(ValueError, match=message):
        FID(extractor).update(*videos[0])


def test_fid_takes_a_torch_module(rng):
    torch = pytest.importorskip("torch")

    class Means(torch.nn.Module):
        def forward(self, images):
            assert images.dtype == torch.float32
            return images.mean(dim=(2, 3), keepdim=True)

    images = rng.integers(0, 256, (2, 9, 8, 8, 3), dtype=np.uint8)
    metric = FID(Means(), batch_size=4)
    metric.update(*images)
    expected = functional.fid(*(brightness(each) / 255 for each in images))
    assert metric.compute() == pytest.approx(expected, rel=1e-4)
    assert ("features", "Means") in metric.settings


@pytest.fixture
def inception_weights(tmp_path, monkeypatch):
    """Random weights in the place where pytorch-fid keeps its own."""
    torch = pytest.importorskip("torch")
    parts = pytest.importorskip("pytorch_fid.inception")
    from torchvision.models import inception_v3

    from signdiff_eval.metrics.extractor import WEIGHTS

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    torch.manual_seed(0)
    network = inception_v3(weights=None, num_classes=1008, aux_logits=False, init_weights=False)
    network.Mixed_5b = parts.FIDInceptionA(192, pool_features=32)
    network.Mixed_5c = parts.FIDInceptionA(256, pool_features=64)
    network.Mixed_5d = parts.FIDInceptionA(288, pool_features=64)
    network.Mixed_6b = parts.FIDInceptionC(768, channels_7x7=128)
    network.Mixed_6c = parts.FIDInceptionC(768, channels_7x7=160)
    network.Mixed_6d = parts.FIDInceptionC(768, channels_7x7=160)
    network.Mixed_6e = parts.FIDInceptionC(768, channels_7x7=192)
    network.Mixed_7b = parts.FIDInceptionE_1(1280)
    network.Mixed_7c = parts.FIDInceptionE_2(2048)
    path = tmp_path / "hub" / "checkpoints" / WEIGHTS
    path.parent.mkdir(parents=True)
    torch.save(network.state_dict(), path)
    return path


def test_fid_features_equal_pytorch_fid(inception_weights, rng):
    torch = pytest.importorskip("torch")
    from pytorch_fid.inception import InceptionV3

    images = rng.integers(0, 256, (2, 64, 48, 3), dtype=np.uint8)
    with torch.inference_mode():
        theirs = InceptionV3([3]).eval()(torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255)[0]
    metric = FID()
    metric.update(images[:1], images[1:])
    (found,) = metric.statistics
    expected = theirs.flatten(1).double().numpy()
    assert found[1:2049] == pytest.approx(expected[0], rel=1e-4, abs=1e-6)
    assert found[len(found) // 2 + 1 :][:2048] == pytest.approx(expected[1], rel=1e-4, abs=1e-6)
    assert hashlib.sha256(inception_weights.read_bytes()).hexdigest()[:12] in metric.settings[0][1]
    assert metric.settings[0][1].startswith("pytorch-fid-pool3-")


def test_fid_says_what_is_missing(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    pytest.importorskip("pytorch_fid")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="torch's cache holds no pt_inception"):
        FID()
    with pytest.raises(FileNotFoundError, match="weights must be a file"):
        FID(weights=str(tmp_path / "nowhere.pth"))
    (tmp_path / "other.pth").write_bytes(b"no weights")
    with pytest.raises(ValueError, match=r"other\.pth must be a file of the weights"):
        FID(weights=str(tmp_path / "other.pth"))


HIDE = """
import sys
class Hide:
    def __init__(self, finder):
        self.finder = finder
    def find_spec(self, name, path=None, target=None):
        hidden = name.split(".")[0] in {"torch", "torchvision", "pytorch_fid", "mediapipe"}
        return None if hidden else self.finder.find_spec(name, path, target)
sys.meta_path[:] = [Hide(finder) for finder in sys.meta_path]
"""


@pytest.mark.parametrize(
    ("code", "extra"),
    [
        ("from signdiff_eval.metrics import FID; FID()", "fid"),
        ("from signdiff_eval.metrics import MediaPipeHands; MediaPipeHands()", "hands"),
        ("from pathlib import Path; from signdiff_eval.readers import *; read_slrtp_texts(Path('a.pt'))", "slrtp"),
    ],
)
def test_what_needs_an_extra_names_it(code, extra):
    done = subprocess.run([sys.executable, "-c", HIDE + code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f'pip install "signdiff-eval[{extra}]"' in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("batch_size", [1, 32])
@pytest.mark.parametrize("side", [0, 1])
def test_fid_names_the_image_of_another_size(batch_size, side):
    images = [np.zeros((8, 8, 3), dtype=np.uint8), np.zeros((8, 8, 3), dtype=np.uint8)]
    mixed = [*images, np.zeros((9, 8, 3), dtype=np.uint8)]
    metric = FID(lambda images: images.mean(axis=(1, 2)), batch_size=batch_size)
    pair = [images, images]
    pair[side] = mixed
    name = ("hypothesis", "reference")[side]
    with pytest.raises(ValueError, match=rf"^{name} must be of one size, but number 0 is \(8, 8, 3\) and number 2 \(9"):
        metric.update(*pair)
    assert metric.images == (0, 0)
