"""The state of a training run in a folder: weights and moments as safetensors, the rest as JSON, nothing pickled."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel

from signdiff_core.wording import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from diffusers.training_utils import EMAModel
    from torch import Tensor, nn

STATE_NAME: Final = "training_state.json"
"""File of a checkpoint with what is no tensor; written last."""

_LARGEST_NUMBER: Final = 1e38
"""Largest number of a training's progress: its losses are float32."""

_OPTIMIZER: Final = "optimizer.safetensors"
_AVERAGES: Final = "averages.safetensors"
_VERSION: Final = 1
_LARGEST: Final = 2**24


@dataclass
class RunState:
    """What a run must restore to go on to the bit.

    Learning rate and random draws are functions of the step, and are not kept. Networks that are not trained are not
    kept either.
    """

    parts: Mapping[str, Any]
    """Trained networks, models of diffusers or transformers, by name: each gets a folder that opens as such."""

    optimizer: torch.optim.Optimizer
    """Over the parts' parameters in their order; its options are not restored."""

    averages: EMAModel | None = None
    """Moving averages of the same parameters."""

    scaler: Any = None
    """torch's gradient scaler, for fp16."""

    settings: dict[str, Any] = field(default_factory=dict)
    """What must be the same when the run goes on; plain JSON."""

    data: str = ""
    """Fingerprint of the training data, which must be the same, too; not compared if empty."""

    def write(self, folder: Path, **progress: float) -> None:
        """Write the state.

        Args:
            folder: an empty folder.
            **progress: numbers to keep, such as the step.

        Raises:
            OSError: it cannot be written.
            safetensors.SafetensorError: likewise.
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
        }
        (folder / STATE_NAME).write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")

    def read(self, folder: Path) -> dict[str, Any]:
        """Restore the state.

        Args:
            folder: written by a run of the same networks.

        Returns:
            The progress.

        Raises:
            ValueError: the folder is no such checkpoint, is damaged, or is of other networks or settings.
            OSError: it cannot be read.
        """
        state = _read_json(folder)
        for name, value in self.settings.items():
            if state["settings"].get(name) != value:
                raise ValueError(f"{name} must be {state['settings'].get(name)!r} as in {folder}, but is {value!r}.")
        if self.data and state.get("data", "") not in ("", self.data):
            raise ValueError(
                f"train_data_dir must hold the frames that {folder} was trained on, but holds others. Go on with "
                "those, or start a run of its own from the trained pipeline."
            )
        for name, part in self.parts.items():
            own = part.state_dict()
            part.load_state_dict(_tensors(folder / name / _weights_name(part), like=own))
        self._read_moments(folder, state["optimizer"])
        parameters = self._parameters()
        if self.averages:
            if not isinstance(state.get("averages"), int):
                raise ValueError(f"use_ema must be off as in {folder}, but is on.")
            kept = _tensors(folder / _AVERAGES, like=parameters)
            for name, shadow in zip(parameters, self.averages.shadow_params, strict=True):
                shadow.copy_(kept[name])
            self.averages.optimization_step = state["averages"]
        if self.scaler and state.get("scaler"):
            self.scaler.load_state_dict(state["scaler"])
        return dict(state["progress"])

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

    def _read_moments(self, folder: Path, numbers: dict[str, Any]) -> None:
        parameters, path = self._parameters(), folder / _OPTIMIZER
        indices = {name: index for index, name in enumerate(parameters)}
        state: dict[int, dict[str, Any]] = {}
        for key, value in (*_load(path).items(), *numbers.items()):
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


def _write_part(folder: Path, part: Any) -> None:
    """Save a network as its library does, but for the order in memory, which safetensors refuses."""
    folder.mkdir()
    if isinstance(part, PreTrainedModel):
        part.config.save_pretrained(folder)
    else:
        part.save_config(folder)
    weights = {name: _plain(value) for name, value in part.state_dict().items()}
    save_file(weights, folder / _weights_name(part), metadata={"format": "pt"})


def _weights_name(part: Any) -> str:
    return "model.safetensors" if isinstance(part, PreTrainedModel) else "diffusion_pytorch_model.safetensors"


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
    wrong = [key for key in ("settings", "progress", "optimizer") if not isinstance(state.get(key), dict)]
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


def _tensors(path: Path, *, like: Mapping[str, Tensor]) -> dict[str, Tensor]:
    if not path.is_file():
        raise ValueError(f"{path} must be there, since what it holds is trained, but is not.")
    found = _load(path)
    differ = [
        name
        for name in (*like, *(found.keys() - like.keys()))
        if name not in found or name not in like or found[name].shape != like[name].shape
    ]
    if differ:
        raise ValueError(f"{path} must hold what is trained, but differs in {differ[0]} and {len(differ) - 1} more.")
    for name, weights in found.items():
        if not torch.isfinite(weights).all():
            raise ValueError(f"{path} must hold finite weights, but {name} has NaN or infinity: the file is damaged.")
    return found
