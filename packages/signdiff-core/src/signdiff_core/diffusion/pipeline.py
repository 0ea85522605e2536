"""SignDiffPipeline: frames of a signer from skeleton drawings (c) and FR maps (d).

The denoising loop is that of the installed diffusers: a chunk of frames is one batch of its ControlNet pipeline.
"""

from __future__ import annotations

from contextlib import ExitStack, closing
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

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

from signdiff_core.diffusion.anchor import anchored
from signdiff_core.diffusion.conditions import Conditions, conditions_of, map_of
from signdiff_core.diffusion.dtypes import NAMES, dtype_option
from signdiff_core.diffusion.frmap import FRMapper
from signdiff_core.diffusion.idle import skipping_idle_control
from signdiff_core.diffusion.images import as_array, frames_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from diffusers import DiffusionPipeline
    from numpy.typing import NDArray

    from signdiff_core.diffusion.frnet_source import FRNetSource
    from signdiff_core.diffusion.images import Frame

    Generators = torch.Generator | Sequence[torch.Generator] | None


class SignDiffPipeline(StableDiffusionControlNetPipeline):
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

    @classmethod
    def from_pipe(cls, pipeline: DiffusionPipeline, **kwargs: Any) -> Self:
        """Reuse the parts of another pipeline; they keep their dtype, which diffusers' default would not.

        Args:
            pipeline: any Stable Diffusion pipeline.
            **kwargs: parts to add or to replace, such as ``controlnet``.
        """
        if not kwargs.keys() & set(NAMES):
            kwargs |= dtype_option(pipeline.dtype)
        pipe: Self = super().from_pipe(pipeline, **kwargs)
        return pipe

    @property
    def num_conditions(self) -> int:
        """Images that the ControlNet takes for a frame: 1, the drawing, or 2, the drawing and the FR map."""
        nets = getattr(self.controlnet, "nets", None)
        return len(nets) if nets is not None else int(self.controlnet.config.conditioning_channels) // 3

    @torch.no_grad()
    def stream(
        self,
        prompt: str | None = None,
        image: Pose | Iterable[Frame] | Frame | None = None,
        fr_image: Iterable[Frame] | Frame | None = None,
        *,
        frnet_source: FRNetSource | Iterable[Frame] | Frame | None = None,
        frnet: FRMapper | None = None,
        height: int | None = None,
        width: int | None = None,
        negative_prompt: str | None = None,
        guidance_scale: float = 7.5,
        generator: Generators = None,
        prompt_embeds: torch.Tensor | None = None,
        negative_prompt_embeds: torch.Tensor | None = None,
        ip_adapter_image: Any = None,
        ip_adapter_image_embeds: list[torch.Tensor] | None = None,
        cross_attention_kwargs: dict[str, Any] | None = None,
        clip_skip: int | None = None,
        chunk_size: int = 8,
        anchor: bool = False,
        **kwargs: Any,
    ) -> Iterator[Any]:
        """Render frames as they are asked for; never more than one chunk is read ahead or kept.

        Args:
            prompt: what the signer looks like; one text for the whole video, encoded once.
            image: skeleton drawings c, one per frame: PIL images, uint8 arrays (H, W, 3), float arrays in [0, 1], or
                tensors (3, H, W) in [0, 1]; any iterable, read lazily. Or a pose of the 50 joints, which is then drawn.
            fr_image: FR maps d, as many, for a ControlNet that takes them.
            frnet_source: in place of ``fr_image``, where the maps come from: "predictor" (predicted from the drawing),
                "avatar" (of the neutral avatar, where ``image`` is a pose; c then shows the avatar's joints),
                "two-pass" (each frame is rendered without a map, FR-Net looks at it, and it is rendered again), "none",
                or frames of somebody in the same poses, whose maps FR-Net draws. By default "predictor" if
                signdiff-frnet is installed, else, for a pose, "avatar" or "none".
            frnet: FR-Net with the settings that the model was trained with, for these sources.
            height: of the frames in pixels; by default that of the base's latents, scaled.
            width: likewise.
            negative_prompt: what it should not look like.
            guidance_scale: weight of the prompt; 1 turns guidance off.
            generator: one, from whose present state every frame takes the same noise (steadiness for free), or a list
                with one per frame. Their own states are not moved.
            prompt_embeds: an encoded prompt (1, L, C), in place of ``prompt``.
            negative_prompt_embeds: likewise.
            ip_adapter_image: the signer's identity, where an IP-Adapter is loaded; encoded once.
            ip_adapter_image_embeds: likewise, encoded.
            cross_attention_kwargs: passed to the attention processors.
            clip_skip: layers of the text encoder to leave out.
            chunk_size: frames in a batch.
            anchor: let every frame attend to the first one too.
            **kwargs: for ``StableDiffusionControlNetPipeline``, such as ``num_inference_steps`` or ``output_type``.

        Yields:
            One frame per drawing, of the kind that ``output_type`` says: a PIL image, an array (H, W, 3) in [0, 1] for
            "np", a tensor (3, H, W) for "pt", a latent for "latent".

        Raises:
            ValueError: conditions are missing, do not fit the ControlNet, or differ in number.
            signdiff_core.plugins.UnknownPluginError: ``frnet_source`` needs signdiff-frnet.
        """
        if chunk_size < 1:
            raise ValueError(f"chunk_size must be at least 1, but is {chunk_size}.")
        if not isinstance(prompt, str) and prompt_embeds is None:
            raise ValueError(f"prompt must be one text, but is {prompt!r}.")
        conditions = conditions_of(
            image,
            fr_image,
            frnet_source,
            frnet,
            count=self.num_conditions,
            size=self._side(height, width) if isinstance(image, Pose) else None,
        )
        self._guidance_scale, self._interrupt = guidance_scale, False
        device, guided = self._execution_device, self.do_classifier_free_guidance
        positive, negative = self.encode_prompt(
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

        def render(chunk: list[tuple[int, Conditions]], **changes: Any) -> Any:
            made = StableDiffusionControlNetPipeline.__call__(
                self,
                image=self._control([condition for _, condition in chunk], height, width),
                prompt_embeds=_repeated(positive, len(chunk)),
                negative_prompt_embeds=_repeated(negative, len(chunk)),
                guidance_scale=guidance_scale,
                generator=None if generator is None else [_twin(generator, number) for number, _ in chunk],
                ip_adapter_image_embeds=ip_adapter_image_embeds,
                cross_attention_kwargs=cross_attention_kwargs,
                clip_skip=clip_skip,
                **(kwargs | changes),
            )
            return made.images

        start, end = kwargs.get("control_guidance_start", 0.0), kwargs.get("control_guidance_end", 1.0)
        frames, first = enumerate(conditions), None
        with ExitStack() as stack:
            stack.enter_context(skipping_idle_control(self.controlnet, start=start, end=end))
            attention = stack.enter_context(anchored(self.unet)) if anchor else None
            while chunk := list(islice(frames, chunk_size)):
                carried = int(anchor and first is not None)
                first = first or chunk[0]
                chunk = [first] * carried + chunk
                if attention is not None:
                    attention.frames = len(chunk)
                if chunk[-1][1].fr_map is None:
                    plain = [(number, condition._replace(fr_map=None)) for number, condition in chunk]
                    pictures = render(plain, output_type="np", callback_on_step_end=None)
                    chunk = _annotated(chunk, pictures, frnet or FRMapper())
                    first = chunk[0]
                yield from render(chunk)[carried:]
                if self.interrupt:
                    return

    def __call__(
        self,
        prompt: str | None = None,
        image: Pose | Iterable[Frame] | Frame | None = None,
        fr_image: Iterable[Frame] | Frame | None = None,
        *,
        output_type: str = "pil",
        return_dict: bool = True,
        **kwargs: Any,
    ) -> StableDiffusionPipelineOutput | tuple[Any, None]:
        """Render all frames at once; see `stream` for the arguments.

        Args:
            prompt: what the signer looks like.
            image: skeleton drawings c.
            fr_image: FR maps d.
            output_type: "pil", "np", "pt" or "latent".
            return_dict: give an output object, not a tuple.
            **kwargs: as for `stream`.

        Returns:
            ``images``: a list of PIL images, or one array or tensor with frames first.

        Raises:
            ValueError: as in `stream`, or there is no frame.
        """
        with closing(self.stream(prompt, image, fr_image, output_type=output_type, **kwargs)) as frames:  # type: ignore[type-var]
            images: Any = list(frames)
        if not images:
            raise ValueError("image must hold at least one frame, but is empty.")
        if output_type != "pil":
            images = torch.stack(images) if isinstance(images[0], torch.Tensor) else np.stack(images)
        return StableDiffusionPipelineOutput(images, None) if return_dict else (images, None)

    def _side(self, height: int | None, width: int | None) -> int:
        """Side of a pose's drawings."""
        default = int(self.unet.config.sample_size * self.vae_scale_factor)
        if (height or default) != (width or default):
            raise ValueError(f"height and width must be equal for a pose, but are {height} and {width}.")
        return height or default

    def _control(self, frames: list[Conditions], height: int | None, width: int | None) -> Any:
        """Make the tensors of a chunk: a list for two ControlNets, six channels for a superimposed one."""
        drawings = list(frames_of([frame.drawing for frame in frames]))
        maps = [_absent(frame.drawing) if frame.fr_map is None else frame.fr_map for frame in frames]
        each = [
            self.control_image_processor.preprocess(images, height=height, width=width)
            for images in (drawings, list(frames_of(maps)))[: self.num_conditions]
        ]
        return each if hasattr(self.controlnet, "nets") else torch.cat(each, dim=1)


def _annotated(chunk: list[tuple[int, Conditions]], pictures: Any, frnet: FRMapper) -> list[tuple[int, Conditions]]:
    """Put the FR maps of rendered frames in."""
    return [
        (number, Conditions(drawing, map_of(picture, as_array(drawing).shape, frnet)))
        for (number, (drawing, _)), picture in zip(chunk, pictures, strict=True)
    ]


def _absent(drawing: Frame) -> NDArray[np.uint8]:
    return np.zeros_like(as_array(drawing))


def _repeated(embeds: torch.Tensor | None, count: int) -> torch.Tensor | None:
    return None if embeds is None else embeds.expand(count, -1, -1)


def _twin(generator: torch.Generator | Sequence[torch.Generator], number: int) -> torch.Generator:
    source = generator if isinstance(generator, torch.Generator) else generator[number]
    twin = torch.Generator(source.device)
    twin.set_state(source.get_state())
    return twin
