"""Any number of ControlNets: given pictures as diffusers takes them, and the maps of a pose, which all agree."""

import json
from copy import deepcopy

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("warp", reason="the extra avatar brings warp-lang")

from diffusers import StableDiffusionControlNetPipeline  # noqa: E402
from tiny_renders import OPTIONS, PROMPT, frames, quiet, seeded, tensor  # noqa: E402

from signdiff_core.avatar import control_maps  # noqa: E402
from signdiff_core.diffusion import DiffusionRenderer, SignDiffPipeline  # noqa: E402

MAPS = ("openpose", "depth", "normal")


@pytest.fixture
def nets(one_net, other_net):
    third, generator = deepcopy(one_net), torch.Generator().manual_seed(4)
    for weights in third.parameters():
        weights.data += 0.05 * torch.randn(weights.shape, generator=generator)
    return [one_net, other_net, third]


@pytest.fixture
def three(parts, nets):
    return quiet(SignDiffPipeline(**parts, controlnet=nets))


@pytest.fixture
def stock_three(parts, nets):
    return quiet(StableDiffusionControlNetPipeline(**parts, controlnet=nets))


def call(pipe, image, **options):
    return pipe(PROMPT, image, **{"generator": seeded(), **OPTIONS, **options}).images


def pictures(count):
    """For each of so many frames, three PIL images."""
    columns = [frames(count, seed) for seed in range(3)]
    return [[Image.fromarray(picture) for picture in row] for row in zip(*columns, strict=True)]


@pytest.mark.parametrize("scale", [1.0, [1.0, 0.5, 0.2]])
def test_three_pictures_for_three_nets_are_one_frame_as_in_diffusers(three, stock_three, scale):
    for each in (pictures(1)[0], [tensor(frames(1, seed)) for seed in range(3)]):
        expected = call(stock_three, each, controlnet_conditioning_scale=scale)
        assert np.array_equal(call(three, each, controlnet_conditioning_scale=scale), expected)
        assert np.array_equal(call(three, each, controlnet_conditioning_scale=scale, chunk_size=4), expected)


def test_lists_for_three_nets_are_frames_as_in_diffusers(three, stock_three):
    each = pictures(2)
    expected = stock_three([PROMPT] * 2, each, generator=[seeded(), seeded()], **OPTIONS).images
    made = call(three, each)
    assert np.abs(made - expected).max() < 1e-5
    assert np.array_equal(call(three, [tensor(frames(2, seed)) for seed in range(3)]), made)
    lazily = three.stream(PROMPT, iter([tuple(row) for row in each]), generator=seeded(), **OPTIONS)
    assert np.array_equal(np.stack(list(lazily)), made)


def test_lists_may_be_lazy_for_two_nets_and_one(parts, nets):
    two = quiet(SignDiffPipeline(**parts, controlnet=nets[:2]))
    rows = [row[:2] for row in pictures(2)]
    assert np.array_equal(call(two, iter(rows)), call(two, rows))
    one = quiet(SignDiffPipeline(**parts, controlnet=nets[0]))
    drawings = [row[0] for row in pictures(2)]
    assert np.array_equal(call(one, iter(drawings)), call(one, drawings))


def test_a_frame_lacks_no_picture(three):
    with pytest.raises(ValueError, match="one picture for each of 3 ControlNets"):
        call(three, [row[:2] for row in pictures(2)])
    with pytest.raises(ValueError, match="one picture for each of 3 ControlNets"):
        call(three, iter([pictures(1)[0], pictures(1)[0][:2]]))
    with pytest.raises(ValueError, match="takes 3 conditions: expected image to be a pose and control_maps"):
        call(three, frames(2))
    with pytest.raises(ValueError, match="takes 3 conditions"):
        call(three, frames(2), fr_image=frames(2))


def test_the_maps_of_a_pose_are_what_each_net_takes(three, stock_three, pose):
    rows = [list(frame.values()) for frame in control_maps(pose, MAPS, size=64)]
    made = call(three, pose, height=64, width=64, control_maps=MAPS)
    assert np.array_equal(made, call(three, [[Image.fromarray(m) for m in row] for row in rows]))
    first = call(stock_three, [Image.fromarray(picture) for picture in rows[0]])
    assert np.array_equal(call(three, pose, height=64, width=64, control_maps=MAPS, chunk_size=1)[:1], first)
    other = call(three, pose, height=64, width=64, control_maps=("openpose", "normal", "depth"))
    assert not np.allclose(made, other, atol=1e-3)
    late = three.stream(
        PROMPT, pose, height=64, width=64, control_maps=MAPS, start=2, chunk_size=2, generator=seeded(), **OPTIONS
    )
    assert np.abs(np.stack(list(late)) - made[2:]).max() < 1e-4


def test_one_net_takes_one_map(parts, one_net, pose):
    pipe = quiet(SignDiffPipeline(**parts, controlnet=one_net))
    depth = [frame["depth"] for frame in control_maps(pose, "depth", size=64)]
    made = call(pipe, pose, height=64, width=64, control_maps=["depth"])
    assert np.array_equal(made, call(pipe, depth))


@pytest.mark.sibling
def test_drawings_and_fr_maps_are_those_of_the_source_avatar(pipe, pose):
    pytest.importorskip("signdiff_frnet")
    expected = call(pipe, pose, height=64, width=64, frnet_source="avatar")
    made = call(pipe, pose, height=64, width=64, control_maps=("openpose", "frnet"))
    assert np.array_equal(made, expected)


def test_wrong_maps_are_refused(three, pose):
    with pytest.raises(ValueError, match="a map for each condition that the ControlNet takes, 3, but names depth"):
        call(three, pose, control_maps=["depth"])
    with pytest.raises(ValueError, match="image must be a pose for control_maps"):
        call(three, frames(1), control_maps=MAPS)
    with pytest.raises(ValueError, match="in place of fr_image and frnet_source"):
        call(three, pose, control_maps=MAPS, frnet_source="none")
    with pytest.raises(LookupError, match="maps must be openpose"):
        call(three, pose, control_maps=("openpose", "depth", "dance"))
    with pytest.raises(ValueError, match="control_maps or frnet_source must be given, not both"):
        DiffusionRenderer(control_maps=MAPS, frnet_source="none")


def test_the_renderer_takes_maps_by_option_or_from_the_models_folder(three, pose, tmp_path):
    three.save_pretrained(tmp_path / "three")
    options = {"prompt": PROMPT, "steps": 2, "guidance_scale": 2.0}
    asked = DiffusionRenderer(model=tmp_path / "three", control_maps=MAPS, **options)
    made = list(asked.render(pose, size=64, seed=7))
    expected = np.rint(call(three, pose, height=64, width=64, control_maps=MAPS) * 255)
    assert np.abs(np.stack(made) - expected).max() <= 1
    (tmp_path / "three" / "renderer.json").write_text(json.dumps({"control_maps": MAPS}))
    known = DiffusionRenderer(model=tmp_path / "three", **options)
    assert np.array_equal(list(known.render(pose, size=64, seed=7)), made)
    (tmp_path / "three" / "renderer.json").write_text(json.dumps({"control_maps": "depth"}))
    with pytest.raises(ValueError, match=r"renderer\.json: control_maps must be a list of names, but is 'depth'"):
        list(known.render(pose, size=64))
