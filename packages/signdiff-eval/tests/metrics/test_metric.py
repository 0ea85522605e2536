import numpy as np
import pytest

from signdiff_eval import functional
from signdiff_eval.metrics import DTW, SSIM, Duration, TotalDistance


def with_counter(joints):
    frames = len(joints)
    return np.concatenate([joints.reshape(frames, -1), np.arange(frames)[:, None] / frames], axis=1)


@pytest.fixture
def pairs(walk):
    return [(walk(frames), walk(others)) for frames, others in ((12, 20), (31, 9), (8, 8))]


@pytest.fixture
def videos(rng):
    return [tuple(rng.integers(0, 256, (2, frames, 24, 20, 3), dtype=np.uint8)) for frames in (1, 3)]


CASES = [
    (lambda: DTW("mje"), "pairs"),
    (lambda: DTW("pt"), "counted"),
    (TotalDistance, "pairs"),
    (lambda: TotalDistance([4, 7]), "pairs"),
    (Duration, "pairs"),
    (SSIM, "videos"),
]


@pytest.fixture
def counted(pairs):
    return [tuple(map(with_counter, pair)) for pair in pairs]


@pytest.mark.parametrize(("make", "data"), CASES)
def test_one_pair_equals_the_function(make, data, request):
    metric = make()
    reference, hypothesis = request.getfixturevalue(data)[0]
    metric.update(hypothesis, reference)
    expected = {
        "dtw_mje": lambda: functional.dtw(hypothesis, reference, variant="mje"),
        "dtw_pt": lambda: functional.dtw(hypothesis, reference, variant="pt"),
        "total_distance": lambda: functional.total_distance(hypothesis, reference, joints=metric.joints),
        "avg_duration": lambda: functional.duration(hypothesis, reference),
        "ssim": lambda: functional.ssim(hypothesis[0], reference[0]),
    }[metric.name]()
    assert metric.compute() == expected


@pytest.mark.parametrize(("make", "data"), CASES)
def test_merged_parts_equal_the_whole(make, data, request):
    whole, parts = make(), []
    for reference, hypothesis in request.getfixturevalue(data):
        whole.update(hypothesis, reference)
        parts.append(make())
        parts[-1].update(hypothesis, reference)
    merged = make().merge(*parts)
    assert merged.compute() == whole.compute()
    assert (merged.statistics == whole.statistics).all()


@pytest.mark.parametrize(("make", "data"), CASES)
def test_reset_forgets(make, data, request):
    metric, fresh = make(), make()
    first, second = request.getfixturevalue(data)[:2]
    metric.update(*first)
    metric.reset()
    metric.update(*second)
    fresh.update(*second)
    assert metric.compute() == fresh.compute()


@pytest.mark.parametrize(("make", "data"), CASES)
def test_the_reference_itself_is_ideal(make, data, request):
    metric = make()
    for reference, _ in request.getfixturevalue(data):
        metric.update(reference, reference)
    assert metric.compute() == pytest.approx(metric.ideal, abs=1e-12)


def test_corpus_means(walk):
    still, moving = np.zeros((4, 2, 3)), np.zeros((4, 2, 3))
    moving[:, :, 0] = np.arange(4)[:, None]
    near, far = np.zeros((2, 2, 3)), np.full((6, 2, 3), 1.0)
    mje, distance, duration = DTW("mje"), TotalDistance(), Duration()
    for metric in (mje, distance, duration):
        metric.update(moving, moving)
        metric.update(near, still)
        metric.update(far, still)
    # Path steps: 4, 4 and 6, of which the last six have an error of sqrt(3).
    assert mje.compute() == pytest.approx(6 * np.sqrt(3) / 14)
    assert distance.compute() == 1.0
    assert duration.compute() == (1 + 0.5 + 1.5) / 3


def test_ssim_streams(videos):
    opened = []

    def frames(video):
        for index, frame in enumerate(video):
            opened.append(index)
            assert len(opened) <= 2 * (index + 1)
            yield frame

    metric = SSIM()
    metric.update(frames(videos[1][0]), frames(videos[1][1]))
    expected = [functional.ssim(left, right) for left, right in zip(*videos[1], strict=True)]
    assert metric.compute() == pytest.approx(np.mean(expected), rel=1e-12)


def test_ssim_counts_frames_without_a_box(videos):
    left, right = videos[1]
    metric = SSIM(name="ssim_hands")
    metric.update(left, right, boxes=[None, (2, 3, 15, 18), None])
    assert metric.compute() == functional.ssim(left[1], right[1], box=(2, 3, 15, 18))
    assert metric.frames_without_box == 2
    assert metric.signature.name == "ssim_hands"


def test_ssim_without_any_box_has_no_score(videos):
    metric = SSIM()
    metric.update(*videos[0], boxes=[None])
    with pytest.raises(ValueError, match="add up to 0"):
        metric.compute()


@pytest.mark.parametrize(
    ("reference", "hypothesis", "boxes", "message"),
    [
        (3, 2, None, "hypothesis must have as many frames as the reference, but ends after 2"),
        (1, 2, None, "reference must have as many frames as the hypothesis, but ends after 1"),
        (0, 0, None, "at least one frame"),
        (2, 2, [None], "boxes must have an entry for each frame, but ends after 1"),
    ],
)
def test_ssim_refuses_uneven_videos(reference, hypothesis, boxes, message):
    frame = np.zeros((16, 16), np.uint8)
    metric = SSIM()
    with pytest.raises(ValueError, match=message):
        metric.update([frame] * hypothesis, [frame] * reference, boxes=boxes)
    assert not len(metric.statistics)


def test_nothing_to_compute():
    with pytest.raises(ValueError, match="avg_duration must be updated"):
        Duration().compute()


def test_a_still_corpus_has_no_distance():
    metric = TotalDistance()
    metric.update(np.ones((3, 2, 3)), np.zeros((3, 2, 3)))
    with pytest.raises(ValueError, match="total_distance"):
        metric.compute()


def test_other_settings_do_not_merge():
    with pytest.raises(ValueError, match=r"bos:none.*bos:drop"):
        DTW("pt").merge(DTW("pt", drop_bos=True))


def test_a_metric_merged_with_itself_counts_twice(pairs):
    metric = Duration()
    metric.update(*pairs[0])
    metric.merge(metric)
    assert len(metric.statistics) == 2


@pytest.mark.parametrize(("arguments", "message"), [(("dtw",), "pt, mje"), (("mje",), "drop_bos")])
def test_dtw_refuses_settings_early(arguments, message):
    with pytest.raises(ValueError, match=message):
        DTW(*arguments, drop_bos=True)
