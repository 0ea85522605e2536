"""SignDiffPipeline: frames of a signer from skeleton drawings (c) and FR maps (d), or from any maps of a pose.

The denoising loop is that of the installed diffusers: a chunk of frames is one batch of its ControlNet pipeline.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, nullcontext
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np
import torch
from diffusers import (
    AutoencoderKL,
    ControlNetModel,
    MultiControlNetModel,
    StableDiffusionControlNetPipeline,
    UNet2DConditionModel,
)
from diffusers.pipelines.stable_diffusion import StableDiffusionPipelineOutput, StableDiffusionSafetyChecker
from diffusers.schedulers import KarrasDiffusionSchedulers
from pose_format import Pose
from transformers import CLIPImageProcessor, CLIPTextModel, CLIPTokenizer, CLIPVisionModelWithProjection

from signdiff_core.diffusion.conditions import Joints, apart, conditions_of
from signdiff_core.diffusion.denoising import Denoising, Rendered, Video, refined, with_maps_of
from signdiff_core.diffusion.detail import DetailModel
from signdiff_core.diffusion.frmap import FRMapper, FRNetSource
from signdiff_core.diffusion.images import Frame, is_picture
from signdiff_core.diffusion.options import CHUNK_SIZE, Options
from signdiff_core.diffusion.per_frame import Noise, embeddings_of
from signdiff_core.diffusion.refining import by_network, coarse_of, refiner_of
from signdiff_core.diffusion.turns import alone_with
from signdiff_core.diffusion.windows import Part
from signdiff_core.framing import Framing
from signdiff_core.gaps import Missing

if TYPE_CHECKING:
    from diffusers.callbacks import MultiPipelineCallbacks, PipelineCallback


class SignDiffPipeline(Denoising):
    """Stable Diffusion with SignDiff's ControlNet, frame after frame.

    It takes what ``StableDiffusionControlNetPipeline`` takes. ``controlnet`` is one of six channels (see
    `superimposed`), or two of three channels each, the first for drawings, the second for FR maps, or one of three
    channels, which knows no FR maps; or as many as are wanted, for the maps of a pose that `stream` draws.
    """

    _optional_components: ClassVar[list[str]] = [
        *StableDiffusionControlNetPipeline._optional_components,
        "detail_model",
    ]

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
        detail_model: DetailModel | None = None,
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
        self.register_modules(detail_model=detail_model)

    @property
    def components(self) -> dict[str, Any]:
        """The parts, by their names: those of diffusers' pipeline, and a network of detail where there is one."""
        parts: dict[str, Any] = super().components
        return {name: part for name, part in parts.items() if name != "detail_model" or part is not None}

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
        control_maps: Sequence[str] | None = None,
        frnet: FRMapper | None = None,
        detail: str | Sequence[Part] = (),
        detail_scale: int | None = None,
        detail_strength: float | None = None,
        chunk_size: int = CHUNK_SIZE,
        shared_noise: bool = True,
        pad_chunks: bool = False,
        cache_interval: int = 1,
        cache_depth: int = 1,
        framing: Framing = "signing space",
        missing: Missing = "hold",
        include_face: bool = False,
        start: int = 0,
    ) -> Iterator[Any]:
        """Render frames as they are asked for; never more than one chunk is read ahead or kept.

        The arguments before the star are those of ``StableDiffusionControlNetPipeline``, in its order; what is said
        of them here is what a video adds.

        Args:
            prompt: what the signer looks like; one text for the whole video, encoded once.
            image: skeleton drawings c, one per frame: PIL images, uint8 arrays (H, W, 3), float arrays in [0, 1], or
                tensors (3, H, W) in [0, 1]; any iterable, read lazily. Or a pose, which is then drawn.
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
            control_maps: where ``image`` is a pose, the maps that the ControlNets take, in their order, such as
                ``("openpose", "depth", "normal")``: any of `signdiff_core.avatar.maps.MAPS`, drawn of the neutral
                avatar in the same pose, for ControlNets of other people's, too.
            frnet: FR-Net with the settings that the model was trained with, for these sources.
            detail: for a pose, what is drawn a second time, in windows that follow it: "hands", "face" or both. By
                ``detail_model`` where the pipeline has one: frames are then as many times larger than the base's as
                that enlarges them. Else by the base itself, from the enlarged window with noise on.
            detail_scale: without ``detail_model``, how much larger than in the frame windows are drawn; 2 if not given.
            detail_strength: from 0, which changes nothing, to 1: how far what is seen goes from the enlarged frame to
                the detailed one (1 if not given), or without ``detail_model`` the share of the steps that are taken
                again (0.4).
            chunk_size: frames of a batch.
            shared_noise: every frame starts from the same noise; without it, each from its own.
            pad_chunks: fill the last chunk up, so that compiled networks see one shape.
            cache_interval: run the whole networks in every so many steps only, and the UNet's outermost layers in the
                others (see `signdiff_core.diffusion.network_hooks.caching_steps`); 1 runs them always.
            cache_depth: layers of the UNet's last block that run in every step.
            framing: for a pose, what the frames show: "signing space" (head and hands of all of them), "recorded" or a
                camera; see `signdiff_core.framing`.
            missing: for a pose, what becomes of joints that are absent for long: "hold" or "hide".
            include_face: for a pose, draw eyes, ears and face where it has them, as the detectors of controlnet-aux do.
                With "avatar", they are the avatar's own; the predictor of FR maps sees the drawing without them.
            start: first frame to give. From there on frames are those of the whole video.

        Yields:
            One frame per drawing, of the kind that ``output_type`` says: a PIL image, an array (H, W, 3) in [0, 1] for
            "np", a tensor (3, H, W) for "pt", a latent (C, h, w) for "latent".

        Raises:
            ValueError: conditions are missing, do not fit the ControlNet, or differ in number; a number is out of
                range.
            signdiff_core.plugins.UnknownPluginError: ``frnet_source`` needs signdiff-frnet.
        """
        with closing(self._render(_without_self(locals()), whose="stream()")) as frames:
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
        with closing(self._render(arguments | _OWN | own, whose=whose)) as frames:
            made = list(frames)
        if not made:
            raise ValueError("image must hold at least one frame, but is empty.")
        images: Any = [frame.picture for frame in made]
        if output_type != "pil":
            images = torch.stack(images) if isinstance(images[0], torch.Tensor) else np.stack(images)
        flags = None if made[0].nsfw is None else [bool(frame.nsfw) for frame in made]
        return StableDiffusionPipelineOutput(images, flags) if return_dict else (images, flags)

    @torch.no_grad()
    def _render(self, given: dict[str, Any], *, whose: str) -> Generator[Rendered]:
        """Render a video, frame by frame as frames are asked for.

        `whose` says what of the arguments of `stream` diffusers' call does not have, for messages.
        """
        # 1. Check the options; one object carries them from here on
        options = Options.taken_from(given)
        options.control_scale(self.controlnet, self.num_conditions)

        # 2. Find drawings and FR maps; of a pose, only arrays go further
        image, fr_image, others = given["image"], given["fr_image"], ()
        if all(given[name] is None for name in ("fr_image", "frnet_source", "control_maps")):
            several = hasattr(self.controlnet, "nets")
            image, *more = apart(image, count=self.num_conditions, several_nets=several, whose=whose)
            fr_image, others = (more[0], tuple(more[1:])) if more else (None, ())
        if isinstance(image, Pose):
            own = {name: given[name] for name in ("framing", "missing", "include_face")}
            image = Joints.of(image, size=self._frame_size(options), **own)
        whole = image
        if options.is_detailed:
            image, options = coarse_of(image, options, self.detail_model)
        total, done = _count(image), options.first_frame
        conditions = conditions_of(
            image,
            fr_image,
            given["frnet_source"],
            options.frnet,
            count=self.num_conditions,
            start=done,
            others=others,
            control_maps=given["control_maps"],
        )

        # 3. Encode prompt and identity, and find the frames' noise: one for all frames, or one for each
        with alone_with(self):
            self._guidance_scale, self._interrupt = options.guidance_scale, False
            embeddings = embeddings_of(
                self,
                prompt=given["prompt"],
                negative_prompt=given["negative_prompt"],
                prompt_embeds=given["prompt_embeds"],
                negative_prompt_embeds=given["negative_prompt_embeds"],
                ip_adapter_image=given["ip_adapter_image"],
                ip_adapter_image_embeds=given["ip_adapter_image_embeds"],
                lora_scale=(options.cross_attention_kwargs or {}).get("scale"),
                clip_skip=options.clip_skip,
            )
            device = self._execution_device
            noise = Noise(given["generator"], shared=options.shared_noise, latents=given["latents"], device=device)
        video = Video(options, embeddings, noise, counts_frames=total - options.start > options.chunk_size)
        if total:
            video.check_rows(total)
        refiner = None
        if options.is_detailed:
            network = self.detail_model
            redraw = (
                by_network(network, self.num_conditions)
                if network is not None
                else self._redrawing(video, strength=options.strength)
            )
            sources = {name: given[name] for name in ("fr_image", "frnet_source", "control_maps")}
            refiner = refiner_of(whole, options, redraw, network, count=self.num_conditions, **sources)

        # 4. Denoise chunk after chunk: each is one batch of diffusers' pipeline
        frames_bar = super().progress_bar(total=total - options.start) if video.counts_frames else nullcontext()
        with frames_bar as bar:
            while chunk := list(islice(conditions, options.chunk_size)):
                numbers = list(range(done, done + len(chunk)))
                if any(condition.fr_map is None for condition in chunk):
                    # FR-Net looks at frames that are rendered without a map.
                    without = [condition.without_map() for condition in chunk]
                    plain, _ = self._denoise(video, numbers, without, is_first_pass=True)
                    chunk = with_maps_of(plain, chunk, options.frnet or FRMapper())
                frames, interrupted = self._denoise(video, numbers, chunk, as_arrays=refiner is not None)
                if refiner is not None:
                    frames = refined(frames, refiner, numbers, chunk, output_type=options.output_type)
                for frame in frames[max(options.start - done, 0) :]:
                    if bar is not None:
                        bar.update()
                    yield frame
                done += len(chunk)
                if interrupted or self._is_stopped():
                    return

        # 5. Check rows against the number of frames where only reading these tells it
        if done > options.first_frame:
            video.check_rows(done)

    def _frame_size(self, options: Options) -> tuple[int, int]:
        """Tell width and height of a pose's drawings."""
        default = int(self.unet.config.sample_size * self.vae_scale_factor)
        if options.is_detailed and self.detail_model is not None:
            default *= int(self.detail_model.config.scale)
        return options.width or default, options.height or default

    def _is_stopped(self) -> bool:
        """Tell whether the caller has interrupted the pipeline between frames; others' batches have their own say."""
        with alone_with(self):
            return bool(self.interrupt)


_OWN: Final = {
    name: parameter.default
    for name, parameter in inspect.signature(SignDiffPipeline.stream).parameters.items()
    if parameter.kind is parameter.KEYWORD_ONLY
}
"""Arguments that diffusers' pipeline does not have, with their defaults."""


def _without_self(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if name not in ("self", "__class__")}


def _count(images: Any) -> int:
    """Count the frames of a pose, of one image, or of many; 0 if only reading them tells."""
    return 1 if is_picture(images) else len(images) if hasattr(images, "__len__") else 0
