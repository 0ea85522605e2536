import json

import numpy as np
import pytest

from signdiff_core import formats
from signdiff_core.skeleton import joints_of
from signdiff_core.sources import find_clips, read


@pytest.fixture
def people():
    return np.random.default_rng(0).uniform((10, 10, 0.2), (900, 700, 1), (3, 2, 50, 3))


def test_every_person_of_every_frame_is_read(people, tmp_path, write_openpose):
    people[0, 0, 5] = 0
    folder = write_openpose(tmp_path / "clip", [people[0], people[1, :1], []])
    clip = read(*find_clips(folder), fps=24)
    assert (clip.name, clip.fps, clip.size, clip.notes) == ("clip", 24, None, ())
    assert clip.people.shape == (3, 2, 50, 3)
    assert clip.people[:2, 0] == pytest.approx(people[:2, 0].astype(np.float32))
    assert clip.people[0, 1] == pytest.approx(people[0, 1].astype(np.float32))
    assert not clip.people[1, 1].any()
    assert not clip.people[2].any()


def test_the_most_confident_person_is_that_of_the_format_reader(people, tmp_path, write_openpose):
    folder = write_openpose(tmp_path / "clip", people)
    with pytest.warns(formats.FormatWarning):
        joints, confidence = joints_of(formats.read(folder))
    found = read(*find_clips(folder)).people
    best = found[..., 2].sum(axis=-1).argmax(axis=1)
    chosen = found[np.arange(3), best]
    assert np.array_equal(chosen[..., :2], joints[..., :2])
    assert np.array_equal(chosen[..., 2], confidence)


def test_confidence_is_cut_at_1_and_joints_in_the_corner_are_absent(people, tmp_path, write_openpose):
    people[0, 0, 0, 2] = 1.02
    people[0, 0, 1, :2] = 0
    found = read(*find_clips(write_openpose(tmp_path / "clip", people[:1, :1]))).people[0, 0]
    assert found[0, 2] == 1
    assert not found[1].any()


def test_a_rate_that_nothing_tells_is_noted(people, tmp_path, write_openpose):
    clip = read(*find_clips(write_openpose(tmp_path / "clip", people)))
    assert clip.fps == 25
    assert clip.notes == ("nothing tells the frame rate: 25 was taken",)


def _cut(file):
    file.write_bytes(file.read_bytes()[:500])


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (_cut, "expected JSON"),
        (lambda file: file.write_text(""), "byte 0: expected JSON"),
        (lambda file: file.write_text("[]"), "expected an object, but found list"),
        (lambda file: file.write_text('{"people": 3}'), "a list 'people'"),
        (lambda file: file.write_text('{"people": [7]}'), "person 0: expected an object, but found int"),
        (
            lambda file: file.write_text('{"people": [{}]}'),
            "person 0: expected 75 or 54 numbers in 'pose_keypoints_2d'",
        ),
        (
            lambda file: file.write_text(json.dumps({"people": [{"pose_keypoints_2d": ["1"] * 75}]})),
            "numbers up to 1000000",
        ),
        (
            lambda file: file.write_text(json.dumps({"people": [{"pose_keypoints_2d": [1.1e6] * 75}]})),
            "numbers up to 1000000",
        ),
        (lambda file: file.write_bytes(b" " * (2**22 + 1)), "expected at most 4194304 bytes"),
        (lambda file: file.write_bytes(b'{"people": "\xff"}'), "expected JSON"),
    ],
)
def test_a_broken_frame_is_named(people, tmp_path, write_openpose, harm, message):
    folder = write_openpose(tmp_path / "clip", people)
    harm(folder / "clip_000000000001_keypoints.json")
    with pytest.raises(formats.FormatError, match=message) as caught:
        read(*find_clips(folder))
    assert "clip_000000000001_keypoints.json" in str(caught.value)


def test_a_missing_frame_is_named(people, tmp_path, write_openpose):
    folder = write_openpose(tmp_path / "clip", people)
    (folder / "clip_000000000001_keypoints.json").unlink()
    with pytest.raises(formats.FormatError, match="expected the frames 0 to 2, but frame 1 is missing"):
        read(*find_clips(folder))


def test_frames_that_are_there_twice(people, tmp_path, write_openpose):
    folder = write_openpose(tmp_path / "clip", people)
    (folder / "other_1_keypoints.json").write_text("{}")
    with pytest.raises(formats.FormatError, match="has the same number"):
        read(*find_clips(folder))


@pytest.mark.parametrize("fps", [0, -1, float("nan")])
def test_wrong_rates(people, tmp_path, write_openpose, fps):
    with pytest.raises(ValueError, match="fps must be positive"):
        read(*find_clips(write_openpose(tmp_path / "clip", people)), fps=fps)


@pytest.mark.realdata
def test_how2sign_is_read_as_the_lifting_code_does(realdata):
    clips = find_clips(realdata / "how2sign-openpose" / "json")
    assert len(clips) == 3
    for source in clips:
        golden = np.load(realdata / "lifting" / "golden" / f"{source.name}.npz")["input2d"].reshape(-1, 50, 3)
        golden[..., 2] = np.minimum(golden[..., 2], 1)
        people = read(source, fps=24).people
        assert people.shape[1] == 1
        assert np.array_equal(people[:, 0], golden)
