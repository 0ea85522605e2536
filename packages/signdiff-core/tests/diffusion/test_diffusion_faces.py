"""Conditions that carry the face: what is drawn, for whom, and from whom the face is."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from signdiff_core.avatar import AvatarBody, Motion, Signer, face_points, fit  # noqa: E402
from signdiff_core.camera import Camera  # noqa: E402
from signdiff_core.diffusion import DiffusionRenderer, SignDiffPipeline, superimposed  # noqa: E402
from signdiff_core.diffusion.conditions import Joints, conditions_of, neutral_conditions  # noqa: E402
from signdiff_core.diffusion.folder import RendererSettings  # noqa: E402
from signdiff_core.drawing import draw  # noqa: E402
from signdiff_core.gaps import MissingJointsWarning  # noqa: E402
from signdiff_core.skeleton import BODY_HANDS_FACE, NOSE, make_pose  # noqa: E402

FRAMES = 6


@pytest.fixture
def points():
    """Joints and face (T, 124, 3) of a body that opens its mouth, but for its hanging arms."""
    body = AvatarBody.named("old man")
    turns = np.tile(np.eye(3, dtype=np.float32), (FRAMES, len(body.heads), 1, 1))
    shapes = np.zeros((FRAMES, len(body.cast.shapes)), dtype=np.float32)
    shapes[4:, body.cast.shapes.index("jawOpen")] = 0.9
    motion = Motion(body=body, turns=turns, shapes=shapes)
    joints = motion.joints * np.where(np.arange(50)[:, None] < 3, 1, 0.8)
    return np.concatenate([joints, face_points(motion)], axis=1)


@pytest.fixture
def faced(points):
    return BODY_HANDS_FACE.make_pose(points, 25)


@pytest.fixture
def plain(points):
    return make_pose(points[:, :50], 25)


@pytest.fixture
def model(parts, one_net, other_net, tmp_path):
    SignDiffPipeline(**parts, controlnet=superimposed(one_net, other_net)).save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def drawn(pose, **options):
    return np.stack(list(Joints.of(pose, size=(64, 64), framing=Camera(), **options).drawings()))


def test_the_face_is_drawn_where_that_is_asked_for(faced, plain, points):
    assert np.array_equal(drawn(faced, include_face=True), [draw(each, size=64) for each in points])
    assert np.array_equal(drawn(faced), [draw(each[:50], size=64) for each in points])
    assert np.array_equal(drawn(plain, include_face=True), drawn(plain))
    assert not np.array_equal(drawn(faced), drawn(faced, include_face=True))


def test_a_face_that_is_lost_goes_with_the_nose_or_is_hidden(points):
    way = np.linspace(0, 0.3, 40)[:, None, None]
    moving = np.repeat(points[:1], 40, axis=0) + way
    confidence = np.ones((40, 124))
    confidence[10:30, 50:] = 0
    pose = BODY_HANDS_FACE.make_pose(moving, 25, confidence=confidence)
    with pytest.warns(MissingJointsWarning, match="joints of the face are absent in 20 of 40: held in 20"):
        held = Joints.of(pose, size=(64, 64), include_face=True)
    np.testing.assert_allclose(held.positions, moving, atol=1e-5)
    with pytest.warns(MissingJointsWarning, match="joints of the face are absent in 20 of 40: hidden in 20"):
        made = drawn(pose, include_face=True, missing="hide")
    assert np.array_equal(made[20], draw(moving[20, :50], size=64, camera=Camera()))
    assert np.array_equal(made[5], draw(moving[5], size=64, camera=Camera()))


def by_hand(pose, points, *, has_face):
    """The neutral avatar's joints and face when it performs the pose."""
    face = (points[:, 50:], np.ones((FRAMES, 74), dtype=np.float32)) if has_face else None
    motion = fit(Signer.neutral().avatar(), points[:, :50], np.ones((FRAMES, 50), dtype=np.float32), face=face)
    return np.concatenate([motion.joints, face_points(motion)], axis=1)


@pytest.mark.parametrize("has_face", [True, False])
def test_after_retargeting_the_face_is_the_avatar_s_own(faced, plain, points, has_face):
    pose = faced if has_face else plain
    made = Joints.of(pose, size=(64, 64), framing=Camera(), include_face=True).retargeted()
    expected = by_hand(pose, points, has_face=has_face)
    np.testing.assert_allclose(made.positions, expected, atol=1e-5)
    assert np.array_equal(list(made.drawings()), [draw(each, size=64, camera=made.camera) for each in made.positions])
    opening = made.positions[:, 54 + 66, 1] - made.positions[:, 54 + 62, 1]
    assert (opening[-1] > opening[0] + 0.02) == has_face
    assert Joints.of(pose, size=(64, 64)).retargeted().positions.shape == (FRAMES, 50, 3)


@pytest.mark.sibling
def test_with_the_avatar_s_maps_the_face_is_the_avatar_s_own(faced, points):
    pytest.importorskip("warp")
    pytest.importorskip("signdiff_frnet")
    from signdiff_core.diffusion import FRMapper

    joints = Joints.of(faced, size=(64, 64), framing=Camera(), include_face=True)
    made = list(neutral_conditions(joints, mapper=FRMapper(), start=3))
    expected = by_hand(faced, points, has_face=True)[3:]
    for condition, each in zip(made, expected, strict=True):
        assert np.array_equal(condition.drawing, draw(each.astype(np.float32), size=64, camera=Camera()))
    absent = np.ones((FRAMES, 124))
    absent[2:5, [NOSE, *range(50, 124)]] = 0
    hidden = np.zeros((FRAMES, 124), dtype=bool)
    hidden[2:5, NOSE] = True
    shown = list(neutral_conditions(Joints(**{**vars(joints), "hidden": hidden}), mapper=FRMapper()))
    expected = by_hand(faced, points, has_face=True)
    assert np.array_equal(shown[3].drawing, draw(expected[3].astype(np.float32), absent[3], size=64, camera=Camera()))


@pytest.mark.sibling
def test_the_predictor_of_maps_sees_no_faces(faced, plain):
    """It was trained on drawings without."""
    pytest.importorskip("signdiff_frnet")

    def conditions(pose, **options):
        joints = Joints.of(pose, size=(256, 256), framing=Camera(), **options)
        return list(conditions_of(joints, None, "predictor", None, count=2, start=1))

    with_faces, without = conditions(faced, include_face=True), conditions(plain)
    for ours, theirs in zip(with_faces, without, strict=True):
        assert np.array_equal(ours.fr_map, theirs.fr_map)
        assert not np.array_equal(ours.drawing, theirs.drawing)


def test_a_model_is_shown_faces_if_it_was_trained_on_them(model, faced, plain, points):
    pipe = SignDiffPipeline.from_pretrained(model)

    def streamed(pose, **options):
        settings = {"num_inference_steps": 1, "guidance_scale": 1.0, "output_type": "np", "frnet_source": "none"}
        frames = pipe.stream("a person", pose, generator=torch.Generator().manual_seed(3), **settings, **options)
        return np.stack([np.rint(255 * frame).astype(np.uint8) for frame in frames])

    def rendered(pose, **options):
        renderer = DiffusionRenderer(model=model, frnet_source="none", **options)
        return np.stack(list(renderer.render(pose, seed=3, framing=Camera())))

    camera = {"framing": Camera()}
    with_face, without = streamed(faced, include_face=True, **camera), streamed(plain, **camera)
    called = pipe(
        "a person",
        faced,
        num_inference_steps=1,
        guidance_scale=1.0,
        output_type="np",
        generator=torch.Generator().manual_seed(3),
        frnet_source="none",
        include_face=True,
        **camera,
    ).images
    assert np.array_equal(np.rint(255 * called).astype(np.uint8), with_face)
    assert not np.array_equal(with_face, without)
    assert np.array_equal(streamed(faced, **camera), without)
    drawings = [draw(each, size=64) for each in points]
    assert np.array_equal(streamed(drawings), with_face)

    RendererSettings(prompt="a person", steps=1, guidance_scale=1.0).write(model)
    settings = json.loads((model / "renderer.json").read_text())
    assert settings.pop("include_face") is False
    (model / "renderer.json").write_text(json.dumps(settings))  # as those who knew no faces wrote it
    assert np.array_equal(rendered(faced), without)
    assert np.array_equal(rendered(faced, include_face=True), with_face)
    RendererSettings(prompt="a person", steps=1, guidance_scale=1.0, include_face=True).write(model)
    assert np.array_equal(rendered(faced), with_face)
    assert np.array_equal(rendered(faced, include_face=False), without)
    assert np.array_equal(rendered(plain), without)


def test_settings_say_it_by_true_or_false(tmp_path):
    (tmp_path / "renderer.json").write_text('{"include_face": 1}')
    with pytest.raises(ValueError, match=r"renderer\.json: include_face must be true or false, but is 1"):
        RendererSettings.read(tmp_path)
