import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from signdiff_core.camera import Camera  # noqa: E402
from signdiff_core.diffusion import DiffusionRenderer, FRMapper, SignDiffPipeline, superimposed  # noqa: E402
from signdiff_core.diffusion.conditions import Joints, neutral_conditions, with_maps  # noqa: E402
from signdiff_core.diffusion.folder import RendererSettings  # noqa: E402
from signdiff_core.diffusion.images import cut_to  # noqa: E402
from signdiff_core.diffusion.renderer import _on_canvas  # noqa: E402
from signdiff_core.drawing import draw  # noqa: E402
from signdiff_core.gaps import MissingJointsWarning  # noqa: E402
from signdiff_core.skeleton import make_pose  # noqa: E402


@pytest.fixture
def pose():
    rng = np.random.default_rng(0)
    joints = rng.normal(size=(5, 50, 3)).astype(np.float32) * 0.1
    joints[:, 1] = 0
    joints[:, 2], joints[:, 5] = (-1 / 6, 0, 0), (1 / 6, 0, 0)
    return make_pose(joints, 25)


@pytest.fixture
def model(parts, one_net, other_net, tmp_path):
    """A random pipeline's folder with all that a renderer reads; its frames are 64 pixels a side."""
    SignDiffPipeline(**parts, controlnet=superimposed(one_net, other_net)).save_pretrained(tmp_path / "model")
    RendererSettings(prompt="a person", steps=2, guidance_scale=1.0).write(tmp_path / "model")
    return tmp_path / "model"


def test_frames_come_one_by_one_and_only_depend_on_the_seed(model, pose):
    render = DiffusionRenderer(model=model, frnet_source="none").render
    frames = render(pose, seed=3)
    first = next(frames)
    assert first.shape == (64, 64, 3)
    assert first.dtype == np.uint8
    every = [first, *frames]
    assert len(every) == 5
    again = list(DiffusionRenderer(model=str(model), frnet_source="none").render(pose, seed=3))
    assert np.array_equal(every, again)
    assert not np.array_equal(every, list(render(pose, seed=4)))


def test_drawing_begins_at_any_frame(model, pose):
    renderer = DiffusionRenderer(model=model, frnet_source="none", chunk_size=2)
    every = list(renderer.render(pose, seed=3))
    for start in (0, 1, 2, 3, 4):
        assert np.array_equal(list(renderer.render(pose, seed=3, start=start)), every[start:])
    assert list(renderer.render(pose, seed=3, start=5)) == []
    with pytest.raises(ValueError, match="start must be at least 0, but is -1"):
        renderer.render(pose, start=-1)


def test_options_of_the_stream_reach_it(model, pose):
    pipe = SignDiffPipeline.from_pretrained(model)

    def rendered(**options):
        renderer = DiffusionRenderer(model=model, frnet_source="none", chunk_size=3, **options)
        return np.stack(list(renderer.render(pose, seed=3)))

    def streamed(**options):
        frames = pipe.stream(
            "a person",
            pose,
            num_inference_steps=2,
            guidance_scale=1.0,
            generator=torch.Generator().manual_seed(3),
            output_type="np",
            frnet_source="none",
            chunk_size=3,
            **options,
        )
        return np.stack([np.rint(255 * frame).astype(np.uint8) for frame in frames])

    made = rendered(cache_interval=2)
    assert np.array_equal(made, streamed(cache_interval=2))
    assert not np.array_equal(made, streamed())


@pytest.mark.sibling
def test_a_video_of_the_signer_is_read_from_the_same_frame(model, pose, tmp_path):
    pytest.importorskip("signdiff_frnet")
    from signdiff_core.video import write_video

    rng = np.random.default_rng(0)
    write_video(tmp_path / "v.mp4", [rng.integers(0, 255, (64, 64, 3), dtype=np.uint8) for _ in range(5)], 25)
    renderer = DiffusionRenderer(model=model, frnet_source=tmp_path / "v.mp4", chunk_size=2)
    every = list(renderer.render(pose))
    assert np.array_equal(list(renderer.render(pose, start=3)), every[3:])


@pytest.mark.sibling
@pytest.mark.parametrize("count", [4, 6])
def test_a_video_of_another_length_is_told_before_a_frame_is_drawn(model, pose, tmp_path, count):
    pytest.importorskip("signdiff_frnet")
    from signdiff_core.video import write_video

    write_video(tmp_path / "v.mp4", [np.zeros((64, 64, 3), dtype=np.uint8)] * count, 25)
    renderer = DiffusionRenderer(model=model, frnet_source=tmp_path / "v.mp4")
    told = f"frnet_source must hold one frame for each of the pose's 5, but .*v.mp4 holds {count}\\."
    for start in (0, 3):
        with pytest.raises(ValueError, match=told):
            renderer.render(pose, start=start)


def test_a_model_that_is_nowhere_is_one_line(pose, capfd):
    with pytest.raises(OSError, match=r"nothere is neither a folder nor a model of the Hub that can be reached"):
        DiffusionRenderer(model="nothere").render(pose)
    assert capfd.readouterr() == ("", "")
    with pytest.raises(OSError, match="a b c is neither a folder nor a model"):
        SignDiffPipeline.from_pretrained("a b c")
    with pytest.raises(FileNotFoundError, match=r"there is no file or folder \./nothere\."):
        SignDiffPipeline.from_pretrained("./nothere")


def test_loading_and_drawing_say_nothing(model, pose, capfd):
    from diffusers.utils import logging

    assert len(list(DiffusionRenderer(model=model, frnet_source="none").render(pose))) == 5
    assert capfd.readouterr() == ("", "")
    assert logging.is_progress_bar_enabled()


def test_any_number_of_conditions(pose, parts, one_net, other_net, tmp_path):
    shapes = []
    for name, controlnet in {"one": one_net, "two": [one_net, other_net]}.items():
        SignDiffPipeline(**parts, controlnet=controlnet).save_pretrained(tmp_path / name)
        RendererSettings(steps=2, guidance_scale=1.0).write(tmp_path / name)
        shapes.append(next(DiffusionRenderer(model=tmp_path / name, frnet_source="none").render(pose)).shape)
    assert shapes == [(64, 64, 3)] * 2


def test_the_size_asked_for(model, pose):
    render = DiffusionRenderer(model=model, frnet_source="none").render
    assert next(render(pose, size=96)).shape == (96, 96, 3)
    assert next(render(pose, size=32)).shape == (32, 32, 3)
    with pytest.raises(ValueError, match="size must be between"):
        render(pose, size=8)


def test_a_folder_without_a_pipeline_is_refused(tmp_path, pose):
    with pytest.raises(FileNotFoundError, match="has no model_index"):
        DiffusionRenderer(model=tmp_path).render(pose)
    with pytest.raises(FileNotFoundError, match="has no model_index"):
        DiffusionRenderer(model=str(tmp_path / "missing")).render(pose)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps"),
        ({"chunk_size": 0}, "chunk_size"),
        ({"cache_interval": 0}, "cache_interval must be at least 1, but is 0"),
        ({"frnet_source": "magic"}, "frnet_source"),
        ({"dtype": "int8"}, "dtype"),
        ({"device": "foo"}, r"device must be one that PyTorch has here \(cpu.*\), but is 'foo'"),
        ({"guidance_scale": float("nan")}, "guidance_scale must be a number within 1,000,000 either way, but is nan"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        DiffusionRenderer(**options)


def test_a_model_of_avatars_gets_an_avatars_proportions(model, pose):
    plain = DiffusionRenderer(model=model, frnet_source="none")
    own = np.array(list(plain.render(pose, framing=Camera())))
    expected = np.array(
        list(plain.render(make_pose(Joints.of(pose, size=(64, 64)).retargeted().positions, 25), framing=Camera()))
    )
    RendererSettings(prompt="a person", steps=2, guidance_scale=1.0, retarget=True).write(model)
    made = np.array(list(plain.render(pose, framing=Camera())))
    assert np.array_equal(made, expected)
    assert not np.array_equal(made, own)


def test_a_model_of_bodies_with_longer_necks_sees_the_head_where_those_had_it(pose):
    joints = Joints.of(pose, size=(64, 64))
    now, then = (joints.retargeted(longer_neck=neck).positions for neck in (0.0, 0.026))
    np.testing.assert_allclose(now[:, 0] - then[:, 0], np.tile([0, 0.026, 0], (len(now), 1)), atol=1e-6)
    assert np.array_equal(now[:, 1:], then[:, 1:])


def test_a_head_that_is_higher_is_in_the_picture():
    avatar = pytest.importorskip("signdiff_core.avatar")
    wide = np.tile(avatar.AvatarBody.named().joint_rest, (2, 1, 1))
    wide[:, [4, *range(29, 50)]] = wide[:, [4, *range(29, 50)]] - wide[:, 4:5] + [-0.45, 0.1, -0.1]  # far out
    low, high = (
        Joints.of(make_pose(wide, 25), size=(64, 64)).retargeted(longer_neck=neck).camera for neck in (0.0, 0.2)
    )
    above = [camera.neck[1] / camera.scales((64, 64))[1] + wide[0, 0, 1] for camera in (low, high)]  # the nose
    assert 0.1 < above[0] < 0.1 + 0.2, "a crown is about 0.1 above the nose"
    assert above[1] > 0.1 + 0.2


@pytest.mark.sibling
def test_fr_parameters_must_be_those_of_the_training(model, pose):
    pytest.importorskip("signdiff_frnet")
    pytest.importorskip("warp")
    (model / "frnet.json").write_text(json.dumps(FRMapper(offset=4.0).parameters))
    next(DiffusionRenderer(model=model, frnet_source="avatar").render(pose))
    with pytest.raises(ValueError, match=r"offset is 10\.0, the model was trained with 4\.0"):
        DiffusionRenderer(model=model, frnet_source="avatar", frnet={}).render(pose)


@pytest.mark.sibling
def test_unknown_fr_parameters_are_refused():
    pytest.importorskip("signdiff_frnet")
    with pytest.raises(ValueError, match="colour"):
        FRMapper(colour=3)


def test_settings_with_unknown_fields_are_refused(tmp_path):
    (tmp_path / "renderer.json").write_text('{"stepz": 3}')
    with pytest.raises(ValueError, match="stepz"):
        RendererSettings.read(tmp_path)
    assert RendererSettings.read(tmp_path / "elsewhere") == RendererSettings()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"steps": 0}', "steps must be a whole number of at least 1, but is 0"),
        ('{"steps": [1]}', "steps must be"),
        ('{"detail": ["feet"]}', "detail must hold 'hands' or 'face', or nothing"),
        ('{"frnet_source": "moon"}', "frnet_source must be 'predictor'"),
        ('{"prompt": 5}', "prompt must be a text, but is 5"),
        ('{"guidance_scale": "x"}', "guidance_scale must be a finite number, but is 'x'"),
        ('{"guidance_scale": NaN}', "guidance_scale must be"),
        ('{"retarget": "no"}', "retarget must be true or false"),
        ('{"longer_neck": 3}', "longer_neck must be a number from -0.2 to 0.2, but is 3"),
    ],
)
def test_settings_of_a_model_that_mean_nothing_are_refused(tmp_path, content, told):
    (tmp_path / "renderer.json").write_text(content)
    with pytest.raises(ValueError, match=rf"renderer\.json: {told}"):
        RendererSettings.read(tmp_path)


def test_without_an_avatar_c_is_the_pose_and_d_is_absent(pose):
    conditions = list(with_maps(Joints.of(pose, size=(64, 64)).drawings(), "none", None))
    assert len(conditions) == 5
    joints = pose.body.data[2, 0].filled(0)
    assert np.array_equal(conditions[2].drawing, draw(joints, size=64))
    assert not conditions[2].fr_map.any()


def test_the_middle_of_a_frame_counts():
    wide = np.arange(90 * 160 * 3, dtype=np.uint32).reshape(90, 160, 3).astype(np.uint8)
    assert np.array_equal(cut_to(wide, (64, 64)), wide[:, 35:125])
    assert np.array_equal(cut_to(wide, (64, 256)), wide[25:65])
    assert np.array_equal(cut_to(wide, (180, 320)), wide)


def test_a_source_must_be_named_or_be_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no file"):
        DiffusionRenderer(frnet_source=tmp_path / "missing.mp4")
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(ValueError, match="expected a video"):
        DiffusionRenderer(frnet_source=str(tmp_path / "text.mp4"))


@pytest.mark.sibling
def test_with_an_avatar_d_is_the_neutral_signers_map(pose):
    pytest.importorskip("warp")
    pytest.importorskip("signdiff_frnet")
    from signdiff_core.avatar import Signer, fit, render_frames

    mapper = FRMapper()
    pose = make_pose(np.clip(pose.body.data[:, 0].filled(0), -0.3, 0.3), 25)  # which the default view shows
    made = next(neutral_conditions(Joints.of(pose, size=(64, 64)), mapper=mapper))
    neutral = Signer.neutral()
    motion = fit(neutral.avatar(), pose.body.data[:, 0].filled(0), pose.body.confidence[:, 0])
    from PIL import Image

    grey = np.asarray(Image.fromarray(next(render_frames(neutral, motion, size=64))).convert("L"))
    # OpenCV and Pillow round grey levels differently, by one at most.
    assert (made.fr_map[..., 0] == mapper(grey, size=64)).mean() > 0.98
    assert np.array_equal(made.drawing, draw(motion.joints[0], size=64))
    assert set(np.unique(made.fr_map)) == {0, 255}


@pytest.mark.parametrize("shape", [(128, 64), (64, 96), (100, 60)])
def test_frames_have_any_shape(model, pose, shape):
    frames = list(DiffusionRenderer(model=model, frnet_source="none").render(pose, width=shape[0], height=shape[1]))
    assert {frame.shape for frame in frames} == {(shape[1], shape[0], 3)}


def test_a_canvas_shows_the_frame_in_its_middle(pose):
    """A joint lies where the frame's own camera has it, enlarged, after the window is cut out."""
    joints = Joints.of(pose, size=(1280, 720), framing=(0.9, 0.4, 0.5))
    canvas, (down, across) = _on_canvas(joints, 256, as_trained=True)
    assert canvas.size == (640, 384)
    scale = 256 / 720 * 1.2 / 0.9
    expected = joints.camera.project(joints.positions.astype(float), (1280, 720)) * scale
    found = canvas.camera.project(canvas.positions.astype(float), canvas.size) - (across.start, down.start)
    np.testing.assert_allclose(found, expected, atol=0.6)
    assert abs(across.stop - across.start - 1280 * scale) < 1.5
    assert abs(down.stop - down.start - 720 * scale) < 1.5
    same, _ = _on_canvas(Joints.of(pose, size=(256, 256), framing=Camera()), 256, as_trained=True)
    assert (same.size, same.camera) == ((256, 256), Camera())


def test_frames_without_anybody_are_held_or_grey(model, pose):
    confidence = np.ones((20, 50))
    confidence[2:] = 0
    absent = make_pose(np.repeat(pose.body.data[:1, 0].filled(0), 20, axis=0), 25, confidence=confidence)
    renderer = DiffusionRenderer(model=model, frnet_source="none")
    with pytest.warns(MissingJointsWarning, match="18 of 20 frames show nobody"):
        hidden = list(renderer.render(absent, missing="hide"))
    assert (np.array(hidden[2:]) == 127).all()
    with pytest.warns(MissingJointsWarning):
        held = list(renderer.render(absent))
    assert np.abs(held[19].astype(int) - held[0]).max() <= 1
    assert np.array_equal(held[0], hidden[0])
