"""The custom node, loaded as ComfyUI loads a folder of ``custom_nodes``, and called with ComfyUI's tensors."""

import importlib.util
import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import signdiff_frnet
from signdiff_frnet import FRNetDetector, FRNetParameters, frnet

pytest.importorskip("torch", reason="torch is not installed; it is the extra [torch]")

import torch

FOLDER = Path(signdiff_frnet.__file__).parent / "comfyui"
PRESET, ADVANCED = "SignDiffFRNet", "SignDiffFRNetAdvanced"


@pytest.fixture
def module(tmp_path, monkeypatch):
    # nodes.py of ComfyUI: load_custom_node
    link = tmp_path / "custom_nodes" / "signdiff-frnet"
    link.parent.mkdir()
    link.symlink_to(FOLDER)
    name = str(link).replace(".", "_x_")
    spec = importlib.util.spec_from_file_location(name, link / "__init__.py")
    loaded = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, loaded)
    spec.loader.exec_module(loaded)
    return loaded


def call(module, name, **inputs):
    """What ComfyUI's executor does: fill in the defaults, make the node, call its function by name."""
    node = module.NODE_CLASS_MAPPINGS[name]
    described = node.INPUT_TYPES()["required"]
    defaults = {key: entry[1]["default"] for key, entry in described.items() if "default" in entry[1]}
    return getattr(node(), node.FUNCTION)(**{**defaults, **inputs})


def frames(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


def to_comfy(array):
    # nodes.py of ComfyUI: LoadImage
    return torch.from_numpy(np.array(array).astype(np.float32) / 255.0)


def test_every_node_is_described_in_comfyuis_terms(module):
    assert set(module.NODE_CLASS_MAPPINGS) == set(module.NODE_DISPLAY_NAME_MAPPINGS) == {PRESET, ADVANCED}
    for node in module.NODE_CLASS_MAPPINGS.values():
        described = node.INPUT_TYPES()["required"]
        assert described["image"][0] == "IMAGE"
        assert node.RETURN_TYPES == ("IMAGE",)
        assert isinstance(node.CATEGORY, str)
        names = list(inspect.signature(getattr(node, node.FUNCTION)).parameters)
        assert names == ["self", *described]
        for kind, options in described.values():
            if isinstance(kind, list):
                assert options["default"] in kind
            elif kind in ("INT", "FLOAT"):
                assert options["min"] <= options["default"] <= options["max"]
                assert (options["default"] - options["min"]) % options["step"] == 0


def test_a_batch_of_images_equals_the_detectors_maps(module):
    given = frames(3, 90, 120)
    (found,) = call(module, PRESET, image=to_comfy(given))
    assert found.dtype == torch.float32
    assert found.shape == (3, 512, 704, 3)
    expected = [FRNetDetector()(frame) for frame in given]
    assert_array_equal(found.numpy() * 255, expected)


@pytest.mark.parametrize("preset", ["paper", "fine", "coarse"])
def test_presets_follow_the_resolution(module, preset):
    given = frames(2, 128, 130)
    parameters = FRNetParameters.preset(preset).for_resolution(128)
    choice = {name: getattr(parameters, name) for name in ("block_size", "offset", "kernel_size")}
    (found,) = call(module, PRESET, image=to_comfy(given), preset=preset, resolution=0)
    assert_array_equal(found[..., 0].numpy() * 255, [frnet(frame, **choice) for frame in given])


def test_all_256_levels_arrive_as_they_were(module):
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    choice = {"block_size": 3, "offset": 0.0, "kernel_size": 1}
    (found,) = call(module, ADVANCED, image=to_comfy(levels), resolution=0, **choice)
    assert_array_equal(found[0, ..., 0].numpy() * 255, frnet(levels[0], **choice))


def test_the_frames_stay_as_they_are_and_levels_beyond_the_range_are_clamped(module):
    image = to_comfy(frames(1, 40, 40)) * 1.5 - 0.25
    before = image.clone()
    (found,) = call(module, ADVANCED, image=image, resolution=0)
    (clamped,) = call(module, ADVANCED, image=image.clamp(0, 1), resolution=0)
    assert torch.equal(image, before)
    assert torch.equal(found, clamped)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"image": frames(1, 8, 8)}, "image must be a float tensor"),
        ({"image": torch.zeros((1, 8, 8, 3), dtype=torch.uint8)}, "image must be a float tensor"),
        ({"image": torch.zeros((8, 8, 3))}, "image must have the shape"),
        ({"image": torch.zeros((1, 8, 8, 4))}, "image must have the shape"),
        ({"image": torch.full((1, 8, 8, 3), float("nan"))}, "image must hold numbers"),
        ({"resolution": 20}, "resolution must be"),
        ({"kernel_size": 4}, "kernel_size must be"),
    ],
)
def test_refuses_by_name(module, wrong, words):
    with pytest.raises(ValueError, match=f"^{words}"):
        call(module, ADVANCED, **{"image": torch.zeros((1, 64, 64, 3)), **wrong})


def test_loading_the_folder_loads_no_torch():
    code = "import sys; import signdiff_frnet.comfyui; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
