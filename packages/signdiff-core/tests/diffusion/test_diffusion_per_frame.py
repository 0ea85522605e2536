"""Embeddings, texts, latents and generators are one for a video or one for each frame; flags are one for each."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from diffusers import StableDiffusionControlNetPipeline  # noqa: E402
from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker  # noqa: E402
from tiny_renders import OPTIONS, PROMPT, frames, quiet, render, seeded, tensor  # noqa: E402
from transformers import CLIPConfig, CLIPImageProcessor  # noqa: E402

from signdiff_core.diffusion import SignDiffPipeline  # noqa: E402

PROMPTS = ["a person", "a red shirt", "a person in red", "signing"]


def call(pipe, count=4, prompt=None, **options):
    options = {"generator": seeded(), "chunk_size": 2, **OPTIONS, **options}
    return pipe(prompt, frames(count), fr_image=frames(count, seed=1), **options).images


def embeds(pipe, texts, negative="red"):
    return pipe.encode_prompt(texts, "cpu", 1, True, [negative] * len(texts))


def test_a_row_of_embeddings_for_each_frame(pipe):
    positive, negative = embeds(pipe, PROMPTS)
    made = call(pipe, prompt_embeds=positive, negative_prompt_embeds=negative)
    for number, text in enumerate(PROMPTS):
        alone = render(pipe, 4)  # the same conditions
        alone = pipe(
            text,
            frames(4)[number : number + 1],
            fr_image=frames(4, seed=1)[number : number + 1],
            negative_prompt="red",
            generator=seeded(),
            **OPTIONS,
        ).images
        assert np.abs(made[number] - alone[0]).max() < 1e-4
    assert np.abs(call(pipe, prompt=PROMPTS, negative_prompt="red") - made).max() < 1e-4
    assert np.abs(call(pipe, prompt=PROMPTS, negative_prompt=["red"] * 4) - made).max() < 1e-4
    assert np.abs(call(pipe, prompt=PROMPTS, negative_prompt_embeds=negative[:1]) - made).max() < 1e-4
    late = list(
        pipe.stream(PROMPTS, frames(4), fr_image=frames(4, seed=1), negative_prompt="red", generator=seeded(),
                    chunk_size=2, start=3, **OPTIONS)
    )  # fmt: skip
    assert np.abs(late[0] - made[3]).max() < 1e-4


def test_a_batch_of_texts_is_that_of_the_stock_pipeline(parts, net, pipe):
    stock = quiet(StableDiffusionControlNetPipeline(**parts, controlnet=net))
    control = torch.cat([tensor(frames(2)), tensor(frames(2, seed=1))], dim=1)
    expected = stock(PROMPTS[:2], control, generator=[seeded(), seeded()], **OPTIONS).images
    made = pipe(PROMPTS[:2], frames(2), fr_image=frames(2, seed=1), generator=[seeded(), seeded()], **OPTIONS).images
    assert np.abs(made - expected).max() < 1e-5


@pytest.mark.parametrize("rows", [2, 3, 5])
@pytest.mark.parametrize("lazily", [False, True])
def test_other_numbers_are_refused_by_name(pipe, rows, lazily):
    positive, negative = embeds(pipe, [PROMPT] * rows)
    noise = torch.zeros(1, 4, 32, 32)
    given = {
        "prompt_embeds": {"prompt_embeds": positive},
        "negative_prompt_embeds": {"prompt": PROMPT, "negative_prompt_embeds": negative},
        "prompt": {"prompt": [PROMPT] * rows},
        "negative_prompt": {"prompt": PROMPT, "negative_prompt": ["red"] * rows},
        "latents": {"prompt": PROMPT, "latents": noise.repeat(rows, 1, 1, 1)},
        "generator": {"prompt": PROMPT, "generator": [seeded() for _ in range(rows)]},
    }
    for name, options in given.items():
        options = {"prompt": None, "generator": seeded(), "chunk_size": 2, **OPTIONS, **options}
        images = [iter(frames(4)) if lazily else frames(4) for _ in range(2)]
        wanted = f"{name} must be one for all frames or one for each, but {rows} came for (4|more) frames"
        with pytest.raises(ValueError, match=wanted):
            pipe(image=images[0], fr_image=images[1], **options)


def test_what_stands_for_each_other_is_not_given_twice(pipe):
    positive, negative = embeds(pipe, [PROMPT])
    with pytest.raises(ValueError, match="prompt or prompt_embeds must be given, not both"):
        call(pipe, prompt=PROMPT, prompt_embeds=positive)
    with pytest.raises(ValueError, match="negative_prompt or negative_prompt_embeds must be given, not both"):
        call(pipe, prompt=PROMPT, negative_prompt="red", negative_prompt_embeds=negative)
    with pytest.raises(ValueError, match="ip_adapter_image or ip_adapter_image_embeds must be given, not both"):
        call(pipe, prompt=PROMPT, ip_adapter_image=frames(1), ip_adapter_image_embeds=[positive])
    with pytest.raises(ValueError, match=r"prompt_embeds must be \(1, L, C\) or \(T, L, C\), but is \(16, 32\)"):
        call(pipe, prompt_embeds=positive[0])
    with pytest.raises(ValueError, match=r"must have the shape \(T, 16, 32\) beside the prompt's, but is \(1, 9, 32\)"):
        call(pipe, prompt_embeds=positive, negative_prompt_embeds=negative[:, :9])
    with pytest.raises(ValueError, match="prompt must be one text or a list of texts, but is 5"):
        call(pipe, prompt=5)
    with pytest.raises(ValueError, match="generator must be one for all frames or one for each, but the list is empty"):
        call(pipe, prompt=PROMPT, generator=[])


@pytest.fixture
def checked(parts, net):
    """A pipeline whose safety checker finds every picture unsafe, or none: its thresholds are set by the test."""
    vision = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "image_size": 32,
        "patch_size": 8,
        "projection_dim": 16,
    }
    torch.manual_seed(0)
    checker = StableDiffusionSafetyChecker(CLIPConfig(vision_config=vision, projection_dim=16)).eval()
    for weights in checker.vision_model.parameters():  # so that pictures differ to it
        if weights.ndim > 1:
            weights.data.normal_()
    checker.concept_embeds.data = torch.randn(17, 16)
    checker.special_care_embeds.data = torch.randn(3, 16)
    checker.special_care_embeds_weights.data = torch.full((3,), 2.0)
    extractor = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    parts = parts | {"safety_checker": checker, "feature_extractor": extractor, "requires_safety_checker": True}
    return quiet(SignDiffPipeline(**parts, controlnet=net))


def find_unsafe(pipe, pictures, unsafe):
    """Teach the checker that these pictures are unsafe and the others are not: its one concept divides them."""
    seen = pipe.feature_extractor(pipe.image_processor.numpy_to_pil(pictures), return_tensors="pt").pixel_values
    checker = pipe.safety_checker
    with torch.no_grad():
        embeds = torch.nn.functional.normalize(checker.visual_projection(checker.vision_model(seen)[1]))
    middle = embeds.mean(dim=0)
    concept = torch.linalg.lstsq(embeds - middle, 2.0 * torch.tensor(unsafe) - 1.0, driver="gelsd").solution
    scores = embeds @ torch.nn.functional.normalize(concept, dim=0)
    threshold = (scores[unsafe].min() + scores[~np.array(unsafe)].max()) / 2
    assert (scores - threshold).abs().min() > 2e-3  # the checker rounds to 1e-3
    checker.concept_embeds.data = concept.expand(17, -1).clone()
    checker.concept_embeds_weights.data.fill_(float(threshold))


@pytest.mark.parametrize("options", [{}, {"pad_chunks": True}], ids=str)
def test_flags_are_one_a_frame_across_chunks(checked, options):
    options = {"chunk_size": 3, **options}
    checked.safety_checker.concept_embeds_weights.data.fill_(2.0)
    plain = render(checked, 4, **options)
    expected = [False, True, True, False]
    find_unsafe(checked, plain, expected)
    given = {"fr_image": frames(4, seed=1), **OPTIONS, **options}
    made = checked(PROMPT, frames(4), generator=seeded(), **given)
    assert made.nsfw_content_detected == expected
    for picture, before, flag in zip(made.images, plain, expected, strict=True):
        assert np.array_equal(picture, np.zeros_like(before) if flag else before)
    images, flags = checked(PROMPT, frames(4), generator=seeded(), return_dict=False, **given)
    assert flags == expected
    assert np.array_equal(images, made.images)
    assert np.array_equal(list(checked.stream(PROMPT, frames(4), generator=seeded(), **given)), made.images)
    latents = checked(PROMPT, frames(4), generator=seeded(), **{**given, "output_type": "latent"})
    assert latents.nsfw_content_detected is None  # as in diffusers: nothing was decoded


def test_without_a_checker_there_are_no_flags(pipe):
    given = {"fr_image": frames(2, seed=1), "generator": seeded(), **OPTIONS}
    assert pipe(PROMPT, frames(2), **given).nsfw_content_detected is None
    assert pipe(PROMPT, frames(2), return_dict=False, **given)[1] is None
