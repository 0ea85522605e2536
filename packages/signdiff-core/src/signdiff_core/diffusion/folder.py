"""The folder of a saved pipeline: what diffusers does not check when it loads, and does not write when it saves."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from signdiff_core.atomic import replacing
from signdiff_core.trust import check_pipeline_folder
from signdiff_core.trust.files import read_json

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

CUSTOM_PIPELINE: Final = "pipeline.py"
"""File by which ``DiffusionPipeline.from_pretrained(..., custom_pipeline=folder)`` finds `SignDiffPipeline`."""

_NEEDED: Final = ("vae", "text_encoder", "tokenizer", "unet", "scheduler")

_SOURCE: Final = '''"""This pipeline's class, for ``DiffusionPipeline.from_pretrained``; it comes with signdiff-core."""

from signdiff_core import SignDiffPipeline

__all__ = ["SignDiffPipeline"]
'''


def check_folder(folder: str | os.PathLike[str], *, given: Mapping[str, Any]) -> None:
    """Make sure that a folder holds the pipeline that it says, and nothing that is not safe to load.

    Args:
        folder: where diffusers saved a pipeline.
        given: parts that are given and not read from there, and other arguments of ``from_pretrained``.

    Raises:
        signdiff_core.trust.ModelFolderError: it holds what is not safe, or not whole.
        ValueError: the ControlNet, or one of several, or another part is missing.
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
    """Make sure that a pipeline's folder has a ControlNet, before anything large is read.

    Args:
        folder: where diffusers saved a pipeline; one that holds none is left to later checks.

    Raises:
        ValueError: the pipeline has none.
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
    """Write what a saved pipeline lacks, and remove what an earlier one left.

    Args:
        folder: where diffusers saved the pipeline.
        controlnets: how many it has.
    """
    root = Path(folder)
    number = controlnets
    while number and (root / f"controlnet_{number}").is_dir():
        shutil.rmtree(root / f"controlnet_{number}")
        number += 1
    with replacing(root / CUSTOM_PIPELINE) as temporary:
        Path(temporary).write_text(_SOURCE, encoding="utf-8")
