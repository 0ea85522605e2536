"""Models as data: folders and files of weights are looked over before a library reads them. Needs no torch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from signdiff_core.trust.configs import LIBRARIES, check_config, check_content, expected
from signdiff_core.trust.files import (
    MAX_CONFIG,
    ModelFolderError,
    check_entry,
    check_index,
    check_weights,
    is_plain,
    read_json,
)

__all__ = ["ModelFolderError", "check_model_folder", "check_pipeline_folder", "check_weights"]

INDEX: Final = "model_index.json"

MAX_TEXT: Final = 1 << 26
"""Largest vocabulary or other text that a library is left to read, in bytes."""

_OTHER: Final = (".bin", ".ckpt", ".h5", ".msgpack", ".onnx", ".pb", ".pickle", ".pkl", ".pt", ".pth")
"""Suffixes of weights whose reading can run code, or that nobody here reads."""

_TEXTS: Final = (".jinja", ".model", ".txt")

_CODE: Final = "custom_generate"
"""A folder within a model's, of which transformers runs a file by itself."""


def check_pipeline_folder(folder: str | os.PathLike[str], *, given: Mapping[str, Any] | None = None) -> None:
    """Make sure that loading a pipeline from a folder reads data, whole, and inside it.

    Parts have the classes that `signdiff_core.trust.configs` lists, and no configuration has a key under which a
    library loads something by name or path. Names of origin, such as ``_name_or_path``, are information that none of
    these classes follows. Other classes, and code, are let through only with ``trust_remote_code=True``.

    Args:
        folder: holds ``model_index.json``, and a folder for each part.
        given: arguments of ``from_pretrained``: parts that are given are not looked for in the folder.

    Raises:
        ModelFolderError: see `check_model_folder`; or ``model_index.json`` leads elsewhere or to code.
        ValueError: an argument asks for code, or for weights that are not safetensors.
        OSError: the folder cannot be read.
    """
    root, given = Path(folder), given or {}
    trusted = bool(given.get("trust_remote_code"))
    _check_arguments(given, trusted=trusted)
    for path in sorted(root.glob("*.json")):
        size = check_entry(path, root)
        if size is not None and size > MAX_CONFIG:
            raise ModelFolderError(f"{path} must have at most {MAX_CONFIG} bytes, but has {size}.")
        if size is not None and path.name != INDEX:
            check_config(path, trust_remote_code=trusted)
    if not (root / INDEX).is_file():
        raise FileNotFoundError(f"{root} must hold a pipeline, but has no {INDEX}.")
    for name, kind in _parts(root, given, trusted=trusted).items():
        if not (root / name).is_dir():
            raise ModelFolderError(f"{root} must hold the folder {name!r}, as its {INDEX} says, but does not.")
        # Several ControlNets are in controlnet, controlnet_1 and so on.
        further = sorted(root.glob("controlnet_*")) if kind == "MultiControlNetModel" else []
        for part in (root / name, *further):
            if check_entry(part, root) is None:
                check_model_folder(part, root=root, trust_remote_code=trusted)


def _check_arguments(given: Mapping[str, Any], *, trusted: bool) -> None:
    if given.get("use_safetensors", True) is not True:
        raise ValueError(
            f"use_safetensors must be True, since reading other weights can run code, but is "
            f"{given['use_safetensors']!r}."
        )
    for name in ("custom_pipeline", "dduf_file"):
        if given.get(name) is not None and not trusted:
            raise ValueError(f"{name} must be given with trust_remote_code=True, but is {given[name]!r} without.")


def _parts(root: Path, given: Mapping[str, Any], *, trusted: bool) -> dict[str, str]:
    """Read the parts that are loaded from a pipeline's folder: their classes by their names."""
    path = root / INDEX
    index = read_json(path)
    # Older releases of diffusers run either without being asked; the second because of custom_pipeline=None.
    if not trusted and (not isinstance(index.get("_class_name", ""), str) or (root / "None.py").exists()):
        raise ModelFolderError(f"{root} must hold no pipeline class of its own unless trust_remote_code is True.")
    found = {}
    for name, value in index.items():
        if not isinstance(value, list) or name == "_class_name":
            check_content(path, {name: value}, trust_remote_code=trusted)
            continue
        if not is_plain(name):
            raise ModelFolderError(f"{path} must name folders beside it, but has the part {name!r}.")
        if len(value) != 2 or not all(one is None or isinstance(one, str) for one in value):
            raise ModelFolderError(f"{path} must give library and class of {name!r}, but has {value!r}.")
        library, kind = value
        if library is None or kind is None:
            continue
        if not trusted:
            _check_class(path, name, library, kind, is_given=name in given)
        if name not in given:
            found[name] = kind
    return found


def _check_class(path: Path, name: str, library: str, kind: str, *, is_given: bool) -> None:
    if library not in LIBRARIES:
        # diffusers imports it even where the part is given, to compare the classes.
        raise ModelFolderError(
            f"{path} must take {name!r} from {', '.join(LIBRARIES)}, but takes it from {library!r}; to run such code, "
            "set trust_remote_code=True."
        )
    wanted = None if is_given else expected(name, library, kind)
    if wanted is not None:
        raise ModelFolderError(
            f"{path} must have {wanted} as {name!r}, but has {kind!r} of {library}; pass the part itself where you "
            "trust it, or set trust_remote_code=True."
        )


def check_model_folder(
    folder: str | os.PathLike[str], *, root: str | os.PathLike[str] | None = None, trust_remote_code: bool = False
) -> None:
    """Make sure that what diffusers and transformers read in a folder is data, whole, and inside it.

    Args:
        folder: what ``from_pretrained`` of a network, tokenizer or scheduler would be given.
        root: the pipeline's folder that it belongs to, into which links may lead; by default the folder itself.
        trust_remote_code: let Python files be there, and configurations name other models and code.

    Raises:
        ModelFolderError: weights are there, but not as safetensors; a file is cut off; a configuration, an index or a
            link leads elsewhere; there is code.
        OSError: the folder cannot be read.
    """
    folder = Path(folder)
    paths = sorted(folder.iterdir())
    for path in paths:
        size = check_entry(path, Path(root or folder))
        if size is not None:
            _check_file(path, size, trust_remote_code=trust_remote_code)
        elif path.name == _CODE and not trust_remote_code:
            raise ModelFolderError(f"{path} must not be there, since it is code, unless trust_remote_code is True.")
    other = [path.name for path in paths if path.suffix in _OTHER]
    if other and not any(path.suffix == ".safetensors" for path in paths):
        raise ModelFolderError(
            f"{folder} must hold its weights as safetensors, but has only {other[0]}: reading it can run code. Where "
            "you trust it, load the model with diffusers or transformers, and write it with "
            "save_pretrained(..., safe_serialization=True)."
        )


def _check_file(path: Path, size: int, *, trust_remote_code: bool) -> None:
    name = path.name
    if path.suffix in _TEXTS and size > MAX_TEXT:
        raise ModelFolderError(f"{path} must have at most {MAX_TEXT} bytes, but has {size}.")
    if path.suffix == ".safetensors":
        check_weights(path)
    elif path.suffix == ".json" and ".safetensors.index." in name:
        check_index(path)
    elif name == "adapter_config.json":
        # With peft installed, transformers then loads the model that this file names.
        raise ModelFolderError(f"{path} must not be there, since it names another model; load adapters by themselves.")
    elif path.suffix == ".json":
        check_config(path, trust_remote_code=trust_remote_code)
    elif path.suffix == ".py" and not trust_remote_code:
        raise ModelFolderError(f"{path} must not be there, since it is code, unless trust_remote_code is True.")
