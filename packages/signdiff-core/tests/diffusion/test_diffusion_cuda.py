"""On a GPU: what comes out is what comes out on a CPU."""

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from signdiff_core.diffusion import SignDiffPipeline, superimposed  # noqa: E402
from signdiff_core.diffusion.renderer import DiffusionRenderer  # noqa: E402

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")]

PROMPT = "a person in a red shirt"


def images(count, seed):
    return list(np.random.default_rng(seed).integers(0, 256, (count, 64, 64, 3), dtype=np.uint8))


def drawn(pipeline):
    pipeline.set_progress_bar_config(disable=True)
    # Noise is drawn here: a generator draws other numbers in half precision.
    latents = torch.randn((3, 4, 32, 32), generator=torch.Generator().manual_seed(7)).to(pipeline.dtype)
    call = {"num_inference_steps": 3, "output_type": "np", "latents": latents}
    return np.stack(pipeline(PROMPT, images(3, 0), fr_image=images(3, 1), **call).images)


@pytest.fixture
def pipe(parts, one_net, other_net):
    return SignDiffPipeline(**parts, controlnet=superimposed(one_net, other_net).eval())


@pytest.fixture
def exact():
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        yield


@pytest.mark.usefixtures("exact")
def test_single_precision_equals_the_cpu(pipe):
    expected = drawn(pipe)
    assert np.abs(drawn(copy.deepcopy(pipe).to("cuda")) - expected).max() < 1e-3


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_comes_close(pipe, dtype):
    expected = drawn(pipe)
    made = drawn(copy.deepcopy(pipe).to("cuda", dtype))
    assert made.shape == expected.shape
    assert np.abs(made - expected).mean() < 0.05


@pytest.mark.usefixtures("exact")
@pytest.mark.parametrize("offload", ["enable_model_cpu_offload", "enable_sequential_cpu_offload"])
def test_offloading_changes_no_frame(pipe, offload):
    expected = drawn(copy.deepcopy(pipe).to("cuda"))
    getattr(pipe, offload)()
    assert np.abs(drawn(pipe) - expected).max() < 1e-5


def test_the_bundled_renderer_in_bfloat16(pose):
    pytest.importorskip("signdiff_frnet")
    frames = [
        np.stack(list(DiffusionRenderer(frnet_source="predictor", **options).render(pose)))
        for options in ({}, {"device": "cuda", "dtype": "bfloat16"})
    ]
    assert np.abs(frames[0].astype(float) - frames[1]).mean() < 3  # of 255
