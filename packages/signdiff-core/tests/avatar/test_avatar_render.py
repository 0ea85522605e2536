"""Frames of the parametric signer."""

from dataclasses import replace
from types import GeneratorType

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("warp", reason="the extra avatar brings warp-lang")

from signdiff_core.avatar import AvatarBody, AvatarRenderer, Motion, Signer, body_names, fit, render_frames
from signdiff_core.camera import Camera
from signdiff_core.gaps import MissingJointsWarning
from signdiff_core.skeleton import make_pose

SIZE = 96


@pytest.fixture
def joints(pose):
    return pose.body.data[:2, 0].filled()


def frame(signer: Signer, joints: np.ndarray, **options) -> np.ndarray:
    motion = fit(signer.avatar(), joints[:1])
    return next(iter(render_frames(signer, motion, size=SIZE, **options)))


def changed(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.abs(a.astype(int) - b.astype(int)).max(axis=-1) > 8


def test_frames_are_rgb_and_the_same_every_time(joints):
    signer = Signer(body="old man", hair_style="bun")
    motion = fit(signer.avatar(), joints)
    one, two = (list(render_frames(signer, motion, size=SIZE)) for _ in range(2))
    assert [f.shape for f in one] == [(SIZE, SIZE, 3)] * 2
    assert one[0].dtype == np.uint8
    np.testing.assert_array_equal(one, two)


def test_a_frame_depends_on_its_own_pose_only(joints):
    """A signer drawn from the second frame on looks as in the whole motion: nothing is carried over."""
    signer = Signer.neutral()
    motion = fit(signer.avatar(), joints)
    late = Motion(body=motion.body, turns=motion.turns[1:])
    whole, part = (list(render_frames(signer, m, size=SIZE)) for m in (motion, late))
    np.testing.assert_array_equal(whole[1], part[0])


@pytest.mark.parametrize("name", body_names())
@pytest.mark.parametrize("sleeves", ["short", "long"])
def test_the_trunk_is_dressed(joints, name, sleeves):
    """What changes with the skin tone alone lies on head, neck, arms and hands: nothing below the collar."""
    fair, dark = (frame(Signer(body=name, sleeves=sleeves, skin=skin), joints) for skin in ("fair", "dark"))
    skin = changed(fair, dark)
    assert skin.any()
    left, top = (Camera().project(np.array([-0.125, 0.03]), SIZE)).astype(int)
    right = int(Camera().project(np.array([0.125, 0.0]), SIZE)[0])
    assert not skin[top:, left:right].any()


def test_long_sleeves_leave_the_hands_bare_and_cover_the_arms(joints):
    short, long = (
        changed(*(frame(Signer(sleeves=sleeves, skin=skin), joints) for skin in ("fair", "dark")))
        for sleeves in ("short", "long")
    )
    hand = fit(AvatarBody.named(), joints[:1]).joints[0, 29:]
    column, row = Camera().project(hand[9], SIZE).astype(int)
    assert long[row, column]
    assert short.sum() > long.sum()


@pytest.mark.parametrize("name", body_names())
def test_head_and_right_hand_are_inside_the_frame(joints, name):
    grey, white = (frame(Signer(body=name, background=b, hair_style="bun"), joints) for b in ("dark", "white"))
    outside = changed(grey, white)
    assert outside[0].all(), "there is air above the head"
    assert outside[: SIZE // 2, 0].all(), "there is air beside the hand"
    assert 0.25 < 1 - outside.mean() < 0.6


def test_joints_lie_on_the_drawn_body(joints):
    signer = Signer(background="white")
    motion = fit(signer.avatar(), joints[:1])
    outside = changed(frame(signer, joints), frame(replace(signer, background="dark"), joints))
    columns, rows = np.round(Camera().project(motion.joints[0], SIZE) - 0.5).astype(int).T
    inside = (rows < SIZE) & (columns >= 0)
    assert inside[29:].all()
    around = [(r, c) for r in (-1, 0, 1) for c in (-1, 0, 1)]
    on_body = [
        any(~outside[min(y + r, SIZE - 1), x + c] for r, c in around)
        for x, y in zip(columns, rows, strict=True)
        if y < SIZE
    ]
    assert all(on_body), "a fingertip's joint is on the skin, so it may be a pixel off"


@pytest.mark.parametrize(
    ("attribute", "value"),
    [("shirt", "red"), ("hair", "blond"), ("hair_style", "bun"), ("light", "left"), ("body", "old man")],
)
def test_every_attribute_shows(joints, attribute, value):
    plain = Signer.neutral()
    assert changed(frame(plain, joints), frame(replace(plain, **{attribute: value}), joints)).mean() > 0.001


def test_light_from_the_left_brightens_the_left(joints):
    still = joints.copy()
    still[:, 2:5], still[:, 29:] = still[:, [5, 6, 7]] * [-1, 1, 1], still[:, 8:29] * [-1, 1, 1]
    left, right = (
        frame(Signer(light=light, shirt="white"), still).astype(int).sum(axis=-1) for light in ("left", "right")
    )
    half = int(Camera().neck[0] * SIZE)
    assert (left - right)[:, :half].sum() > 0 > (left - right)[:, half:].sum()


def test_too_small_a_frame_is_refused(joints):
    with pytest.raises(ValueError, match="size must be at least 16 pixels, but is 8"):
        render_frames(Signer(), fit(AvatarBody.named(), joints), size=8)


class TestRenderer:
    def test_it_is_registered(self):
        from signdiff_core import plugins

        assert plugins.load("signdiff.renderers", "avatar") is AvatarRenderer

    def test_it_draws_every_frame_lazily(self, pose):
        frames = AvatarRenderer(signer=Signer(body="young woman")).render(pose, size=32)
        assert isinstance(frames, GeneratorType)
        assert [f.shape for f in frames] == [(32, 32, 3)] * len(pose.body.data)

    def test_it_begins_at_any_frame(self, pose):
        every = list(AvatarRenderer().render(pose, size=32, seed=1))
        for start in (0, 2, 4, 9):
            assert np.array_equal(list(AvatarRenderer().render(pose, size=32, seed=1, start=start)), every[start:])
        with pytest.raises(ValueError, match="start must be at least 0, but is -1"):
            AvatarRenderer().render(pose, start=-1)

    def test_the_default_size_is_512(self, pose):
        assert next(AvatarRenderer().render(pose)).shape == (512, 512, 3)

    def test_the_seed_draws_the_signer(self, pose):
        one, same, other = (next(AvatarRenderer().render(pose, size=32, seed=seed)) for seed in (1, 1, 2))
        np.testing.assert_array_equal(one, same)
        assert changed(one, other).any()

    def test_unknown_options_are_refused(self, pose):
        with pytest.raises(TypeError, match="takes signer, device, camera, but got hat"):
            AvatarRenderer().render(pose, hat="red")

    def test_unknown_joints_do_not_stop_it(self, pose):
        joints = pose.body.data[:, 0].filled()
        confidence = np.ones(joints.shape[:2])
        confidence[:, 8:29] = 0
        assert next(AvatarRenderer().render(make_pose(joints, 25, confidence=confidence), size=32)).shape == (32, 32, 3)


@pytest.mark.parametrize("device", ["foo", "cuda:99"])
def test_a_device_that_is_not_there_is_named(pose, device):
    with pytest.raises(ValueError, match=rf"device must be one that Warp has here \(cpu.*\), but is '{device}'"):
        AvatarRenderer(device=device).render(pose)


def test_frames_of_any_shape_hold_the_square_one_in_their_middle(joints):
    motion = fit(AvatarBody.named(), joints[:1])
    square = next(iter(render_frames(Signer(), motion, size=SIZE)))
    wide = next(iter(render_frames(Signer(), motion, size=(2 * SIZE, SIZE))))
    assert wide.shape == (SIZE, 2 * SIZE, 3)
    assert changed(wide[:, SIZE // 2 : -SIZE // 2], square).mean() < 0.002  # rays differ by rounding
    assert (np.ptp(wide[:, : SIZE // 4], axis=1) == 0).all()  # the wall beside the signer


def test_a_body_goes_on_below_the_hips(joints):
    """Seen from afar, a column through the middle of a leg shows the background below the feet alone."""
    legs = Camera(scale=0.4, neck=(0.5, 0.3))
    grey, white = (frame(Signer(background=b), joints, camera=legs) for b in ("dark", "white"))
    outside = changed(grey, white)
    x, _ = legs.project(np.array([-0.08, 0.0]), SIZE).astype(int)
    top, feet = (int(legs.project(np.array([0.0, y]), SIZE)[1]) for y in (0.1, 1.15))
    assert not outside[top:feet, x].any()
    assert outside[-8:, x].all()


@pytest.mark.parametrize("shape", [(96, 96), (160, 90), (90, 160)])
def test_hands_and_head_are_inside_frames_of_any_shape(joints, shape):
    """What changes with the skin does not touch the edge of the frame, for arms stretched out to all sides."""
    far = np.repeat(joints[:1], 4, axis=0)
    far[:, 3, :2], far[:, 6, :2] = [(-0.35, 0.0), (-0.2, -0.25), (-0.3, 0.2), (-0.2, 0.3)], (0.35, 0.1)
    ends = np.array([(-0.65, -0.1), (-0.25, -0.55), (-0.5, 0.45), (0.1, 0.35)])
    far[:, 4, :2], far[:, 29:, :2] = ends, ends[:, None] + (joints[0, 29:, :2] - joints[0, 29, :2])
    pose = make_pose(far, 25)
    fair, dark = (
        list(AvatarRenderer(signer=Signer(skin=skin)).render(pose, width=shape[0], height=shape[1]))
        for skin in ("fair", "dark")
    )
    for one, other in zip(fair, dark, strict=True):
        skin = changed(one, other)
        assert skin.any()
        edge = np.ones_like(skin)
        edge[1:-1, 1:-1] = False
        assert not skin[edge].any()


def test_backgrounds(joints, tmp_path):
    pose, draw = make_pose(joints, 25), AvatarRenderer(signer=Signer(background="dark")).render
    own = next(iter(draw(pose, size=SIZE)))
    clear = next(iter(draw(pose, size=SIZE, background="transparent")))
    assert clear.shape == (SIZE, SIZE, 4)
    solid, free = clear[..., 3] == 255, clear[..., 3] == 0
    assert 0.2 < solid.mean() < 0.6
    assert 0.3 < free.mean() < 0.7
    assert (np.abs(clear[solid, :3].astype(int) - own[solid]) <= 1).all()
    navy = next(iter(draw(pose, size=SIZE, background="navy")))
    assert (navy[free] == (0, 0, 128)).all()
    np.testing.assert_array_equal(navy, next(iter(draw(pose, size=SIZE, background=(0, 0, 128)))))
    picture = np.random.default_rng(0).integers(0, 256, (SIZE, 2 * SIZE, 3), dtype=np.uint8)
    Image.fromarray(picture).save(tmp_path / "wall.png")
    wall = next(iter(draw(pose, size=SIZE, background=tmp_path / "wall.png")))
    assert (wall[free] == picture[:, SIZE // 2 : -SIZE // 2][free]).all()


@pytest.mark.parametrize(
    ("background", "message"),
    [
        (
            "nocolour",
            "background must be 'transparent', a colour such as 'navy' or '#102030', or the file of a picture",
        ),
        ((0, 0, 300), "background must be a colour"),
        (np.zeros((4, 4)), "background must be a picture"),
        (3, "background must be 'transparent', a colour or a picture, but is a int"),
    ],
)
def test_what_is_no_background_is_refused(joints, background, message):
    nobody = make_pose(joints, 25, confidence=np.zeros((len(joints), 50)))  # whose error would come later
    with pytest.raises(ValueError, match=message):
        AvatarRenderer().render(nobody, size=SIZE, background=background)


def test_what_is_hidden_is_told_as_hidden(joints):
    confidence = np.ones((20, 50))
    confidence[8:17] = 0
    confidence[6:, 29:] = 0
    pose = make_pose(np.repeat(joints[:1], 20, axis=0), 25, confidence=confidence)
    with pytest.warns(MissingJointsWarning, match="only the 9 frames without anybody are hidden"):
        AvatarRenderer().render(pose, size=SIZE, missing="hide")
    with pytest.warns(MissingJointsWarning, match=r"held in \d+\.$"):
        AvatarRenderer().render(pose, size=SIZE)


def test_frames_without_anybody_can_show_the_background_alone(joints):
    confidence = np.ones((20, 50))
    confidence[1:] = 0
    pose = make_pose(np.repeat(joints[:1], 20, axis=0), 25, confidence=confidence)
    with pytest.warns(MissingJointsWarning, match="19 of 20 frames show nobody"):
        frames = list(AvatarRenderer().render(pose, size=SIZE, missing="hide"))
    assert (np.ptp(frames[0], axis=1) > 0).any()
    assert (np.ptp(frames[1], axis=1) == 0).all()
    with pytest.warns(MissingJointsWarning):
        held = list(AvatarRenderer().render(pose, size=SIZE))
    np.testing.assert_array_equal(held[0], frames[0])
    np.testing.assert_array_equal(held[-1], held[0])
