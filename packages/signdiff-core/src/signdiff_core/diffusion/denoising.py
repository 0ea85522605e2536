"""A batch of frames, or of crops of them, through diffusers' own pipelines: what a video's chunks have in common."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import ceil
from typing import Any, NamedTuple

import numpy as np
import torch
from diffusers import StableDiffusionControlNetImg2ImgPipeline, StableDiffusionControlNetPipeline
from diffusers.utils import logging
from numpy.typing import NDArray
from PIL import Image

from signdiff_core.diffusion.adapters import CheckedAdapters
from signdiff_core.diffusion.conditions import Conditions, map_of
from signdiff_core.diffusion.frmap import FRMapper
from signdiff_core.diffusion.images import as_array, check_alike, frames_of
from signdiff_core.diffusion.network_hooks import hooked_for_a_batch
from signdiff_core.diffusion.options import Options
from signdiff_core.diffusion.per_frame import Embeddings, Noise
from signdiff_core.diffusion.refining import Redraw, Refiner, enlarged
from signdiff_core.diffusion.turns import alone_with


class Rendered(NamedTuple):
    """A rendered frame, and what the safety checker says of it."""

    picture: Any
    nsfw: bool | None
    """Whether it was blackened; None without a checker."""


class Video(NamedTuple):
    """What all chunks of a video share."""

    options: Options
    embeddings: Embeddings
    noise: Noise
    counts_frames: bool
    """Whether the progress bar counts frames, not denoising steps."""

    def check_rows(self, frames: int) -> None:
        """Make sure that latents, generators and embeddings are one for all of so many frames or one for each."""
        for rows in (*self.embeddings.rows, *self.noise.rows):
            rows.check(frames)


class Denoising(CheckedAdapters):
    """A pipeline that renders batches of a video's frames, and crops of them."""

    _counts_frames = False

    @property
    def num_conditions(self) -> int:
        """Images that the ControlNet takes for a frame: 1, the drawing; 2, the drawing and the FR map; or more."""
        nets = getattr(self.controlnet, "nets", None)
        return len(nets) if nets is not None else int(self.controlnet.config.conditioning_channels) // 3

    def progress_bar(self, iterable: Iterable[Any] | None = None, total: int | None = None) -> Any:
        """Show the progress of steps; while a video's frames are counted, steps show none."""
        if self._counts_frames:
            return logging.tqdm(iterable, total=total, disable=True)
        return super().progress_bar(iterable, total)

    def _denoise(
        self,
        video: Video,
        numbers: list[int],
        conditions: list[Conditions],
        *,
        as_arrays: bool = False,
        is_first_pass: bool = False,
    ) -> tuple[list[Rendered], bool]:
        """Render some frames as one batch, and tell whether it was interrupted."""
        options, count = video.options, len(numbers)
        if options.pad_chunks:
            conditions = conditions + conditions[-1:] * (options.chunk_size - count)
            numbers = numbers + numbers[-1:] * (options.chunk_size - count)
        scale, control = self._control_images(conditions, options)
        height, width = (control[0] if isinstance(control, list) else control).shape[-2:]
        factor = self.vae_scale_factor
        shape = (self.unet.config.in_channels, height // factor, width // factor)
        call = options.for_diffusers() | video.embeddings.call(numbers) | {"controlnet_conditioning_scale": scale}
        if as_arrays or is_first_pass:
            call |= {"output_type": "np"}
        if is_first_pass:
            call |= {"callback_on_step_end": None}
        generators = video.noise.generators(numbers)
        latents = video.noise.first_latents(numbers, generators, shape, call["prompt_embeds"].dtype)
        with alone_with(self), hooked_for_a_batch(self, options):
            self._counts_frames = video.counts_frames
            try:
                made = StableDiffusionControlNetPipeline.__call__(
                    self, image=control, generator=generators, latents=latents, **call
                )
                interrupted = self.interrupt
            finally:
                self._counts_frames = self._interrupt = False
        flags = made.nsfw_content_detected or [None] * len(numbers)
        return [Rendered(*each) for each in zip(made.images, flags, strict=True)][:count], interrupted

    def _redrawing(self, video: Video, *, strength: float) -> Redraw:
        """Let a pipeline's own networks draw crops anew, from the crops with a share of the noise on."""
        options = replace(video.options, height=None, width=None)
        parts = {name: part for name, part in self.components.items() if name in _PARTS}
        again = StableDiffusionControlNetImg2ImgPipeline(**parts, safety_checker=None, requires_safety_checker=False)
        again.set_progress_bar_config(disable=True)
        steps = max(options.num_inference_steps, ceil(1 / strength))

        def redraw(numbers: list[int], crops: NDArray[np.uint8], conditions: list[Conditions]) -> NDArray[np.float32]:
            scale, control = self._control_images(conditions, options)
            shared = {name: value for name, value in options.for_diffusers().items() if name not in _NOT_AGAIN}
            call = shared | video.embeddings.call(numbers) | {"controlnet_conditioning_scale": scale}
            call |= {"num_inference_steps": steps, "output_type": "np", "strength": strength}
            image = torch.from_numpy(crops.transpose(0, 3, 1, 2) / np.float32(255))
            with alone_with(self), hooked_for_a_batch(self, options):
                made = again(image=image, control_image=control, generator=video.noise.generators(numbers), **call)
            return np.asarray(made.images, dtype=np.float32)

        return redraw

    def _control_images(
        self, frames: list[Conditions], options: Options
    ) -> tuple[float | list[float], torch.Tensor | list[torch.Tensor]]:
        """Make a batch's control images, (B, 3, H, W) in [0, 1], as the ControlNet takes them, and their scale.

        (B, 6, H, W) for a superimposed ControlNet; a list for several. Raises ValueError where pictures differ in kind
        or size.
        """
        scale, weights = options.control_scale(self.controlnet, self.num_conditions)
        each: list[torch.Tensor] = []
        columns = list(zip(*(frame.images[: self.num_conditions] for frame in frames), strict=True))
        for number, images in enumerate(columns):
            name = ("image", "fr_image")[number] if len(columns) < 3 else f"image, for ControlNet {number + 1},"
            pictures = list(frames_of(images))
            check_alike(name, pictures)
            processor = self.control_image_processor
            each.append(processor.preprocess(pictures, height=options.height, width=options.width))
            size, first = each[-1].shape[-2:], each[0].shape[-2:]
            if size != first:
                raise ValueError(
                    f"{name} must have the size of image, {first[1]}x{first[0]}, but has {size[1]}x{size[0]}."
                )
        if weights is not None:
            each = [weight * images for weight, images in zip(weights, each, strict=True)]
        return scale, each if hasattr(self.controlnet, "nets") else torch.cat(each, dim=1)


_PARTS = ("vae", "text_encoder", "tokenizer", "unet", "controlnet", "scheduler", "feature_extractor", "image_encoder")
_NOT_AGAIN = ("timesteps", "sigmas", "callback_on_step_end", "callback_on_step_end_tensor_inputs")
"""What the image-to-image pipeline of diffusers does not take, or must not call."""


def refined(
    frames: list[Rendered],
    refiner: Refiner,
    numbers: list[int],
    conditions: list[Conditions],
    *,
    output_type: str | None,
) -> list[Rendered]:
    """Refine rendered arrays, and give them as `output_type` says; what the safety checker blackened stays black."""
    drawn = refiner(numbers, [None if frame.nsfw else frame.picture for frame in frames], conditions)
    made = []
    for frame, picture in zip(frames, drawn, strict=True):
        plain = enlarged(frame.picture, refiner.size) / np.float32(255) if picture is None else picture
        made.append(frame._replace(picture=_as_output(plain, output_type)))
    return made


def _as_output(array: NDArray[np.floating], output_type: str | None) -> Any:
    if output_type == "np":
        return array
    if output_type == "pt":
        return torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))
    return Image.fromarray(np.rint(array * 255).astype(np.uint8))


def with_maps_of(frames: list[Rendered], chunk: list[Conditions], mapper: FRMapper) -> list[Conditions]:
    """Give conditions the FR maps of frames that were rendered without."""
    return [
        condition._replace(fr_map=map_of(frame.picture, as_array(condition.drawing).shape, mapper))
        for condition, frame in zip(chunk, frames, strict=True)
    ]
