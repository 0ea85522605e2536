"""What a call gives once for a video, or once for each of its frames: prompt, identity, noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionControlNetPipeline
from diffusers.utils.torch_utils import randn_tensor


@dataclass(frozen=True)
class Rows:
    """One row for all frames, or one for each."""

    name: str
    """The argument, for errors."""

    count: int
    """How many rows were given."""

    def check(self, frames: int) -> None:
        """Raise ValueError where several rows are more or fewer than a video's frames."""
        if self.count not in (1, frames):
            raise ValueError(f"{self._rule}, but {self.count} came for {frames} frame{'s' * (frames != 1)}.")

    def of(self, frame: int) -> int:
        """Give the row of a frame, whose number is negative for a picture that is none; ValueError if it has none."""
        if self.count != 1 and frame >= self.count:
            raise ValueError(f"{self._rule}, but {self.count} came for more frames.")
        return 0 if self.count == 1 else max(frame, 0)

    @property
    def _rule(self) -> str:
        return f"{self.name} must be one for all frames or one for each"


@dataclass(frozen=True)
class Embedding:
    """An encoded text or picture for all frames, or one for each."""

    values: torch.Tensor
    """(U, ...): every embedding once."""

    rows: Rows
    """For which frames they are."""

    chosen: Sequence[int]
    """For each row, which of the values it is."""

    def of(self, frames: Sequence[int]) -> torch.Tensor:
        """Give the embeddings of frames, (len(frames), ...); ValueError where there are fewer than frames."""
        places = [self.chosen[self.rows.of(frame)] for frame in frames]
        if self.rows.count == 1:
            return self.values[places[0]].expand(len(frames), *self.values.shape[1:])
        return self.values[places]


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
    pipeline: StableDiffusionControlNetPipeline,
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
    """Encode what a pipeline is called with; see `SignDiffPipeline.stream`. Sets its guidance scale.

    Encoded prompts are (1, L, C) or (T, L, C); there is a picture of the signer for each IP-Adapter. Raises ValueError
    where both or none of two arguments are given that stand for each other, or one has another form.
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


class Noise:
    """Gives each frame its generator and its first latents, whichever chunk it is in.

    A generator is one for the video, a list with one per frame, or None for torch's own. All frames take the same noise
    if it is `shared`; else each takes its own, which depends on its number alone. A list of generators has its own way.
    `latents`, (1, C, h, w) for all frames or (T, C, h, w) for each, take the place of what would be drawn. Raises
    ValueError where they have another number of dimensions, or a list is empty.
    """

    def __init__(
        self,
        generator: torch.Generator | Sequence[torch.Generator] | None,
        *,
        shared: bool,
        latents: torch.Tensor | None,
        device: torch.device,
    ) -> None:
        if latents is not None and latents.ndim != 4:
            raise ValueError(f"latents must be (1, C, h, w) or (T, C, h, w), but are {tuple(latents.shape)}.")
        if generator is not None and not isinstance(generator, torch.Generator) and not len(generator):
            raise ValueError("generator must be one for all frames or one for each, but the list is empty.")
        self._source = _from_torch(device) if generator is None else generator
        self._given, self._device = latents, device
        self._key = None if shared or not isinstance(self._source, torch.Generator) else _key(self._source)

    @property
    def rows(self) -> list[Rows]:
        """The numbers of latents and generators that were given."""
        rows = [] if self._given is None else [Rows("latents", len(self._given))]
        if isinstance(self._source, torch.Generator):
            return rows
        return [*rows, Rows("generator", len(self._source))]

    def generators(self, numbers: Sequence[int]) -> list[torch.Generator]:
        """Give a fresh generator to each frame (negative for a picture that is none); the given ones do not move.

        Raises ValueError where there are fewer generators than frames.
        """
        return [self._generator(number) for number in numbers]

    def first_latents(
        self, numbers: Sequence[int], generators: list[torch.Generator], shape: tuple[int, ...], dtype: torch.dtype
    ) -> torch.Tensor:
        """Give the latents (frames, C, h, w) that frames start from, before a scheduler scales them.

        Generators move as diffusers would move them. Raises ValueError where the given latents have another shape, or
        are fewer than the frames.
        """
        if self._given is None:
            size = (len(numbers), *shape)
            drawn: torch.Tensor = randn_tensor(size, generator=generators, device=self._device, dtype=dtype)
            return drawn
        given = self._given.to(self._device, dtype)
        if tuple(given.shape[1:]) != shape:
            expected = ", ".join(map(str, shape))
            raise ValueError(f"latents must have the shape (T, {expected}), but have {tuple(given.shape)}.")
        rows = Rows("latents", len(given))
        return given.expand(len(numbers), *shape) if len(given) == 1 else given[[rows.of(number) for number in numbers]]

    def _generator(self, number: int) -> torch.Generator:
        if isinstance(self._source, torch.Generator):
            twin = torch.Generator(self._source.device)
            if self._key is None:
                return twin.set_state(self._source.get_state())
            words = np.random.SeedSequence([self._key, number + 1]).generate_state(2, np.uint32)
            return twin.manual_seed(int(words[0]) << 31 | int(words[1]) >> 1)
        source = self._source[Rows("generator", len(self._source)).of(number)]
        return torch.Generator(source.device).set_state(source.get_state())


def _from_torch(device: torch.device) -> torch.Generator:
    """Stand in for the generator that torch draws from by default, and move that one on."""
    twin = torch.Generator(device)
    twin.set_state(torch.get_rng_state() if device.type == "cpu" else torch.get_device_module(device).get_rng_state())
    torch.rand(1, device=device)
    return twin


def _key(generator: torch.Generator) -> int:
    twin = torch.Generator(generator.device).set_state(generator.get_state())
    return int(torch.randint(2**62, (1,), generator=twin, device=generator.device))
