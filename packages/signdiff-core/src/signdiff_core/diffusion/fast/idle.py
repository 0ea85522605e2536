"""Skipping the ControlNet in the denoising steps where it has no say."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from diffusers.hooks import ModelHook

from signdiff_core.diffusion.hooks import hooked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn

_NAME: Final = "signdiff_skip_idle"


class SkipIdleControl(ModelHook):
    """Answers for a ControlNet whose scale is 0.

    diffusers runs the network outside ``control_guidance_start`` and ``control_guidance_end`` too, and multiplies what
    comes out by 0. Without a residual the UNet gives the same.
    """

    def new_forward(self, module: nn.Module, *args: Any, conditioning_scale: Any = 1.0, **kwargs: Any) -> Any:
        """Run the network, or return no residuals where its scale is 0.

        Args:
            module: the ControlNet.
            *args: as for its forward.
            conditioning_scale: one scale, or one per ControlNet.
            **kwargs: as for its forward.
        """
        if not np.any(conditioning_scale) and not kwargs.get("guess_mode"):
            return None, None
        return self.fn_ref.original_forward(*args, conditioning_scale=conditioning_scale, **kwargs)


@contextmanager
def skipping_idle_control(controlnet: nn.Module, *, start: Any, end: Any) -> Iterator[None]:
    """Skip a ControlNet's idle steps inside a block, if there are any.

    Args:
        controlnet: one ControlNet or several.
        start: ``control_guidance_start``.
        end: ``control_guidance_end``.
    """
    if not np.any(start) and not np.any(np.not_equal(end, 1.0)):
        yield
        return
    with hooked(controlnet, SkipIdleControl(), _NAME):
        yield
