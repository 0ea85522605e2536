import json
from dataclasses import replace

import numpy as np
import pytest

from signdiff_eval.readers import PoseFormats


class One:
    """A format of a stranger: joints as JSON."""

    def __init__(self, make_pose):
        self.make_pose = make_pose

    def matches(self, path):
        return path.suffix == ".lines"

    def read(self, path):
        return self.make_pose(np.array(json.loads(path.read_text().splitlines()[0])))


class Many(One):
    """The same with a sequence in each line."""

    def read_all(self, path):
        for index, line in enumerate(path.read_text().splitlines()):
            yield f"clip{index}", self.make_pose(np.array(json.loads(line)))


def test_reads_pose_files_without_any_plug_in(tmp_path, write_pose, walk):
    joints = walk(5, joints=4)
    [sequence] = PoseFormats({}).read(write_pose(tmp_path / "a.pose", joints))
    assert sequence.joints == pytest.approx(joints, abs=1e-6)


def test_reads_what_a_plug_in_matches(tmp_path, make_pose):
    path = tmp_path / "a.lines"
    path.write_text("[[[0, 0, 1]], [[0, 0, 2]]]\n[[[5, 0, 0]]]\n")
    for plugin, clips in ((Many(make_pose), ["clip0", "clip1"]), (One(make_pose), [""])):
        sequences = PoseFormats({"lines": plugin}).read(path)
        assert [sequence.clip for sequence in sequences] == clips
        assert sequences[0].joints.tolist() == [[[0, 0, 1]], [[0, 0, 2]]]


def test_a_plug_in_that_raises_at_a_file_is_named_and_leaves_it_to_the_others(tmp_path, make_pose):
    class Stumbling(One):
        def matches(self, path):
            raise KeyError("no light")

    (tmp_path / "a.lines").write_text("[[[0, 0, 1]]]\n")
    (tmp_path / "a.txt").touch()
    formats = PoseFormats({"bad": Stumbling(make_pose), "lines": One(make_pose)})
    assert len(formats.read(tmp_path / "a.lines")) == 1
    assert not formats.matches(tmp_path / "a.txt")
    with pytest.raises(ValueError, match="the plug-in bad failed: KeyError: 'no light'"):
        formats.read(tmp_path / "a.txt")


def test_unknown_formats_are_named(tmp_path):
    path = tmp_path / "a.txt"
    path.touch()
    assert not PoseFormats({}).matches(path)
    with pytest.raises(ValueError, match=r"a\.txt must be in one of the formats \.pose"):
        PoseFormats({}).read(path)


@pytest.mark.parametrize("keep", [0, 3, 40, -1])
def test_a_broken_pose_file_is_one_clear_error(tmp_path, write_pose, walk, keep):
    path = write_pose(tmp_path / "a.pose", walk(5, joints=4))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"a\.pose must be a whole \.pose file"):
        PoseFormats({}).read(path)


@pytest.mark.parametrize("value", [1e30, -2e6])
def test_coordinates_are_bounded_and_named(tmp_path, write_pose, walk, value):
    joints = walk(5, joints=4)
    joints[3, 2, 1] = value
    with pytest.raises(ValueError, match=r"a\.pose must have coordinates up to 1e\+06, but in frame 3 joint 2 has"):
        PoseFormats({}).read(write_pose(tmp_path / "a.pose", joints))
    confidence = np.ones((5, 4))
    confidence[3, 2] = 0  # what is absent has no place
    [sequence] = PoseFormats({}).read(write_pose(tmp_path / "a.pose", joints, confidence=confidence))
    assert np.abs(sequence.joints).max() < 10


def test_a_nan_is_named(tmp_path, write_pose, walk):
    joints = walk(5, joints=4)
    joints[1, 3, 0] = np.nan
    with pytest.raises(ValueError, match=r"a\.pose must be finite .* isn't in frame 1, joint 3\."):
        PoseFormats({}).read(write_pose(tmp_path / "a.pose", joints))


def test_a_plug_in_that_fails_is_told_and_leaves_the_others(tmp_path, write_pose, walk, monkeypatch):
    site = tmp_path / "broken-1.dist-info"
    site.mkdir()
    (site / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (site / "entry_points.txt").write_text("[signdiff.pose_formats]\nbroken = broken_format_module:Format\n")
    (tmp_path / "broken_format_module.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    formats = PoseFormats()
    assert formats.broken["broken"].startswith("ZeroDivisionError")
    assert len(formats.read(write_pose(tmp_path / "a.pose", walk(5, joints=4)))) == 1


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["openpose.pose", "mediapipe.pose"])
def test_reads_real_files(realdata, name):
    [sequence] = PoseFormats({}).read(realdata / "pose-format-samples" / name)
    assert sequence.joints.shape[1] == len(sequence.skeleton) > 50
    assert sequence.absent > 0


@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.6, 0.9, 0.999])
def test_a_file_that_is_cut_off_is_told_with_its_folder(tmp_path, write_pose, walk, share):
    path = write_pose(tmp_path / "hyp" / "a.pose", walk(12))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ValueError, match=rf"^{path} must be a whole \.pose file, but is cut off after \d+ bytes\.$"):
        PoseFormats({}).read(path)


class Failing:
    def __init__(self, error):
        self.error = error

    def matches(self, path):
        return path.suffix == ".own"

    def read(self, path):
        raise self.error


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (KeyError("frames"), r"a\.own can't be read by the plug-in mine: KeyError: 'frames'"),
        (ValueError("a.own:3 must have 151 numbers."), r"a\.own:3 must have 151 numbers\.$"),
        (ValueError("frames must be finite."), r"a\.own: frames must be finite\.$"),
    ],
)
def test_what_a_plug_in_raises_names_the_path(tmp_path, error, message):
    with pytest.raises(ValueError, match=f"^{tmp_path}/{message}"):
        PoseFormats({"mine": Failing(error)}).read(tmp_path / "a.own")


def test_no_number_of_frames_is_endless(tmp_path, write_pose, walk):
    [sequence] = PoseFormats({}).read(write_pose(tmp_path / "a.pose", walk(12)))
    with pytest.raises(ValueError, match=r"a\.pose must have at most 50000000 numbers .* would have inf frames"):
        replace(sequence, fps=5e-324).resampled(1000)
