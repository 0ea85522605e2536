"""Rendering a video in chunks: what `SignDiffPipeline.stream` does with its arguments."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from itertools import chain, count
from typing import TYPE_CHECKING, Any

import numpy as np
from diffusers import StableDiffusionControlNetPipeline
from PIL import Image

from signdiff_core.diffusion.conditions import Conditions, map_of
from signdiff_core.diffusion.control import control_tensors
from signdiff_core.diffusion.fast.hints import keeping_hints
from signdiff_core.diffusion.fast.idle import skipping_idle_control
from signdiff_core.diffusion.fast.step_cache import caching_steps
from signdiff_core.diffusion.frmap import FRMapper
from signdiff_core.diffusion.images import as_array, cut_to
from signdiff_core.diffusion.steady.attention import attending_to_references
from signdiff_core.diffusion.steady.blending import Blending
from signdiff_core.diffusion.steady.edits import StepEdits
from signdiff_core.diffusion.steady.reference import Reference, first_row_uncontrolled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import torch

    from signdiff_core.diffusion.fast.step_cache import StepCache
    from signdiff_core.diffusion.pipeline import SignDiffPipeline
    from signdiff_core.diffusion.steady.attention import ReferenceAttention
    from signdiff_core.diffusion.steady.chunks import Chunk, Row
    from signdiff_core.diffusion.steady.edits import Edit
    from signdiff_core.diffusion.steady.noise import Noise
    from signdiff_core.diffusion.steady.reference import UncontrolledRow
    from signdiff_core.diffusion.stream_options import StreamOptions

_OUTSIDE = -1
"""Number of a picture that is no frame of the video."""


class Stream:
    """Renders one video.

    Args:
        pipeline: renders each chunk.
        options: how.
        noise: of each frame.
        embeds: encoded prompt and negative prompt, (1, L, C) each; None without guidance.
        size: height and width in pixels, where they were given.
        call: arguments for diffusers' pipeline that all chunks share.
    """

    def __init__(
        self,
        pipeline: SignDiffPipeline,
        options: StreamOptions,
        *,
        noise: Noise,
        embeds: tuple[torch.Tensor, torch.Tensor | None],
        size: tuple[int | None, int | None],
        call: dict[str, Any],
    ) -> None:
        self.pipeline, self.options, self.noise = pipeline, options, noise
        self.embeds, self.size, self.call = embeds, size, call
        self._blending = Blending(options.overlap) if options.overlap else None
        self._reference: Reference | None = None
        self._attention: ReferenceAttention | None = None
        self._uncontrolled: UncontrolledRow | None = None
        self._cache: StepCache | None = None

    def frames(self, conditions: Iterator[Conditions]) -> Iterator[Any]:
        """Render frames as they are asked for.

        Args:
            conditions: of the frames from ``options.beginning`` on, after those of the first frame where
                ``options.keeps_first``.
        """
        options = self.options
        rows, lead = self._numbered(conditions)
        held: list[tuple[int, Any]] = []
        with self._changed_networks():
            for chunk in options.chunking.cut(rows, lead):
                pictures = self._render(chunk)
                made = [(number, picture) for (number, _), picture in zip(chunk.rows, pictures, strict=True)]
                made = made[chunk.frames]
                ready = len(made) - options.overlap
                made, held = made[:ready], made[ready:]
                yield from (picture for number, picture in made if number >= options.start)
                if self.pipeline.interrupt:
                    return
        yield from (picture for number, picture in held if number >= options.start)

    def _numbered(self, conditions: Iterator[Conditions]) -> tuple[Iterator[Row], Row | None]:
        """Number the frames, and set the anchor apart where it is not the first of them."""
        options, numbers = self.options, count(self.options.beginning)
        if options.keeps_first:
            first = next(conditions, None)
            return zip(numbers, conditions, strict=False), None if first is None else (0, first)
        rows: Iterator[Row] = zip(numbers, conditions, strict=False)
        if isinstance(options.anchor, bool) or (front := next(rows, None)) is None:
            return rows, None
        shape = as_array(front[1].drawing).shape
        height, width = self.size[0] or shape[0], self.size[1] or shape[1]
        picture = Image.fromarray(cut_to(as_array(options.anchor), (height, width)))
        self._reference = Reference(self.pipeline, picture, height, width)
        nothing = np.zeros(shape, dtype=np.uint8)
        return chain([front], rows), (_OUTSIDE, Conditions(nothing, nothing))

    @contextmanager
    def _changed_networks(self) -> Iterator[None]:
        pipeline, options = self.pipeline, self.options
        controlnet = pipeline.controlnet
        start, end = self.call["control_guidance_start"], self.call["control_guidance_end"]
        with ExitStack() as stack:
            stack.enter_context(keeping_hints(controlnet))
            stack.enter_context(skipping_idle_control(controlnet, start=start, end=end))
            if options.anchor is not False or options.overlap:
                self._attention = stack.enter_context(attending_to_references(pipeline.unet))
            if options.has_picture:
                self._uncontrolled = stack.enter_context(first_row_uncontrolled(controlnet))
            if options.cache_interval != 1:
                self._cache = stack.enter_context(
                    caching_steps(pipeline.unet, controlnet, interval=options.cache_interval, depth=options.cache_depth)
                )
            yield

    def _render(self, chunk: Chunk) -> Any:
        """Render a chunk; frames whose map is yet to be made are rendered twice."""
        anchors = {0} if self.options.anchor is not False else set()
        if self._attention is not None:
            self._attention.frames = len(chunk.rows)
            self._attention.references = tuple(sorted(anchors | ({chunk.lead} if self.options.overlap else set())))
        if self._uncontrolled is not None:
            self._uncontrolled.frames = len(chunk.rows)
        if any(condition.fr_map is None for _, condition in chunk.rows):
            plain = [(number, c._replace(fr_map=np.zeros_like(as_array(c.drawing)))) for number, c in chunk.rows]
            pictures = self._batch(plain, [], output_type="np", callback_on_step_end=None)
            chunk.rows[:] = _annotated(chunk.rows, pictures, self.options.frnet or FRMapper())
        if self._blending is None:
            return self._batch(chunk.rows, [])
        self._blending.begin(chunk)
        return self._batch(chunk.rows, [self._blending])

    def _batch(self, rows: Sequence[Row], edits: list[Edit], **changes: Any) -> Any:
        """Call diffusers' pipeline with the rows as a batch."""
        pipeline, numbers = self.pipeline, [number for number, _ in rows]
        control = control_tensors(pipeline, [c for _, c in rows], self.size, self.options.condition_weights)
        height, width = (control[0] if isinstance(control, list) else control).shape[-2:]
        shape = (pipeline.unet.config.in_channels, *(side // pipeline.vae_scale_factor for side in (height, width)))
        generators = self.noise.generators(numbers)
        latents = self.noise.first_latents(numbers, generators, shape, self.embeds[0].dtype)
        call = self.call | changes
        if self._reference is not None:
            self._reference.begin(latents)
            edits = [self._reference, *edits]
        if self._cache is not None:
            self._cache.reset()
        if edits:
            wanted = call["callback_on_step_end_tensor_inputs"]
            callback = StepEdits(edits, call["callback_on_step_end"], wanted)
            call |= {
                "callback_on_step_end": callback,
                "callback_on_step_end_tensor_inputs": callback.tensor_inputs,
            }
        positive, negative = (None if e is None else e.expand(len(rows), -1, -1) for e in self.embeds)
        made = StableDiffusionControlNetPipeline.__call__(
            pipeline,
            image=control,
            prompt_embeds=positive,
            negative_prompt_embeds=negative,
            generator=generators,
            latents=latents,
            **call,
        )
        return made.images


def _annotated(rows: Sequence[Row], pictures: Any, frnet: FRMapper) -> list[Row]:
    """Put the FR maps of rendered frames in."""
    return [
        (number, Conditions(drawing, map_of(picture, as_array(drawing).shape, frnet) if fr_map is None else fr_map))
        for (number, (drawing, fr_map)), picture in zip(rows, pictures, strict=True)
    ]
