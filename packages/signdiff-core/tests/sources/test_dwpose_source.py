import json

import numpy as np
import pytest

from signdiff_core.formats import FormatError
from signdiff_core.sources import Source, find_clips, read
from signdiff_core.video import write_video


def _person(seed, number=0):
    rng = np.random.default_rng(seed)
    return {
        "body_keypoints": rng.uniform(size=(18, 2)).tolist(),
        "body_scores": [float(18 * number + point) for point in range(18)],
        "left_hand_keypoints": rng.uniform(size=(21, 2)).tolist(),
        "left_hand_scores": rng.uniform(0.3, 0.9, size=21).tolist(),
        "right_hand_keypoints": rng.uniform(size=(21, 2)).tolist(),
        "right_hand_scores": rng.uniform(0.3, 0.9, size=21).tolist(),
    }


def _positions(person):
    parts = person["body_keypoints"][:8] + person["left_hand_keypoints"] + person["right_hand_keypoints"]
    return np.array(parts)


def test_shares_of_the_picture_become_pixels(tmp_path, write_dwpose):
    frames = [[_person(0), _person(1, 1)], [_person(2)]]
    clip = read(*find_clips(write_dwpose(tmp_path / "clip", frames)), fps=24, size=(1280, 720))
    assert clip.people.shape == (2, 2, 50, 3)
    for frame, people in enumerate(frames):
        for place, person in enumerate(people):
            found = clip.people[frame, place]
            assert found[:, :2] == pytest.approx(_positions(person) * (1280, 720), rel=1e-6)
            assert (found[:8, 2] == 1).all()
            assert found[8:29, 2] == pytest.approx(np.array(person["left_hand_scores"]), rel=1e-6)
    assert not clip.people[1, 1].any()


def test_pixels_stay_pixels(tmp_path, write_dwpose):
    person = _person(0)
    for key in ("body_keypoints", "left_hand_keypoints", "right_hand_keypoints"):
        person[key] = (np.array(person[key]) * (1280, 720)).tolist()
    clip = read(*find_clips(write_dwpose(tmp_path / "clip", [[person]])))
    assert clip.people[0, 0, :, :2] == pytest.approx(_positions(person), rel=1e-6)


def test_joints_without_a_number_or_a_place_are_absent_and_real_scores_are_kept(tmp_path, write_dwpose):
    numbered, scored = _person(0), _person(1)
    numbered["body_scores"][3] = -1.0
    numbered["left_hand_keypoints"][2] = [-1.0, -1.0]
    scored["body_scores"] = [0.5, 0.0, *[0.75] * 16]
    found = read(*find_clips(write_dwpose(tmp_path / "clip", [[numbered], [scored]])), size=(100, 100)).people[:, 0]
    assert np.flatnonzero(found[0, :, 2] == 0).tolist() == [3, 10]
    assert found[1, :4, 2].tolist() == [0.5, 0.0, 0.75, 0.75]


def test_the_video_beside_tells_size_and_rate(tmp_path, write_dwpose):
    folder = write_dwpose(tmp_path / "signer" / "json", [[_person(0)]])
    write_video(tmp_path / "signer" / "signer.mp4", [np.zeros((64, 96, 3), np.uint8)] * 2, 24)
    for path in (folder, folder.parent, tmp_path):
        (source,) = find_clips(path)
        assert source == Source(name="signer", kind="dwpose", path=folder, video=tmp_path / "signer" / "signer.mp4")
        clip = read(source)
        assert (clip.fps, clip.size, clip.notes) == (24, (96, 64), ())
        assert clip.people[0, 0, :, :2] == pytest.approx(_positions(_person(0)) * (96, 64), rel=1e-6)


def test_without_a_size_shares_cannot_be_read(tmp_path, write_dwpose):
    folder = write_dwpose(tmp_path / "clip", [[_person(0)]])
    with pytest.raises(ValueError, match=r"clip: positions are shares of the picture, whose size must be given"):
        read(*find_clips(folder))


@pytest.mark.parametrize("count", [-1, 2, 10**9, "true", '"1"'])
def test_people_that_are_missing(tmp_path, write_dwpose, count):
    folder = write_dwpose(tmp_path / "clip", [[_person(0)]])
    file = folder / "00000001.json"
    file.write_text(file.read_text().replace('"num_persons": 1', f'"num_persons": {count}'))
    with pytest.raises(FormatError, match=r"00000001.json"):
        read(*find_clips(folder), size=(10, 10))


@pytest.mark.parametrize(
    ("value", "shown"),
    [("Infinity", "Infinity"), ("true", "true"), ("1e28", "1e[+]28"), ('"5"', '"5"'), ("[5, 6]", r"\[5, 6\]")],
)
def test_numbers_that_are_none_are_named(tmp_path, write_dwpose, value, shown):
    folder = write_dwpose(tmp_path / "clip", [[_person(0)]])
    file = folder / "00000001.json"
    frame = json.loads(file.read_text())
    frame["person_0"]["left_hand_keypoints"][3][1] = "HERE"
    file.write_text(json.dumps(frame).replace('"HERE"', value))
    with pytest.raises(
        FormatError, match=rf"00000001\.json, person 0: .*'left_hand_keypoints', but point 3 has {shown}"
    ):
        read(*find_clips(folder), size=(10, 10))


@pytest.mark.realdata
def test_a_real_signer_stays_in_the_picture_with_even_bones(realdata):
    (source,) = find_clips(realdata / "how2sign-openpose" / "dwpose")
    clip = read(source)
    assert (clip.name, clip.people.shape, clip.size, clip.fps) == ("human_signer", (135, 1, 50, 3), (1280, 720), 24)
    joints = clip.people[:, 0, :, :2]
    assert joints.min() > 0
    assert (joints.max(axis=(0, 1)) < (1280, 720)).all()
    shoulders = np.linalg.norm(joints[:, 2] - joints[:, 5], axis=1)
    assert np.ptp(shoulders) < 0.2 * shoulders.mean()
    # Both wrists of OpenPose's order are those of the hands: no side is swapped.
    for wrist, hand in ((7, 8), (4, 29)):
        assert np.median(np.linalg.norm(joints[:, wrist] - joints[:, hand], axis=1)) < 0.2 * shoulders.mean()
