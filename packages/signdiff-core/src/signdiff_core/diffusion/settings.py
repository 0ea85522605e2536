"""What a pipeline's folder says about its use, beside diffusers' own files."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from signdiff_core.diffusion.frmap import CONFIG_NAME
from signdiff_core.trust.files import read_json

if TYPE_CHECKING:
    from pathlib import Path

RENDERER_NAME: Final = "renderer.json"
"""File of a pipeline's folder with the defaults of `RendererSettings`."""


@dataclass(frozen=True, kw_only=True)
class RendererSettings:
    """Defaults that suit a model; what a user asks for takes precedence.

    Raises:
        ValueError: a value is of another kind, or lies outside its range.
    """

    prompt: str = "a person signing in front of a plain background"
    """What the signer looks like."""

    steps: int = 20
    """Denoising steps."""

    guidance_scale: float = 7.5
    """Weight of the prompt; 1 is none, and half the work."""

    retarget: bool = False
    """Show the neutral avatar's joints in the pose, not the pose's own: a model of avatars knows no others."""

    def __post_init__(self) -> None:
        if not isinstance(self.prompt, str):
            raise ValueError(f"prompt must be a text, but is {self.prompt!r}.")
        if not isinstance(self.steps, int) or isinstance(self.steps, bool) or self.steps < 1:
            raise ValueError(f"steps must be a whole number of at least 1, but is {self.steps!r}.")
        scale = self.guidance_scale
        if not isinstance(scale, int | float) or isinstance(scale, bool) or not math.isfinite(scale):
            raise ValueError(f"guidance_scale must be a finite number, but is {scale!r}.")
        if not isinstance(self.retarget, bool):
            raise ValueError(f"retarget must be true or false, but is {self.retarget!r}.")

    @classmethod
    def read(cls, folder: Path) -> RendererSettings:
        """Read a folder's settings; a folder without any has the defaults.

        Raises:
            ValueError: the file has unknown fields or values out of range, or is no JSON object.
        """
        path = folder / RENDERER_NAME
        if not path.is_file():
            return cls()
        values = read_json(path)
        names = {field.name for field in fields(cls)}
        if set(values) - names:
            raise ValueError(f"{path} must hold an object with {', '.join(sorted(names))}, but holds {values!r}.")
        try:
            return cls(**values)
        except (ValueError, OverflowError) as error:
            raise ValueError(f"{path}: {error}") from error

    def write(self, folder: Path) -> None:
        """Write the settings to a folder."""
        (folder / RENDERER_NAME).write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def read_frnet(folder: Path) -> dict[str, Any] | None:
    """Read the FR-Net parameters that a model was trained with; None if its folder names none."""
    path = folder / CONFIG_NAME
    if not path.is_file():
        return None
    return read_json(path)
