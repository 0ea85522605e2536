"""What is no drawing, map or visible pose is named, and diffusers' own forms mean what they mean there."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from diffusers import StableDiffusionControlNetPipeline, StableDiffusionPipeline  # noqa: E402
from PIL import Image  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from tiny_renders import OPTIONS, PROMPT, frames, quiet, render, seeded, tensor  # noqa: E402

from signdiff_core.diffusion import DiffusionRenderer, SignDiffPipeline  # noqa: E402
from signdiff_core.skeleton import make_pose  # noqa: E402


@pytest.fixture
def two(parts, one_net, other_net):
    return quiet(SignDiffPipeline(**parts, controlnet=[one_net, other_net]))


@pytest.fixture
def stock_two(parts, one_net, other_net):
    return quiet(StableDiffusionControlNetPipeline(**parts, controlnet=[one_net, other_net]))


def call(pipe, image, **options):
    return pipe(PROMPT, image, **{"generator": seeded(), **OPTIONS, **options}).images


def grey(count=1, seed=3):
    return [picture[..., 0] for picture in frames(count, seed)]


@pytest.mark.parametrize("form", ["pil", "tensors"])
def test_two_pictures_for_two_nets_are_one_frame_as_in_diffusers(two, stock_two, form):
    c, d = frames(1), frames(1, seed=1)
    pair = {"pil": [Image.fromarray(c[0]), Image.fromarray(d[0])], "tensors": [tensor(c), tensor(d)]}[form]
    expected = call(stock_two, pair)
    made = call(two, pair)
    assert len(made) == 1
    assert np.array_equal(made, expected)
    assert np.array_equal(call(two, c, fr_image=d), expected)


def test_pairs_and_batches_for_two_nets_are_frames_as_in_diffusers(two, stock_two):
    c, d = frames(2), frames(2, seed=1)
    pairs = [[Image.fromarray(one), Image.fromarray(other)] for one, other in zip(c, d, strict=True)]
    prompts = [PROMPT] * 2
    expected = stock_two(prompts, pairs, generator=[seeded(), seeded()], **OPTIONS).images
    assert np.abs(call(two, pairs) - expected).max() < 1e-5
    assert np.array_equal(call(two, [tensor(c), tensor(d)]), call(two, pairs))
    with pytest.raises(ValueError, match="one picture for each of two ControlNets"):
        call(two, [[pairs[0][0]], [pairs[1][0]]])


def test_six_channels_for_one_net_are_drawing_and_map_as_in_diffusers(parts, net, pipe):
    stock = quiet(StableDiffusionControlNetPipeline(**parts, controlnet=net))
    control = torch.cat([tensor(frames(1)), tensor(frames(1, seed=1))], dim=1)
    assert np.array_equal(call(pipe, control), call(stock, control))


def test_two_pictures_that_may_be_two_drawings_are_refused_with_both_meanings(two):
    pair = frames(2)
    told = "diffusers makes one frame, of drawing and FR map, and {} two, of drawings: give the map as fr_image"
    with pytest.raises(ValueError, match=told.format("a call with chunk_size")):
        call(two, pair, chunk_size=2)
    with pytest.raises(ValueError, match=told.format(r"stream\(\)")):
        next(two.stream(PROMPT, pair, **OPTIONS))
    assert len(call(two, pair, frnet_source="none")) == 2
    assert len(call(two, tuple(pair), fr_image=frames(2, seed=1))) == 2


def test_grey_pictures_and_bytes_of_any_kind(pipe):
    c, d = grey(), grey(seed=4)
    expected = call(pipe, [np.repeat(c[0][..., None], 3, 2)], fr_image=[np.repeat(d[0][..., None], 3, 2)])
    assert np.array_equal(call(pipe, c[0], fr_image=d[0]), expected)
    assert np.array_equal(call(pipe, c, fr_image=[d[0][..., None]]), expected)
    assert np.array_equal(call(pipe, c, fr_image=torch.from_numpy(d[0])[None].expand(3, -1, -1)), expected)
    assert np.abs(call(pipe, c[0] / 255, fr_image=d) - expected).max() < 1e-5
    black_and_white = np.where(d[0] > 127, np.uint8(255), np.uint8(0))
    assert np.array_equal(call(pipe, c, fr_image=d[0] > 127), call(pipe, c, fr_image=black_and_white))


@pytest.mark.parametrize(
    ("image", "told"),
    [
        (np.zeros((4, 64, 64), np.uint8), r"must have the shape \(H, W, 3\) or \(H, W\).* but one has \(4, 64, 64\)"),
        (np.zeros((64, 64, 5)), r"but one has \(64, 64, 5\)"),
        (torch.zeros(64, 64), r"but one has \(64, 64\)"),
        (np.zeros((0, 64, 3), np.uint8), r"but one has \(0, 64, 3\)"),
        (np.zeros((64, 64, 3), int), r"must be bytes \(uint8\) or floats in \[0, 1\], but one is of int64"),
        (np.zeros((64, 64, 3), np.uint16), "but one is of uint16"),
        (["frame.png"], "must be PIL images, arrays or tensors, but one is a str"),
        ("frame.png", "image must be PIL images, arrays or tensors, one or an iterable of them, but is a str"),
        (Path("frame.png"), "^image must be PIL images, .* but is a PosixPath"),
        (3, "^image must be PIL images, .* but is a int"),
        (Image.new("I;16", (64, 64)), "must have 8 bits a channel, but one is of PIL's mode I;16"),
        (Image.new("I", (64, 64)), "PIL's mode I"),
        (Image.new("F", (64, 64)), "PIL's mode F"),
        (np.full((64, 64, 3), np.nan), r"must lie in \[0, 1\], but one reaches from nan to nan"),
        (np.full((64, 64), np.inf), "from inf to inf"),
        (torch.full((3, 64, 64), float("nan")), "from nan to nan"),
        ([np.zeros((64, 64, 3)), np.full((64, 64, 3), 255.0)], "from 255 to 255"),
        (torch.full((1, 3, 64, 64), -1.0), "from -1 to -1"),
        (np.ma.masked_equal(frames(1)[0], 7), "one is an array with masked pixels"),
        (
            [np.zeros((64, 64, 3)), np.zeros((32, 64, 3))],
            r"^image must hold pictures of one size, but has \(32, 64, 3\)",
        ),
        ([np.zeros((64, 64, 3)), frames(1)[0]], "^image must hold pictures of one kind, but has PIL images and arrays"),
    ],
)
def test_what_is_no_picture_is_named(pipe, image, told):
    with pytest.raises(ValueError, match=told):
        call(pipe, image, fr_image=frames(2 if isinstance(image, list) and len(image) == 2 else 1))


def test_maps_and_videos_that_are_none_are_named(pipe):
    with pytest.raises(ValueError, match=r"^fr_image must be PIL images, .* but is a PosixPath"):
        call(pipe, frames(1), fr_image=Path("map.png"))
    with pytest.raises(ValueError, match=r"^frnet_source must be PIL images, .* but is a PosixPath"):
        call(pipe, frames(1), frnet_source=Path("clip.mp4"))


@pytest.mark.parametrize("kind", ["superimposed", "two"])
def test_maps_of_another_size_than_the_drawings_are_named(pipe, two, kind):
    chosen = {"superimposed": pipe, "two": two}[kind]
    smaller = [frame[:32] for frame in frames(2, seed=1)]
    with pytest.raises(ValueError, match="fr_image must have the size of image, 64x64, but has 64x32"):
        call(chosen, frames(2), fr_image=smaller)
    assert call(chosen, frames(2), fr_image=smaller, height=64, width=64).shape == (2, 64, 64, 3)


def test_rounding_and_masks_that_mask_nothing_are_no_fault(pipe):
    c, d = frames(1), frames(1, seed=1)
    expected = call(pipe, c, fr_image=d)
    assert np.array_equal(call(pipe, np.ma.masked_array(c[0]), fr_image=d), expected)
    floats = np.float32(c[0]) / 255 * np.float32(1 + 1e-6)
    assert floats.max() > 1
    assert np.abs(call(pipe, floats, fr_image=d) - expected).max() < 1e-3


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e308, None, "7"])
@pytest.mark.parametrize(
    "name", ["guidance_scale", "controlnet_conditioning_scale", "eta", "control_guidance_start", "control_guidance_end"]
)
def test_weights_that_are_no_numbers_are_named(pipe, name, value):
    with pytest.raises(ValueError, match=f"^{name} must be a number within 1,000,000 either way, but is "):
        call(pipe, frames(1), fr_image=frames(1), **{name: value})
    with pytest.raises(ValueError, match=f"^{name} must be a number"):
        call(pipe, frames(1), fr_image=frames(1), **{name: [1.0, value]})


@pytest.mark.parametrize("steps", [0, -1, float("nan"), None])
def test_a_number_of_steps_is_at_least_1(pipe, steps):
    with pytest.raises(ValueError, match=r"^num_inference_steps must be at least 1, but is "):
        call(pipe, frames(1), fr_image=frames(1), num_inference_steps=steps)


def test_one_picture_is_one_frame_to_the_progress_bar(pipe, capsys):
    pipe.set_progress_bar_config(disable=False)
    call(pipe, frames(1)[0], fr_image=frames(1)[0])
    assert "2/2" in capsys.readouterr().err  # the denoising steps of one frame, not 64 frames
    call(pipe, frames(3), fr_image=frames(3), chunk_size=2)
    assert "3/3" in capsys.readouterr().err


def test_unknown_arguments_are_those_of_the_call(pipe):
    with pytest.raises(TypeError, match=r"__call__\(\) got an unexpected argument 'callback'; .*callback_on_step_end"):
        call(pipe, frames(1), fr_image=frames(1), callback=print)
    with pytest.raises(TypeError, match=r"__call__\(\) got an unexpected argument 'frmap'\."):
        call(pipe, frames(1), frmap=frames(1))


def nobody():
    return make_pose(np.zeros((3, 50, 3)), 25, confidence=np.zeros((3, 50)))


def test_a_pose_without_anybody_is_refused(pipe):
    with pytest.raises(ValueError, match="pose must show somebody, but all joints are absent in all of its 3 frames"):
        call(pipe, nobody(), frnet_source="none")


@pytest.mark.sibling
def test_a_pose_without_anybody_is_refused_where_it_gives_the_maps_too(pipe):
    pytest.importorskip("signdiff_frnet")
    with pytest.raises(ValueError, match="pose must show somebody"):
        call(pipe, nobody(), frnet_source="avatar")
    with pytest.raises(ValueError, match="pose must show somebody"):
        DiffusionRenderer().render(nobody())


def test_a_single_file_needs_a_controlnet(tmp_path):
    path = tmp_path / "sd15.safetensors"
    save_file({"weights": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match=r"controlnet must be given, since a single file such as .* holds none"):
        SignDiffPipeline.from_single_file(path)


def test_a_pipeline_without_a_controlnet_is_told_before_its_weights_are_read(parts, net, tmp_path):
    StableDiffusionPipeline(**parts).save_pretrained(tmp_path)
    told = "must hold a pipeline with a ControlNet, but holds StableDiffusionPipeline without"
    with pytest.raises(ValueError, match=told):
        SignDiffPipeline.from_pretrained(tmp_path)
    pipe = quiet(SignDiffPipeline.from_pretrained(tmp_path, controlnet=net))
    assert np.isfinite(render(pipe, 1)).all()
    index = json.loads((tmp_path / "model_index.json").read_text())
    for part in [name for name, value in index.items() if isinstance(value, list)]:
        shutil.rmtree(tmp_path / part, ignore_errors=True)
    pose = make_pose(np.zeros((1, 50, 3)), 25)
    with pytest.raises(ValueError, match=told):
        DiffusionRenderer(model=tmp_path).render(pose)
