import json
import warnings

import numpy as np
import pytest

from signdiff_core import formats
from signdiff_core.formats import FormatError, FormatWarning
from signdiff_core.landmarks import has_loose_depth, in_space
from signdiff_core.skeleton import BODY_HANDS_FACE, FACE, HEAD, Component, Skeleton, face_of, joints_of
from signdiff_core.sources import read_keypoints, read_pose


def people_at(*places, frames=6):
    """People (T, P, 50, 3) with shoulders 200 pixels apart, at places from left to right, who sway."""
    joints = np.random.default_rng(0).uniform((-40, 60), (40, 140), (50, 2))
    joints[:8] = [(0, -100), (0, 0), (-100, 0), (-130, 150), (-60, 200), (100, 0), (130, 150), (60, 200)]
    sway = np.sin(np.arange(frames))[:, None, None, None] * 10
    people = joints + np.array(places)[:, None] + sway
    return np.concatenate([people, np.full((*people.shape[:-1], 1), 0.9)], axis=-1)


def pairs(number, place=(300.0, 100.0)):
    return np.stack([np.arange(number) + place[0], np.arange(number) + place[1], np.full(number, 0.7)], axis=-1)


def test_a_person_is_followed_whatever_the_order(tmp_path, write_openpose):
    people = people_at((400, 300), (1100, 300))
    people[:, 1, :, 2] = 0.5
    folder = write_openpose(tmp_path / "clip", [list(each[:: 1 if t % 2 else -1]) for t, each in enumerate(people)])
    for person, place in ((None, 0), (1, 0), (2, 1)):
        with pytest.warns(FormatWarning, match="6 detections of other people were left out of 6 frames"):
            pose = read_pose(folder, fps=24, person=person)
        joints, confidence = joints_of(pose)
        assert joints[..., :2] == pytest.approx(people[:, place, :, :2], abs=1e-3)
        assert confidence == pytest.approx(people[:, place, :, 2])
    with pytest.raises(
        FormatError, match=r"clip: person must be from 1 to 2, the people who are followed .*, but is 3"
    ):
        read_pose(folder, fps=24, person=3)


def test_rates_are_told_or_asked_for(tmp_path, write_openpose, pose):
    folder = write_openpose(tmp_path / "clip", [list(each) for each in people_at((400, 300))])
    with pytest.warns(FormatWarning, match="clip: nothing tells the frame rate: 25 was taken"):
        assert read_pose(folder).body.fps == 25
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_pose(folder, fps=24).body.fps == 24
        formats.write(pose, tmp_path / "a.pose")
        assert read_pose(tmp_path / "a.pose", fps=25.001).body.fps == 25
    with pytest.warns(
        FormatWarning, match=r"a\.pose: it has 25 frames per second: the 24 that were given were left aside"
    ):
        assert read_pose(tmp_path / "a.pose", fps=24).body.fps == 25
    formats.write(pose, tmp_path / "a.skels")
    with pytest.warns(FormatWarning, match=r"a\.skels: nothing tells the frame rate"):
        read_pose(tmp_path / "a.skels")
    assert read_pose(tmp_path / "a.skels", fps=24).body.fps == 24
    with pytest.raises(ValueError, match="fps must be positive"):
        read_pose(folder, fps=-1)


def test_a_video_beside_tells_rate_and_size(tmp_path, write_openpose):
    from signdiff_core.video import write_video

    folder = write_openpose(tmp_path / "clip", [list(each) for each in people_at((60, 60))])
    write_video(tmp_path / "clip.mp4", [np.zeros((96, 128, 3), dtype=np.uint8)] * 6, fps=24)
    pose = read_pose(folder)
    assert (pose.body.fps, pose.header.dimensions.width, pose.header.dimensions.height) == (24, 128, 96)


def test_our_own_files_are_given_as_they_are(tmp_path, pose):
    formats.write(pose, tmp_path / "a.pose")
    found = read_pose(tmp_path / "a.pose")
    assert np.array_equal(found.body.data, pose.body.data)
    assert formats.is_normalised(found)
    wide = read_pose(tmp_path / "a.pose", skeleton="body_hands_face")
    assert not face_of(wide)[1].any()
    assert np.array_equal(joints_of(wide)[0], joints_of(pose)[0])
    formats.write(wide, tmp_path / "b.pose")
    assert np.array_equal(read_pose(tmp_path / "b.pose", skeleton="openpose50").body.data, pose.body.data)
    with pytest.raises(FormatError, match=r"a\.pose: expected a person from 1 to 1, for it holds one, but it is 2"):
        read_pose(tmp_path / "a.pose", person=2)


def test_another_registered_skeleton_passes_and_an_unknown_one_does_not(tmp_path, site, installed):
    module = (
        "from signdiff_core.skeleton import Component, Skeleton\n"
        'PARTS = (Component(name="S", joints=("A", "B")),)\n'
        'STICK = Skeleton(name="stick", components=PARTS, root=0, shoulders=(0, 1))\n'
    )
    stick = Skeleton(name="stick", components=(Component(name="S", joints=("A", "B")),), root=0, shoulders=(0, 1))
    formats.write(stick.make_pose(np.ones((2, 2, 3)), 25), tmp_path / "a.pose")
    with pytest.raises(
        FormatError, match=r"pose must be of the 50 joints, MediaPipe Holistic or OpenPose, but has S \(2\)"
    ):
        read_pose(tmp_path / "a.pose")
    installed(site, "sticks", "1", "[signdiff.skeletons]\nstick = sticks:STICK\n", {"sticks": module})
    assert stick.fits(read_pose(tmp_path / "a.pose"))


def test_faces_of_openpose_json(tmp_path):
    body = np.zeros((25, 3))
    body[:8], body[15:19] = pairs(8, (300, 150)), pairs(4)
    face = pairs(70, (400, 120))
    face[3] = (0, 0, 0)
    person = {"pose_keypoints_2d": body.ravel().tolist(), "face_keypoints_2d": face.ravel().tolist()}
    person |= {"hand_left_keypoints_2d": None, "hand_right_keypoints_2d": [None, float("nan"), 0.9] * 21}
    (tmp_path / "clip").mkdir()
    (tmp_path / "clip" / "c_000000000000_keypoints.json").write_text(json.dumps({"people": [person]}))
    pose = read_pose(tmp_path / "clip", fps=24)
    assert BODY_HANDS_FACE.fits(pose)
    joints, confidence = BODY_HANDS_FACE.arrays(pose)
    assert joints[0, HEAD, :2].tolist() == body[15:19, :2].tolist()  # right eye, left eye, right ear, left ear
    assert joints[0, FACE, :2].tolist() == face[:, :2].tolist()
    assert np.flatnonzero(confidence[0] == 0).tolist() == [*range(8, 50), FACE.start + 3]
    assert not has_loose_depth(pose)
    assert np.isnan(in_space(pose)[..., 2]).all()
    # Written and read again, nothing is lost.
    formats.write(pose, tmp_path / "again")
    again = read_pose(tmp_path / "again", fps=24)
    assert np.array_equal(again.body.data, pose.body.data)
    assert np.array_equal(again.body.confidence, pose.body.confidence)
    assert read_pose(tmp_path / "again", fps=24, skeleton="openpose50").body.data.shape == (1, 1, 50, 3)


def test_faces_of_dwpose_json(tmp_path, write_dwpose):
    parts = {"body": 18, "left_hand": 21, "right_hand": 21, "face": 68}
    person = {
        f"{part}_keypoints": (pairs(count)[:, :2] + 10 * n).tolist() for n, (part, count) in enumerate(parts.items())
    }
    person |= {f"{part}_scores": [0.8] * count for part, count in parts.items()}
    person["face_keypoints"][5], person["face_keypoints"][6] = [-1, -1], None
    folder = write_dwpose(tmp_path / "clip", [[person]])
    joints, confidence = BODY_HANDS_FACE.arrays(read_pose(folder, fps=24, size=(640, 480)))
    assert joints[0, HEAD, :2].tolist() == person["body_keypoints"][14:18]
    face = np.array([point or [0, 0] for point in person["face_keypoints"]])
    face[5] = 0
    assert joints[0, FACE, :2].tolist() == [*face.tolist(), [0, 0], [0, 0]]  # COCO-WholeBody has no pupils
    assert np.flatnonzero(confidence[0, FACE] == 0).tolist() == [5, 6, 68, 69]
    assert formats.read(folder, fps=24).body.data.shape == (1, 1, 124, 3)


@pytest.fixture
def mediapipe_file(tmp_path):
    rng = np.random.default_rng(0)
    pose = rng.uniform((0, 0, -300, 0.5), (1280, 720, 300, 1), (1, 33, 4)) + rng.uniform(-2, 2, (4, 33, 4)) * (
        1,
        1,
        1,
        0,
    )
    hands = rng.uniform((0, 0, -50, 0), (1280, 720, 50, 0.001), (2, 4, 21, 4))
    face = rng.uniform((500, 100, -30, 0), (700, 300, 30, 1), (4, 478, 4))
    hands[0, 1], face[2] = np.nan, np.nan
    content = {"pose": pose, "left_hand": hands[0], "right_hand": hands[1], "face": face}
    np.savez(tmp_path / "clip.npz", **content, width=1280, height=720)
    return tmp_path / "clip.npz", content


def test_faces_and_depth_of_mediapipe(mediapipe_file):
    path, content = mediapipe_file
    pose = read_pose(path, fps=24)
    joints, confidence = BODY_HANDS_FACE.arrays(pose)
    face = content["face"]
    # Published correspondences of the mesh and of iBUG's points: tip of the nose, corners of eyes and mouth, chin.
    for point, landmark in ((30, 4), (36, 33), (39, 133), (42, 362), (45, 263), (48, 61), (54, 291), (8, 152)):
        assert joints[:2, FACE.start + point, :2] == pytest.approx(face[:2, landmark, :2], rel=1e-6)
    assert joints[:2, FACE.start + 68, :2] == pytest.approx(face[:2, 468, :2], rel=1e-6)  # the right iris
    assert joints[:, HEAD, :2] == pytest.approx(content["pose"][:, [5, 2, 8, 7], :2], rel=1e-6)
    assert np.array_equal(confidence[:, FACE].any(axis=1), [True, True, False, True])
    assert has_loose_depth(pose)
    assert (pose.body.fps, pose.header.dimensions.width) == (24, 1280)

    seen = read_keypoints(path, "mediapipe", fps=24).in_space
    assert seen.shape == (4, 124, 4)
    neck = content["pose"][:, 11:13, 2].mean(axis=1)
    assert seen[:, 3, 2] == pytest.approx(content["pose"][:, 14, 2] - neck, rel=1e-5)  # right elbow from the neck
    wrist = content["right_hand"][:, :1, 2]
    assert seen[:, 29:50, 2] == pytest.approx(content["right_hand"][..., 2] - wrist, abs=1e-3)
    assert np.isnan(seen[1, 8:29, 2]).all()
    assert np.isnan(seen[2, FACE, 2]).all()
    corners = face[0, [33, 133, 362, 263], 2].mean()
    assert seen[0, FACE.start + 30, 2] == pytest.approx(face[0, 4, 2] - corners, rel=1e-4)
    again = in_space(pose)
    assert np.array_equal(again, seen, equal_nan=True)
    written = path.with_name("written.pose")
    formats.write(pose, written)
    assert np.array_equal(read_keypoints(written, "pose").in_space, seen, equal_nan=True)
    # Of another size than width and height, it is no depth to draw with.
    assert not formats.normalised(pose).body.data[..., 2].any()


def test_nobody_in_any_frame_is_one_clear_error(tmp_path, write_openpose):
    folder = write_openpose(tmp_path / "clip", [[], [], []])
    with pytest.raises(
        FormatError, match=r"clip: the clip must show a person in some frame, but its 3 frames show none"
    ):
        read_pose(folder, fps=24)


def test_options_are_the_formats(tmp_path, pose):
    formats.write(pose, tmp_path / "a.pose")
    with pytest.raises(TypeError, match="index is not an option of read in the format 'pose'"):
        read_pose(tmp_path / "a.pose", index=1)
    with pytest.raises(ValueError, match="skeleton must be one of"):
        read_pose(tmp_path / "a.pose", skeleton="none")


def test_clips_of_an_h5_file_are_named(tmp_path):
    h5py = pytest.importorskip("h5py")
    rows = people_at((400, 300))[:, 0].reshape(6, 150)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["one"] = rows
    assert joints_of(read_pose(tmp_path / "a.h5", fps=24))[0][..., 0] == pytest.approx(rows[:, ::3], rel=1e-6)
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["two"] = rows + 1
    assert joints_of(read_pose(tmp_path / "a.h5", fps=24, clip="two"))[0][0, 0, 0] == pytest.approx(rows[0, 0] + 1)
    for clip, told in ((None, "a clip that names one"), ("three", "a clip of its own, not 'three'")):
        with pytest.raises(FormatError, match=rf"a\.h5: holds 2 clips \(one, two\): expected {told}"):
            read_pose(tmp_path / "a.h5", fps=24, clip=clip)


def test_openpose_files_of_pose_format_itself(tmp_path):
    from pose_format.utils.openpose import load_openpose

    people = people_at((400, 300))[:, 0]
    face = np.tile(pairs(70, (400, 120)), (6, 1, 1))
    frames = {}
    for number, person in enumerate(people):
        body = np.zeros((25, 3))
        body[:8] = person[:8]
        parts = {"pose": body, "face": face[number], "hand_left": person[8:29], "hand_right": person[29:]}
        one = {f"{part}_keypoints_2d": points.ravel().tolist() for part, points in parts.items()}
        frames[number] = {"people": [one]}
    with (tmp_path / "clip.pose").open("wb") as file:
        load_openpose(frames, fps=24, width=1280, height=720).write(file)
    pose = read_pose(tmp_path / "clip.pose")
    assert (pose.body.fps, pose.header.dimensions.width) == (24, 1280)
    joints, confidence = BODY_HANDS_FACE.arrays(pose)
    assert joints[:, :50, :2] == pytest.approx(people[..., :2], abs=1e-3)
    assert joints[:, FACE, :2] == pytest.approx(face[..., :2], abs=1e-3)
    assert not confidence[:, HEAD].any()


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("path", "shape", "fps", "absent"),
    [
        ("pose-format-samples/openpose.pose", (93, 124), 24, {}),
        ("pose-format-samples/mediapipe.pose", (170, 124), 24, {"nose": True, "ears": True}),  # 178 points
        ("dgs-sentences/train/train_1_original.pose", (70, 124), 25, {"nose": True, "ears": True}),  # 178 points
        ("dgs-sentences/example/HOUSE1A^.pose", (123, 124), 50, {}),  # 576 points
        ("how2sign-openpose/json/_2FBDaOPYig_2-3-rgb_front", (157, 124), 24, {}),
        ("how2sign-openpose/dwpose/human_signer/json", (135, 124), 24, {}),  # which its video tells
        ("how2sign-clips/mediapipe/_0fO5ETSwyg_0-5-rgb_front.npz", (102, 124), 24, {"nose": True, "face": True}),
        ("lifting/demo-sequence.h5", (583, 50), 24, {}),
    ],
)
def test_real_files(realdata, path, shape, fps, absent):
    if path.endswith(".h5"):
        pytest.importorskip("h5py")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FormatWarning)
        pose = read_pose(realdata / path, fps=24)
    assert pose.body.fps == fps
    assert pose.body.data.shape == (shape[0], 1, shape[1], 3)
    joints, confidence = joints_of(pose)
    assert (confidence[:, [1, 2, 5]] > 0).mean() > 0.9
    # The signer faces the viewer: the right shoulder is at the left, and so is the right eye.
    assert np.median(joints[:, 2, 0] - joints[:, 5, 0]) < 0
    if shape[1] == 50:
        return
    points, weights = face_of(pose)
    face, seen = points[:, 4:], weights[:, 4:] > 0
    assert seen[:, 27:36].any() != absent.get("nose", False)
    assert (weights[:, 2:4] > 0).any() != absent.get("ears", False)
    if absent.get("face"):
        assert not seen.any()
        return
    whole = seen[:, [36, 45, 48, 54]].all(axis=1)
    eyes, mouth = face[whole][:, 36:48].mean(axis=1), face[whole][:, 48:60].mean(axis=1)
    width = np.linalg.norm(face[whole][:, 16, :2] - face[whole][:, 0, :2], axis=-1)
    assert np.median(face[whole][:, 36, 0] - face[whole][:, 45, 0]) < 0
    assert 0.3 < np.median((mouth - eyes)[:, 1] / width) < 0.9
    assert np.median(np.linalg.norm(eyes[:, :2] - points[whole][:, :2, :2].mean(axis=1), axis=-1) / width) < 0.15


@pytest.mark.realdata
def test_lexicon_of_spoken_to_signed(realdata):
    signs = pytest.importorskip("spoken_to_signed").__file__
    from pathlib import Path

    clips = sorted(Path(signs).parent.glob("assets/fingerspelling_lexicon/*/*.pose"))
    assert len(clips) >= 600
    for path in clips[::25]:
        pose = read_pose(path)  # 586 points
        assert face_of(pose) is not None, path
        assert has_loose_depth(pose), path


@pytest.mark.realdata
def test_selections_of_holistic(realdata, tmp_path):
    whole = formats.read(realdata / "dgs-sentences" / "example" / "HOUSE1A^.pose")
    read = read_pose(realdata / "dgs-sentences" / "example" / "HOUSE1A^.pose")
    parts = ["POSE_LANDMARKS", "LEFT_HAND_LANDMARKS", "RIGHT_HAND_LANDMARKS"]
    for names, points in ((parts, 75), ([*parts, "FACE_LANDMARKS"], 543)):
        some = whole.get_components(names)
        assert some.header.total_points() == points
        formats.write(some, tmp_path / "a.pose")
        found = read_pose(tmp_path / "a.pose")
        assert np.array_equal(joints_of(found)[0], joints_of(read)[0])
        assert (face_of(found)[1][:, 4:] > 0).any() == (points == 543)
        assert np.array_equal(face_of(found)[0][:, :4], face_of(read)[0][:, :4])
