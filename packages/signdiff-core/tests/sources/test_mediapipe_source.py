import io
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from numpy.lib import format as npy

from signdiff_core.formats import FormatError
from signdiff_core.skeleton import LEFT_HAND, LEFT_WRIST, NECK, NOSE, RIGHT_HAND, RIGHT_WRIST
from signdiff_core.sources import find_clips, read
from signdiff_core.video import VideoError

# MediaPipe's numbers of the joints that are taken over as they are.
BODY = {NOSE: 0, 2: 12, 3: 14, 4: 16, 5: 11, 6: 13, 7: 15}


@pytest.fixture
def landmarks():
    rng = np.random.default_rng(0)
    pose = rng.uniform((0, 0, -1, 0.5), (1280, 720, 1, 1), (4, 33, 4)).astype(np.float32)
    hands = rng.uniform((0, 0, -1, 0), (1280, 720, 1, 0.001), (2, 4, 21, 4)).astype(np.float32)
    hands[0, 1] = np.nan
    return {"pose": pose, "left_hand": hands[0], "right_hand": hands[1], "fps": 24.0, "width": 1280, "height": 720}


def _read(folder, landmarks):
    np.savez(folder / "clip.npz", **landmarks)
    return read(*find_clips(folder))


def test_joints_come_from_their_landmarks(landmarks, tmp_path):
    clip = _read(tmp_path, landmarks)
    assert (clip.name, clip.fps, clip.size, clip.people.shape) == ("clip", 24, (1280, 720), (4, 1, 50, 3))
    found, pose = clip.people[:, 0], landmarks["pose"]
    for joint, landmark in BODY.items():
        assert found[:, joint, 2] == pytest.approx(pose[:, landmark, 3])
        if joint not in (LEFT_WRIST, RIGHT_WRIST):
            assert np.array_equal(found[:, joint, :2], pose[:, landmark, :2])
    assert found[:, NECK, :2] == pytest.approx((pose[:, 11, :2] + pose[:, 12, :2]) / 2)
    assert found[:, NECK, 2] == pytest.approx(np.minimum(pose[:, 11, 3], pose[:, 12, 3]))
    assert np.array_equal(found[:, RIGHT_HAND, :2], landmarks["right_hand"][..., :2])
    assert (found[:, RIGHT_HAND, 2] == 1).all()


def test_a_hand_that_is_found_has_the_wrist(landmarks, tmp_path):
    found = _read(tmp_path, landmarks).people[:, 0]
    assert np.array_equal(found[:, RIGHT_WRIST, :2], found[:, RIGHT_HAND.start, :2])
    assert np.array_equal(found[[0, 2, 3], LEFT_WRIST, :2], found[[0, 2, 3], LEFT_HAND.start, :2])
    assert np.array_equal(found[1, LEFT_WRIST, :2], landmarks["pose"][1, 15, :2])
    assert not found[1, LEFT_HAND].any()


def test_frames_without_anybody_are_absent(landmarks, tmp_path):
    for key in ("pose", "left_hand", "right_hand"):
        landmarks[key][2] = np.nan
    assert not _read(tmp_path, landmarks).people[2].any()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pose": np.zeros((4, 25, 4))}, r"pose: expected the shape \(T, 33, 4\), but found \(4, 25, 4\)"),
        ({"left_hand": np.zeros((3, 21, 4))}, r"left_hand: expected the shape"),
        ({"fps": 0.0}, "fps: expected a positive frame rate"),
        ({"fps": np.ones(2)}, "one number each in fps"),
        ({"pose": np.array(["x"])}, "cannot be read"),
        ({"pose": np.array([{}], dtype=object)}, "cannot be read"),
    ],
)
def test_wrong_contents(landmarks, tmp_path, change, message):
    with pytest.raises(FormatError, match=message) as caught:
        _read(tmp_path, landmarks | change)
    assert "clip.npz" in str(caught.value)


def test_what_is_missing_is_named(landmarks, tmp_path):
    del landmarks["right_hand"]
    with pytest.raises(FormatError, match="expected the arrays pose, left_hand, right_hand, but found pose"):
        _read(tmp_path, landmarks)


@pytest.mark.parametrize("keep", [0, 100, 3000])
def test_a_file_that_is_cut_short(landmarks, tmp_path, keep):
    _read(tmp_path, landmarks)
    file = tmp_path / "clip.npz"
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(FormatError, match=r"clip.npz: expected an .npz file of landmarks"):
        read(*find_clips(tmp_path))


def test_a_shape_that_is_too_large_is_not_allocated(tmp_path):
    with zipfile.ZipFile(tmp_path / "clip.npz", "w") as archive:
        for name, shape in (("pose", (10**9, 33, 4)), ("left_hand", (10**9, 21, 4)), ("right_hand", (10**9, 21, 4))):
            header = io.BytesIO()
            npy.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": shape})
            archive.writestr(f"{name}.npy", header.getvalue())
        header = io.BytesIO()
        npy.write_array(header, np.array(24.0))
        archive.writestr("fps.npy", header.getvalue())
    with pytest.raises(FormatError, match="expected 1 to 100000 frames, but found 1000000000"):
        read(*find_clips(tmp_path))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fps": 1e30}, r"fps: expected a positive frame rate up to 1000, but it is 1e[+]30"),
        ({"width": float("inf")}, "cannot be read"),
        ({"width": -(2**62)}, "expected a picture of 1 to 65535 pixels a side"),
        ({"height": 10**7}, "expected a picture of 1 to 65535 pixels a side"),
    ],
)
def test_numbers_that_no_video_has_are_refused(landmarks, tmp_path, change, message):
    with pytest.raises(FormatError, match=rf"clip\.npz.*{message}"):
        _read(tmp_path, {**landmarks, **change})


@pytest.mark.parametrize("value", [1e28, -3e38, np.inf])
def test_landmarks_are_bounded(landmarks, tmp_path, value):
    landmarks["right_hand"][2, 5, 0] = value
    with pytest.raises(FormatError, match=r"clip\.npz, right_hand, frame 2: .* number 0 of joint 5 is"):
        _read(tmp_path, landmarks)


def _damaged(content, place, change):
    """An archive whose first member's local (2 bytes) and central entry say something else."""
    data = bytearray(content)
    for signature, offset in ((b"PK\x03\x04", place), (b"PK\x01\x02", place + 2)):
        start = data.find(signature)
        data[start + offset] |= change
    return bytes(data)


@pytest.mark.parametrize(("place", "change"), [(6, 1), (6, 0x41), (8, 99), (8, 14), (8, 12)])
def test_members_that_cannot_be_unpacked(landmarks, tmp_path, place, change):
    np.savez_compressed(tmp_path / "clip.npz", **landmarks)
    content = (tmp_path / "clip.npz").read_bytes()
    (tmp_path / "clip.npz").write_bytes(_damaged(content, place, change))
    with pytest.raises(FormatError, match=r"clip\.npz: expected an \.npz file of landmarks, but it cannot be read"):
        read(*find_clips(tmp_path))


def test_every_byte_may_be_another(landmarks, tmp_path):
    np.savez_compressed(tmp_path / "clip.npz", **landmarks)
    whole = (tmp_path / "clip.npz").read_bytes()
    for start in range(0, len(whole), 97):
        changed = bytearray(whole)
        changed[start] ^= 0xFF
        (tmp_path / "clip.npz").write_bytes(changed)
        people, told = np.zeros(1), str(tmp_path / "clip.npz")
        try:
            people = read(*find_clips(tmp_path)).people
        except FormatError as error:
            told = str(error)
        assert str(tmp_path / "clip.npz") in told
        assert "\n" not in told
        assert np.abs(people).max() <= 1e6


def test_one_array_is_there_once(landmarks, tmp_path):
    np.savez(tmp_path / "clip.npz", **landmarks)
    with zipfile.ZipFile(tmp_path / "clip.npz", "a") as archive:
        archive.writestr("pose", archive.read("pose.npy"))
    with pytest.raises(FormatError, match="pose is there twice"):
        read(*find_clips(tmp_path))


def test_a_video_of_0_bytes(tmp_path):
    (tmp_path / "clip.mp4").touch()
    with pytest.raises(VideoError, match=r"clip.mp4"):
        read(*find_clips(tmp_path))


def test_without_mediapipe_a_video_names_what_is_missing(tmp_path):
    code = (
        "import sys, pathlib, numpy as np; sys.modules['mediapipe'] = None\n"
        "from signdiff_core.video import write_video; from signdiff_core.sources import *\n"
        f"file = pathlib.Path({str(tmp_path)!r}, 'clip.mp4')\n"
        "write_video(file, [np.zeros((64, 64, 3), np.uint8)], 24)\n"
        "try: read(*find_clips(file))\n"
        "except RuntimeError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "needs mediapipe, which is not installed. To get it: python -m pip install" in done.stdout
    assert '"signdiff-core[mediapipe]" && python -m pip install --no-deps mediapipe==0.10.14' in done.stdout


@pytest.mark.realdata
def test_real_landmarks_and_videos_are_one_clip_each(realdata):
    clips = find_clips(realdata / "how2sign-clips")
    assert len(clips) == 12
    assert all(source.kind == "mediapipe" and source.video is not None for source in clips)
    joints = read(clips[0]).people[:, 0]
    assert (joints[:, 2, 0] < joints[:, 5, 0]).all()  # who faces the camera has the right shoulder on its left


@pytest.mark.realdata
@pytest.mark.slow
def test_a_video_gives_the_landmarks_that_were_given(realdata):
    pytest.importorskip("mediapipe", reason="needs MediaPipe")
    given = read(find_clips(realdata / "how2sign-clips" / "mediapipe")[0]).people[:, 0]
    found = read(find_clips(realdata / "how2sign-clips" / "mp4")[0]).people[:, 0]
    assert found.shape == given.shape
    both = (found[..., 2] > 0) & (given[..., 2] > 0)
    assert both.sum() > 0.95 * (given[..., 2] > 0).sum()
    assert np.median(np.linalg.norm(found - given, axis=-1)[both]) < 1
