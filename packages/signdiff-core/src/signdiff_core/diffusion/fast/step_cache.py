"""Reusing the UNet's deep features between denoising steps (DeepCache: Ma, Fang and Wang, CVPR 2024).

Deep features change slowly from step to step. So only every ``interval``-th step runs the whole UNet and the
ControlNet; the steps between run the UNet's outermost layers, on the deep features and control residuals of the last
whole one.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import torch
from diffusers.hooks import ModelHook
from diffusers.models.unets.unet_2d_condition import UNet2DConditionOutput
from diffusers.utils import USE_PEFT_BACKEND, scale_lora_layers, unscale_lora_layers

from signdiff_core.diffusion.hooks import hooked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diffusers import UNet2DConditionModel
    from torch import nn

_NAME: Final = "signdiff_step_cache"


class StepCache:
    """What is kept from the last whole step.

    Args:
        unet: of Stable Diffusion's shape.
        interval: every how many steps the whole network runs.
        depth: layers of the last up block that run in every step.

    Raises:
        ValueError: a number is out of range, or the UNet embeds more than time and text.
    """

    def __init__(self, unet: UNet2DConditionModel, *, interval: int, depth: int) -> None:
        layers = len(unet.up_blocks[-1].resnets)
        if interval < 1:
            raise ValueError(f"cache_interval must be at least 1, but is {interval}.")
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

    def reset(self) -> None:
        """Start a new batch."""
        self.step, self.deep, self.control, self.residuals = 0, None, None, None


class _UNetHook(ModelHook):
    def __init__(self, cache: StepCache) -> None:
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
        seen: dict[str, Any] = {"encoder_hidden_states": text, "cross_attention_kwargs": options}
        hidden = module.conv_in(sample)
        skips = [hidden]
        for resnet, attention in _layers(module.down_blocks[0])[: cache.depth - 1]:
            hidden = _layer(hidden, emb, resnet, attention, seen)
            skips.append(hidden)
        if cache.residuals is not None:
            skips = [skip + residual for skip, residual in zip(skips, cache.residuals, strict=True)]
        hidden = cache.deep
        for resnet, attention in _layers(module.up_blocks[-1])[-cache.depth :]:
            hidden = _layer(torch.cat([hidden, skips.pop()], dim=1), emb, resnet, attention, seen)
        if module.conv_norm_out:
            hidden = module.conv_act(module.conv_norm_out(hidden))
        made = module.conv_out(hidden)
        if USE_PEFT_BACKEND:
            unscale_lora_layers(module, scale)
        return UNet2DConditionOutput(sample=made) if return_dict else (made,)


class _ControlHook(ModelHook):
    def __init__(self, cache: StepCache) -> None:
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
    hidden: torch.Tensor, emb: torch.Tensor, resnet: nn.Module, attention: nn.Module | None, seen: dict[str, Any]
) -> torch.Tensor:
    hidden = resnet(hidden, emb)
    return hidden if attention is None else attention(hidden, **seen, return_dict=False)[0]


@contextmanager
def caching_steps(
    unet: UNet2DConditionModel, controlnet: nn.Module, *, interval: int, depth: int
) -> Iterator[StepCache]:
    """Reuse deep features and control residuals inside a block; call ``reset`` before each batch.

    Args:
        unet: of Stable Diffusion's shape.
        controlnet: one ControlNet or several.
        interval: every how many steps the whole network runs.
        depth: layers of the UNet's last block that run in every step.

    Raises:
        ValueError: a number is out of range.
    """
    cache = StepCache(unet, interval=interval, depth=depth)
    with hooked(unet, _UNetHook(cache), _NAME), hooked(controlnet, _ControlHook(cache), _NAME):
        yield cache
