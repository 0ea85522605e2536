"""A pipeline that draws hands and face a second time: by a network of detail, and by the base itself."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from diffusers import StableDiffusionControlNetPipeline  # noqa: E402
from PIL import Image  # noqa: E402
from tiny_renders import quiet  # noqa: E402

from signdiff_core.diffusion import DiffusionRenderer, SignDiffPipeline  # noqa: E402
from signdiff_core.diffusion.conditions import Joints  # noqa: E402
from signdiff_core.diffusion.detail import DetailModel  # noqa: E402
from signdiff_core.diffusion.folder import RendererSettings  # noqa: E402
from signdiff_core.diffusion.windows import windows_of  # noqa: E402
from signdiff_core.skeleton import make_pose  # noqa: E402

STEPS = {"num_inference_steps": 2, "guidance_scale": 1.0, "output_type": "np", "frnet_source": "none"}


@pytest.fixture
def pose():
    rng = np.random.default_rng(0)
    joints = np.zeros((5, 50, 3), dtype=np.float32)
    joints[:, 0] = (0, -0.2, 0)
    joints[:, 2], joints[:, 5] = (-1 / 6, 0, 0), (1 / 6, 0, 0)
    hand = rng.uniform(-0.05, 0.05, (21, 3))
    joints[:, 29:] = np.linspace((-0.25, 0.0, 0), (-0.1, 0.1, 0), 5)[:, None] + hand
    joints[:, 8:29] = np.array([0.22, 0.2, 0]) + hand
    return make_pose(joints, 25)


@pytest.fixture
def network():
    torch.manual_seed(5)
    network = DetailModel(block_out_channels=(8, 16), scale=2, sample_size=128).eval()
    for weights in network.conv_out.parameters():
        torch.nn.init.normal_(weights, std=0.1)
    return network


def rendered(pipe, pose, **options):
    generator = torch.Generator("cpu").manual_seed(0)
    return pipe("a person", pose, generator=generator, **{**STEPS, **options}).images


def in_windows(pose, size, parts, step):
    joints = Joints.of(pose, size=(size, size))
    mask = np.zeros((len(joints), size, size), dtype=bool)
    windows = windows_of(
        joints.positions, joints.confidence, camera=joints.camera, size=(size, size), parts=parts, step=step
    )
    for inside, each in zip(mask, windows, strict=True):
        for window in each:
            inside[window.top : window.top + window.side, window.left : window.left + window.side] = True
    return mask


def test_a_network_of_detail_draws_windows_of_larger_frames(parts, net, pose, network):
    plain = rendered(quiet(SignDiffPipeline(**parts, controlnet=net)), pose)
    pipe = quiet(SignDiffPipeline(**parts, controlnet=net, detail_model=network))
    assert np.array_equal(rendered(pipe, pose), plain), "nothing is drawn in detail unless it is asked for"
    made = rendered(pipe, pose, detail=("hands",))
    assert made.shape == (5, 128, 128, 3)
    mask = in_windows(pose, 128, ("hands",), network.step)
    large = np.stack([enlarged_bytes(frame) for frame in plain])
    assert np.array_equal(made[~mask], large[~mask])
    assert np.abs(made - large)[mask].mean() > 0.01
    half = rendered(pipe, pose, detail=("hands",), detail_strength=0.5)
    np.testing.assert_allclose(half, (made + large) / 2, atol=1e-5)
    assert np.array_equal(rendered(pipe, pose, detail="hands", width=128, height=128), made)


def enlarged_bytes(frame):
    import cv2

    small = np.rint(frame * 255).astype(np.uint8)
    return cv2.resize(small, (128, 128), interpolation=cv2.INTER_CUBIC).astype(np.float32) / np.float32(255)


def test_frames_are_the_same_from_any_start_in_any_chunks(parts, net, pose, network):
    pipe = quiet(SignDiffPipeline(**parts, controlnet=net, detail_model=network))
    whole = rendered(pipe, pose, detail=("hands", "face"), chunk_size=2)
    other = rendered(pipe, pose, detail=("hands", "face"), chunk_size=5)
    np.testing.assert_allclose(other, whole, atol=1.01 / 255, err_msg="coarse frames go through bytes")
    assert np.abs(other - whole).mean() < 1e-5
    late = rendered(pipe, pose, detail=("hands", "face"), chunk_size=2, start=3)
    assert np.array_equal(late, whole[3:])


def test_a_base_draws_windows_again_from_the_noised_crop(pipe, pose):
    plain = rendered(pipe, pose)
    made = rendered(pipe, pose, detail=("hands",))
    assert made.shape == plain.shape
    mask = in_windows(pose, 64, ("hands",), 32)
    close = 1.5 / 255  # crops go through bytes
    assert np.abs(made - plain)[~mask].max() < close
    assert np.abs(made - plain)[mask].max() > 0.02
    assert np.array_equal(rendered(pipe, pose, detail=("hands",)), made), "a seed gives the same frames"
    assert not np.array_equal(rendered(pipe, pose, detail=("hands",), detail_strength=1.0), made)


def test_without_strength_a_base_changes_no_bit(pipe, pose):
    assert np.array_equal(rendered(pipe, pose, detail=("hands",), detail_strength=0), rendered(pipe, pose))


def test_frames_come_before_all_are_made_and_leave_as_they_are_asked_for(parts, net, pose, network):
    pipe = quiet(SignDiffPipeline(**parts, controlnet=net, detail_model=network))
    options = STEPS | {"detail": ("face",), "chunk_size": 1, "generator": torch.Generator().manual_seed(0)}
    calls = []
    pipe.detail_model.register_forward_pre_hook(lambda *_: calls.append(1))
    first = next(pipe.stream("a person", pose, **options | {"output_type": "pil"}))
    assert isinstance(first, Image.Image)
    assert first.size == (128, 128)
    assert len(calls) == 1
    arrays, tensors = (next(pipe.stream("a person", pose, **options | {"output_type": kind})) for kind in ("np", "pt"))
    assert np.array_equal(tensors.permute(1, 2, 0).numpy(), arrays)
    assert np.array_equal(np.asarray(first), np.rint(arrays * 255).astype(np.uint8))


def test_the_network_lies_in_the_pipelines_folder(parts, net, pose, network, tmp_path):
    pipe = quiet(SignDiffPipeline(**parts, controlnet=net, detail_model=network))
    pipe.save_pretrained(tmp_path / "model")
    assert (tmp_path / "model" / "detail_model" / "diffusion_pytorch_model.safetensors").is_file()
    again = quiet(SignDiffPipeline.from_pretrained(tmp_path / "model"))
    assert np.array_equal(rendered(again, pose, detail=("hands",)), rendered(pipe, pose, detail=("hands",)))
    index = json.loads((tmp_path / "model" / "model_index.json").read_text())
    assert index["detail_model"] == ["signdiff_core.diffusion.detail", "DetailModel"]
    plain = StableDiffusionControlNetPipeline.from_pretrained(tmp_path / "model", safety_checker=None)
    assert "detail_model" not in plain.components


def test_a_folder_says_what_its_renderer_draws_in_detail(parts, net, pose, network, tmp_path):
    SignDiffPipeline(**parts, controlnet=net, detail_model=network).save_pretrained(tmp_path)
    RendererSettings(steps=2, guidance_scale=1.0, detail=["hands"]).write(tmp_path)
    frames = np.stack(list(DiffusionRenderer(model=tmp_path, frnet_source="none").render(pose)))
    assert frames.shape == (5, 128, 128, 3)
    off = np.stack(list(DiffusionRenderer(model=tmp_path, frnet_source="none", detail=()).render(pose)))
    assert off.shape == (5, 64, 64, 3)
    pipe = quiet(SignDiffPipeline.from_pretrained(tmp_path))
    options = STEPS | {"detail": ("hands",), "generator": torch.Generator("cpu").manual_seed(0)}
    expected = pipe(RendererSettings.read(tmp_path).prompt, pose, **options).images
    assert np.abs(frames / 255 - expected).max() < 0.51 / 255
    small = next(DiffusionRenderer(model=tmp_path, frnet_source="none").render(pose, size=100))
    assert small.shape == (100, 100, 3)


def test_a_model_that_knows_one_scale_needs_a_network_of_detail(parts, net, pose, tmp_path):
    SignDiffPipeline(**parts, controlnet=net).save_pretrained(tmp_path)
    RendererSettings(steps=1, guidance_scale=1.0, retarget=True).write(tmp_path)
    with pytest.raises(ValueError, match="detail must be left out for a model of avatars without a network of detail"):
        DiffusionRenderer(model=tmp_path, frnet_source="none", detail=("hands",)).render(pose)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"detail": ("feet",)}, "detail must hold 'hands' or 'face'"),
        ({"detail": ("hands",), "detail_strength": 2}, "detail_strength must be a number from 0 to 1, but is 2"),
        ({"detail": ("hands",), "detail_scale": 0}, "detail_scale must be a whole number from 1 to 8, but is 0"),
        ({"detail": ("hands",), "output_type": "latent"}, "output_type must not be 'latent'"),
        ({"detail": ("hands",), "detail_scale": 2}, "detail_scale must be left out"),
        ({"detail": ("hands",), "width": 72, "height": 72}, "width and height must be multiples of 16"),
    ],
)
def test_wrong_use_is_told(parts, net, pose, network, options, message):
    pipe = quiet(SignDiffPipeline(**parts, controlnet=net, detail_model=network))
    with pytest.raises(ValueError, match=message):
        rendered(pipe, pose, **options)


def test_windows_need_a_pose(pipe):
    drawing = Image.new("RGB", (64, 64))
    with pytest.raises(ValueError, match="image must be a pose where detail is drawn"):
        pipe("a person", [drawing], fr_image=[drawing], detail=("hands",))
