"""Changing latents after each denoising step, beside the callback of the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diffusers.callbacks import MultiPipelineCallbacks, PipelineCallback

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import torch
    from diffusers import DiffusionPipeline

    Edit = Callable[[int, torch.Tensor], torch.Tensor]


class StepEdits:
    """A ``callback_on_step_end`` that changes the latents, and then calls the caller's own.

    Args:
        edits: each takes the step and the latents, and gives latents.
        callback: the caller's own.
        tensor_inputs: what that one wants to see.
    """

    def __init__(self, edits: Sequence[Edit], callback: Any, tensor_inputs: Sequence[str]) -> None:
        own = isinstance(callback, PipelineCallback | MultiPipelineCallbacks)
        self._edits, self._callback = edits, callback
        self._wanted = list(callback.tensor_inputs if own else tensor_inputs) if callback is not None else []
        self.tensor_inputs = list(dict.fromkeys(["latents", *self._wanted]))

    def __call__(
        self, pipeline: DiffusionPipeline, step: int, timestep: Any, tensors: dict[str, Any]
    ) -> dict[str, Any]:
        """Run after a step; arguments and result are those of diffusers' callbacks."""
        for edit in self._edits:
            tensors["latents"] = edit(step, tensors["latents"])
        changed = {"latents": tensors["latents"]}
        if self._callback is not None:
            seen = {name: tensors[name] for name in self._wanted}
            changed |= self._callback(pipeline, step, timestep, seen) or {}
        return changed
