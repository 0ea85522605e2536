"""SignDiffPipeline: frames of a signer from skeleton drawings (c) and FR maps (d).

The denoising loop is that of the installed diffusers: a chunk of frames is one batch of its ControlNet pipeline.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from diffusers import (
    AutoencoderKL,
    ControlNetModel,
    MultiControlNetModel,
    UNet2DConditionModel,
)
from diffusers.pipelines.stable_diffusion import StableDiffusionPipelineOutput, StableDiffusionSafetyChecker
from diffusers.schedulers import KarrasDiffusionSchedulers
from diffusers.utils import logging
from pose_format import Pose
from transformers import CLIPImageProcessor, CLIPTextModel, CLIPTokenizer, CLIPVisionModelWithProjection

from signdiff_core.diffusion.conditions import conditions_of
from signdiff_core.diffusion.loading import CheckedLoading
from signdiff_core.diffusion.steady.noise import Noise
from signdiff_core.diffusion.stream_options import StreamOptions
from signdiff_core.diffusion.streaming import Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from diffusers.callbacks import MultiPipelineCallbacks, PipelineCallback

    from signdiff_core.diffusion.frmap import FRMapper
    from signdiff_core.diffusion.frnet_source import FRNetSource
    from signdiff_core.diffusion.images import Frame


class SignDiffPipeline(CheckedLoading):
    """Stable Diffusion with SignDiff's ControlNet, frame after frame.

    It takes what ``StableDiffusionControlNetPipeline`` takes. ``controlnet`` is one of six channels (see
    `superimposed`), or two of three channels each, the first for drawings, the second for FR maps, or one of three
    channels, which knows no FR maps.
    """

    def __init__(
        self,
        vae: AutoencoderKL,
        text_encoder: CLIPTextModel,
        tokenizer: CLIPTokenizer,
        unet: UNet2DConditionModel,
        controlnet: ControlNetModel | list[ControlNetModel] | tuple[ControlNetModel] | MultiControlNetModel,
        scheduler: KarrasDiffusionSchedulers,
        safety_checker: StableDiffusionSafetyChecker = None,
        feature_extractor: CLIPImageProcessor = None,
        image_encoder: CLIPVisionModelWithProjection = None,
        requires_safety_checker: bool = False,
    ) -> None:
        super().__init__(
            vae,
            text_encoder,
            tokenizer,
            unet,
            controlnet,
            scheduler,
            safety_checker,
            feature_extractor,
            image_encoder,
            requires_safety_checker,
        )
        self._counts_frames = False

    @property
    def num_conditions(self) -> int:
        """Images that the ControlNet takes for a frame: 1, the drawing, or 2, the drawing and the FR map."""
        nets = getattr(self.controlnet, "nets", None)
        return len(nets) if nets is not None else int(self.controlnet.config.conditioning_channels) // 3

    @torch.no_grad()
    def stream(
        self,
        prompt: str | list[str] | None = None,
        image: Pose | Iterable[Frame] | Frame | None = None,
        height: int | None = None,
        width: int | None = None,
        num_inference_steps: int = 50,
        timesteps: list[int] | None = None,
        sigmas: list[float] | None = None,
        guidance_scale: float = 7.5,
        negative_prompt: str | list[str] | None = None,
        num_images_per_prompt: int | None = 1,
        eta: float = 0.0,
        generator: torch.Generator | list[torch.Generator] | None = None,
        latents: torch.Tensor | None = None,
        prompt_embeds: torch.Tensor | None = None,
        negative_prompt_embeds: torch.Tensor | None = None,
        ip_adapter_image: Any = None,
        ip_adapter_image_embeds: list[torch.Tensor] | None = None,
        output_type: str | None = "pil",
        cross_attention_kwargs: dict[str, Any] | None = None,
        controlnet_conditioning_scale: float | list[float] = 1.0,
        guess_mode: bool = False,
        control_guidance_start: float | list[float] = 0.0,
        control_guidance_end: float | list[float] = 1.0,
        clip_skip: int | None = None,
        callback_on_step_end: Callable[..., Any] | PipelineCallback | MultiPipelineCallbacks | None = None,
        callback_on_step_end_tensor_inputs: Sequence[str] = ("latents",),
        *,
        fr_image: Iterable[Frame] | Frame | None = None,
        frnet_source: FRNetSource | Iterable[Frame] | Frame | None = None,
        frnet: FRMapper | None = None,
        chunk_size: int = 8,
        shared_noise: bool = True,
        anchor: bool | Frame = False,
        overlap: int = 0,
        pad_chunks: bool = False,
        cache_interval: int = 1,
        cache_depth: int = 1,
        start: int = 0,
    ) -> Iterator[Any]:
        """Render frames as they are asked for; never more than one chunk is read ahead or kept.

        The arguments before the star are those of ``StableDiffusionControlNetPipeline``, in its order; what is said
        of them here is what a video adds.

        Args:
            prompt: what the signer looks like; one text for the whole video, encoded once.
            image: skeleton drawings c, one per frame: PIL images, uint8 arrays (H, W, 3), float arrays in [0, 1], or
                tensors (3, H, W) in [0, 1]; any iterable, read lazily. Or a pose of the 50 joints, which is then drawn.
            height: of the frames in pixels; by default that of the drawings, for a pose that of the base.
            width: likewise.
            num_inference_steps: denoising steps.
            timesteps: of the scheduler, in place of evenly spread ones.
            sigmas: likewise.
            guidance_scale: weight of the prompt; 1 turns guidance off.
            negative_prompt: what it should not look like.
            num_images_per_prompt: 1; another seed gives another video.
            eta: of DDIM.
            generator: one, from whose present state every frame takes the same noise (steadiness for free), or a list
                with one per frame. Their own states are not moved.
            latents: noise (1, C, h, w) for every frame, or (T, C, h, w) for each.
            prompt_embeds: an encoded prompt (1, L, C), in place of ``prompt``.
            negative_prompt_embeds: likewise.
            ip_adapter_image: the signer's identity, where an IP-Adapter is loaded; encoded once.
            ip_adapter_image_embeds: likewise, encoded.
            output_type: "pil", "np", "pt" or "latent".
            cross_attention_kwargs: passed to the attention processors.
            controlnet_conditioning_scale: weight of the control; or two, of c and d. Where one ControlNet takes both,
                two weights scale what each adds to the sum of the conditions.
            guess_mode: let the ControlNet see no prompt.
            control_guidance_start: share of the steps after which the control begins; two for two ControlNets.
            control_guidance_end: share of the steps after which it ends; likewise.
            clip_skip: layers of the text encoder to leave out.
            callback_on_step_end: called after each step of each chunk.
            callback_on_step_end_tensor_inputs: what it sees.
            fr_image: FR maps d, as many as drawings, for a ControlNet that takes them.
            frnet_source: in place of ``fr_image``, where the maps come from: "predictor" (predicted from the drawing),
                "avatar" (of the neutral avatar, where ``image`` is a pose; c then shows the avatar's joints),
                "two-pass" (each frame is rendered without a map, FR-Net looks at it, and it is rendered again), "none",
                or frames of somebody in the same poses, whose maps FR-Net draws. By default "predictor" if
                signdiff-frnet is installed, else, for a pose, "avatar" or "none".
            frnet: FR-Net with the settings that the model was trained with, for these sources.
            chunk_size: rows of a batch; anchor and overlap are among them.
            shared_noise: every frame starts from the same noise; without it, each from its own.
            anchor: True lets every frame attend to the first one; a picture of the signer, to the middle of that, cut
                to the frames' ratio of sides.
            overlap: frames that a chunk shares with the one before. Their latents are cross-faded after every step,
                and all frames of a chunk attend to its first.
            pad_chunks: fill the last chunk up, so that compiled networks see one shape; with an anchor give
                ``chunk_size`` of 2 at least.
            cache_interval: run the whole networks in every so many steps only, and the UNet's outermost layers in the
                others (see `signdiff_core.diffusion.fast.step_cache`); 1 runs them always.
            cache_depth: layers of the UNet's last block that run in every step.
            start: first frame to give. From there on frames are those of the whole video; with an overlap, nearly.

        Yields:
            One frame per drawing, of the kind that ``output_type`` says: a PIL image, an array (H, W, 3) in [0, 1] for
            "np", a tensor (3, H, W) for "pt", a latent (C, h, w) for "latent".

        Raises:
            ValueError: conditions are missing, do not fit the ControlNet, or differ in number; a number is out of
                range.
            signdiff_core.plugins.UnknownPluginError: ``frnet_source`` needs signdiff-frnet.
        """
        if num_images_per_prompt not in (1, None):
            raise ValueError(f"num_images_per_prompt must be 1 for a video, but is {num_images_per_prompt}.")
        prompt, negative_prompt = _one_text(prompt, "prompt"), _one_text(negative_prompt, "negative_prompt")
        if prompt is None and prompt_embeds is None:
            raise ValueError("prompt or prompt_embeds must be given, but both are None.")
        scale, weights = self._scales(controlnet_conditioning_scale)
        if weights is not None and (isinstance(control_guidance_start, list) or isinstance(control_guidance_end, list)):
            raise ValueError("control_guidance_start and control_guidance_end must be numbers for one ControlNet.")
        options = StreamOptions(
            chunk_size=chunk_size,
            anchor=anchor,
            overlap=overlap,
            pad_chunks=pad_chunks,
            cache_interval=cache_interval,
            cache_depth=cache_depth,
            start=start,
            condition_weights=weights,
            frnet=frnet,
        )
        conditions = conditions_of(
            image,
            fr_image,
            frnet_source,
            frnet,
            count=self.num_conditions,
            size=self._side(height, width) if isinstance(image, Pose) else None,
            start=options.beginning,
            keep_first=options.keeps_first,
        )
        self._guidance_scale, self._interrupt = guidance_scale, False
        device, guided = self._execution_device, self.do_classifier_free_guidance
        embeds = self.encode_prompt(
            prompt,
            device,
            1,
            guided,
            negative_prompt,
            prompt_embeds,
            negative_prompt_embeds,
            lora_scale=(cross_attention_kwargs or {}).get("scale"),
            clip_skip=clip_skip,
        )
        if ip_adapter_image is not None:
            ip_adapter_image_embeds = self.prepare_ip_adapter_image_embeds(ip_adapter_image, None, device, 1, guided)
        call = {
            "num_inference_steps": num_inference_steps,
            "timesteps": timesteps,
            "sigmas": sigmas,
            "guidance_scale": guidance_scale,
            "eta": eta,
            "ip_adapter_image_embeds": ip_adapter_image_embeds,
            "output_type": output_type,
            "cross_attention_kwargs": cross_attention_kwargs,
            "controlnet_conditioning_scale": scale,
            "guess_mode": guess_mode,
            "control_guidance_start": control_guidance_start,
            "control_guidance_end": control_guidance_end,
            "clip_skip": clip_skip,
            "callback_on_step_end": callback_on_step_end,
            "callback_on_step_end_tensor_inputs": list(callback_on_step_end_tensor_inputs),
        }
        noise = Noise(generator, shared=shared_noise, latents=latents, device=device)
        frames = Stream(self, options, noise=noise, embeds=embeds, size=(height, width), call=call).frames(conditions)
        total = len(image.body.data) if isinstance(image, Pose) else getattr(image, "__len__", lambda: 0)()
        yield from self._counted(frames, total - start) if total - start > chunk_size else frames

    def __call__(
        self,
        prompt: str | list[str] | None = None,
        image: Pose | Iterable[Frame] | Frame | None = None,
        height: int | None = None,
        width: int | None = None,
        num_inference_steps: int = 50,
        timesteps: list[int] | None = None,
        sigmas: list[float] | None = None,
        guidance_scale: float = 7.5,
        negative_prompt: str | list[str] | None = None,
        num_images_per_prompt: int | None = 1,
        eta: float = 0.0,
        generator: torch.Generator | list[torch.Generator] | None = None,
        latents: torch.Tensor | None = None,
        prompt_embeds: torch.Tensor | None = None,
        negative_prompt_embeds: torch.Tensor | None = None,
        ip_adapter_image: Any = None,
        ip_adapter_image_embeds: list[torch.Tensor] | None = None,
        output_type: str | None = "pil",
        return_dict: bool = True,
        cross_attention_kwargs: dict[str, Any] | None = None,
        controlnet_conditioning_scale: float | list[float] = 1.0,
        guess_mode: bool = False,
        control_guidance_start: float | list[float] = 0.0,
        control_guidance_end: float | list[float] = 1.0,
        clip_skip: int | None = None,
        callback_on_step_end: Callable[..., Any] | PipelineCallback | MultiPipelineCallbacks | None = None,
        callback_on_step_end_tensor_inputs: Sequence[str] = ("latents",),
        **kwargs: Any,
    ) -> StableDiffusionPipelineOutput | tuple[Any, None]:
        """Render all frames at once.

        The arguments are those of `stream`, where they are described; ``return_dict`` chooses an output object or a
        tuple, and ``**kwargs`` are those after the star there.

        Returns:
            ``images``: a list of PIL images, or one array or tensor with frames first.

        Raises:
            ValueError: as in `stream`, or there is no frame.
        """
        arguments = locals()
        own = ("self", "return_dict", "kwargs", "__class__")
        arguments = {name: value for name, value in arguments.items() if name not in own} | kwargs
        with closing(self.stream(**arguments)) as frames:  # type: ignore[type-var]
            images: Any = list(frames)
        if not images:
            raise ValueError("image must hold at least one frame, but is empty.")
        if output_type != "pil":
            images = torch.stack(images) if isinstance(images[0], torch.Tensor) else np.stack(images)
        return StableDiffusionPipelineOutput(images, None) if return_dict else (images, None)

    def progress_bar(self, iterable: Iterable[Any] | None = None, total: int | None = None) -> Any:
        """Show the progress of steps; while a video's frames are counted, steps show none."""
        if self._counts_frames:
            return logging.tqdm(iterable, total=total, disable=True)
        return super().progress_bar(iterable, total)

    def _counted(self, frames: Iterator[Any], total: int) -> Iterator[Any]:
        with self.progress_bar(total=total) as bar:
            self._counts_frames = True
            try:
                for frame in frames:
                    bar.update()
                    yield frame
            finally:
                self._counts_frames = False

    def _side(self, height: int | None, width: int | None) -> int:
        """Side of a pose's drawings."""
        default = int(self.unet.config.sample_size * self.vae_scale_factor)
        if (height or default) != (width or default):
            raise ValueError(f"height and width must be equal for a pose, but are {height} and {width}.")
        return height or default

    def _scales(self, scale: float | list[float]) -> tuple[float | list[float], tuple[float, ...] | None]:
        """Tell diffusers' scale, and the weights of conditions that one ControlNet superimposes."""
        if not isinstance(scale, list | tuple):
            return float(scale), None
        if len(scale) != self.num_conditions:
            raise ValueError(
                f"controlnet_conditioning_scale must be one value or {self.num_conditions}, but has {len(scale)}."
            )
        values = tuple(float(value) for value in scale)
        if hasattr(self.controlnet, "nets"):
            return list(values), None
        return (values[0], None) if len(values) == 1 else (1.0, values)


def _one_text(text: str | list[str] | None, name: str) -> str | None:
    if isinstance(text, list) and len(text) == 1:
        text = text[0]
    if text is not None and not isinstance(text, str):
        raise ValueError(f"{name} must be one text, but is {text!r}.")
    return text
