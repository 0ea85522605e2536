"""The name by which diffusers takes a dtype when it loads: ``torch_dtype`` before 0.40, ``dtype`` since."""

from __future__ import annotations

from typing import TYPE_CHECKING

import diffusers

if TYPE_CHECKING:
    import torch

NAMES = ("dtype", "torch_dtype")


def dtype_option(dtype: torch.dtype) -> dict[str, torch.dtype]:
    """Give the keyword for ``from_pretrained`` and ``from_pipe`` of the diffusers that is installed.

    Args:
        dtype: wanted of all parts.

    Example:
        >>> import torch
        >>> list(dtype_option(torch.float16).values())
        [torch.float16]
    """
    release = tuple(int(number) for number in diffusers.__version__.split(".")[:2])
    return {NAMES[0] if release >= (0, 40) else NAMES[1]: dtype}
