"""The figures of benchmarks/real_signing.py, on readings whose answers are known."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from real_signing import kinds_of, table_of
from signing_scores import COUNTS, Reading, compare, figure, read_reading, reading_of_pose

FRAMES = 24


def turn(degrees):
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])


def person(*, frames=FRAMES, size=(1280, 720), head=0.0, mouth=None, apart=4.0, rng=None):
    """Somebody whose shoulders are 200 apart, whose hands are `apart` shoulder widths from each other."""
    rng = rng or np.random.default_rng(0)
    parts = {name: np.full((frames, count, 4), 1.0) for name, count in COUNTS.items()}
    parts["pose"][..., :3] = 0
    parts["pose"][:, 11, :2], parts["pose"][:, 12, :2], parts["pose"][:, 0, :2] = (740, 300), (540, 300), (640, 200)
    for side, x in (("left_hand", 640 + 100 * apart), ("right_hand", 640 - 100 * apart)):
        points = rng.uniform(-1, 1, (21, 3)) * (15, 40, 5)
        points[0] = 0
        points[1, 0] = -20 if side == "left_hand" else 20  # the innermost
        points[2:, 0] *= 0.5
        parts[side][..., :3] = points + np.array([x, 400, 0])
    face = rng.uniform(-10, 10, (478, 3))
    face[[33, 263, 10, 152]] = (-40, -10, 0), (40, -10, 0), (0, -50, 0), (0, 70, 0)
    face = np.repeat(face[None], frames, axis=0)
    opening = np.zeros(frames) if mouth is None else mouth
    face[:, 13] = np.stack([np.zeros(frames), 30 - opening / 2, np.zeros(frames)], axis=-1)
    face[:, 14] = np.stack([np.zeros(frames), 30 + opening / 2, np.zeros(frames)], axis=-1)
    parts["face"][..., :3] = face @ turn(head).T + np.array([640, 180, 0])
    return Reading(frames=np.arange(frames), parts=parts, size=size, fps=24.0)


def moved(reading, scale, shift, size):
    parts = {name: part.copy() for name, part in reading.parts.items()}
    for part in parts.values():
        part[..., :3] *= scale
        part[..., :2] += shift
    return Reading(frames=reading.frames, parts=parts, size=size, fps=reading.fps)


def test_the_same_signing_elsewhere_in_another_size_is_the_same():
    mouth = np.random.default_rng(1).uniform(0, 20, FRAMES)
    source = person(mouth=mouth)
    row = table_of([compare("a", source, moved(source, 0.4, (20, 5), (512, 512)))])
    assert (row["found"].value, row["shape"].value) == (1, 1)
    assert row["place"].value == pytest.approx(0, abs=1e-9)
    assert row["head"].value == pytest.approx(0, abs=1e-4)
    assert row["mouth"].value == pytest.approx(1)
    assert row["found"].samples == 2 * FRAMES


def test_hands_that_are_lost_bent_or_elsewhere_count():
    source, made = person(), person()
    made.parts["left_hand"][:6] = np.nan
    made.parts["right_hand"][:12, 5:9, :2] += 60  # one finger
    made.parts["left_hand"][..., 0] += 100  # half a shoulder width
    scores = compare("a", source, made)
    assert scores.hands["found"].mean() == 1 - 6 / 48
    assert scores.hands["right"].mean() == 1 - 6 / 48 - 12 / 48
    kinds = kinds_of([scores])
    assert kinds["left hand"]["found"].value == 18 / 24
    assert kinds["left hand"]["place"].value == pytest.approx(0.5)
    assert kinds["right hand"]["place"].value == pytest.approx(0)


@pytest.mark.parametrize("degrees", [8.0, -30.0])
def test_a_turned_head_is_off_by_its_angle_and_not_in_its_motion(degrees):
    row = table_of([compare("a", person(), person(head=degrees))])
    assert row["head"].value == pytest.approx(abs(degrees), abs=1e-6)
    assert row["head moves"].value == pytest.approx(0, abs=1e-4)


def test_contacts_are_kept_lost_and_made_up():
    touching, apart = person(apart=0.2), person(apart=4.0)  # 40 between their middles, and 20 to each innermost point
    assert table_of([compare("a", touching, touching)])["hands touch"].value == 1
    assert table_of([compare("a", touching, apart)])["hands touch"].value == 0
    row = table_of([compare("a", apart, touching)])
    assert row["hands touch"].samples == 0
    assert row["hands touch, made up"].value == 1


def test_a_hand_that_reaches_the_face_touches_it():
    source, made = person(), person()
    source.parts["right_hand"][..., :2] += np.array([640, 180]) - source.parts["right_hand"][:, :1, :2]
    row = table_of([compare("a", source, made)])
    assert (row["face touched"].value, row["face touched"].samples) == (0, FRAMES)
    scores = compare("a", source, source)
    assert table_of([scores])["face touched"].value == 1
    assert kinds_of([scores])["near the face"]["found"].samples == FRAMES


def test_what_is_outside_of_the_frame_is_cut_off():
    made = person()
    made.parts["right_hand"][:6, 8, 0] = -3
    made.parts["face"][6:12, :, 1] -= 100  # whose forehead is inside still, but not its hair
    assert table_of([compare("a", person(), made)])["inside"].value == 0.5


def test_a_mouth_that_opens_when_it_should_close_is_told():
    mouth = np.random.default_rng(1).uniform(0, 20, FRAMES)
    row = table_of([compare("a", person(mouth=mouth), person(mouth=20 - mouth))])
    assert row["mouth"].value == pytest.approx(-1)
    assert table_of([compare("a", person(mouth=mouth), person())])["mouth"].samples == 0  # it never opens


def test_fast_hands_are_those_that_move_quickly_in_the_source():
    source = person()
    source.parts["right_hand"][12:, :, 0] += np.arange(12)[:, None] * 200 * 3 / 24
    fast = compare("a", source, source).hands["fast"].reshape(2, FRAMES)
    assert fast[0].sum() == 0
    assert fast[1, 14:].all()
    assert not fast[1, :11].any()


def test_intervals_are_over_clips():
    one = figure([np.zeros(100), np.ones(100)], lambda values: float(values.mean()))
    assert (one.value, one.low, one.high, one.samples) == (0.5, 0, 1, 200)
    many = figure([np.array([0.0, 1.0])] * 50, lambda values: float(values.mean()))
    assert (many.low, many.high) == (0.5, 0.5)


def test_frames_that_were_read_are_matched_by_their_numbers(tmp_path):
    source = person()
    every = Reading(
        frames=np.arange(0, FRAMES, 3), parts={n: p[::3] for n, p in source.parts.items()}, size=(1, 1), fps=24
    )
    assert compare("a", every, source).hands["found"].shape == (16,)
    np.savez(tmp_path / "a.npz", **every.parts, frames=every.frames, width=1280, height=720, fps=24.0)
    read = read_reading(tmp_path / "a.npz")
    assert (read.size, read.fps, read.frames.tolist()) == ((1280, 720), 24, every.frames.tolist())


@pytest.mark.realdata
def test_poses_of_every_kind_are_readings_of_their_picture():
    if not os.environ.get("SIGNDIFF_REALDATA"):
        pytest.skip("SIGNDIFF_REALDATA names no folder")
    realdata = Path(os.environ["SIGNDIFF_REALDATA"])
    sentence = reading_of_pose(realdata / "dgs-sentences" / "train" / "train_10_original.pose")
    shoulders = sentence.parts["pose"][0, [11, 12], 0]
    assert shoulders[0] > shoulders[1]  # the left one is to the viewer's right
    assert np.isfinite(sentence.parts["face"][0, [10, 152, 33, 263, 13, 14]]).all()
    assert sentence.parts["face"][0, 10, 1] < sentence.parts["face"][0, 13, 1] < sentence.parts["face"][0, 152, 1]
    folder = next((realdata / "how2sign-openpose" / "json").iterdir())
    clip = reading_of_pose(folder)
    person_0 = json.loads(min(folder.glob("*_keypoints.json")).read_text())["people"][0]
    assert clip.parts["pose"][0, 0, :2] == pytest.approx(person_0["pose_keypoints_2d"][:2])
    assert clip.parts["face"][0, 152, 1] > clip.parts["face"][0, 13, 1]
    row = table_of([compare("a", clip, clip)])
    assert (row["found"].value, row["shape"].value, row["head"].samples) == (1, 1, 0)
