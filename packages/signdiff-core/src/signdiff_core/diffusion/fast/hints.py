"""Encoding the conditions of a frame once, not in every denoising step."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import torch
from diffusers.hooks import HookRegistry, ModelHook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

_NAME: Final = "signdiff_keep_hint"


class KeepHint(ModelHook):
    """Answers with the last result for as long as a ControlNet's hint encoder is given the same tensor."""

    def __init__(self) -> None:
        super().__init__()
        self._condition: torch.Tensor | None = None
        self._version = 0
        self._hint: torch.Tensor | None = None

    def new_forward(self, module: nn.Module, conditioning: torch.Tensor) -> torch.Tensor:
        """Encode a condition (B, C, H, W), or find it again."""
        version = 0 if conditioning.is_inference() else conditioning._version
        if self._hint is None or conditioning is not self._condition or version != self._version:
            self._condition, self._version = conditioning, version
            self._hint = self.fn_ref.original_forward(conditioning)
        return self._hint


@contextmanager
def keeping_hints(controlnet: nn.Module) -> Iterator[None]:
    """Encode each condition once inside a block.

    Args:
        controlnet: one ControlNet or several.
    """
    nets = getattr(controlnet, "nets", [controlnet])
    registries = [HookRegistry.check_if_exists_or_initialize(net.controlnet_cond_embedding) for net in nets]
    for hooks in registries:
        hooks.register_hook(KeepHint(), _NAME)
    try:
        yield
    finally:
        for hooks in registries:
            hooks.remove_hook(_NAME, recurse=False)
