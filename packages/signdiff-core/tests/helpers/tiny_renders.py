"""Inputs and calls that the tests of the pipeline share."""

import numpy as np
import torch

PROMPT = "a person in a red shirt"
OPTIONS = {"num_inference_steps": 2, "output_type": "np", "guidance_scale": 2.0}


def frames(count, seed=0):
    """Random pictures."""
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (64, 64, 3), dtype=np.uint8) for _ in range(count)]


def tensor(images):
    """Bring pictures to what diffusers takes as it is."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255


def seeded(seed=7):
    """A generator that begins where every other does."""
    return torch.Generator().manual_seed(seed)


def quiet(pipeline):
    """The pipeline, without its progress bar."""
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def render(pipe, count=3, **options):
    """Render random conditions, with a FR map where there are two."""
    options = {"fr_image": frames(count, seed=1), "generator": seeded(), **OPTIONS, **options}
    if pipe.num_conditions == 1:
        del options["fr_image"]
    return pipe(PROMPT, frames(count), **options).images
