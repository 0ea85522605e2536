"""The training of a network of detail: what it sees, and that a resumed run is the straight one."""

import json
import shutil

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("signdiff_frnet")

from PIL import Image  # noqa: E402

from signdiff_core import SignDiffPipeline  # noqa: E402
from signdiff_core.diffusion import FRMapper, superimposed  # noqa: E402
from signdiff_core.diffusion.detail import DetailModel  # noqa: E402
from signdiff_core.diffusion.folder import RendererSettings  # noqa: E402
from signdiff_core.prepare.reader import FrameFolder  # noqa: E402
from signdiff_core.training.conditions import NEUTRAL, ConditionReader  # noqa: E402
from signdiff_core.training.detail_run import SeenFrames, coarse_frames, crop_batch  # noqa: E402
from signdiff_core.training.options import DetailConfig  # noqa: E402
from signdiff_core.training.train_detail import train_detail  # noqa: E402

pytestmark = pytest.mark.sibling


@pytest.fixture(scope="session")
def pipeline_folder(base, tmp_path_factory):
    from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTokenizer

    folder = tmp_path_factory.mktemp("models") / "pipeline"
    kinds = {"vae": AutoencoderKL, "unet": UNet2DConditionModel, "scheduler": DDIMScheduler}
    kinds |= {"text_encoder": CLIPTextModel, "tokenizer": CLIPTokenizer}
    parts = {name: kind.from_pretrained(base / name) for name, kind in kinds.items()}
    controlnet = superimposed(parts["unet"], conditioning_embedding_out_channels=(8, 16, 32))
    SignDiffPipeline(**parts, controlnet=controlnet).save_pretrained(folder)
    RendererSettings(steps=1, guidance_scale=1.0).write(folder)
    (folder / "frnet.json").write_text(json.dumps(FRMapper().parameters))
    return folder


def config_for(pipeline_folder, frames, output="", **options):
    settings = {
        "resolution": 128,
        "crop_size": 64,
        "block_out_channels": (8, 16),
        "train_batch_size": 2,
        "max_train_steps": 4,
        "checkpointing_steps": 2,
        "num_validation_images": 2,
        "report_to": "none",
    }
    return DetailConfig(
        pretrained_model_name_or_path=str(pipeline_folder),
        train_data_dir=str(frames),
        output_dir=str(output),
        **{**settings, **options},
    )


def test_coarse_frames_are_what_the_pipeline_makes_of_the_conditions(pipeline_folder, frames, tmp_path):
    root = shutil.copytree(frames, tmp_path / "frames")
    folder, config = FrameFolder(root), config_for(pipeline_folder, root)
    pipeline = SignDiffPipeline.from_pretrained(pipeline_folder)
    reader = ConditionReader(folder, vae=pipeline.vae, mapper=FRMapper(), resolution=64)
    coarse = coarse_frames(pipeline, reader, config)
    assert coarse.shape == (12, 64, 64, 3)
    made = pipeline(
        folder.rows[9].text,
        image=Image.fromarray(reader.drawing(9)),
        fr_image=Image.fromarray(reader.fr_map(9, NEUTRAL)).convert("RGB"),
        num_inference_steps=1,
        guidance_scale=1.0,
        generator=torch.Generator("cpu").manual_seed(0),
        output_type="np",
    ).images[0]
    assert np.abs(coarse[9] / 255 - made).max() < 2 / 255
    (kept,) = root.glob("coarse-*.npy")
    before = kept.stat().st_mtime_ns
    assert np.array_equal(coarse_frames(pipeline, reader, config), coarse)
    assert kept.stat().st_mtime_ns == before, "they are made once"


def test_a_rendering_that_was_stopped_goes_on(pipeline_folder, frames, tmp_path):
    root = shutil.copytree(frames, tmp_path / "frames")
    folder, config = FrameFolder(root), config_for(pipeline_folder, root)
    pipeline = SignDiffPipeline.from_pretrained(pipeline_folder)
    reader = ConditionReader(folder, vae=pipeline.vae, mapper=FRMapper(), resolution=64)
    whole = np.array(coarse_frames(pipeline, reader, config))
    (kept,) = root.glob("coarse-*.npy")
    begun = kept.with_suffix(".partial.npy")
    kept.rename(begun)
    np.lib.format.open_memmap(begun, mode="r+")[8:] = 0
    kept.with_suffix(".partial.json").write_text("8")
    assert np.array_equal(coarse_frames(pipeline, reader, config), whole)
    assert [path.name for path in root.glob("coarse-*")] == [kept.name]


def test_crops_of_all_pictures_are_cut_at_one_place(pipeline_folder, frames):
    """Where the coarse frame is the true one, smaller, an enlarged crop is nearly the true crop."""
    folder, config = (
        FrameFolder(frames),
        config_for(pipeline_folder, frames, proportion_no_fr=0.5, proportion_neutral_fr=0.5),
    )
    pipeline = SignDiffPipeline.from_pretrained(pipeline_folder)
    reader = ConditionReader(folder, vae=pipeline.vae, mapper=FRMapper(), resolution=128)
    seen = SeenFrames(reader, np.stack([folder.image(index, 64) for index in range(12)]))
    drawn, absent = False, 0
    for micro_step in range(8):
        sample, control, truth = crop_batch(seen, config, micro_step, rank=0, world=1, step=8)
        assert sample.shape == truth.shape == (2, 3, 64, 64)
        assert control.shape == (2, 6, 64, 64)
        assert (sample - truth).abs().mean() < 0.02
        drawn |= bool((control[:, :3].amax(dim=1)[truth.amin(dim=1) < 0] > 0).any())
        absent += int((control[:, 3:].amax(dim=(1, 2, 3)) == 0).sum())
    assert drawn
    assert 2 <= absent <= 14, "half have no map"


def test_two_processes_see_what_one_sees(pipeline_folder, frames):
    folder = FrameFolder(frames)
    pipeline = SignDiffPipeline.from_pretrained(pipeline_folder)
    reader = ConditionReader(folder, vae=pipeline.vae, mapper=FRMapper(), resolution=128)
    seen = SeenFrames(reader, np.stack([folder.image(index, 64) for index in range(12)]))
    one, two = (config_for(pipeline_folder, frames, train_batch_size=size) for size in (4, 2))
    for micro_step in range(3):
        whole = crop_batch(seen, one, micro_step, rank=0, world=1, step=8)
        parts = [crop_batch(seen, two, micro_step, rank=rank, world=2, step=8) for rank in range(2)]
        for all_, *each in zip(whole, *parts, strict=True):
            assert torch.equal(all_, torch.cat(each))


def test_a_resumed_run_repeats_the_straight_one(pipeline_folder, frames, tmp_path):
    root = shutil.copytree(frames, tmp_path / "frames")
    straight = train_detail(config_for(pipeline_folder, root, tmp_path / "a"))
    train_detail(config_for(pipeline_folder, root, tmp_path / "b"))
    shutil.rmtree(tmp_path / "b" / "checkpoint-4")
    resumed = train_detail(config_for(pipeline_folder, root, tmp_path / "b", resume_from_checkpoint="latest"))
    one, two = (DetailModel.from_pretrained(path) for path in (straight, resumed))
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True))
    assert one.config.scale == 2
    measured = json.loads((tmp_path / "a" / "measured.json").read_text())
    assert set(measured) == {"psnr_hands_before", "psnr_hands", "psnr_head_before", "psnr_head"}


def test_what_does_not_fit_is_refused(pipeline_folder, frames, tmp_path):
    with pytest.raises(ValueError, match="resolution must be a multiple of the pipeline's own, 64, but is 96"):
        train_detail(config_for(pipeline_folder, frames, tmp_path / "out", resolution=96))
    for options, message in (
        ({"crop_size": 48}, "crop_size must be a multiple of 32"),
        ({"proportion_no_fr": 0.7, "proportion_neutral_fr": 0.7}, "must add up to 1 at most"),
        ({"learning_rate": 0.0}, "learning_rate must be positive"),
    ):
        with pytest.raises(ValueError, match=message):
            config_for(pipeline_folder, frames, **options)
