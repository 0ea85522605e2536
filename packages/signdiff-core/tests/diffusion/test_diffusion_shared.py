"""Calls and streams on shared networks come between each other, and leave nothing behind."""

import copy
import gc
import threading

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from diffusers import StableDiffusionControlNetPipeline  # noqa: E402
from tiny_renders import OPTIONS, PROMPT, frames, quiet, render, seeded, tensor  # noqa: E402

from signdiff_core.diffusion import SignDiffPipeline  # noqa: E402

EVERYTHING = {"pad_chunks": True, "cache_interval": 2, "control_guidance_end": 0.9, "num_inference_steps": 3}


def stream(pipe, count=5, seed=0, **options):
    options = {**OPTIONS, "chunk_size": 3, "generator": seeded(), **options}
    return pipe.stream(PROMPT, frames(count, seed=seed), fr_image=frames(count, seed=seed + 1), **options)


def traces(pipe):
    """What the networks' modules have of their own, apart from weights."""
    parts = (pipe.unet, pipe.vae, pipe.controlnet, pipe.text_encoder)
    held = {
        (number, name): {key: value for key, value in vars(module).items() if key != "training"}
        for number, part in enumerate(parts)
        for name, module in part.named_modules()
    }
    return held | {"processors": dict(pipe.unet.attn_processors), "counts": pipe._counts_frames}


@pytest.mark.parametrize("options", [{}, EVERYTHING], ids=["plain", "all"])
def test_two_streams_and_a_call_come_between_each_other(pipe, options):
    expected = [list(stream(pipe, seed=seed, **options)) for seed in (0, 10)]
    called = render(pipe)
    one, two = (stream(pipe, seed=seed, **options) for seed in (0, 10))
    made = ([], [])
    for _ in range(5):
        made[0].append(next(one))
        assert np.array_equal(render(pipe), called)
        made[1].append(next(two))
    assert np.array_equal(made[0], expected[0])
    assert np.array_equal(made[1], expected[1])


def test_pipelines_that_share_networks_come_between_each_other(pipe, parts, one_net, other_net):
    other = quiet(SignDiffPipeline.from_pipe(pipe))
    assert other.controlnet is pipe.controlnet
    expected = list(stream(pipe, **EVERYTHING))
    opened = stream(pipe, **EVERYTHING)
    made = [next(opened)]
    assert np.array_equal(list(stream(other, **EVERYTHING)), expected)
    assert np.array_equal([*made, *opened], expected)
    # A ControlNet of two pipelines, alone in one of them.
    two = quiet(SignDiffPipeline(**parts, controlnet=[one_net, other_net]))
    one = quiet(SignDiffPipeline(**parts, controlnet=one_net))
    alone = render(one)
    opened = stream(two)
    next(opened)
    assert np.array_equal(render(one), alone)


def test_a_controlnet_may_stand_twice(parts, one_net):
    both = [one_net, one_net]
    stock = quiet(StableDiffusionControlNetPipeline(**parts, controlnet=both))
    pipe = quiet(SignDiffPipeline(**parts, controlnet=both))
    control = [tensor(frames(1)), tensor(frames(1, seed=1))]
    expected = stock(PROMPT, control, generator=seeded(), **OPTIONS).images
    calls = []
    handle = one_net.controlnet_cond_embedding.conv_in.register_forward_hook(lambda *_: calls.append(1))
    assert np.array_equal(render(pipe, 1), expected)
    assert len(calls) == 2  # one for each condition, in all steps
    handle.remove()
    assert np.array_equal(render(quiet(SignDiffPipeline(**parts, controlnet=both)), 1), expected)


@pytest.mark.parametrize("options", [{}, EVERYTHING], ids=["plain", "all"])
def test_networks_are_what_they_were(pipe, options):
    before = traces(pipe)
    opened = stream(pipe, **options)
    next(opened)
    assert traces(pipe) == before  # while a frame is in hand
    list(opened)
    assert traces(pipe) == before
    assert np.array_equal(render(quiet(copy.deepcopy(pipe))), render(pipe))


def test_a_dropped_iterator_holds_nothing(pipe):
    before = traces(pipe)
    opened = stream(pipe, **EVERYTHING)
    next(opened)
    del opened
    gc.collect()
    assert traces(pipe) == before
    assert np.isfinite(render(pipe)).all()


def test_what_fails_half_way_is_undone(pipe, parts, one_net, other_net):
    before = traces(pipe)
    expected = render(pipe)
    with pytest.raises(ValueError, match="cache_depth"):
        render(pipe, cache_interval=2, cache_depth=9, control_guidance_end=0.5)
    assert traces(pipe) == before

    def fail(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render(pipe, callback_on_step_end=fail, **EVERYTHING)
    assert traces(pipe) == before
    assert np.array_equal(render(pipe), expected)
    # The second ControlNet has no encoder of conditions: the first is left as it was.
    two = quiet(SignDiffPipeline(**parts, controlnet=[one_net, other_net]))
    encoder = other_net.controlnet_cond_embedding
    del other_net.controlnet_cond_embedding
    broken = traces(two)
    with pytest.raises(AttributeError):
        render(two)
    assert traces(two) == broken
    other_net.controlnet_cond_embedding = encoder
    assert np.isfinite(render(two)).all()


def test_threads_take_turns(pipe):
    other = quiet(SignDiffPipeline.from_pipe(pipe))
    expected = [list(stream(pipe, seed=seed, **EVERYTHING)) for seed in range(3)]
    made = {}

    def work(number):
        made[number] = list(stream((pipe, other)[number % 2], seed=number, **EVERYTHING))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert all(np.array_equal(made[number], expected[number]) for number in range(3))


def test_a_callback_that_calls_the_pipeline_is_told_not_to(pipe):
    def again(pipeline, step, timestep, tensors):
        render(pipeline)
        return tensors

    expected = render(pipe)
    with pytest.raises(RuntimeError, match="a callback must not call a pipeline on the networks of the call"):
        render(pipe, callback_on_step_end=again)
    assert np.array_equal(render(pipe), expected)


def test_one_stream_may_feed_another(pipe):
    """What a stream reads is read between its batches, so that it may come from the same pipeline."""
    drawings = list(stream(pipe))
    options = {**OPTIONS, "chunk_size": 2}
    expected = list(pipe.stream(PROMPT, drawings, fr_image=frames(5), generator=seeded(), **options))
    made = list(pipe.stream(PROMPT, stream(pipe), fr_image=frames(5), generator=seeded(), **options))
    assert np.array_equal(made, expected)


def test_what_stops_one_stream_stops_no_other(pipe):
    def stop(pipeline, step, timestep, tensors):
        pipeline._interrupt = True
        return tensors

    opened = stream(pipe)
    next(opened)
    assert len(list(stream(pipe, callback_on_step_end=stop))) == 3  # its first chunk
    assert len(list(opened)) == 4
    stopped = stream(pipe)
    next(stopped)
    pipe._interrupt = True  # between frames: no chunk is begun any more
    assert len(list(stopped)) == 2
