"""The folder of one part of a pipeline: a network, a tokenizer, a scheduler."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from signdiff_core.trust.configs import check_config
from signdiff_core.trust.error import ModelFolderError
from signdiff_core.trust.files import check_entry
from signdiff_core.trust.weights import check_index, check_weights

if TYPE_CHECKING:
    import os

MAX_TEXT: Final = 1 << 26
"""Largest vocabulary or other text that a library is left to read, in bytes."""

_OTHER: Final = (".bin", ".ckpt", ".h5", ".msgpack", ".onnx", ".pb", ".pickle", ".pkl", ".pt", ".pth")
"""Suffixes of weights whose reading can run code, or that nobody here reads."""

_TEXTS: Final = (".jinja", ".model", ".txt")

_CODE: Final = "custom_generate"
"""A folder within a model's, of which transformers runs a file by itself."""


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
