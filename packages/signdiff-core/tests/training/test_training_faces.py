"""Training on drawings with faces, and what is then known of the model."""

import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("signdiff_frnet")
pytestmark = pytest.mark.sibling

from diffusers import AutoencoderKL  # noqa: E402

from signdiff_core.diffusion.folder import RendererSettings  # noqa: E402
from signdiff_core.diffusion.frmap import FRMapper  # noqa: E402
from signdiff_core.drawing import draw  # noqa: E402
from signdiff_core.prepare.reader import open_frames  # noqa: E402
from signdiff_core.training import ControlNetConfig  # noqa: E402
from signdiff_core.training.conditions import TRUE, open_conditions  # noqa: E402
from signdiff_core.training.kit.state import STATE_NAME  # noqa: E402
from signdiff_core.training.train_controlnet import train_controlnet  # noqa: E402


@pytest.fixture
def faced(frames, tmp_path):
    """The frames with a face in the first six, and with none found in the others."""
    shutil.copytree(frames, tmp_path / "faced", ignore=shutil.ignore_patterns("cache-*"))
    path = tmp_path / "faced" / "joints.safetensors"
    joints = load_file(path)["joints"]
    face = joints[:, :1] + np.random.default_rng(1).uniform(-0.08, 0.08, (len(joints), 74, 3))
    face[6:] = np.nan
    save_file({"joints": np.concatenate([joints, face], axis=1).astype(np.float32)}, path)
    return tmp_path / "faced"


def config_for(base, frames, output, **options):
    common = {"train_batch_size": 2, "lr_warmup_steps": 0, "num_validation_frames": 0, "validation_steps": 100}
    return ControlNetConfig(
        pretrained_model_name_or_path=str(base),
        train_data_dir=str(frames),
        output_dir=str(output),
        **{**common, "max_train_steps": 2, "num_validation_images": 0, **options},
    )


@pytest.mark.parametrize("cache", [True, False])
def test_faces_are_drawn_where_that_is_asked_for(base, frames, faced, cache):
    vae = AutoencoderKL.from_pretrained(base, subfolder="vae").eval()

    def conditions(folder, **options):
        opened = open_frames(folder)
        return open_conditions(opened, vae=vae, mapper=FRMapper(), resolution=64, cache=cache, **options)

    with_faces, without, plain = conditions(faced, include_face=True), conditions(faced), conditions(frames)
    points = open_frames(faced).points(3)
    assert points.shape == (124, 3)
    assert np.array_equal(with_faces.drawing(3), draw(points, size=64))
    for index in (3, 9):
        assert np.array_equal(without.control(index, TRUE), plain.control(index, TRUE))
    assert np.array_equal(with_faces.drawing(9), plain.drawing(9))
    assert not np.array_equal(with_faces.drawing(3), plain.drawing(3))
    with pytest.raises(ValueError, match=r"include_face needs frames with faces, but .* has the 50 joints alone"):
        conditions(frames, include_face=True)


def test_a_model_trained_on_faces_says_so_and_its_run_resumes_as_one(base, frames, faced, tmp_path):
    options = {"checkpointing_steps": 2, "include_face": True}
    pipeline = train_controlnet(config_for(base, faced, tmp_path / "out", **options))
    assert RendererSettings.read(pipeline).include_face
    card = (pipeline / "README.md").read_text()
    assert "include_face=True" in card
    assert "--include_face" in card
    resumed = {"resume_from_checkpoint": "latest", "max_train_steps": 3}
    with pytest.raises(ValueError, match="include_face must be True as in"):
        train_controlnet(config_for(base, faced, tmp_path / "out", checkpointing_steps=2, **resumed))
    train_controlnet(config_for(base, faced, tmp_path / "out", **{**options, **resumed}))


def test_a_run_of_an_earlier_version_had_no_faces(base, faced, tmp_path):
    train_controlnet(config_for(base, faced, tmp_path / "out", checkpointing_steps=2))
    assert not (tmp_path / "out" / "pipeline" / "renderer.json").exists()
    state = tmp_path / "out" / "checkpoint-2" / STATE_NAME
    told = state.read_text()
    assert '"include_face": false,' in told
    state.write_text(told.replace('"include_face": false,', ""))
    resumed = {"resume_from_checkpoint": "latest", "max_train_steps": 3}
    with pytest.raises(ValueError, match="include_face must be False as in"):
        train_controlnet(config_for(base, faced, tmp_path / "out", include_face=True, **resumed))
    train_controlnet(config_for(base, faced, tmp_path / "out", **resumed))


def test_maps_alone_have_no_faces(base, frames, tmp_path):
    with pytest.raises(ValueError, match="include_face must come with conditions that have drawings"):
        config_for(base, frames, tmp_path, include_face=True, conditions="frnet")
