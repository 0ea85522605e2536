"""What the signer looks like, in words and in pictures, encoded once for a video."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from signdiff_core.diffusion.rows import Embedding, Rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from signdiff_core.diffusion.pipeline import SignDiffPipeline


@dataclass(frozen=True, kw_only=True)
class Embeddings:
    """What the networks see of prompt and identity."""

    positive: Embedding
    """The prompt, (L, C) a row."""

    negative: Embedding | None
    """The negative prompt, likewise; None without guidance."""

    pictures: tuple[tuple[Embedding, ...], ...] | None
    """Of each IP-Adapter its pictures' embeddings; with guidance after those that stand for no picture."""

    @property
    def rows(self) -> list[Rows]:
        """The numbers of rows that were given."""
        each = [self.positive, *([] if self.negative is None else [self.negative])]
        return [embedding.rows for embedding in (*each, *(part for parts in self.pictures or () for part in parts))]

    def call(self, frames: Sequence[int]) -> dict[str, Any]:
        """Give the arguments of diffusers' pipeline for some frames."""
        pictures = self.pictures and [torch.cat([part.of(frames) for part in parts]) for parts in self.pictures]
        if self.pictures and all(part.rows.count == 1 for parts in self.pictures for part in parts):
            # diffusers repeats one picture itself.
            pictures = [torch.cat([part.values for part in parts]) for parts in self.pictures]
        return {
            "prompt_embeds": self.positive.of(frames),
            "negative_prompt_embeds": None if self.negative is None else self.negative.of(frames),
            "ip_adapter_image_embeds": pictures or None,
        }


def embeddings_of(
    pipeline: SignDiffPipeline,
    *,
    prompt: str | list[str] | None,
    negative_prompt: str | list[str] | None,
    prompt_embeds: torch.Tensor | None,
    negative_prompt_embeds: torch.Tensor | None,
    ip_adapter_image: Any,
    ip_adapter_image_embeds: list[torch.Tensor] | None,
    lora_scale: float | None,
    clip_skip: int | None,
) -> Embeddings:
    """Encode what a pipeline is called with; see `SignDiffPipeline.stream`.

    Args:
        pipeline: whose guidance scale is set.
        prompt: text, or texts.
        negative_prompt: likewise.
        prompt_embeds: an encoded prompt in place of ``prompt``, (1, L, C) or (T, L, C).
        negative_prompt_embeds: likewise.
        ip_adapter_image: pictures of the signer, one for each IP-Adapter.
        ip_adapter_image_embeds: they, encoded.
        lora_scale: weight of LoRA layers in the text encoder.
        clip_skip: layers of the text encoder to leave out.

    Raises:
        ValueError: both or none of two arguments are given that stand for each other, or one has another form.
    """
    _not_both(prompt=prompt, prompt_embeds=prompt_embeds)
    _not_both(negative_prompt=negative_prompt, negative_prompt_embeds=negative_prompt_embeds)
    _not_both(ip_adapter_image=ip_adapter_image, ip_adapter_image_embeds=ip_adapter_image_embeds)
    device, guided = pipeline._execution_device, pipeline.do_classifier_free_guidance
    options: dict[str, Any] = {"lora_scale": lora_scale, "clip_skip": clip_skip}
    if prompt_embeds is not None:
        _check_text(prompt_embeds, "prompt_embeds")
        values = pipeline.encode_prompt(None, device, 1, False, prompt_embeds=prompt_embeds, **options)[0]
        positive = _each(values, "prompt_embeds")
    elif prompt is not None:
        texts, chosen = _texts(prompt, "prompt")
        values = pipeline.encode_prompt(texts, device, 1, False, **options)[0]
        positive = Embedding(values, Rows("prompt", len(chosen)), chosen)
    else:
        raise ValueError("prompt or prompt_embeds must be given, but both are None.")
    negative = None
    if guided and negative_prompt_embeds is not None:
        _check_text(negative_prompt_embeds, "negative_prompt_embeds", like=values)
        negative = _each(negative_prompt_embeds.to(values), "negative_prompt_embeds")
    elif guided:
        texts, chosen = _texts("" if negative_prompt is None else negative_prompt, "negative_prompt")
        # Beside as many rows of the prompt, which say how long they must be.
        beside = values[:1].expand(len(texts), -1, -1)
        encoded = pipeline.encode_prompt(None, device, 1, True, texts, prompt_embeds=beside, **options)[1]
        negative = Embedding(encoded, Rows("negative_prompt", len(chosen)), chosen)
    if ip_adapter_image is not None:
        ip_adapter_image_embeds = pipeline.prepare_ip_adapter_image_embeds(ip_adapter_image, None, device, 1, guided)
    pictures = None
    if ip_adapter_image_embeds is not None:
        if not isinstance(ip_adapter_image_embeds, list):
            raise ValueError(
                f"ip_adapter_image_embeds must be a list of tensors, but is {type(ip_adapter_image_embeds).__name__}."
            )
        pictures = tuple(_halves(part, guided=guided) for part in ip_adapter_image_embeds)
    return Embeddings(positive=positive, negative=negative, pictures=pictures)


def _not_both(**arguments: Any) -> None:
    if all(value is not None for value in arguments.values()):
        raise ValueError(f"{' or '.join(arguments)} must be given, not both.")


def _texts(text: str | list[str], name: str) -> tuple[list[str], list[int]]:
    """Give every text once, and for each frame, or for all, which it is."""
    texts = [text] if isinstance(text, str) else text
    if not isinstance(texts, list) or not texts or not all(isinstance(each, str) for each in texts):
        raise ValueError(f"{name} must be one text or a list of texts, but is {text!r}.")
    unique = list(dict.fromkeys(texts))
    places = {each: place for place, each in enumerate(unique)}
    return unique, [places[each] for each in texts]


def _check_text(values: torch.Tensor, name: str, like: torch.Tensor | None = None) -> None:
    if values.ndim != 3 or not len(values):
        raise ValueError(f"{name} must be (1, L, C) or (T, L, C), but is {tuple(values.shape)}.")
    if like is not None and values.shape[1:] != like.shape[1:]:
        length, width = like.shape[1:]
        raise ValueError(
            f"{name} must have the shape (T, {length}, {width}) beside the prompt's, but is {tuple(values.shape)}."
        )


def _each(values: torch.Tensor, name: str) -> Embedding:
    return Embedding(values, Rows(name, len(values)), range(len(values)))


def _halves(values: torch.Tensor, *, guided: bool) -> tuple[Embedding, ...]:
    """Take an adapter's embeddings apart: with guidance the first half stands for no picture."""
    if not len(values) or (guided and len(values) % 2):
        raise ValueError(
            "ip_adapter_image_embeds must hold as many rows for no picture as for pictures, one after the other, with "
            f"guidance, but one has the shape {tuple(values.shape)}."
        )
    return tuple(_each(half, "ip_adapter_image_embeds") for half in (values.chunk(2) if guided else (values,)))
