import json
import subprocess
import sys

import av
import numpy as np
import pytest
from pose_format.pose_header import PoseHeaderComponent

from signdiff_eval import functional
from signdiff_eval.metrics import FID, WER
from signdiff_eval.provenance import mark_generated
from signdiff_eval.readers import Pair, PoseFormats
from signdiff_eval.scoring import score_poses, score_videos, video_metrics
from signdiff_eval.scoring.report import report_of


def values(report):
    return {score.signature.name: score.value for score in report.scores}


@pytest.fixture
def pairs_of(tmp_path, write_pose):
    def make(references, hypotheses, **options):
        for folder, sequences in (("ref", references), ("hyp", hypotheses)):
            for index, joints in enumerate(sequences):
                write_pose(tmp_path / folder / f"{index}.pose", joints, **options)
        return [
            Pair(str(index), tmp_path / "hyp" / f"{index}.pose", tmp_path / "ref" / f"{index}.pose")
            for index in range(len(references))
        ]

    return make


def score(pairs, **options):
    return score_poses(pairs, formats=PoseFormats({}), **options)


def test_files_score_as_their_arrays(pairs_of, walk):
    reference, hypothesis = walk(20).astype(np.float32), walk(26).astype(np.float32)
    counted = [
        np.c_[x.reshape(len(x), -1).astype(np.float64), np.arange(len(x)) / len(x)] for x in (reference, hypothesis)
    ]
    expected = {
        "dtw_mje": functional.dtw(hypothesis, reference, variant="mje"),
        "dtw_pjpe": functional.dtw(hypothesis, reference, variant="pjpe"),
        "dtw_pt": functional.dtw(*reversed(counted), variant="pt"),
        "total_distance": functional.total_distance(hypothesis, reference),
        "avg_duration": 1.3,
    }
    assert values(score(pairs_of([reference], [hypothesis]))) == pytest.approx(expected, rel=1e-12)


def test_the_reference_against_itself_is_ideal_and_is_the_ceiling(pairs_of, walk):
    references = [walk(20), walk(9)]
    same = score(pairs_of(references, references))
    other = score(pairs_of(references, [walk(11), walk(12)]))
    for scored, compared in zip(same.scores, other.scores, strict=True):
        assert scored.value == scored.ceiling == scored.ideal == compared.ceiling
        assert compared.value != compared.ceiling


def test_a_frozen_pose_is_seen_through(pairs_of, walk):
    references = [walk(30), walk(20)]
    frozen = [np.repeat(joints.mean(axis=0, keepdims=True), len(joints), axis=0) for joints in references]
    scores = values(score(pairs_of(references, frozen)))
    assert scores["total_distance"] == pytest.approx(0, abs=1e-6)
    assert scores["avg_duration"] == 1


def test_a_slow_copy_changes_duration_and_not_path_dtw(pairs_of, walk):
    references = [walk(30), walk(20)]
    scores = values(score(pairs_of(references, [np.repeat(joints, 2, axis=0) for joints in references])))
    assert scores["dtw_mje"] == 0
    assert scores["total_distance"] == pytest.approx(1)
    assert scores["avg_duration"] == 2


def test_noise_never_improves(pairs_of, walk, rng):
    references = [walk(30), walk(20)]
    before = {"dtw_mje": 0.0, "dtw_pjpe": 0.0, "dtw_pt": 0.0, "total_distance": 0.0, "avg_duration": 0.0}
    for scale in (0.01, 0.05, 0.2):
        noisy = [joints + rng.normal(scale=scale, size=joints.shape) for joints in references]
        after = {s.signature.name: abs(s.value - s.ideal) for s in score(pairs_of(references, noisy)).scores}
        assert all(after[name] >= before[name] for name in before)
        assert after["dtw_mje"] > before["dtw_mje"]
        before = after


def test_absent_joints_are_counted(pairs_of, walk):
    joints = walk(10, joints=4)
    confidence = np.ones((10, 4))
    confidence[3:5, 2] = 0
    confidence[:, 3] = 0
    report = score(pairs_of([joints], [joints], confidence=confidence))
    assert report.absent == (12, 12)
    assert values(report)["dtw_mje"] == 0


def test_a_hypothesis_cannot_leave_out_a_joint(pairs_of, walk, write_pose):
    joints = walk(10, joints=4)
    pairs = pairs_of([joints], [joints])
    confidence = np.ones((10, 4))
    confidence[:, 3] = 0
    write_pose(pairs[0].hypothesis, joints, confidence=confidence)
    with pytest.raises(ValueError, match=r"0\.pose must show every joint.*lacks 1, among them BODY\.J3"):
        score(pairs)


def test_rates_must_agree_unless_one_is_given(pairs_of, walk, write_pose):
    joints = walk(21, joints=4)
    pairs = pairs_of([joints, joints], [joints, joints])
    for path in (pairs[1].reference, pairs[1].hypothesis):
        write_pose(path, joints, fps=50)
    with pytest.raises(ValueError, match=r"share their frame rate.*25 frames per second and .*1\.pose 50"):
        score(pairs)
    report = score(pairs, fps=25)
    assert values(report)["dtw_mje"] == 0
    assert all("|fps:25|" in str(each.signature) for each in report.scores)


def test_a_hypothesis_at_another_rate_is_not_longer(pairs_of, walk, write_pose):
    joints = walk(21, joints=4)
    pairs = pairs_of([joints], [joints])
    write_pose(pairs[0].hypothesis, joints[::2], fps=12.5)
    assert values(score(pairs, fps=12.5))["avg_duration"] == 1


def test_skeletons_must_agree(pairs_of, walk):
    with pytest.raises(ValueError, match=r"same skeleton.*4 joints.*5"):
        score(pairs_of([walk(8, joints=4)], [walk(8, joints=5)]))


def test_hands_and_body_are_scored_on_their_own(pairs_of, walk, make_pose, write_pose):
    reference, hypothesis = walk(12, joints=10), walk(9, joints=10)
    pairs = pairs_of([reference], [hypothesis])
    parts = {"BODY": range(4), "LEFT_HAND": range(4, 7), "RIGHT_HAND": range(7, 10)}
    for path, joints in ((pairs[0].reference, reference), (pairs[0].hypothesis, hypothesis)):
        pose = make_pose(joints)
        points = pose.header.components[0].points
        pose.header.components = [
            PoseHeaderComponent(name, [points[i] for i in chosen], [], [(0, 0, 0)], "XYZC")
            for name, chosen in parts.items()
        ]
        with path.open("wb") as file:
            pose.write(file)
    scores = values(score(pairs))
    reference, hypothesis = reference.astype(np.float32), hypothesis.astype(np.float32)
    for name, joints in parts.items():
        expected = functional.dtw(hypothesis[:, list(joints)], reference[:, list(joints)], variant="mje")
        assert scores[f"dtw_mje_{name.lower()}"] == pytest.approx(expected, rel=1e-12)
    assert scores["dtw_mje"] == pytest.approx(functional.dtw(hypothesis, reference, variant="mje"), rel=1e-12)


@pytest.mark.realdata
def test_stitched_sentences_score_worse_than_signed_ones(realdata):
    folder = realdata / "dgs-sentences" / "train"
    pairs = [
        Pair(path.name[: -len("_original.pose")], path.with_name(path.name.replace("original", "updated")), path)
        for path in sorted(folder.glob("*_original.pose"))
    ]
    report = score(pairs)
    assert report.pairs == 16
    assert len(report.scores) == 9
    for each in report.scores:
        assert each.ceiling == pytest.approx(each.ideal, abs=1e-9)
        assert np.isfinite(each.value)
        assert each.value > each.ideal or each.signature.name in {"total_distance", "avg_duration"}
        print(each)


class Corpus:
    """A format whose files list the names of their sequences, each of which moves by its name."""

    def __init__(self, make_pose, joints):
        self.make = make_pose
        self.joints = joints

    def matches(self, path):
        return path.suffix == ".names"

    def read_all(self, path):
        return [(name, self.make(self.joints * len(name))) for name in path.read_text().split()]


@pytest.mark.parametrize(
    ("reference", "hypothesis", "message"),
    [
        ("a b", "a b", None),
        ("a b", "0 1", None),
        ("a b", "a", "lacks 1 of 2: b"),
        ("a b", "0", "hold 2 and 1"),
        ("a bb", "bb a", None),
        ("a bb", "cc a", r"same sequences, but the hypothesis lacks 1 of 2: bb; and holds cc beside"),
        ("a bb c", "bb", r"same sequences, but the hypothesis lacks 2 of 3: a, c\."),
    ],
)
def test_sequences_of_a_file_are_paired_by_their_names(tmp_path, make_pose, walk, reference, hypothesis, message):
    paths = tmp_path / "ref.names", tmp_path / "hyp.names"
    for path, names in zip(paths, (reference, hypothesis), strict=True):
        path.write_text(names)
    formats = PoseFormats({"corpus": Corpus(make_pose, walk(6))})
    if message is None:
        report = score_poses([Pair("ref", *reversed(paths))], formats=formats)
        assert report.pairs == 2
        assert report.score("dtw_mje").value == 0
        assert report.names == tuple(reference.split())
    else:
        with pytest.raises(ValueError, match=message):
            score_poses([Pair("ref", *reversed(paths))], formats=formats)


def test_nothing_to_score():
    with pytest.raises(ValueError, match="pairs must hold at least one pair"):
        score([])


def test_signatures_tell_the_settings(pairs_of, walk):
    report = score(pairs_of([walk(8)], [walk(8)]), protocol="gt-timing")
    for each in report.scores:
        assert {"n", "fps", "protocol"} <= {setting for setting, _ in each.signature.settings}
        assert ("protocol", "gt-timing") in each.signature.settings


def test_the_protocol_is_what_the_hypotheses_marks_tell(pairs_of, walk):
    pairs = pairs_of([walk(8), walk(9)], [walk(8), walk(9)])
    for pair in pairs:
        mark_generated(pair.hypothesis, "slp 0.1.0", protocol="gt-timing")
    assert "|protocol:gt-timing|" in str(score(pairs).scores[0].signature)
    with pytest.raises(ValueError, match=r"marks tell, gt-timing, but is free"):
        score(pairs, protocol="free")
    mark_generated(pairs[0].hypothesis, "slp 0.1.0", protocol="free")
    with pytest.raises(ValueError, match="free and gt-timing"):
        score(pairs)


def write_video(path, frames, fps=25):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264rgb", rate=fps, options={"qp": "0"})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "rgb24"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.fixture
def videos(tmp_path, rng):
    frames = rng.integers(0, 256, (2, 6, 32, 48, 3), dtype=np.uint8)
    paths = [write_video(tmp_path / f"{name}.mp4", each) for name, each in zip(("ref", "hyp"), frames, strict=True)]
    return frames, Pair("video", *reversed(paths))


def test_videos_score_as_their_frames(videos):
    frames, pair = videos
    report = score_videos([pair])
    expected = np.mean([functional.ssim(left, right) for left, right in zip(*frames, strict=True)])
    flicker = functional.flicker(*frames)
    assert values(report) == {"ssim": pytest.approx(expected, abs=1e-9), "flicker": pytest.approx(flicker, rel=1e-12)}
    assert [score.ceiling for score in report.scores] == [1, 0]


def test_videos_of_other_length_or_rate_are_errors(videos, tmp_path):
    frames, pair = videos
    short = write_video(tmp_path / "short.mp4", frames[1][:4])
    with pytest.raises(ValueError, match=r"ref\.mp4 and .*short\.mp4: hypothesis must have as many frames"):
        score_videos([Pair("video", short, pair.reference)])
    fast = write_video(tmp_path / "fast.mp4", frames[1], fps=50)
    with pytest.raises(ValueError, match=rf"share their frame rate, but .* 25 frames .* and {fast} 50"):
        score_videos([Pair("video", fast, pair.reference)])


def test_hands_in_videos_are_scored_and_counted(videos):
    frames, pair = videos
    points = np.full((2, 21, 2), np.nan)
    points[0] = np.linspace(8, 24, 21)[:, None]
    lost = frames[0][2]

    def detect(frame):
        return np.full((2, 21, 2), np.nan) if (frame == lost).all() else points

    report = score_videos([pair], metrics=video_metrics(hands=detect, fid=FID(lambda images: images[:, :2, 0, 0])))
    scores = values(report)
    box = functional.hand_box(points[0], frames[0][0].shape)
    expected = [functional.ssim(frames[0][t], frames[1][t], box=box) for t in (0, 1, 3, 4, 5)]
    assert scores["hand_ssim"] == pytest.approx(np.mean(expected), rel=1e-12)
    assert scores["hand_pose"] == 0
    assert scores["fid"] == pytest.approx(functional.fid(*(video[:, :2, 0, 0] for video in frames)), rel=1e-9)
    assert report.without_hand == (("hand_ssim", 1, 6), ("hand_pose", 1, 6))
    assert {s.signature.name: s.ceiling for s in report.scores}["fid"] == pytest.approx(0, abs=1e-6)


def test_a_broken_video_is_named(videos, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"not a video")
    with pytest.raises(ValueError, match=r"broken\.mp4 must be a whole video"):
        score_videos([Pair("video", broken, videos[1].reference)])


def test_what_cannot_be_scored_does_not_end_the_report(tmp_path, write_pose, rng):
    for index in range(2):
        joints = rng.normal(size=(1, 5, 3))
        write_pose(tmp_path / "ref" / f"{index}.pose", joints)
        write_pose(tmp_path / "hyp" / f"{index}.pose", joints + 0.5)
    command = ["score", "--ref", tmp_path / "ref", "--hyp", tmp_path / "hyp"]
    program = [sys.executable, "-c", "from signdiff_eval.cli import main; main()", *map(str, command)]
    done = subprocess.run([*program, "--json"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["dtw_mje"]["score"] == pytest.approx(0.5 * np.sqrt(3), rel=1e-6)
    assert told["avg_duration"]["score"] == 1
    assert list(told["not_scored"]) == ["total_distance"]
    assert "the references add up to 0" in told["not_scored"]["total_distance"]
    table = subprocess.run(program, capture_output=True, text=True).stdout
    assert "total_distance: not scored: total_distance must have something to divide by" in table


def test_a_report_without_any_score_is_an_error():
    with pytest.raises(ValueError, match=r"^wer must be updated with at least one pair"):
        report_of([], [WER()], [WER()], {})


def test_a_file_is_named_with_its_folder_where_both_sides_are_called_alike(pairs_of, write_pose, walk):
    [pair] = pairs_of([walk(12)], [walk(12)])
    write_pose(pair.hypothesis, walk(12), fps=30.0)
    with pytest.raises(ValueError, match=f"has 25 frames per second and {pair.hypothesis} 30"):
        score([pair])
    write_pose(pair.hypothesis, walk(12, joints=7))
    with pytest.raises(ValueError, match=f"{pair.reference} has 50 joints with 3 axes and {pair.hypothesis} 7 with 3"):
        score([pair])
    pair.hypothesis.write_bytes(pair.hypothesis.read_bytes()[:400])
    with pytest.raises(ValueError, match=f"{pair.hypothesis} must be a whole"):
        score([pair])
