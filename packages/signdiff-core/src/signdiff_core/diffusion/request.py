"""What `SignDiffPipeline` is called with, brought into the form in which a video is rendered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from diffusers import StableDiffusionControlNetPipeline
from pose_format import Pose

from signdiff_core.diffusion.conditions import conditions_of
from signdiff_core.diffusion.images import is_picture
from signdiff_core.diffusion.numbers import check_numbers
from signdiff_core.diffusion.per_frame import Noise, embeddings_of
from signdiff_core.diffusion.stream_options import StreamOptions
from signdiff_core.diffusion.streaming import Stream
from signdiff_core.diffusion.turns import alone_with

if TYPE_CHECKING:
    from collections.abc import Generator

    from signdiff_core.diffusion.frmap import FRMapper
    from signdiff_core.diffusion.pipeline import SignDiffPipeline
    from signdiff_core.diffusion.streaming import Rendered


@torch.no_grad()
def requested(
    pipeline: SignDiffPipeline,
    *,
    prompt: str | list[str] | None,
    image: Any,
    height: int | None,
    width: int | None,
    guidance_scale: float,
    negative_prompt: str | list[str] | None,
    num_images_per_prompt: int | None,
    generator: torch.Generator | list[torch.Generator] | None,
    latents: torch.Tensor | None,
    prompt_embeds: torch.Tensor | None,
    negative_prompt_embeds: torch.Tensor | None,
    ip_adapter_image: Any,
    ip_adapter_image_embeds: list[torch.Tensor] | None,
    controlnet_conditioning_scale: float | list[float],
    fr_image: Any = None,
    frnet_source: Any = None,
    frnet: FRMapper | None = None,
    shared_noise: bool = True,
    options: dict[str, Any],
    call: dict[str, Any],
) -> Generator[Rendered]:
    """Render what a pipeline is asked for; see `SignDiffPipeline.stream`.

    Args:
        pipeline: renders it.
        prompt: as there, as all before ``options``.
        image: drawings or a pose.
        height: as there.
        width: as there.
        guidance_scale: as there.
        negative_prompt: as there.
        num_images_per_prompt: as there.
        generator: as there.
        latents: as there.
        prompt_embeds: as there.
        negative_prompt_embeds: as there.
        ip_adapter_image: as there.
        ip_adapter_image_embeds: as there.
        controlnet_conditioning_scale: as there.
        fr_image: as there.
        frnet_source: as there.
        frnet: as there.
        shared_noise: as there.
        options: those of `StreamOptions`.
        call: arguments that diffusers' pipeline takes as they are.

    Raises:
        ValueError: as there.
    """
    if num_images_per_prompt not in (1, None):
        raise ValueError(f"num_images_per_prompt must be 1 for a video, but is {num_images_per_prompt}.")
    check_numbers(
        num_inference_steps=call["num_inference_steps"] if call["timesteps"] is call["sigmas"] is None else 1,
        guidance_scale=guidance_scale,
        controlnet_conditioning_scale=controlnet_conditioning_scale,
        **{name: call[name] for name in ("eta", "control_guidance_start", "control_guidance_end")},
    )
    scale, weights = _scales(pipeline, controlnet_conditioning_scale)
    several = [isinstance(call[f"control_guidance_{end}"], list) for end in ("start", "end")]
    if weights is not None and any(several):
        raise ValueError("control_guidance_start and control_guidance_end must be numbers for one ControlNet.")
    chosen = StreamOptions(**options, condition_weights=weights, frnet=frnet)
    conditions = conditions_of(
        image,
        fr_image,
        frnet_source,
        frnet,
        count=pipeline.num_conditions,
        size=_side(pipeline, height, width) if isinstance(image, Pose) else None,
        start=chosen.beginning,
        keep_first=chosen.keeps_first,
    )
    with alone_with(pipeline):
        pipeline._guidance_scale, pipeline._interrupt = guidance_scale, False
        embeddings = embeddings_of(
            pipeline,
            prompt=prompt,
            negative_prompt=negative_prompt,
            prompt_embeds=prompt_embeds,
            negative_prompt_embeds=negative_prompt_embeds,
            ip_adapter_image=ip_adapter_image,
            ip_adapter_image_embeds=ip_adapter_image_embeds,
            lora_scale=(call["cross_attention_kwargs"] or {}).get("scale"),
            clip_skip=call["clip_skip"],
        )
        noise = Noise(generator, shared=shared_noise, latents=latents, device=pipeline._execution_device)
    total = _count(image)
    stream = Stream(
        pipeline,
        chosen,
        noise=noise,
        embeddings=embeddings,
        size=(height, width),
        call={**call, "guidance_scale": guidance_scale, "controlnet_conditioning_scale": scale},
        shows_steps=total - chosen.start <= chosen.chunk_size,
    )
    if total:
        stream.check_rows(total)
    if stream.shows_steps:
        yield from stream.frames(conditions)
        return
    with StableDiffusionControlNetPipeline.progress_bar(pipeline, total=total - chosen.start) as bar:
        for frame in stream.frames(conditions):
            bar.update()
            yield frame


def _count(images: Any) -> int:
    """Count the frames of a pose, of one image, or of many; 0 if only reading them tells."""
    if isinstance(images, Pose):
        return len(images.body.data)
    return 1 if is_picture(images) else len(images) if hasattr(images, "__len__") else 0


def _side(pipeline: SignDiffPipeline, height: int | None, width: int | None) -> int:
    """Side of a pose's drawings."""
    default = int(pipeline.unet.config.sample_size * pipeline.vae_scale_factor)
    if (height or default) != (width or default):
        raise ValueError(f"height and width must be equal for a pose, but are {height} and {width}.")
    return height or default


def _scales(
    pipeline: SignDiffPipeline, scale: float | list[float]
) -> tuple[float | list[float], tuple[float, ...] | None]:
    """Tell diffusers' scale, and the weights of conditions that one ControlNet superimposes."""
    if not isinstance(scale, list | tuple):
        return float(scale), None
    conditions = pipeline.num_conditions
    if len(scale) != conditions:
        raise ValueError(f"controlnet_conditioning_scale must be one value or {conditions}, but has {len(scale)}.")
    values = tuple(float(value) for value in scale)
    if hasattr(pipeline.controlnet, "nets"):
        return list(values), None
    return (values[0], None) if len(values) == 1 else (1.0, values)
