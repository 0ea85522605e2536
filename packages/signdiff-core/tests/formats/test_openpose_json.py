import json

import numpy as np
import pytest

from signdiff_core import formats
from signdiff_core.camera import Camera
from signdiff_core.formats import FormatError, FormatWarning
from signdiff_core.skeleton import joints_of, make_pose


def person(offset=0.0, confidence=0.5):
    """A person whose numbers tell where they stand: point p of a part lies at (100 * part + p + offset, 2 p)."""
    parts = {}
    for number, (key, count) in enumerate(
        [("pose_keypoints_2d", 25), ("hand_left_keypoints_2d", 21), ("hand_right_keypoints_2d", 21)]
    ):
        points = [(100 * number + p + 1 + offset, 2 * p + 1, confidence) for p in range(count)]
        parts[key] = [value for point in points for value in point]
    return {"person_id": [-1], "face_keypoints_2d": [0] * 210, **parts}


def clip(folder, frames, start=0):
    folder.mkdir()
    for number, people in enumerate(frames, start):
        content = json.dumps({"version": 1.3, "people": people})
        (folder / f"clip_{number:012d}_keypoints.json").write_text(content)
    return folder


def test_points_go_to_their_joints(tmp_path):
    joints, confidence = joints_of(formats.read(clip(tmp_path / "a", [[person()]])))
    assert joints[0, [0, 7, 8, 28, 29, 49], 0].tolist() == [1, 8, 101, 121, 201, 221]
    assert joints[0, [0, 7, 8, 28, 29, 49], 1].tolist() == [1, 15, 1, 41, 1, 41]
    assert (joints[..., 2] == 0).all()
    assert (confidence == 0.5).all()


def test_header_holds_the_size_of_the_picture(tmp_path):
    folder = clip(tmp_path / "a", [[person()]])
    dimensions = formats.read(folder).header.dimensions
    assert (dimensions.width, dimensions.height) == (222, 42)
    dimensions = formats.read(folder, size=(1280, 720)).header.dimensions
    assert (dimensions.width, dimensions.height) == (1280, 720)


def test_most_confident_person_is_kept_and_the_others_counted(tmp_path):
    frames = [[person(0.25, 0.4), person(0.5, 0.6), person(0.75, 0.5)], [person(), person(0.25, 0.9)]]
    with pytest.warns(FormatWarning, match="3 people were left out of 2 frames"):
        joints, _ = joints_of(formats.read(clip(tmp_path / "a", frames)))
    assert joints[:, 0, 0].tolist() == [1.5, 1.25]


def test_absent_people_and_joints(tmp_path):
    one = person()
    one["hand_left_keypoints_2d"] = []
    one["pose_keypoints_2d"][3 * 4 : 3 * 5] = [0, 0, 0]
    joints, confidence = joints_of(formats.read(clip(tmp_path / "a", [[], [one]], start=7)))
    assert (confidence[0] == 0).all()
    assert np.flatnonzero(confidence[1] == 0).tolist() == [4, *range(8, 29)]
    assert (joints[confidence == 0] == 0).all()


def test_written_folder_reads_the_same_to_the_last_bit(tmp_path):
    random = np.random.default_rng(0)
    joints = (random.random((5, 50, 3)) * (1280, 720, 0)).astype(np.float32)
    confidence = random.random((5, 50)).astype(np.float32)
    confidence[2], confidence[3, 10:20] = 0, 0
    joints[confidence == 0] = 0
    pose = make_pose(joints, 25, confidence=confidence)
    pose.header.dimensions = type(pose.header.dimensions)(1280, 720, 0)
    formats.write(pose, tmp_path / "out")
    back = formats.read(tmp_path / "out", size=(1280, 720))
    assert np.array_equal(joints_of(back)[0], joints)
    assert np.array_equal(joints_of(back)[1], confidence)
    assert json.loads((tmp_path / "out" / "out_000000000002_keypoints.json").read_text())["people"] == []


def test_normalised_pose_is_projected(pose, tmp_path):
    formats.write(pose, tmp_path / "out", size=1000, camera=Camera(scale=1.2, neck=(0.54, 0.42)))
    joints, _ = joints_of(formats.read(tmp_path / "out"))
    # The neck lies at (0.54, 0.42) of the side, and a shoulder width is 1.2 / 3 of it.
    assert joints[0, 1, :2].tolist() == pytest.approx([540, 420])
    assert joints[0, 5, 0] - joints[0, 2, 0] == pytest.approx(400)
    again = formats.normalised(formats.read(tmp_path / "out"))
    assert np.abs(again.body.data[..., :2] - pose.body.data[..., :2]).max() < 1e-5


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("{", "byte 1: expected JSON"),
        ("[" * 100_000, "expected JSON"),
        ("[]", "expected an object, but found list"),
        ('{"people": 3}', "expected an object with a list 'people'"),
        ('{"people": [3]}', "person 0: expected an object, but found int"),
        ('{"people": [{}]}', "expected 75 or 54 numbers in 'pose_keypoints_2d', but found 0 numbers"),
        (
            json.dumps({"people": [{**person(), "hand_left_keypoints_2d": [1] * 62}]}),
            "expected 63 or 0 numbers in 'hand_left",
        ),
        (
            json.dumps({"people": [{**person(), "pose_keypoints_2d": [1] * 4 + ["x"] * 71}]}),
            r"person 0: expected numbers up to 1000000 in 'pose_keypoints_2d', but y of point 1 is \"x\"",
        ),
        (json.dumps({"people": [{**person(), "pose_keypoints_2d": [float("inf")] * 75}]}), "x of point 0 is Infinity"),
        (json.dumps({"people": [{**person(), "pose_keypoints_2d": [5, 5, True] * 25}]}), "c of point 0 is true"),
        (json.dumps({"people": [{**person(), "pose_keypoints_2d": [-1e28] * 75}]}), "x of point 0 is -1e[+]28"),
        (b"\xff\xfe\xfa", "expected JSON"),
        ("[" * 100_000, "expected JSON, but it is nested too deep"),
        ('{"people": ' + "1" * 5000 + "}", "expected JSON, but Exceeds the limit"),
    ],
)
def test_broken_frames_are_named(tmp_path, content, match):
    folder = clip(tmp_path / "a", [[person()]])
    content = content if isinstance(content, bytes) else content.encode()
    (folder / "clip_000000000001_keypoints.json").write_bytes(content)
    with pytest.raises(FormatError, match=match) as caught:
        formats.read(folder)
    assert "clip_000000000001_keypoints.json" in str(caught.value)


def test_oversized_frame_is_refused_unread(tmp_path):
    folder = clip(tmp_path / "a", [[person()]])
    with (folder / "clip_000000000001_keypoints.json").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(FormatError, match=f"has {2**40}"):
        formats.read(folder)


def test_hidden_files_are_passed_over(tmp_path):
    folder = clip(tmp_path / "a", [[person()]] * 2)
    (folder / "._clip_000000000001_keypoints.json").write_bytes(b"what macOS leaves")
    assert len(formats.read(folder).body.data) == 2


def test_missing_frame_is_named(tmp_path):
    folder = clip(tmp_path / "a", [[person()]] * 4)
    (folder / "clip_000000000002_keypoints.json").unlink()
    with pytest.raises(FormatError, match="frame 2 is missing"):
        formats.read(folder)


def test_folder_with_content_is_not_overwritten(pose, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("keep")
    with pytest.raises(FileExistsError):
        formats.write(pose, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


@pytest.mark.realdata
def test_real_clips_keep_every_number(realdata, tmp_path):
    for folder in sorted((realdata / "how2sign-openpose" / "json").iterdir()):
        pose = formats.read(folder, size=(1280, 720))
        out = tmp_path / folder.name
        formats.write(pose, out)
        for file in folder.iterdir():
            theirs, ours = (json.loads((place / file.name).read_text())["people"][0] for place in (folder, out))
            assert ours["pose_keypoints_2d"][:24] == theirs["pose_keypoints_2d"][:24]
            for hand in ("hand_left_keypoints_2d", "hand_right_keypoints_2d"):
                assert ours[hand] == theirs[hand]


@pytest.mark.realdata
def test_real_clip_agrees_with_pose_format(realdata):
    from pose_format.utils.openpose import load_openpose_directory

    folder = next((realdata / "how2sign-openpose" / "json").iterdir())
    reference = load_openpose_directory(str(folder), fps=25, width=1280, height=720)
    joints, confidence = joints_of(formats.read(folder))
    order = [*range(8), *range(95, 137)]
    assert np.array_equal(joints[..., :2], reference.body.data[:, 0, order].filled(0))
    assert np.array_equal(confidence, reference.body.confidence[:, 0, order])
