"""A predictor's folder: found, and checked by size and SHA-256 before anything in it is parsed."""

import hashlib
import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from signdiff_frnet.parameters import FRNetParameters

CONFIG_NAME: Final = "config.json"
MODEL_NAME: Final = "model.onnx"
FORMAT: Final = "signdiff-frnet-predictor"
BUNDLED: Final = Path(__file__).parent / "bundled"
"""Where the default predictor lies, where one came with the package."""

MAX_CONFIG_BYTES: Final = 1 << 16
MAX_MODEL_BYTES: Final = 1 << 28


@dataclass(frozen=True, kw_only=True)
class PredictorSettings:
    """What ``config.json`` says of a predictor, besides its file."""

    resolution: int
    """Short side of the drawings that it was trained on, in pixels."""

    threshold: float
    """Probability from which a pixel is a stroke."""

    detect_resolution: int
    """Resolution at which FR-Net drew the maps that it was trained for."""

    parameters: FRNetParameters
    """FR-Net's parameters for these maps."""


def find_folder(name: object, **hub_options: Any) -> Path:
    """Find a predictor: a folder, the name of a repository on the Hugging Face Hub, or None for the bundled one.

    The options are the Hub's: ``revision``, ``cache_dir``, ``token`` or ``local_files_only``. A ValueError if there is
    nothing of this name, or the Hub is needed and ``huggingface_hub`` is not installed.
    """
    if name is None:
        if not (BUNDLED / CONFIG_NAME).is_file():
            raise ValueError(
                "pretrained_model_or_path must be a predictor's folder or its name on the Hub: "
                "no predictor came with this build of signdiff-frnet."
            )
        return BUNDLED
    if not isinstance(name, str | Path) or not str(name):
        raise ValueError(
            f"pretrained_model_or_path must be a folder, a name on the Hub or None, but is {type(name).__name__}."
        )
    if Path(name).is_dir():
        return Path(name)
    parts = str(name).split("/")
    if isinstance(name, Path) or len(parts) > 2 or not all(part.strip(".") for part in parts):
        raise ValueError(f"pretrained_model_or_path must be a predictor's folder, but there is none at {name}.")
    return _from_hub(str(name), hub_options)


def _from_hub(name: str, options: dict[str, Any]) -> Path:
    try:
        # Imported here: only those who name a repository need it.
        from huggingface_hub import hf_hub_download
    except ImportError as error:
        raise ValueError(
            f"pretrained_model_or_path must be a predictor's folder, but there is none at {name!r}; "
            "to look for it on the Hub, install huggingface_hub."
        ) from error
    known = ("revision", "cache_dir", "token", "local_files_only")
    chosen = {key: value for key, value in options.items() if key in known}
    try:
        hf_hub_download(name, MODEL_NAME, **chosen)
        return Path(hf_hub_download(name, CONFIG_NAME, **chosen)).parent
    except (OSError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise ValueError(
            f"pretrained_model_or_path must be a predictor's folder or name on the Hub, but {name!r} is no folder, "
            f"and the Hub gives no predictor ({reason})."
        ) from error


def read_folder(folder: Path) -> tuple[PredictorSettings, bytes]:
    """Read a predictor's settings, and its network's bytes once they are known to be what ``config.json`` says."""
    settings, size, digest = _read_config(folder / CONFIG_NAME)
    path = folder / MODEL_NAME
    try:
        with path.open("rb") as file:
            content = file.read(size + 1)
    except OSError as error:
        raise _refused(folder, f"{MODEL_NAME} can't be read ({error.strerror})") from error
    if len(content) != size:
        found = "more" if len(content) > size else str(len(content))
        raise _refused(folder, f"{MODEL_NAME} must have {size} bytes, but has {found}")
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        raise _refused(folder, f"{MODEL_NAME} must have the SHA-256 {digest}, but has {found}")
    return settings, content


def _read_config(path: Path) -> tuple[PredictorSettings, int, str]:
    folder = path.parent
    try:
        with path.open("rb") as file:
            text = file.read(MAX_CONFIG_BYTES + 1)
    except OSError as error:
        raise _refused(folder, f"{CONFIG_NAME} can't be read ({error.strerror})") from error
    if len(text) > MAX_CONFIG_BYTES:
        raise _refused(folder, f"{CONFIG_NAME} must have at most {MAX_CONFIG_BYTES} bytes")
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refused(folder, f"{CONFIG_NAME} is no JSON") from error
    if not isinstance(config, dict) or config.get("format") != FORMAT or config.get("format_version") != 1:
        raise _refused(folder, f"{CONFIG_NAME} must say format {FORMAT!r}, format_version 1")
    try:
        return _checked(config)
    except (KeyError, TypeError, ValueError) as error:
        reason = f"lacks {error}" if isinstance(error, KeyError) else f"is wrong: {str(error).rstrip('.')}"
        raise _refused(folder, f"{CONFIG_NAME} {reason}") from error


def _checked(config: dict[str, Any]) -> tuple[PredictorSettings, int, str]:
    frnet = dict(config["frnet"])
    detect_resolution = frnet.pop("detect_resolution")
    unknown = set(frnet) - {field.name for field in fields(FRNetParameters)}
    if unknown:
        raise ValueError(f"frnet must hold FR-Net's parameters, but holds {', '.join(sorted(unknown))}")
    resolution, threshold, listed = config["resolution"], config["threshold"], config["files"][MODEL_NAME]
    for name, number in (("resolution", resolution), ("detect_resolution", detect_resolution)):
        if type(number) is not int or not 64 <= number <= 1 << 14:
            raise ValueError(f"{name} must be an integer from 64 to {1 << 14}, but is {number!r}")
    if type(threshold) not in (int, float) or not 0 < threshold < 1:
        raise ValueError(f"threshold must lie between 0 and 1, but is {threshold!r}")
    size, digest = listed["size"], listed["sha256"]
    if type(size) is not int or not 0 < size <= MAX_MODEL_BYTES:
        raise ValueError(f"size of {MODEL_NAME} must be from 1 to {MAX_MODEL_BYTES}, but is {size!r}")
    if not isinstance(digest, str) or len(digest) != 64:
        raise ValueError(f"sha256 of {MODEL_NAME} must have 64 digits, but is {digest!r}")
    settings = PredictorSettings(
        resolution=resolution,
        threshold=float(threshold),
        detect_resolution=detect_resolution,
        parameters=FRNetParameters(**frnet),
    )
    return settings, size, digest


def _refused(folder: Path, reason: str) -> ValueError:
    return ValueError(f"pretrained_model_or_path must be a predictor's folder, but in {folder}, {reason}.")
