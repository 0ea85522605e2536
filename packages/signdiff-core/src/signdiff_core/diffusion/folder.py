"""A pipeline's folder, beside diffusers' own files: what it must hold, what it says about its use, how it is named."""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

from signdiff_core.atomic import replacing
from signdiff_core.diffusion.frmap import CONFIG_NAME, check_source
from signdiff_core.diffusion.windows import check_parts
from signdiff_core.trust import check_pipeline_folder
from signdiff_core.trust.files import read_json

RENDERER_NAME: Final = "renderer.json"
"""File of a pipeline's folder with the defaults of `RendererSettings`."""

CUSTOM_PIPELINE: Final = "pipeline.py"
"""File by which ``DiffusionPipeline.from_pretrained(..., custom_pipeline=folder)`` finds `SignDiffPipeline`."""

_NEEDED: Final = ("vae", "text_encoder", "tokenizer", "unet", "scheduler")

_SOURCE: Final = '''"""This pipeline's class, for ``DiffusionPipeline.from_pretrained``; it comes with signdiff-core."""

from signdiff_core import SignDiffPipeline

__all__ = ["SignDiffPipeline"]
'''

_WEIGHT_FILES: Final = (".safetensors", ".bin", ".pt", ".ckpt")


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

    longer_neck: float = 0.0
    """With `retarget`: how much higher heads of the bodies are that the model learned from than the neutral body's, in
    normalised units."""

    include_face: bool = False
    """Draw eyes, ears and face where a pose has them: the model was trained on drawings with faces."""

    frnet_source: str | None = None
    """Where FR maps of a pose come from: "avatar" or "predictor", if that is installed, or "two-pass" or "none"."""

    detail: Sequence[str] = ()
    """What of a pose is drawn a second time, in detail: "hands", "face" or both."""

    control_maps: Sequence[str] | None = None
    """The maps of a pose that the ControlNets take, in their order, where they are others than drawings and FR maps."""

    def __post_init__(self) -> None:
        maps = self.control_maps
        if maps is not None and not (isinstance(maps, list | tuple) and all(isinstance(name, str) for name in maps)):
            raise ValueError(f"control_maps must be a list of names, but is {maps!r}.")
        object.__setattr__(self, "detail", check_parts(self.detail))
        check_source(self.frnet_source)
        if not isinstance(self.prompt, str):
            raise ValueError(f"prompt must be a text, but is {self.prompt!r}.")
        if not isinstance(self.steps, int) or isinstance(self.steps, bool) or self.steps < 1:
            raise ValueError(f"steps must be a whole number of at least 1, but is {self.steps!r}.")
        scale = self.guidance_scale
        if not isinstance(scale, int | float) or isinstance(scale, bool) or not math.isfinite(scale):
            raise ValueError(f"guidance_scale must be a finite number, but is {scale!r}.")
        neck = self.longer_neck
        if not isinstance(neck, int | float) or isinstance(neck, bool) or not -0.2 <= neck <= 0.2:
            raise ValueError(f"longer_neck must be a number from -0.2 to 0.2, but is {neck!r}.")
        for name in ("retarget", "include_face"):
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name} must be true or false, but is {getattr(self, name)!r}.")

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
        values = {name: value for name, value in asdict(self).items() if value is not None}
        (folder / RENDERER_NAME).write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def read_frnet(folder: Path) -> dict[str, Any] | None:
    """Read the FR-Net parameters that a model was trained with; None if its folder names none."""
    path = folder / CONFIG_NAME
    if not path.is_file():
        return None
    return read_json(path)


def check_folder(folder: str | os.PathLike[str], *, given: Mapping[str, Any]) -> None:
    """Make sure that a folder holds the pipeline that it says, and nothing that is not safe to load.

    `given` are the parts that are not read from there, and other arguments of ``from_pretrained``. Raises
    `signdiff_core.trust.ModelFolderError` where it holds what is not safe, or not whole, ValueError where a part is
    missing.
    """
    root = Path(folder)
    check_pipeline_folder(root, given=given)
    if "controlnet" not in given:
        check_controlnet(root)
    parts = read_json(root / "model_index.json")
    named = [part for part, value in parts.items() if isinstance(value, list) and None not in value]
    lacking = [part for part in _NEEDED if part not in {*named, *given}]
    if lacking:
        raise ValueError(
            f"{root} must hold {', '.join(_NEEDED)}, but its model_index.json has no {lacking[0]}; to use another: "
            f"SignDiffPipeline.from_pretrained(..., {lacking[0]}=...)."
        )
    several = parts.get("controlnet") == ["diffusers", "MultiControlNetModel"]
    if several and "controlnet" not in given and not (root / "controlnet_1").is_dir():
        # diffusers would load the first alone, and say nothing.
        raise ValueError(
            f"{root} must hold several ControlNets, as its model_index.json says, but has no controlnet_1."
        )


def check_controlnet(folder: str | os.PathLike[str]) -> None:
    """Raise ValueError for a pipeline's folder without a ControlNet, before anything large is read.

    A folder that holds no pipeline is left to later checks.
    """
    path = Path(folder) / "model_index.json"
    if not path.is_file():
        return
    index = read_json(path)
    part = index.get("controlnet")
    if not isinstance(part, list) or None in part:
        raise ValueError(
            f"{folder} must hold a pipeline with a ControlNet, but holds {index.get('_class_name', 'one')} without. To "
            "add one: SignDiffPipeline.from_pretrained(..., controlnet=...), or train it, with "
            "signdiff_core.training.train_controlnet."
        )


def complete_folder(folder: str | os.PathLike[str], *, controlnets: int) -> None:
    """Write what a saved pipeline of some ControlNets lacks, and remove what an earlier one left."""
    root = Path(folder)
    number = controlnets
    while number and (root / f"controlnet_{number}").is_dir():
        shutil.rmtree(root / f"controlnet_{number}")
        number += 1
    with replacing(root / CUSTOM_PIPELINE) as temporary:
        Path(temporary).write_text(_SOURCE, encoding="utf-8")


def is_path(name: str) -> bool:
    """Tell whether a name can only be meant as a path: on the Hub, one is a word, or two around a slash.

    Example:
        >>> is_path("./lora"), is_path("a/b/c"), is_path("ad/lora.safetensors"), is_path("owner/model")
        (True, True, True, False)
    """
    return name.count("/") > 1 or name.startswith((".", "/", "~")) or name.endswith(_WEIGHT_FILES)


def check_there(name: Any) -> None:
    """Raise FileNotFoundError where a path leads to nothing, before the Hub is asked for it."""
    if isinstance(name, str | os.PathLike):
        text = os.fspath(name)
        if is_path(text) and "://" not in text and not Path(text).exists():
            raise FileNotFoundError(f"there is no file or folder {text}.")
