"""Numbers that a pipeline is called with: those from which no picture could come are refused by name."""

from __future__ import annotations

from typing import Any, Final

LARGEST: Final = 1_000_000.0
"""Largest weight either way: far beyond any use, and far below what overflows."""


def check_numbers(*, num_inference_steps: Any, **weights: Any) -> None:
    """Make sure that steps are steps, and weights numbers.

    Args:
        num_inference_steps: of the scheduler.
        **weights: by the argument's name, one or several.

    Raises:
        ValueError: there is no step, or a weight is no number, is NaN, or beyond `LARGEST`.

    Example:
        >>> check_numbers(num_inference_steps=20, guidance_scale=7.5, controlnet_conditioning_scale=[1.0, 0.5])
    """
    if not _lies(num_inference_steps, 1, LARGEST):
        raise ValueError(f"num_inference_steps must be at least 1, but is {num_inference_steps!r}.")
    for name, weight in weights.items():
        for value in weight if isinstance(weight, list | tuple) else [weight]:
            if not _lies(value, -LARGEST, LARGEST):
                raise ValueError(f"{name} must be a number within {LARGEST:,.0f} either way, but is {value!r}.")


def _lies(value: Any, least: float, most: float) -> bool:
    try:
        return least <= float(value) <= most and not isinstance(value, str | bytes)
    except (TypeError, ValueError, OverflowError):
        return False
