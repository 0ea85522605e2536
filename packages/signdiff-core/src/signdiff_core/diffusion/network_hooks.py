"""What a batch changes on the networks: it has them for itself, and puts them back as they were.

Each condition is encoded once, not in every step; a ControlNet does not run where it has no say; deep features are
reused between steps, if that is asked for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import numpy as np
import torch
from diffusers import StableDiffusionControlNetPipeline, UNet2DConditionModel
from diffusers.hooks import HookRegistry, ModelHook
from diffusers.models.unets.unet_2d_condition import UNet2DConditionOutput
from diffusers.utils import USE_PEFT_BACKEND, scale_lora_layers, unscale_lora_layers
from torch import nn

from signdiff_core.diffusion.options import Options

_EMBEDDING: Final = "signdiff_keep_embedding"
_IDLE: Final = "signdiff_skip_idle"
_CACHE: Final = "signdiff_step_cache"
"""Names of the hooks."""


@contextmanager
def hooked_for_a_batch(pipeline: StableDiffusionControlNetPipeline, options: Options) -> Iterator[None]:
    """Change a pipeline's networks inside a block, and leave no trace on them.

    Raises ValueError where ``cache_depth`` is out of range, or the UNet's steps cannot be cached.
    """
    unet, controlnet = pipeline.unet, pipeline.controlnet
    with ExitStack() as stack:
        stack.enter_context(encoding_conditions_once(controlnet))
        if np.any(options.control_guidance_start) or np.any(np.not_equal(options.control_guidance_end, 1.0)):
            stack.enter_context(hooked(controlnet, SkipIdleControl(), _IDLE))
        if options.cache_interval != 1:
            stack.enter_context(
                caching_steps(unet, controlnet, interval=options.cache_interval, depth=options.cache_depth)
            )
        yield


@contextmanager
def hooked(module: nn.Module, hook: ModelHook, name: str) -> Iterator[None]:
    """Register a hook inside a block; the module is afterwards what it was before, with the hooks of others."""
    own = vars(module)
    had_registry, had_forward = "_diffusers_hook" in own, "forward" in own
    registry = HookRegistry.check_if_exists_or_initialize(module)
    registry.register_hook(hook, name)
    try:
        yield
    finally:
        registry.remove_hook(name, recurse=False)
        if not had_forward and not registry.hooks:
            own.pop("forward", None)
        if not had_registry and not registry.hooks:
            own.pop("_diffusers_hook", None)


@contextmanager
def encoding_conditions_once(controlnet: nn.Module) -> Iterator[None]:
    """Encode each condition once inside a block, for one ControlNet or several."""
    encoders = [net.controlnet_cond_embedding for net in getattr(controlnet, "nets", [controlnet])]
    with ExitStack() as stack:
        for encoder in dict.fromkeys(encoders):
            stack.enter_context(hooked(encoder, KeepEmbedding(encoders.count(encoder)), _EMBEDDING))
        yield


class KeepEmbedding(ModelHook):
    """Answers with one of `room` earlier results where an encoder of conditions gets the same tensor again."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self._kept: deque[tuple[torch.Tensor, int, torch.Tensor]] = deque(maxlen=room)

    def new_forward(self, module: nn.Module, conditioning: torch.Tensor) -> torch.Tensor:
        """Encode a condition (B, C, H, W), or find it again."""
        version = 0 if conditioning.is_inference() else conditioning._version
        for condition, known, embedding in self._kept:
            if condition is conditioning and known == version:
                return embedding
        encoded: torch.Tensor = self.fn_ref.original_forward(conditioning)
        self._kept.append((conditioning, version, encoded))
        return encoded


class SkipIdleControl(ModelHook):
    """Answers for a ControlNet whose scale is 0.

    diffusers runs the network outside ``control_guidance_start`` and ``control_guidance_end`` too, and multiplies what
    comes out by 0. Without a residual the UNet gives the same.
    """

    def new_forward(self, module: nn.Module, *args: Any, conditioning_scale: Any = 1.0, **kwargs: Any) -> Any:
        """Run the network, or return no residuals where its scale (or all of them) is 0."""
        if not np.any(conditioning_scale) and not kwargs.get("guess_mode"):
            return None, None
        return self.fn_ref.original_forward(*args, conditioning_scale=conditioning_scale, **kwargs)


@contextmanager
def caching_steps(unet: UNet2DConditionModel, controlnet: nn.Module, *, interval: int, depth: int) -> Iterator[None]:
    """Reuse the UNet's deep features between the steps of a batch (DeepCache: Ma, Fang and Wang, CVPR 2024).

    Deep features change slowly from step to step. So only every ``interval``-th step runs the whole UNet and the
    ControlNet; the steps between run the outermost ``depth`` layers of the UNet's last block, on the deep features and
    control residuals of the last whole one. Raises ValueError where ``depth`` is out of range, or the UNet embeds more
    than time and text.
    """
    cache = _StepCache(unet, interval=interval, depth=depth)
    with hooked(unet, _UNetHook(cache), _CACHE), hooked(controlnet, _ControlHook(cache), _CACHE):
        yield


class _StepCache:
    """What is kept from the last whole step."""

    def __init__(self, unet: UNet2DConditionModel, *, interval: int, depth: int) -> None:
        layers = len(unet.up_blocks[-1].resnets)
        if not 1 <= depth <= layers:
            raise ValueError(f"cache_depth must be from 1 to {layers}, the layers of the last block, but is {depth}.")
        kinds = (unet.config.addition_embed_type, unet.config.class_embed_type)
        if kinds not in ((None, None), ("text", None)) or unet.config.center_input_sample:
            raise ValueError(f"cache_interval must be 1 for a UNet with embeddings of the kinds {kinds}.")
        self.interval, self.depth = interval, depth
        self.step = 0
        self.deep: Any = None
        self.control: Any = None
        self.residuals: tuple[torch.Tensor, ...] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether the present step runs the whole network."""
        return self.step % self.interval == 0


class _UNetHook(ModelHook):
    def __init__(self, cache: _StepCache) -> None:
        super().__init__()
        self.cache = cache

    def new_forward(self, module: UNet2DConditionModel, *args: Any, **kwargs: Any) -> Any:
        cache, was_whole = self.cache, self.cache.is_whole
        made = self._whole(module, *args, **kwargs) if was_whole else self._outermost(module, *args, **kwargs)
        cache.step += 1
        return made

    def _whole(self, module: UNet2DConditionModel, *args: Any, **kwargs: Any) -> Any:
        cache = self.cache
        skip = module.config.block_out_channels[0]

        def keep(_: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
            cache.deep = inputs[0][:, :-skip]  # the layer gets deep features and skip connection side by side

        residuals = kwargs.get("down_block_additional_residuals")
        cache.residuals = None if residuals is None else tuple(residuals[: cache.depth])
        handle = module.up_blocks[-1].resnets[-cache.depth].register_forward_pre_hook(keep)
        try:
            return self.fn_ref.original_forward(*args, **kwargs)
        finally:
            handle.remove()

    def _outermost(
        self,
        module: UNet2DConditionModel,
        sample: torch.Tensor,
        timestep: Any,
        encoder_hidden_states: torch.Tensor,
        *,
        timestep_cond: torch.Tensor | None = None,
        cross_attention_kwargs: dict[str, Any] | None = None,
        added_cond_kwargs: dict[str, torch.Tensor] | None = None,
        return_dict: bool = True,
        **_: Any,
    ) -> Any:
        cache, options = self.cache, dict(cross_attention_kwargs or {})
        scale = options.pop("scale", 1.0)
        if USE_PEFT_BACKEND:
            scale_lora_layers(module, scale)
        emb = module.time_embedding(module.get_time_embed(sample=sample, timestep=timestep), timestep_cond)
        added = module.get_aug_embed(emb, encoder_hidden_states, added_cond_kwargs)
        emb = emb if added is None else emb + added
        if module.time_embed_act is not None:
            emb = module.time_embed_act(emb)
        text = module.process_encoder_hidden_states(encoder_hidden_states, added_cond_kwargs)
        attended: dict[str, Any] = {"encoder_hidden_states": text, "cross_attention_kwargs": options}
        hidden = module.conv_in(sample)
        skips = [hidden]
        for resnet, attention in _layers(module.down_blocks[0])[: cache.depth - 1]:
            hidden = _layer(hidden, emb, resnet, attention, attended)
            skips.append(hidden)
        if cache.residuals is not None:
            skips = [skip + residual for skip, residual in zip(skips, cache.residuals, strict=True)]
        hidden = cache.deep
        for resnet, attention in _layers(module.up_blocks[-1])[-cache.depth :]:
            hidden = _layer(torch.cat([hidden, skips.pop()], dim=1), emb, resnet, attention, attended)
        if module.conv_norm_out:
            hidden = module.conv_act(module.conv_norm_out(hidden))
        made = module.conv_out(hidden)
        if USE_PEFT_BACKEND:
            unscale_lora_layers(module, scale)
        return UNet2DConditionOutput(sample=made) if return_dict else (made,)


class _ControlHook(ModelHook):
    def __init__(self, cache: _StepCache) -> None:
        super().__init__()
        self.cache = cache

    def new_forward(self, module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        if self.cache.is_whole:
            self.cache.control = self.fn_ref.original_forward(*args, **kwargs)
        return self.cache.control


def _layers(block: nn.Module) -> list[tuple[nn.Module, nn.Module | None]]:
    resnets: Any = block.resnets
    attentions: Any = getattr(block, "attentions", None) or [None] * len(resnets)
    return list(zip(resnets, attentions, strict=True))


def _layer(
    hidden: torch.Tensor, emb: torch.Tensor, resnet: nn.Module, attention: nn.Module | None, attended: dict[str, Any]
) -> torch.Tensor:
    hidden = resnet(hidden, emb)
    return hidden if attention is None else attention(hidden, **attended, return_dict=False)[0]
