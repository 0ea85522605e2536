import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from diffusers import (  # noqa: E402
    MultiControlNetModel,
    StableDiffusionControlNetPipeline,
    StableDiffusionPipeline,
)
from tiny_renders import PROMPT, frames, quiet, seeded, tensor  # noqa: E402

from signdiff_core.diffusion import SignDiffPipeline, superimposed  # noqa: E402

OPTIONS = {"num_inference_steps": 3, "output_type": "np"}


def test_at_initialisation_it_is_plain_stable_diffusion(parts, unet):
    plain = quiet(StableDiffusionPipeline(**parts))
    pipe = quiet(SignDiffPipeline(**parts, controlnet=superimposed(unet, conditioning_embedding_out_channels=(8, 16))))
    expected = plain(PROMPT, height=64, width=64, generator=seeded(), **OPTIONS).images
    made = pipe(PROMPT, frames(1), fr_image=frames(1, seed=1), generator=seeded(), **OPTIONS).images
    assert np.array_equal(made, expected)


@pytest.mark.parametrize("guidance_scale", [1.0, 7.5])
def test_one_net_equals_the_stock_pipeline(parts, net, pipe, guidance_scale):
    stock = quiet(StableDiffusionControlNetPipeline(**parts, controlnet=net))
    c, d = frames(1), frames(1, seed=1)
    condition = torch.cat([tensor(c), tensor(d)], dim=1)
    expected = stock(PROMPT, condition, generator=seeded(), guidance_scale=guidance_scale, **OPTIONS).images
    made = pipe(PROMPT, c, fr_image=d, generator=seeded(), guidance_scale=guidance_scale, **OPTIONS).images
    assert np.array_equal(made, expected)


def test_two_nets_equal_the_stock_pipeline(parts, one_net, other_net):
    both = MultiControlNetModel([one_net, other_net])
    stock = quiet(StableDiffusionControlNetPipeline(**parts, controlnet=both))
    pipe = quiet(SignDiffPipeline(**parts, controlnet=both))
    c, d = frames(1), frames(1, seed=1)
    expected = stock(PROMPT, [tensor(c), tensor(d)], generator=seeded(), **OPTIONS).images
    made = pipe(PROMPT, c, fr_image=d, generator=seeded(), **OPTIONS).images
    assert np.array_equal(made, expected)


def test_both_conditions_matter(pipe):
    base = pipe(PROMPT, frames(1), fr_image=frames(1, seed=1), generator=seeded(), **OPTIONS).images
    other_c = pipe(PROMPT, frames(1, seed=2), fr_image=frames(1, seed=1), generator=seeded(), **OPTIONS).images
    other_d = pipe(PROMPT, frames(1), fr_image=frames(1, seed=2), generator=seeded(), **OPTIONS).images
    assert not np.allclose(base, other_c, atol=1e-3)
    assert not np.allclose(base, other_d, atol=1e-3)


def test_chunks_do_not_change_the_frames(pipe):
    c, d = frames(5), frames(5, seed=1)
    whole = pipe(PROMPT, c, fr_image=d, generator=seeded(), chunk_size=5, **OPTIONS).images
    parts = pipe(PROMPT, c, fr_image=d, generator=seeded(), chunk_size=2, **OPTIONS).images
    assert whole.shape == (5, 64, 64, 3)
    assert np.abs(whole - parts).max() < 1e-4


def test_all_frames_start_from_the_same_noise(pipe):
    same = frames(1) * 3
    made = pipe(PROMPT, same, fr_image=same, generator=seeded(), chunk_size=2, **OPTIONS).images
    assert np.abs(made - made[:1]).max() < 1e-4


def test_a_stream_never_reads_more_than_a_chunk_ahead(pipe):
    read = []

    def lazily(images, log):
        for number, image in enumerate(images):
            log.append(number)
            yield image

    stream = pipe.stream(
        PROMPT, lazily(frames(7), read), fr_image=lazily(frames(7), []), generator=seeded(), chunk_size=2, **OPTIONS
    )
    assert read == []
    next(stream)
    assert len(read) == 2
    next(stream)
    assert len(read) == 2
    next(stream)
    assert len(read) == 4
    stream.close()


def test_idle_control_is_skipped_without_a_difference(parts, net, pipe):
    stock = quiet(StableDiffusionControlNetPipeline(**parts, controlnet=net))
    c, d = frames(1), frames(1, seed=1)
    calls = []
    handle = net.mid_block.register_forward_hook(lambda *_: calls.append(1))
    options = {**OPTIONS, "num_inference_steps": 4, "control_guidance_end": 0.5}
    expected = stock(PROMPT, torch.cat([tensor(c), tensor(d)], dim=1), generator=seeded(), **options).images
    assert len(calls) == 4
    calls.clear()
    made = pipe(PROMPT, c, fr_image=d, generator=seeded(), **options).images
    assert len(calls) == 2
    assert np.array_equal(made, expected)
    calls.clear()
    pipe(PROMPT, c, fr_image=d, generator=seeded(), **OPTIONS)
    assert len(calls) == 3
    handle.remove()


def test_saving_and_loading_is_exact(pipe, tmp_path):
    c, d = frames(2), frames(2, seed=1)
    expected = pipe(PROMPT, c, fr_image=d, generator=seeded(), **OPTIONS).images
    pipe.save_pretrained(tmp_path)
    ours = quiet(SignDiffPipeline.from_pretrained(tmp_path))
    assert np.array_equal(ours(PROMPT, c, fr_image=d, generator=seeded(), **OPTIONS).images, expected)
    stock = quiet(StableDiffusionControlNetPipeline.from_pretrained(tmp_path))
    condition = torch.cat([tensor(c[:1]), tensor(d[:1])], dim=1)
    first = stock(PROMPT, condition, generator=seeded(), **OPTIONS).images
    assert np.abs(first - expected[:1]).max() < 1e-5


def test_from_pipe_keeps_parts_and_dtype(parts, net):
    plain = StableDiffusionPipeline(**parts).to(torch.bfloat16)
    pipe = SignDiffPipeline.from_pipe(plain, controlnet=net.to(torch.bfloat16))
    assert pipe.unet is plain.unet
    assert pipe.dtype == torch.bfloat16


def test_images_may_be_pil_float_or_tensor(pipe):
    from PIL import Image

    c, d = frames(2), frames(2, seed=1)
    expected = pipe(PROMPT, c, fr_image=d, generator=seeded(), **OPTIONS).images
    pil = pipe(
        PROMPT, [Image.fromarray(x) for x in c], fr_image=[Image.fromarray(x) for x in d], generator=seeded(), **OPTIONS
    )
    floats = pipe(PROMPT, tensor(c), fr_image=tensor(d), generator=seeded(), **OPTIONS)
    assert np.array_equal(pil.images, expected)
    assert np.abs(floats.images - expected).max() < 1e-5


@pytest.mark.sibling
def test_two_passes_look_at_the_first(pipe):
    pytest.importorskip("signdiff_frnet")
    from signdiff_core.diffusion import FRMapper

    c, mapper = frames(3), FRMapper()
    first = pipe(PROMPT, c, fr_image=[np.zeros_like(image) for image in c], generator=seeded(), **OPTIONS).images
    maps = [np.repeat(mapper(np.rint(255 * image).astype(np.uint8), size=64)[..., None], 3, axis=2) for image in first]
    expected = pipe(PROMPT, c, fr_image=maps, generator=seeded(), **OPTIONS).images
    made = pipe(PROMPT, c, frnet_source="two-pass", generator=seeded(), **OPTIONS).images
    assert np.array_equal(made, expected)
    padded = pipe(
        PROMPT, c, frnet_source="two-pass", pad_chunks=True, chunk_size=2, generator=seeded(), **OPTIONS
    ).images
    assert np.abs(padded - made).max() < 1e-4


def test_one_condition_needs_no_source(parts, one_net):
    pipe = quiet(SignDiffPipeline(**parts, controlnet=one_net))
    made = pipe(PROMPT, frames(1), frnet_source="none", generator=seeded(), **OPTIONS).images
    assert np.array_equal(made, pipe(PROMPT, frames(1), generator=seeded(), **OPTIONS).images)
    with pytest.raises(ValueError, match="takes 1 condition"):
        pipe(PROMPT, frames(1), frnet_source="two-pass", **OPTIONS)


def test_wrong_conditions_are_refused(pipe):
    with pytest.raises(ValueError, match="must be a pose"):
        pipe(PROMPT, frames(1), frnet_source="avatar", **OPTIONS)
    with pytest.raises(ValueError, match="not both"):
        pipe(PROMPT, frames(1), fr_image=frames(1), frnet_source="none", **OPTIONS)
    with pytest.raises(ValueError, match="skeleton drawings"):
        pipe(PROMPT, None, fr_image=frames(1), **OPTIONS)
    with pytest.raises(ValueError, match="fr_image must hold one map for each of image, but holds only 1"):
        pipe(PROMPT, frames(2), fr_image=frames(1), **OPTIONS)
    with pytest.raises(ValueError, match="at least one frame"):
        pipe(PROMPT, [], fr_image=[], **OPTIONS)
    with pytest.raises(ValueError, match="chunk_size"):
        pipe(PROMPT, frames(1), fr_image=frames(1), chunk_size=0, **OPTIONS)
    with pytest.raises(ValueError, match="prompt must be one for all frames or one for each, but 2 came for 1 frame"):
        pipe([PROMPT, PROMPT], frames(1), fr_image=frames(1), **OPTIONS)
