"""Changing what a network does for the time of a block, and leaving no trace of it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from diffusers.hooks import HookRegistry, ModelHook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn


@contextmanager
def hooked(module: nn.Module, hook: ModelHook, name: str) -> Iterator[None]:
    """Register a hook inside a block; the module's own attributes are afterwards what they were before.

    Args:
        module: any part of a network; hooks of others stay on it.
        hook: takes the place of its forward, or comes after it.
        name: of the hook.
    """
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
