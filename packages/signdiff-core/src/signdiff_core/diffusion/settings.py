"""What a pipeline's folder says about its use, beside diffusers' own files."""

from __future__ import annotations

import json
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
    """Defaults that suit a model; what a user asks for takes precedence."""

    prompt: str = "a person signing in front of a plain background"
    """What the signer looks like."""

    steps: int = 20
    """Denoising steps."""

    guidance_scale: float = 7.5
    """Weight of the prompt; 1 is none, and half the work."""

    retarget: bool = False
    """Show the neutral avatar's joints in the pose, not the pose's own: a model of avatars knows no others."""

    @classmethod
    def read(cls, folder: Path) -> RendererSettings:
        """Read a folder's settings; a folder without any has the defaults.

        Raises:
            ValueError: the file has unknown fields, or is no JSON object.
        """
        path = folder / RENDERER_NAME
        if not path.is_file():
            return cls()
        values = read_json(path)
        names = {field.name for field in fields(cls)}
        if set(values) - names:
            raise ValueError(f"{path} must hold an object with {', '.join(sorted(names))}, but holds {values!r}.")
        return cls(**values)

    def write(self, folder: Path) -> None:
        """Write the settings to a folder."""
        (folder / RENDERER_NAME).write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def read_frnet(folder: Path) -> dict[str, Any] | None:
    """Read the FR-Net parameters that a model was trained with; None if its folder names none."""
    path = folder / CONFIG_NAME
    if not path.is_file():
        return None
    return read_json(path)
