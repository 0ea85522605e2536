"""Where the pipeline's FR maps come from: each source against the same maps made by hand."""

import json

import numpy as np
import pytest
import torch

from signdiff_core import SignDiffPipeline, formats, plugins
from signdiff_core.diffusion import DiffusionRenderer, FRMapper
from signdiff_core.drawing import draw
from signdiff_core.formats.coordinates import normalised
from signdiff_core.skeleton import make_pose
from signdiff_frnet import FRNetDetector, FRNetPredictor

PROMPT = "a young man with dark skin, black hair and a yellow shirt"
OPTIONS = {"num_inference_steps": 1, "guidance_scale": 1.0, "output_type": "np"}
SIZE = 256


@pytest.fixture(scope="module")
def pipe():
    return DiffusionRenderer().pipeline


@pytest.fixture
def spelled(wave):
    """Three frames, normalised."""
    pose = normalised(wave)
    return make_pose(pose.body.data[:3, 0].filled(0), 25, confidence=pose.body.confidence[:3, 0])


@pytest.fixture
def drawings(spelled):
    return [draw(joints, size=SIZE) for joints in spelled.body.data[:, 0].filled(0)]


def render(pipe: SignDiffPipeline, image, fr_image=None, **options):
    generator = torch.Generator().manual_seed(7)
    return pipe(PROMPT, image, fr_image=fr_image, generator=generator, **OPTIONS, **options).images


def by_hand(detector: FRNetDetector, frame):
    return detector(frame, detect_resolution=512, image_resolution=SIZE, output_type="np")


def test_predicted_maps_are_the_predictors(pipe, spelled, drawings):
    predictor = FRNetPredictor.from_pretrained()
    maps = [predictor(drawing, image_resolution=SIZE) for drawing in drawings]
    expected = render(pipe, drawings, maps)
    assert np.array_equal(render(pipe, spelled, frnet_source="predictor"), expected)
    assert np.array_equal(render(pipe, drawings, frnet_source="predictor"), expected)
    assert np.array_equal(render(pipe, drawings), expected), "the default, where signdiff-frnet is installed"


def test_the_avatars_maps_are_those_of_its_frames(pipe, spelled):
    from PIL import Image

    from signdiff_core.avatar import Signer, fit, render_frames

    neutral = Signer.neutral()
    motion = fit(neutral.avatar(), spelled.body.data[:, 0].filled(0))
    greys = [np.asarray(Image.fromarray(frame).convert("L")) for frame in render_frames(neutral, motion, size=SIZE)]
    maps = [by_hand(FRNetDetector(), grey) for grey in greys]
    expected = render(pipe, [draw(joints, size=SIZE) for joints in motion.joints], maps)
    made = render(pipe, spelled, frnet_source="avatar")
    # OpenCV and Pillow round grey levels differently, by one at most, so a few strokes differ.
    assert np.abs(made - expected).mean() < 2e-3
    assert np.abs(made - render(pipe, spelled, frnet_source="none")).mean() > 4e-3


def test_two_passes_look_at_the_first(pipe, spelled, drawings):
    first = render(pipe, drawings, [np.zeros_like(drawing) for drawing in drawings])
    maps = [by_hand(FRNetDetector(), np.rint(255 * frame).astype(np.uint8)) for frame in first]
    expected = render(pipe, drawings, maps)
    assert np.array_equal(render(pipe, spelled, frnet_source="two-pass"), expected)
    assert np.abs(render(pipe, drawings, frnet_source="two-pass", chunk_size=2) - expected).max() < 1e-4
    assert np.array_equal(render(pipe, spelled, frnet_source="none"), first)


def test_given_frames_are_annotated(pipe, drawings):
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 256, (90, 160, 3), dtype=np.uint8) for _ in drawings]
    maps = [by_hand(FRNetDetector(), frame[:, 35:125]) for frame in frames]
    expected = render(pipe, drawings, maps)
    assert np.array_equal(render(pipe, drawings, frnet_source=iter(frames)), expected)
    for wrong, said in ((frames[:2], "only 2"), ([*frames, frames[0]], "more")):
        with pytest.raises(ValueError, match=f"frnet_source must hold one frame for each of image, but holds {said}"):
            render(pipe, drawings, frnet_source=wrong)


def test_wrong_sources_are_refused(pipe, drawings):
    with pytest.raises(ValueError, match="fr_image or frnet_source must be given, not both"):
        render(pipe, drawings, drawings, frnet_source="two-pass")
    with pytest.raises(ValueError, match="image must be a pose for frnet_source 'avatar'"):
        render(pipe, drawings, frnet_source="avatar")
    with pytest.raises(ValueError, match="frnet_source must be 'predictor', 'avatar', 'two-pass', 'none'"):
        render(pipe, drawings, frnet_source="magic")
    with pytest.raises(ValueError, match=r"offset is 10\.0, the model was trained with 4\.0"):
        render(pipe, drawings, frnet_source="predictor", frnet=FRMapper(offset=4.0))


def test_the_predictor_is_found_by_its_entry_point():
    assert plugins.load("signdiff.annotators", "frnet-predictor") is FRNetPredictor


def test_the_command_takes_a_source(run_command, wave, tmp_path):
    wave_file, made = tmp_path / "wave.pose", {}
    formats.write(wave, wave_file)
    for source in ("none", "two-pass"):
        out = tmp_path / f"{source}.mp4"
        done = run_command("signdiff", "render", wave_file, "-o", out, "--frnet-source", source, "--json")
        assert json.loads(done.stdout)["frames"] > 0
        made[source] = out.read_bytes()
    assert len(set(made.values())) == 2
    video = tmp_path / "none.mp4"
    run_command("signdiff", "render", wave_file, "-o", tmp_path / "video.mp4", "--frnet-source", video)
    assert (tmp_path / "video.mp4").read_bytes() not in made.values()
