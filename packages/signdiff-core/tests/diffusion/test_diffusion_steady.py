import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from diffusers import DDPMScheduler, EulerDiscreteScheduler  # noqa: E402
from PIL import Image  # noqa: E402
from tiny_renders import frames, seeded  # noqa: E402

from signdiff_core.diffusion.conditions import Conditions  # noqa: E402
from signdiff_core.diffusion.steady.chunks import Chunking  # noqa: E402

OPTIONS = {"num_inference_steps": 3, "output_type": "np", "guidance_scale": 2.0}


def render(pipe, count=7, **options):
    options = {"generator": seeded(), **OPTIONS, **options}
    return pipe("a person", frames(count), fr_image=frames(count, seed=1), **options).images


def rows(count):
    blank = Conditions(np.zeros((4, 4, 3), np.uint8), None)
    return iter([(number, blank) for number in range(count)])


def numbers(chunking, count, lead=None):
    cut = chunking.cut(rows(count), lead)
    return [[number for number, _ in chunk.rows] for chunk in cut]


def test_chunks_hold_what_they_should():
    assert numbers(Chunking(size=3), 7) == [[0, 1, 2], [3, 4, 5], [6]]
    assert numbers(Chunking(size=3, pad=True), 7) == [[0, 1, 2], [3, 4, 5], [6, 6, 6]]
    assert numbers(Chunking(size=3, anchored=True), 6) == [[0, 1, 2], [0, 3, 4], [0, 5]]
    assert numbers(Chunking(size=4, overlap=1), 8) == [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7]]
    assert numbers(Chunking(size=4, overlap=1, anchored=True), 8) == [[0, 1, 2, 3], [0, 3, 4, 5], [0, 5, 6, 7]]
    picture = (-1, Conditions(np.zeros((4, 4, 3), np.uint8), None))
    assert numbers(Chunking(size=3, reference=True), 3, picture) == [[-1, 0, 1], [-1, 2]]


@pytest.mark.parametrize("chunking", [Chunking(size=4), Chunking(size=4, anchored=True), Chunking(size=4, overlap=2)])
def test_rendering_begins_where_a_chunk_does(chunking):
    whole = numbers(chunking, 40)
    news = [chunk[int(number > 0 and chunking.anchored) :] for number, chunk in enumerate(whole)]
    for start in range(30):
        beginning = chunking.beginning(start)
        assert beginning <= start
        assert beginning in [chunk[0] for chunk in news]
        # With an overlap, the chunk before the one that gives the frame is needed too.
        last = next(n for n, chunk in enumerate(news) if start in chunk[: len(chunk) - chunking.overlap])
        assert beginning == news[max(last - bool(chunking.overlap), 0)][0]


def test_a_chunk_must_hold_something_new():
    with pytest.raises(ValueError, match="chunk_size must be at least 4"):
        Chunking(size=3, overlap=2, anchored=True)
    with pytest.raises(ValueError, match="overlap must be at least 0"):
        Chunking(size=3, overlap=-1)


@pytest.mark.parametrize("options", [{}, {"anchor": True}, {"shared_noise": False}, {"pad_chunks": True}])
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
    made = render(pipe, chunk_size=3, pad_chunks=True, anchor=True)
    handle.remove()
    assert shapes == {6}
    assert len(made) == 7
    assert np.abs(made - render(pipe, chunk_size=3, anchor=True)).max() < 1e-4


def test_an_overlap_leads_from_chunk_to_chunk(pipe):
    """Frame 3 ends one chunk and begins the next: its latents are between those of the two chunks alone."""
    options = {"chunk_size": 4, "overlap": 1, "output_type": "latent", "num_inference_steps": 1}
    made = render(pipe, **options)
    assert made.shape == (7, 4, 32, 32)
    first = render(pipe, 4, **options)
    c, d = frames(7)[3:], frames(7, seed=1)[3:]
    second = pipe("a person", c, fr_image=d, generator=seeded(), **{**OPTIONS, **options}).images
    assert torch.allclose(made[:3], first[:3], atol=1e-5)
    assert torch.allclose(made[3], (first[3] + second[0]) / 2, atol=1e-5)
    assert torch.allclose(made[4:], second[1:], atol=1e-5)


def test_the_anchor_may_be_a_picture(pipe):
    grey, bright = (Image.new("RGB", (80, 80), colour) for colour in ((90, 90, 90), (250, 250, 250)))
    made = render(pipe, chunk_size=3, anchor=grey)
    assert made.shape == (7, 64, 64, 3)
    assert np.abs(made - render(pipe, chunk_size=5, anchor=np.asarray(grey))).max() < 1e-4
    assert np.abs(made - render(pipe, chunk_size=3, anchor=bright)).max() > 1e-4
    assert np.abs(made - render(pipe)).max() > 1e-4


@pytest.mark.parametrize("scheduler", [DDPMScheduler, EulerDiscreteScheduler])
def test_a_picture_is_noised_as_far_as_the_frames(pipe, scheduler):
    """The first row ends at the picture's own latents, whatever the network says."""
    pipe.scheduler = scheduler.from_config(pipe.scheduler.config, rescale_betas_zero_snr=False)
    picture, seen = frames(1, seed=5)[0], []

    def look(_pipe, step, _timestep, tensors):
        seen.append(tensors["latents"][0])
        return tensors

    render(pipe, 2, anchor=picture, callback_on_step_end=look, callback_on_step_end_tensor_inputs=["latents"])
    pixels = torch.from_numpy(picture).permute(2, 0, 1)[None] / 127.5 - 1
    with torch.no_grad():
        clean = pipe.vae.encode(pixels).latent_dist.mode()[0] * pipe.vae.config.scaling_factor
    distances = [float((latents - clean).abs().mean()) for latents in seen]
    assert distances[0] > distances[1] > distances[2]
    assert distances[2] < 1e-5


def test_the_picture_has_no_pose_and_so_no_control(pipe):
    """With a ControlNet that shouts, a picture's features are those without any control."""
    seen = []
    handle = pipe.unet.register_forward_pre_hook(
        lambda _, __, named: seen.append(named["mid_block_additional_residual"]), with_kwargs=True
    )
    render(pipe, 2, anchor=frames(1)[0])
    handle.remove()
    residual = seen[0]
    assert residual.shape[0] == 6
    assert not residual[[0, 3]].any()
    assert all(residual[row].any() for row in (1, 2, 4, 5))


def test_nothing_is_left_behind(pipe):
    before = dict(pipe.unet.attn_processors)
    expected = render(pipe)
    render(pipe, anchor=frames(1)[0], overlap=1, cache_interval=2)
    assert pipe.unet.attn_processors == before
    assert np.array_equal(render(pipe), expected)
    for module in (pipe.unet, pipe.controlnet, pipe.controlnet.controlnet_cond_embedding):
        hooks = getattr(module, "_diffusers_hook", None)
        assert hooks is None or not hooks.hooks
