import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from diffusers import DDPMScheduler  # noqa: E402
from tiny_renders import frames, seeded  # noqa: E402

OPTIONS = {"num_inference_steps": 3, "output_type": "np", "guidance_scale": 2.0}


def render(pipe, count=7, **options):
    options = {"generator": seeded(), **OPTIONS, **options}
    return pipe("a person", frames(count), fr_image=frames(count, seed=1), **options).images


def batches(pipe, count=7, **options):
    """Render, and give the rows of each batch; with guidance, a network sees each twice."""
    sizes = []
    handle = pipe.unet.register_forward_pre_hook(lambda _, inputs: sizes.append(inputs[0].shape[0] // 2))
    made = render(pipe, count, num_inference_steps=1, **options)
    handle.remove()
    return sizes, made


def test_chunks_hold_what_they_should(pipe):
    assert batches(pipe, chunk_size=3)[0] == [3, 3, 1]
    assert batches(pipe, chunk_size=3, pad_chunks=True)[0] == [3, 3, 3]
    assert batches(pipe, 8)[0] == [8]


def test_rendering_begins_where_a_chunk_does(pipe):
    for start, rows in enumerate([[3, 3, 1]] * 3 + [[3, 1]] * 3 + [[1]]):
        sizes, made = batches(pipe, chunk_size=3, start=start)
        assert sizes == rows
        assert len(made) == 7 - start


@pytest.mark.parametrize("options", [{}, {"shared_noise": False}, {"pad_chunks": True}])
def test_a_later_start_gives_the_same_frames(pipe, options):
    whole = render(pipe, chunk_size=3, **options)
    for start in (1, 3, 5):
        assert np.array_equal(render(pipe, chunk_size=3, start=start, **options), whole[start:])


def test_a_start_after_the_end_has_no_frame(pipe):
    with pytest.raises(ValueError, match="at least one frame"):
        render(pipe, start=7)
    with pytest.raises(ValueError, match="start must be at least 0"):
        render(pipe, start=-1)


def test_noise_can_be_each_frames_own(pipe):
    same = frames(1) * 4
    options = {**OPTIONS, "fr_image": same, "chunk_size": 3}
    made = pipe("a person", same, shared_noise=False, generator=seeded(), **options).images
    differences = [np.abs(made[a] - made[b]).max() for a in range(4) for b in range(a)]
    assert min(differences) > 1e-2
    again = pipe("a person", same, shared_noise=False, generator=seeded(), **{**options, "chunk_size": 2}).images
    assert np.abs(made - again).max() < 1e-4


def test_without_a_generator_torch_s_own_is_used_as_diffusers_uses_it(pipe):
    options = {**OPTIONS, "fr_image": frames(1, seed=1)}
    torch.manual_seed(5)
    made = pipe("a person", frames(1), **options).images
    other = pipe("a person", frames(1), **options).images
    assert not np.array_equal(made, other)
    assert np.array_equal(made, pipe("a person", frames(1), generator=seeded(5), **options).images)


def test_latents_are_for_all_frames_or_for_each(pipe):
    shape = (1, 4, 32, 32)
    noise = torch.randn(shape, generator=seeded())
    assert np.array_equal(render(pipe, latents=noise), render(pipe))
    each = torch.cat([torch.randn(shape, generator=seeded(seed)) for seed in range(7)])
    expected = render(pipe, generator=[seeded(seed) for seed in range(7)], chunk_size=2)
    assert np.array_equal(render(pipe, latents=each, chunk_size=2), expected)
    for latents, message in (
        (each[:3], "one for all frames or one for each"),
        (noise[:, :2], r"must have the shape \(T, 4, 32, 32\)"),
        (noise[0], r"must be \(1, C, h, w\)"),
    ):
        with pytest.raises(ValueError, match=message):
            render(pipe, latents=latents)
    with pytest.raises(ValueError, match="generator must be one for all frames or one for each"):
        render(pipe, generator=[seeded(), seeded(1)])


def test_noise_is_added_again_from_each_frame_s_generator(pipe):
    pipe.scheduler = DDPMScheduler.from_config(pipe.scheduler.config)
    state = seeded().get_state()
    generator = seeded()
    made = render(pipe, generator=generator, chunk_size=2)
    assert torch.equal(generator.get_state(), state)
    assert np.abs(made - render(pipe, chunk_size=5)).max() < 1e-4


def test_padding_changes_nothing(pipe):
    shapes = set()
    handle = pipe.unet.register_forward_pre_hook(lambda _, inputs: shapes.add(inputs[0].shape[0]))
    made = render(pipe, chunk_size=3, pad_chunks=True)
    handle.remove()
    assert shapes == {6}
    assert len(made) == 7
    assert np.abs(made - render(pipe, chunk_size=3)).max() < 1e-4


def test_nothing_is_left_behind(pipe):
    before = dict(pipe.unet.attn_processors)
    expected = render(pipe)
    render(pipe, pad_chunks=True, cache_interval=2)
    assert pipe.unet.attn_processors == before
    assert np.array_equal(render(pipe), expected)
    for module in (pipe.unet, pipe.controlnet, pipe.controlnet.controlnet_cond_embedding):
        hooks = getattr(module, "_diffusers_hook", None)
        assert hooks is None or not hooks.hooks
