import numpy as np
import pytest

from signdiff_core.sources import Detections, find_clips, read
from signdiff_core.sources.signer import choose_signer

T = 60


def _moving(rng, *, place, scale=1.0, confidence=0.8):
    """A person who signs: the body sways, the hands go far. (T, 50, 3), shoulders 200 * scale apart."""
    body = np.array([(0, -100), (0, 0), (-100, 0), (-130, 150), (-60, 200), (100, 0), (130, 150), (60, 200)], float)
    hands = rng.normal(scale=15, size=(2, 21, 2)) + body[[7, 4], None]
    joints = np.concatenate([body, *hands])[None].repeat(T, axis=0)
    joints += np.cumsum(rng.normal(scale=2, size=(T, 1, 2)), axis=0)
    way = 60 * np.sin(np.arange(T) / 3)[:, None]
    joints[:, [4, 7, *range(8, 50)], 1] -= way + 60
    joints = joints * scale + place
    return np.concatenate([joints, np.full((T, 50, 1), confidence)], axis=-1).astype(np.float32)


@pytest.fixture
def two():
    rng = np.random.default_rng(0)
    return _moving(rng, place=(500, 400)), _moving(rng, place=(950, 380), scale=0.7)


def _clip(people, **others):
    return Detections(name="clip", people=np.asarray(people, dtype=np.float32), fps=24.0, **others)


def test_people_who_swap_places_in_the_list(two):
    signer, other = two
    order = np.random.default_rng(1).random(T) < 0.5
    people = np.stack([np.where(order[:, None, None], a, b) for a, b in ((signer, other), (other, signer))], axis=1)
    chosen = choose_signer(_clip(people, notes=("from before",), size=(1280, 720)))
    assert np.array_equal(chosen.points, signer)
    assert chosen.notes == ("from before", "60 detections of other people were left out of 60 frames")
    assert (chosen.name, chosen.fps, chosen.size) == ("clip", 24.0, (1280, 720))


def test_someone_who_comes_halfway_and_is_more_confident_and_first_in_the_list(two):
    signer, other = two
    other[:, :, 2] = 1.0
    people = np.zeros((T, 2, 50, 3))
    people[:40, 0] = signer[:40]
    people[40:, 0], people[40:, 1] = other[40:], signer[40:]
    chosen = choose_signer(_clip(people))
    assert np.array_equal(chosen.points, signer)
    assert chosen.notes == ("20 detections of other people were left out of 20 frames",)


def test_who_is_seen_first_need_not_be_the_signer(two):
    signer, other = two
    people = np.zeros((T, 2, 50, 3))
    people[:10, 0] = other[:10]
    people[10:, 0], people[10:, 1] = signer[10:], other[10:]
    chosen = choose_signer(_clip(people))
    assert np.array_equal(chosen.points[10:], signer[10:])
    assert not chosen.points[:10].any()
    assert chosen.notes[0] == "only someone else is seen in 10 of 60 frames"


def test_frames_without_anybody_are_absent_and_the_signer_is_found_again(two):
    signer, other = two
    people = np.stack([signer, other], axis=1)
    people[20:30] = 0
    people[35, 0] = 0
    people[30:] = people[30:, ::-1]
    chosen = choose_signer(_clip(people))
    here = np.ones(T, dtype=bool)
    here[[*range(20, 30), 35]] = False
    assert np.array_equal(chosen.points[here], signer[here])
    assert not chosen.points[~here].any()
    assert chosen.notes[:2] == (
        "nobody is seen in 10 of 60 frames",
        "only someone else is seen in 1 of 60 frames",
    )


def test_hands_in_sight_tell_the_signer_from_a_listener_of_the_same_size():
    rng = np.random.default_rng(3)
    listener, signer = _moving(rng, place=(300, 400), confidence=0.9), _moving(rng, place=(900, 400), confidence=0.8)
    listener[:, 8:] = 0
    assert np.array_equal(choose_signer(_clip(np.stack([listener, signer], axis=1))).points, signer)


def test_stray_joints_do_not_take_the_signers_place(two):
    signer, _ = two
    people = np.zeros((T, 2, 50, 3))
    people[:, 1] = signer
    people[1:, 0, 2] = signer[:-1, 2]  # exactly where the shoulder was last
    chosen = choose_signer(_clip(people))
    assert np.array_equal(chosen.points, signer)


def test_a_signer_who_is_partly_seen_stays_the_same(two):
    signer, other = two
    signer[20:25, 3:] = 0
    chosen = choose_signer(_clip(np.stack([other, signer], axis=1)))
    assert np.array_equal(chosen.points, signer)


def test_many_false_alarms_are_left_out_in_time():
    rng = np.random.default_rng(4)
    signer = _moving(rng, place=(500, 400))
    people = np.zeros((T, 20, 50, 3))
    people[:, 1:, :4] = rng.uniform((0, 0, 0.1), (4000, 4000, 0.3), (T, 19, 4, 3))
    people[:, 0] = signer
    for frame in people:
        rng.shuffle(frame)
    assert np.array_equal(choose_signer(_clip(people)).points, signer)


def test_nobody_at_all():
    with pytest.raises(ValueError, match="clip must show a person in some frame, but its 3 frames show none"):
        choose_signer(_clip(np.zeros((3, 2, 50, 3))))


@pytest.mark.realdata
@pytest.mark.parametrize("folder", ["how2sign-openpose", "how2sign-clips"])
def test_real_clips_of_one_person_lose_nothing(realdata, folder):
    for source in find_clips(realdata / folder):
        detections = read(source, fps=24)
        chosen = choose_signer(detections)
        assert np.array_equal(chosen.points, detections.people[:, 0])
        assert chosen.notes == ()


@pytest.mark.realdata
def test_two_real_people_in_one_picture(realdata):
    clips = [read(source, fps=24).people[:140, 0] for source in find_clips(realdata / "how2sign-openpose" / "json")]
    signer, other = clips[0], clips[1].copy()
    other[..., :2] = other[..., :2] * 0.6 + (700, 200)
    other[other[..., 2] == 0] = 0
    order = np.random.default_rng(5).random(140) < 0.5
    people = np.stack([np.where(order[:, None, None], a, b) for a, b in ((signer, other), (other, signer))], axis=1)
    people[:50] = np.where((people[:50] == other[:50, None]).all(axis=(2, 3), keepdims=True), 0, people[:50])
    assert np.array_equal(choose_signer(_clip(people)).points, signer)
