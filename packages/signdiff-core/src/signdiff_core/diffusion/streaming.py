"""Rendering a video in chunks: what `SignDiffPipeline.stream` does with its arguments."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from itertools import chain, count
from typing import TYPE_CHECKING, Any, NamedTuple

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
from signdiff_core.diffusion.turns import alone_with

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from signdiff_core.diffusion.per_frame import Embeddings, Noise
    from signdiff_core.diffusion.pipeline import SignDiffPipeline
    from signdiff_core.diffusion.steady.chunks import Chunk, Row
    from signdiff_core.diffusion.steady.edits import Edit
    from signdiff_core.diffusion.stream_options import StreamOptions

_OUTSIDE = -1
"""Number of a picture that is no frame of the video."""


class Rendered(NamedTuple):
    """A rendered frame, and what the safety checker says of it."""

    picture: Any
    nsfw: bool | None
    """Whether it was blackened; None without a checker."""


class Stream:
    """Renders one video.

    Between two frames it leaves no trace on networks, scheduler and pipeline, so that other calls may come between.

    Args:
        pipeline: renders each chunk.
        options: how.
        noise: of each frame.
        embeddings: prompt and identity.
        size: height and width in pixels, where they were given.
        call: arguments for diffusers' pipeline that all chunks share.
        shows_steps: whether the pipeline's progress bar may count denoising steps.
    """

    def __init__(
        self,
        pipeline: SignDiffPipeline,
        options: StreamOptions,
        *,
        noise: Noise,
        embeddings: Embeddings,
        size: tuple[int | None, int | None],
        call: dict[str, Any],
        shows_steps: bool = True,
    ) -> None:
        self.pipeline, self.options, self.noise = pipeline, options, noise
        self.embeddings, self.size, self.call, self.shows_steps = embeddings, size, call, shows_steps
        self._blending = Blending(options.overlap) if options.overlap else None
        self._reference: Reference | None = None

    def frames(self, conditions: Iterator[Conditions]) -> Iterator[Rendered]:
        """Render frames as they are asked for.

        Args:
            conditions: of the frames from ``options.beginning`` on, after those of the first frame where
                ``options.keeps_first``.

        Raises:
            ValueError: latents, generators or embeddings are more or fewer than frames.
        """
        options, number = self.options, self.options.beginning - 1
        rows, lead = self._numbered(conditions)
        held: list[tuple[int, Rendered]] = []
        for chunk in options.chunking.cut(rows, lead):
            frames, interrupted = self._render(chunk)
            made = [(number, frame) for (number, _), frame in zip(chunk.rows, frames, strict=True)][chunk.frames]
            number = made[-1][0]
            ready = len(made) - options.overlap
            made, held = made[:ready], made[ready:]
            yield from (frame for number, frame in made if number >= options.start)
            if interrupted or self._is_stopped():
                return
        yield from (frame for number, frame in held if number >= options.start)
        if number >= options.beginning:
            self.check_rows(number + 1)

    def check_rows(self, frames: int) -> None:
        """Make sure that latents, generators and embeddings are one for all frames or one for each.

        Args:
            frames: of the whole video.

        Raises:
            ValueError: some are more or fewer.
        """
        for rows in (*self.embeddings.rows, *self.noise.rows):
            rows.check(frames)

    def _is_stopped(self) -> bool:
        """Tell whether the caller has interrupted the pipeline between frames; others' batches have their own say."""
        with alone_with(self.pipeline):
            return bool(self.pipeline.interrupt)

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
        with alone_with(self.pipeline):
            self._reference = Reference(self.pipeline, picture, height, width)
        nothing = np.zeros(shape, dtype=np.uint8)
        return chain([front], rows), (_OUTSIDE, Conditions(nothing, nothing))

    @contextmanager
    def _changed_networks(self, chunk: Chunk) -> Iterator[None]:
        """Change the networks for one batch: nothing stays on them while the caller has a frame in hand."""
        pipeline, options = self.pipeline, self.options
        controlnet = pipeline.controlnet
        start, end = self.call["control_guidance_start"], self.call["control_guidance_end"]
        with ExitStack() as stack:
            stack.enter_context(keeping_hints(controlnet))
            stack.enter_context(skipping_idle_control(controlnet, start=start, end=end))
            if options.anchor is not False or options.overlap:
                anchors = {0} if options.anchor is not False else set()
                attention = stack.enter_context(attending_to_references(pipeline.unet))
                attention.frames = len(chunk.rows)
                attention.references = tuple(sorted(anchors | ({chunk.lead} if options.overlap else set())))
            if options.has_picture:
                stack.enter_context(first_row_uncontrolled(controlnet)).frames = len(chunk.rows)
            if options.cache_interval != 1:
                stack.enter_context(
                    caching_steps(pipeline.unet, controlnet, interval=options.cache_interval, depth=options.cache_depth)
                )
            pipeline._counts_frames = not self.shows_steps
            try:
                yield
            finally:
                pipeline._counts_frames = pipeline._interrupt = False

    def _render(self, chunk: Chunk) -> tuple[list[Rendered], bool]:
        """Render a chunk, and tell whether it was interrupted; frames without their map are rendered twice."""
        if any(condition.fr_map is None for _, condition in chunk.rows):
            plain = [(number, c._replace(fr_map=np.zeros_like(as_array(c.drawing)))) for number, c in chunk.rows]
            frames = self._batch(chunk, plain, [], output_type="np", callback_on_step_end=None)[0]
            pictures = [frame.picture for frame in frames]
            chunk.rows[:] = _annotated(chunk.rows, pictures, self.options.frnet or FRMapper())
        if self._blending is None:
            return self._batch(chunk, chunk.rows, [])
        self._blending.begin(chunk)
        return self._batch(chunk, chunk.rows, [self._blending])

    def _batch(
        self, chunk: Chunk, rows: Sequence[Row], edits: list[Edit], **changes: Any
    ) -> tuple[list[Rendered], bool]:
        """Call diffusers' pipeline with the rows as a batch."""
        pipeline, numbers = self.pipeline, [number for number, _ in rows]
        control = control_tensors(pipeline, [c for _, c in rows], self.size, self.options.condition_weights)
        height, width = (control[0] if isinstance(control, list) else control).shape[-2:]
        shape = (pipeline.unet.config.in_channels, *(side // pipeline.vae_scale_factor for side in (height, width)))
        call = self.call | self.embeddings.call(numbers) | changes
        generators = self.noise.generators(numbers)
        latents = self.noise.first_latents(numbers, generators, shape, call["prompt_embeds"].dtype)
        if self._reference is not None:
            self._reference.begin(latents)
            edits = [self._reference, *edits]
        if edits:
            wanted = call["callback_on_step_end_tensor_inputs"]
            callback = StepEdits(edits, call["callback_on_step_end"], wanted)
            call |= {
                "callback_on_step_end": callback,
                "callback_on_step_end_tensor_inputs": callback.tensor_inputs,
            }
        with alone_with(pipeline), self._changed_networks(chunk):
            made = StableDiffusionControlNetPipeline.__call__(
                pipeline, image=control, generator=generators, latents=latents, **call
            )
            interrupted = pipeline.interrupt
        flags = made.nsfw_content_detected or [None] * len(rows)
        return [Rendered(*each) for each in zip(made.images, flags, strict=True)], interrupted


def _annotated(rows: Sequence[Row], pictures: Any, frnet: FRMapper) -> list[Row]:
    """Put the FR maps of rendered frames in."""
    return [
        (number, Conditions(drawing, map_of(picture, as_array(drawing).shape, frnet) if fr_map is None else fr_map))
        for (number, (drawing, fr_map)), picture in zip(rows, pictures, strict=True)
    ]
