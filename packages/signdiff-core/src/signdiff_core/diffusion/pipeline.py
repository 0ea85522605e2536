"""SignDiffPipeline: frames of a signer from skeleton drawings (c) and FR maps (d).

The denoising loop is that of the installed diffusers: a chunk of frames is one batch of its ControlNet pipeline.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

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
from transformers import CLIPImageProcessor, CLIPTextModel, CLIPTokenizer, CLIPVisionModelWithProjection

from signdiff_core.diffusion.adapters import CheckedAdapters
from signdiff_core.diffusion.request import requested
from signdiff_core.diffusion.stock_images import apart

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from diffusers.callbacks import MultiPipelineCallbacks, PipelineCallback
    from pose_format import Pose

    from signdiff_core.diffusion.frmap import FRMapper, FRNetSource
    from signdiff_core.diffusion.images import Frame
    from signdiff_core.diffusion.streaming import Rendered


class SignDiffPipeline(CheckedAdapters):
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
        with closing(self._requested(_without_self(locals()), whose="stream()")) as frames:
            for frame in frames:
                yield frame.picture

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
        arguments = _without_self(locals())
        return_dict, own = arguments.pop("return_dict"), arguments.pop("kwargs")
        if unknown := [name for name in own if name not in _OWN]:
            callback = "; diffusers' newer callback_on_step_end is there" if unknown[0].startswith("callback") else ""
            raise TypeError(f"SignDiffPipeline.__call__() got an unexpected argument {unknown[0]!r}{callback}.")
        whose = f"a call with {', '.join(own)}" if own else ""
        with closing(self._requested(arguments | own, whose=whose)) as frames:
            made = list(frames)
        if not made:
            raise ValueError("image must hold at least one frame, but is empty.")
        images: Any = [frame.picture for frame in made]
        if output_type != "pil":
            images = torch.stack(images) if isinstance(images[0], torch.Tensor) else np.stack(images)
        flags = None if made[0].nsfw is None else [bool(frame.nsfw) for frame in made]
        return StableDiffusionPipelineOutput(images, flags) if return_dict else (images, flags)

    def progress_bar(self, iterable: Iterable[Any] | None = None, total: int | None = None) -> Any:
        """Show the progress of steps; while a video's frames are counted, steps show none."""
        if self._counts_frames:
            return logging.tqdm(iterable, total=total, disable=True)
        return super().progress_bar(iterable, total)

    def prepare_ip_adapter_image_embeds(
        self,
        ip_adapter_image: Any,
        ip_adapter_image_embeds: list[torch.Tensor] | None,
        device: torch.device,
        num_images_per_prompt: int,
        do_classifier_free_guidance: bool,
    ) -> list[torch.Tensor]:
        """Encode pictures of the signer, as diffusers does; embeddings that are one for each frame stay as they are."""
        rows = num_images_per_prompt * (2 if do_classifier_free_guidance else 1)
        given = ip_adapter_image_embeds
        if given is not None and num_images_per_prompt > 1 and all(len(part) == rows for part in given):
            return [part.to(device) for part in given]
        made: list[torch.Tensor] = super().prepare_ip_adapter_image_embeds(
            ip_adapter_image, given, device, num_images_per_prompt, do_classifier_free_guidance
        )
        return made

    def _requested(self, arguments: dict[str, Any], *, whose: str) -> Generator[Rendered]:
        """Render what `stream` is called with; ``whose`` names what diffusers' call does not have."""
        if arguments.get("fr_image") is None and arguments.get("frnet_source") is None:
            image, fr_image = apart(self, arguments["image"], whose)
            arguments |= {"image": image, "fr_image": fr_image}
        inputs = list(arguments.pop("callback_on_step_end_tensor_inputs"))
        options: dict[str, Any] = {name: arguments.pop(name) for name in _OPTIONS if name in arguments}
        call = {name: arguments.pop(name) for name in _DIFFUSERS} | {"callback_on_step_end_tensor_inputs": inputs}
        return requested(self, **arguments, options=options, call=call)


_DIFFUSERS: Final = (
    "num_inference_steps",
    "timesteps",
    "sigmas",
    "eta",
    "output_type",
    "cross_attention_kwargs",
    "guess_mode",
    "control_guidance_start",
    "control_guidance_end",
    "clip_skip",
    "callback_on_step_end",
)
"""Arguments that diffusers' pipeline takes as they are."""

_OPTIONS: Final = (
    "chunk_size",
    "anchor",
    "overlap",
    "pad_chunks",
    "cache_interval",
    "cache_depth",
    "start",
)
"""Arguments that say how a video is rendered."""

_OWN: Final = ("fr_image", "frnet_source", "frnet", "shared_noise", *_OPTIONS)
"""Arguments that diffusers' pipeline does not have."""


def _without_self(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if name not in ("self", "__class__")}
