"""What a run leaves beside the weights: pictures, videos, logs, the model card, and what goes to the hub."""

import shlex
import shutil

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")
pytest.importorskip("signdiff_frnet")
pytestmark = pytest.mark.sibling
pytest.importorskip("tensorboard")

from diffusers import ControlNetModel  # noqa: E402
from huggingface_hub import ModelCard  # noqa: E402
from PIL import Image  # noqa: E402
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # noqa: E402

from signdiff_core import video  # noqa: E402
from signdiff_core.diffusion import SignDiffPipeline  # noqa: E402
from signdiff_core.diffusion.folder import RendererSettings  # noqa: E402
from signdiff_core.diffusion.frmap import FRMapper  # noqa: E402
from signdiff_core.drawing import draw  # noqa: E402
from signdiff_core.prepare.reader import FrameFolder  # noqa: E402
from signdiff_core.training import ControlNetConfig  # noqa: E402
from signdiff_core.training.kit.arguments import parse  # noqa: E402
from signdiff_core.training.results import (  # noqa: E402
    command_of,
    make_repository,
    repository_of,
)
from signdiff_core.training.train_controlnet import train_controlnet  # noqa: E402

TOKEN = "hf_a-secret"


@pytest.fixture(scope="module")
def runs(base, frames, tmp_path_factory):
    """A short run for each kind of conditions."""
    root = tmp_path_factory.mktemp("runs")
    shutil.copytree(base, root / "base")
    RendererSettings(prompt="somebody else", steps=1, guidance_scale=1.5, retarget=True).write(root / "base")
    for conditions in ("superimposed", "openpose", "frnet"):
        train_controlnet(
            ControlNetConfig(
                pretrained_model_name_or_path=str(root / "base"),
                train_data_dir=str(frames),
                output_dir=str(root / conditions),
                conditions=conditions,
                validation_data_dir=str(frames),
                train_batch_size=2,
                max_train_steps=3,
                learning_rate=1e-3,
                lr_warmup_steps=0,
                validation_steps=2,
                num_validation_images=2,
                num_validation_frames=3,
                validation_inference_steps=1,
                hub_token=TOKEN,
            )
        )
    return root


@pytest.mark.slow
@pytest.mark.parametrize("conditions", ["superimposed", "openpose", "frnet"])
def test_pictures_show_drawing_map_made_and_true_frame(runs, frames, conditions):
    folder = FrameFolder(frames)
    for name in ("000002", "final"):
        grid = cv2.imread(str(runs / conditions / "validation" / f"{name}.png"))[..., ::-1]
        assert grid.shape == (2 * 64, 4 * 64, 3)
        for row, index in enumerate((0, 6)):
            c, d, made, true = np.split(grid[64 * row : 64 * (row + 1)], 4, axis=1)
            assert np.array_equal(c, draw(folder.joints(index), size=64))
            assert np.array_equal(d[..., 0], FRMapper()(folder.neutral(index, 64), size=64))
            assert np.array_equal(true, folder.image(index, 64))
            assert made.std() > 0


@pytest.mark.slow
def test_the_last_picture_is_that_of_the_saved_pipeline(runs, frames):
    made = cv2.imread(str(runs / "openpose" / "validation" / "final.png"))[:64, 128:192, ::-1]
    pipe = SignDiffPipeline.from_pretrained(runs / "openpose" / "pipeline")
    folder = FrameFolder(frames)
    again = pipe(
        folder.rows[0].text,
        image=[draw(folder.joints(0), size=64)],
        num_inference_steps=1,
        guidance_scale=1.0,
        generator=torch.Generator().manual_seed(0),
        output_type="np",
    ).images[0]
    assert np.abs(again * 255 - made).max() <= 1


@pytest.mark.slow
def test_a_clip_is_shown_in_order(runs, frames):
    path = runs / "superimposed" / "validation" / "final.mp4"
    shown = list(video.read_video(path))
    folder = FrameFolder(frames)
    # Shirts are red on even frames and blue on odd ones: with its caption, the longest clip is 0, 2, of pose 0.
    assert len(shown) == 2
    for frame, index in zip(shown, (0, 2), strict=True):
        assert frame.shape == (64, 256, 3)
        true = folder.image(index, 64).astype(int)
        assert np.abs(frame[:, 192:].astype(int) - true).mean() < 10
    assert video.probe(path).codec == "h264"


@pytest.mark.slow
def test_tensorboard_shows_loss_rate_pictures_and_clips(runs):
    (folder,) = (path for path in (runs / "frnet" / "logs").iterdir() if path.name == "train_controlnet")
    events = EventAccumulator(str(folder), size_guidance={"images": 0}).Reload()
    assert [event.step for event in events.Scalars("loss")] == [1, 2, 3]
    assert all(0 < event.value < 10 for event in events.Scalars("loss"))
    assert [event.value for event in events.Scalars("lr")] == pytest.approx([1e-3] * 3)
    assert [event.step for event in events.Images("validation")] == [2, 3]
    animation = events.Images("validation_video")[-1]
    assert (animation.width, animation.height) == (256, 64)
    from io import BytesIO

    with Image.open(BytesIO(animation.encoded_image_string)) as gif:
        assert gif.n_frames == 2
    assert not any(TOKEN.encode() in path.read_bytes() for path in runs.rglob("*") if path.is_file())


@pytest.mark.slow
def test_the_two_of_a_pair_run_together(runs):
    nets = [
        ControlNetModel.from_pretrained(runs / conditions / "pipeline", subfolder="controlnet")
        for conditions in ("openpose", "frnet")
    ]
    pipe = SignDiffPipeline.from_pretrained(runs / "openpose" / "pipeline", controlnet=nets)
    rng = np.random.default_rng(0)
    drawing, fr_map = (rng.integers(0, 256, (64, 64, 3), dtype=np.uint8) for _ in range(2))

    def rendered(**options):
        return pipe(
            "a person",
            image=[drawing],
            fr_image=[fr_map],
            num_inference_steps=1,
            generator=torch.Generator().manual_seed(0),
            output_type="np",
            **options,
        ).images

    both = rendered()
    assert both.shape == (1, 64, 64, 3)
    for weights in ([1.0, 0.0], [0.0, 1.0]):
        assert not np.array_equal(both, rendered(controlnet_conditioning_scale=weights))


@pytest.mark.slow
def test_the_card_tells_what_was_done(runs, base, frames):
    card = ModelCard.load(runs / "superimposed" / "pipeline" / "README.md")
    assert card.data.library_name == "diffusers"
    assert "controlnet" in card.data.tags
    assert card.data.base_model is None  # a folder is no name on the hub
    for told in (
        f"`{base.name}`",
        f"12 frames of `{frames.name}`",
        "| optimizer steps | 3 |",
        "| frames a step | 2 ",
        "| resolution | 64 |",
        "| kernel_size | 5 |",
        "![Rows of a drawing",
        "must be checked by fluent signers",
        'from_pretrained("superimposed/pipeline")',
    ):
        assert told in card.text, told
    assert str(base.parent) not in card.text
    assert str(frames.parent) not in card.text
    assert (runs / "superimposed" / "pipeline" / "validation.png").is_file()
    openpose = (runs / "openpose" / "pipeline" / "README.md").read_text()
    assert "kernel_size" not in openpose
    assert "controlnet=[openpose, frnet]" in openpose
    assert 'ControlNetModel.from_pretrained("openpose/pipeline", subfolder="controlnet")' in openpose


@pytest.mark.slow
def test_nothing_of_this_machine_and_nothing_pickled_would_be_uploaded(runs):
    for conditions in ("superimposed", "openpose", "frnet"):
        folder = runs / conditions / "pipeline"
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert {path.suffix for path in files} == {".json", ".safetensors", ".md", ".png", ".py", ".txt"}
        assert not list(folder.rglob(".*"))
        for path in files:
            assert str(runs.parent).encode() not in path.read_bytes(), path
        assert (folder / "frnet.json").is_file() == (conditions != "openpose")


@pytest.mark.slow
def test_what_comes_of_a_base_of_one_step_is_rendered_in_one_step(runs, frames):
    settings = RendererSettings.read(runs / "superimposed" / "pipeline")
    text = FrameFolder(frames).rows[0].text
    assert settings == RendererSettings(prompt=text, steps=1, guidance_scale=1.5, retarget=False)
    card = (runs / "superimposed" / "pipeline" / "README.md").read_text()
    assert "num_inference_steps=1, guidance_scale=1.5).images" in card


def config_for(**options):
    common = {"pretrained_model_name_or_path": "b", "train_data_dir": "f", "output_dir": "o"}
    return ControlNetConfig(**common | options)


def test_the_command_line_gives_the_configuration_back():
    config = config_for(
        pretrained_model_name_or_path="a name/of the hub",
        conditions="frnet",
        crop_sizes=(64, 128),
        use_ema=False,
        gradient_checkpointing=True,
        learning_rate=3e-6,
        lr_scheduler="cosine",
        report_to="none",
    )
    words = shlex.split(command_of(config).replace("\\\n", " "))
    assert words[:4] == ["accelerate", "launch", "-m", "signdiff_core.training.train_controlnet"]
    assert parse(ControlNetConfig, words[4:]) == config


def test_the_command_line_keeps_folders_and_tokens_to_itself(tmp_path):
    (tmp_path / "sd15").mkdir()
    config = config_for(
        pretrained_model_name_or_path=str(tmp_path / "sd15"), train_data_dir="/home/somebody/frames", hub_token=TOKEN
    )
    command = command_of(config, processes=8)
    assert command.startswith("torchrun --standalone --nproc_per_node 8 -m ")
    assert "--pretrained_model_name_or_path sd15 --train_data_dir frames" in command
    assert str(tmp_path) not in command
    assert "somebody" not in command
    assert TOKEN not in command


def test_repositories_are_named_after_the_folder_or_as_told():
    assert repository_of(config_for(output_dir="runs/my-signer/")) == "my-signer"
    assert repository_of(config_for(hub_model_id="somebody/my-signer")) == "somebody/my-signer"
    with pytest.raises(ValueError, match="hub_model_id must be the name of a repository, but is 'a/b/c'"):
        train_controlnet(config_for(push_to_hub=True, hub_model_id="a/b/c"))


def test_without_the_hub_nothing_is_trained_for_it():
    # conftest.py sets HF_HUB_OFFLINE before anything is imported.
    with pytest.raises(OSError, match="offline mode is enabled"):
        make_repository(config_for(push_to_hub=True, hub_token=TOKEN))
