"""The state of a training run in a folder: weights and moments as safetensors, the rest as JSON, nothing pickled.

Checkpoints as signdiff-frnet and signdiff-eval had accelerate write them before are read, never written. There, the
optimizer's state is an archive of ``torch.save``: tensors and plain values alone are taken from it, no code in it runs.
torch takes the sizes of what it reads from the archive itself, and would unpack a few kilobytes to gigabytes, so the
archive is looked over first.
"""

from __future__ import annotations

import json
import pickle
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import PreTrainedModel

from signdiff_core.wording import one_line

STATE_NAME: Final = "training_state.json"
"""File of a checkpoint with what is no tensor; written last."""

_LARGEST_NUMBER: Final = 1e38
"""Largest number of a training's progress: its losses are float32."""

_OPTIMIZER: Final = "optimizer.safetensors"
_AVERAGES: Final = "averages.safetensors"
_VERSION: Final = 1
_LARGEST: Final = 2**24

_OLDER_WEIGHTS: Final = "model.safetensors"
"""File with the weights of everything that was trained."""

_OLDER_STATE: Final = "state.json"
_OLDER_LARGEST: Final = 1 << 20
_MAX_PICKLE: Final = 1 << 26
"""Largest description of what an archive holds, in bytes."""


class Averages(Protocol):
    """Moving averages of weights, such as diffusers' EMAModel."""

    shadow_params: list[Tensor]
    """One for each parameter."""

    optimization_step: int
    """How often they were moved."""


class Stateful(Protocol):
    """Something small that changes as a run goes on, such as its best score; plain JSON."""

    def state_dict(self) -> dict[str, Any]:
        """Give what a checkpoint holds."""

    def load_state_dict(self, state: dict[str, Any]) -> object:
        """Take it back."""


@dataclass
class RunState:
    """What a run must restore to be resumed to the bit.

    Learning rate and draws are functions of the step, and are not kept; nor are networks that are not trained.
    """

    parts: Mapping[str, Any]
    """Trained networks by name; those of diffusers or transformers get a folder that opens as such."""

    optimizer: torch.optim.Optimizer
    """Over the parts' parameters in their order; its options are not restored."""

    averages: Averages | None = None
    """Moving averages of the same parameters."""

    scaler: Any = None
    """torch's gradient scaler, for fp16."""

    settings: dict[str, Any] = field(default_factory=dict)
    """What must be the same when the run is resumed, as far as its checkpoint tells; plain JSON, or tuples of it."""

    before: Mapping[str, Any] = field(default_factory=dict)
    """What those settings were of which checkpoints of earlier versions do not tell."""

    data: str = ""
    """Fingerprint of the training data, which must be the same, too; not compared if empty."""

    extras: Mapping[str, Stateful] = field(default_factory=dict)
    """The rest by name, such as ``log``, the one that a checkpoint may lack."""

    def write(self, folder: Path, **progress: float) -> None:
        """Write the state, and numbers to keep, such as the step, to an empty folder.

        Raises OSError or safetensors.SafetensorError where it cannot be written.
        """
        for name, part in self.parts.items():
            _write_part(folder / name, part)
        tensors, numbers = self._moments()
        save_file(tensors, folder / _OPTIMIZER)
        if self.averages:
            shadows = zip(self._parameters(), self.averages.shadow_params, strict=True)
            save_file({name: _plain(shadow) for name, shadow in shadows}, folder / _AVERAGES)
        state = {
            "version": _VERSION,
            "settings": self.settings,
            "data": self.data,
            "progress": progress,
            "optimizer": numbers,
            "averages": self.averages.optimization_step if self.averages else None,
            "scaler": self.scaler.state_dict() if self.scaler else None,
            "extras": {name: extra.state_dict() for name, extra in self.extras.items()},
        }
        (folder / STATE_NAME).write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")

    def read(self, folder: Path) -> dict[str, Any]:
        """Restore the state from a folder that a run of the same networks wrote, and give the progress.

        Raises ValueError where it is no such checkpoint, is damaged, or is of other networks or settings, OSError where
        it cannot be read.
        """
        is_older = not (folder / STATE_NAME).exists() and _is_older(folder)
        state = _read_older_state(folder) if is_older else _read_json(folder)
        self._check(state, folder)
        if is_older:
            self._read_older(folder)
        else:
            for name, part in self.parts.items():
                _load_part(part, _tensors(folder / name / _weights_name(part)), folder / name / _weights_name(part))
            self._read_moments(folder / _OPTIMIZER, {**_load(folder / _OPTIMIZER), **state["optimizer"]})
        if self.averages:
            kept, path = _tensors(folder / _AVERAGES), folder / _AVERAGES
            parameters = self._parameters()
            _check_tensors(kept, parameters, path)
            for name, shadow in zip(parameters, self.averages.shadow_params, strict=True):
                shadow.copy_(kept[name])
            self.averages.optimization_step = state["averages"]
        scaler = {"scaler": self.scaler} if self.scaler and state.get("scaler") else {}
        _read_extras({**scaler, **self.extras}, {**state["extras"], "scaler": state.get("scaler")}, folder)
        return dict(state["progress"])

    def _check(self, state: Mapping[str, Any], folder: Path) -> None:
        """Make sure that a checkpoint is of this run's settings and data."""
        for name, value in json.loads(json.dumps(self.settings)).items():
            before = state["settings"].get(name, self.before.get(name, value))
            if before != value:
                raise ValueError(f"{name} must be {before!r} as in {folder}, but is {value!r}.")
        if self.data and state.get("data", "") not in ("", self.data):
            raise ValueError(
                f"the training data must be what {folder} was trained on, but is not. Resume with that, or start a "
                "run of its own from what was trained."
            )
        if bool(self.averages) != isinstance(state.get("averages"), int):
            was, now = ("off", "on") if self.averages else ("on", "off")
            raise ValueError(f"use_ema must be {was} as in {folder}, but is {now}.")

    def _read_older(self, folder: Path) -> None:
        """Restore what accelerate wrote: all weights in one file, and moments by the parameters' numbers."""
        path = folder / _OLDER_WEIGHTS
        weights = _tensors(path)
        for name, part in self.parts.items():
            own = {key.removeprefix(f"{name}."): value for key, value in weights.items() if key.startswith(f"{name}.")}
            _load_part(part, own, path)
        parameters, moments = list(self._parameters().items()), _read_older_moments(folder)
        if not set(moments) <= set(range(len(parameters))):
            raise ValueError(f"{folder} must hold moments of {len(parameters)} parameters, but holds others.")
        for index, values in moments.items():
            name, shape = parameters[index][0], parameters[index][1].shape
            if any(isinstance(value, Tensor) and value.shape not in ((), shape) for value in values.values()):
                raise ValueError(f"{folder} must hold moments of what is trained, but those of {name} are of another.")
        self._read_moments(folder, dict(_flat({parameters[index][0]: moments[index] for index in moments})))

    def _parameters(self) -> dict[str, nn.Parameter]:
        return {
            f"{part}.{name}": weights
            for part, network in self.parts.items()
            for name, weights in network.named_parameters()
        }

    def _moments(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Take the optimizer's state apart: tensors, and numbers, by parameter and key."""
        names, state = list(self._parameters()), self.optimizer.state_dict()["state"]
        flat = dict(_flat({names[index]: values for index, values in state.items()}))
        tensors: dict[str, Tensor] = {}
        known: set[int] = set()
        for key, value in flat.items():
            if isinstance(value, torch.Tensor):
                plain = _plain(value)
                # Parameters share the tables by which 8-bit moments are read; safetensors wants each its own.
                tensors[key] = plain.clone() if plain.data_ptr() in known else plain
                known.add(plain.data_ptr())
        return tensors, {key: value for key, value in flat.items() if key not in tensors}

    def _read_moments(self, path: Path, flat: Mapping[str, Any]) -> None:
        parameters = self._parameters()
        indices = {name: index for index, name in enumerate(parameters)}
        state: dict[int, dict[str, Any]] = {}
        for key, value in flat.items():
            name, *keys = key.split("/")
            if name not in parameters or not keys:
                raise ValueError(f"{path} must hold moments of what is trained, but holds {key!r}.")
            place = state.setdefault(indices[name], {})
            for inner in keys[:-1]:
                place = place.setdefault(inner, {})
            place[keys[-1]] = _laid_out(value, parameters[name])
        if len(state) not in (0, len(parameters)):
            raise ValueError(f"{path} must hold moments of {len(parameters)} parameters, but holds {len(state)}.")
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": state})


def _read_extras(extras: Mapping[str, Stateful], kept: Mapping[str, Any], folder: Path) -> None:
    for name, extra in extras.items():
        if name == "log" and name not in kept:
            continue
        try:
            extra.load_state_dict(kept[name])
        except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
            raise ValueError(f"{folder} must hold {name!r} of this run, but does not: {one_line(error)}.") from error


def _write_part(folder: Path, part: Any) -> None:
    """Save a network as its library does, but for the order in memory, which safetensors refuses."""
    folder.mkdir()
    if isinstance(part, PreTrainedModel):
        part.config.save_pretrained(folder)
    elif _is_of_diffusers(part):
        part.save_config(folder)
    own = part.state_dict()
    weights = {names[0]: _plain(own[names[0]]) for names in _tied(own)}
    save_file(weights, folder / _weights_name(part), metadata={"format": "pt"})


def _load_part(part: nn.Module, found: dict[str, Tensor], path: Path) -> None:
    own = part.state_dict()
    for names in _tied(own):
        kept = next((name for name in names if name in found), names[0])
        found |= {name: found[kept] for name in names if kept in found}
    _check_tensors(found, own, path)
    part.load_state_dict(found)


def _tied(weights: Mapping[str, Tensor]) -> list[list[str]]:
    """Group names by their tensor: some networks have one under two names, of which safetensors keeps one."""
    groups: dict[object, list[str]] = {}
    for name, tensor in weights.items():
        groups.setdefault((tensor.data_ptr(), tensor.shape) if tensor.numel() else name, []).append(name)
    return list(groups.values())


def _weights_name(part: Any) -> str:
    return "diffusion_pytorch_model.safetensors" if _is_of_diffusers(part) else "model.safetensors"


def _is_of_diffusers(part: Any) -> bool:
    return hasattr(part, "save_config")


def _flat(tree: Mapping[str, Any], path: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in tree.items():
        found += _flat(value, f"{path}{key}/") if isinstance(value, dict) else [(f"{path}{key}", value)]
    return found


def _plain(tensor: Tensor) -> Tensor:
    return tensor.detach().cpu().contiguous()


def _laid_out(value: Any, weights: Tensor) -> Any:
    """Give a moment the memory format of its weights."""
    if not isinstance(value, torch.Tensor) or value.shape != weights.shape:
        return value
    return torch.empty_like(weights, dtype=value.dtype, device="cpu").copy_(value)


def _read_json(folder: Path) -> dict[str, Any]:
    path = folder / STATE_NAME
    if not path.is_file():
        raise ValueError(
            f"{folder} must hold {STATE_NAME}, but has none: checkpoints that earlier versions pickled are not read."
        )
    if path.stat().st_size > _LARGEST:
        raise ValueError(f"{path} must be smaller than {_LARGEST} bytes, but is {path.stat().st_size}.")
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} must be JSON, but is not: {error}.") from error
    if not isinstance(state, dict) or state.get("version") != _VERSION:
        version = state.get("version") if isinstance(state, dict) else None
        raise ValueError(f"{path} must be of version {_VERSION}, but is of {version!r}.")
    state.setdefault("extras", {})  # which those of before have not
    wrong = [key for key in ("settings", "progress", "optimizer", "extras") if not isinstance(state.get(key), dict)]
    if wrong:
        raise ValueError(f"{path} must hold an object named {wrong[0]}, but does not.")
    strange = [name for name, value in state["progress"].items() if not _is_number(value)]
    if strange:
        raise ValueError(f"{path} must hold numbers under progress, but {strange[0]!r} is none.")
    return state


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and abs(cast("float", value)) <= _LARGEST_NUMBER


def _load(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path} must be a whole safetensors file, but is damaged: {one_line(error)}.") from error


def _tensors(path: Path) -> dict[str, Tensor]:
    """Load weights, all finite."""
    if not path.is_file():
        raise ValueError(f"{path} must be there, since what it holds is trained, but is not.")
    found = _load(path)
    for name, weights in found.items():
        if not torch.isfinite(weights).all():
            raise ValueError(f"{path} must hold finite weights, but {name} has NaN or infinity: the file is damaged.")
    return found


def _check_tensors(found: Mapping[str, Tensor], own: Mapping[str, Tensor], path: Path) -> None:
    differ = [
        name
        for name in (*own, *(found.keys() - own.keys()))
        if name not in found or name not in own or found[name].shape != own[name].shape
    ]
    if differ:
        raise ValueError(f"{path} must hold what is trained, but differs in {differ[0]} and {len(differ) - 1} more.")


def _is_older(folder: Path) -> bool:
    """Tell whether accelerate wrote a checkpoint."""
    return (folder / _OLDER_STATE).is_file() and (folder / _OLDER_WEIGHTS).is_file()


def _read_older_state(folder: Path) -> dict[str, Any]:
    """Read what is no tensor, in the form that it has today."""
    path = folder / _OLDER_STATE
    if path.stat().st_size > _OLDER_LARGEST:
        raise ValueError(f"{path} must have at most {_OLDER_LARGEST} bytes, but has {path.stat().st_size}.")
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
        identity = dict(state.pop("identity", None) or {})
        state.pop("schedule", None)  # the learning rate is a function of the step
    except (AttributeError, RecursionError, TypeError, ValueError) as error:
        raise ValueError(f"{path} must hold a JSON object of a run, but does not: {one_line(error)}.") from error
    scaler, step = folder / "scaler.pt", folder.name.rpartition("-")[2]
    if not (step.isascii() and step.isdigit()):
        raise ValueError(f"resume_from_checkpoint must be named checkpoint-<step>, but is {folder}.")
    return {
        "data": identity.pop("data", ""),
        "settings": identity,
        "progress": {"step": int(step)},
        "scaler": _archive(scaler) if scaler.is_file() else None,
        "extras": state,
    }


def _read_older_moments(folder: Path) -> dict[int, dict[str, Any]]:
    """Read the optimizer's state, by the numbers of its parameters."""
    path = folder / "optimizer.bin"
    content = _archive(path)
    state = content.get("state")
    if not isinstance(state, dict) or any(type(index) is not int or type(state[index]) is not dict for index in state):
        raise ValueError(f"{path} must hold an optimizer's state, but does not.")
    return state


def _archive(path: Path) -> dict[str, Any]:
    """Read a dictionary that torch saved."""
    if not path.is_file():
        raise ValueError(f"{path} must be there, but is not.")
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1:
                    raise ValueError(f"{member.filename} is compressed or encrypted")
                if member.filename.endswith(".pkl") and member.file_size > _MAX_PICKLE:
                    raise ValueError(f"{member.filename} has more than {_MAX_PICKLE} bytes")
            if (broken := archive.testzip()) is not None:
                raise ValueError(f"{broken} is damaged")
        # Mapped, torch refuses tensors that are larger than the file.
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (
        *(ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, OSError, RuntimeError, TypeError),
        *(ValueError, pickle.UnpicklingError, struct.error, zipfile.BadZipFile, zlib.error),
    ) as error:
        raise ValueError(f"{path} must be an archive of torch, but cannot be read: {one_line(error)}.") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold a dictionary, but holds a {type(content).__name__}.")
    return content
