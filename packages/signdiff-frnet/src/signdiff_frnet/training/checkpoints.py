"""Folders ``checkpoint-<step>`` of a training run: found, written whole, and thinned out."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from safetensors import SafetensorError

from signdiff_core.atomic import replacing_folder
from signdiff_frnet.training.torch_archives import check_archives

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from accelerate import Accelerator

STATE_NAME: Final = "state.json"
"""File of a checkpoint with what accelerate does not know of, and would pickle."""

_LARGEST: Final = 1 << 20


def list_checkpoints(folder: Path) -> list[Path]:
    """List a run's checkpoints, oldest first."""
    return sorted((path for path in folder.glob("checkpoint-*") if path.name.rpartition("-")[2].isdigit()), key=step_of)


def step_of(checkpoint: Path) -> int:
    """Read the number of optimizer steps from a checkpoint's name.

    Example:
        >>> step_of(Path("run/checkpoint-500"))
        500
    """
    return int(checkpoint.name.rpartition("-")[2])


def find_checkpoint(name: str, folder: Path) -> Path | None:
    """Find what ``--resume_from_checkpoint`` names.

    Args:
        name: a folder, the name of one within ``folder``, or ``"latest"``.
        folder: the run.

    Returns:
        The checkpoint; None for ``"latest"`` of a run that has none yet.

    Raises:
        FileNotFoundError: there is no such checkpoint.
    """
    if name == "latest":
        return next(reversed(list_checkpoints(folder)), None)
    for path in (Path(name), folder / name):
        if path.is_dir() and path.name.rpartition("-")[2].isdigit():
            return path
    raise FileNotFoundError(f"resume_from_checkpoint must be 'latest' or a checkpoint's folder, but is {name!r}.")


@contextmanager
def telling_how_to_go_on(folder: Path) -> Iterator[None]:
    """Note on what was asked to stop where the run can go on.

    Args:
        folder: the run.
    """
    try:
        yield
    except KeyboardInterrupt as stop:
        last = next(reversed(list_checkpoints(folder)), None)
        way = f"{last.name} is whole: go on with --resume_from_checkpoint latest" if last else "there is no checkpoint"
        stop.add_note(way)
        raise


def save_checkpoint(
    accelerator: Accelerator,
    folder: Path,
    step: int,
    *,
    keep: int,
    parts: Mapping[str, Any],
    identity: Mapping[str, str | int] | None = None,
) -> None:
    """Write ``checkpoint-<step>`` under a temporary name, rename it, and thin out the older ones; on every process.

    Args:
        accelerator: holds the state.
        folder: the run.
        step: optimizer steps so far.
        keep: checkpoints that stay, with this one.
        parts: the rest of the state by name, with ``state_dict`` and ``load_state_dict``: numbers and lists of them.
        identity: what must be the same when the run goes on: its data and the sizes of its network, by name.
    """
    target = folder / f"checkpoint-{step}"
    # All processes write into one folder, which the main one makes, and renames when all are done.
    with _made_by_main(accelerator, target) as temporary:
        try:
            accelerator.save_state(str(temporary))
        except SafetensorError as error:  # as which safetensors passes errors of the system on
            raise OSError(f"{target} cannot be written: {error}") from error
        accelerator.wait_for_everyone()
        if accelerator.is_main_process:
            state = {"identity": dict(identity or {})} | {name: part.state_dict() for name, part in parts.items()}
            (temporary / STATE_NAME).write_text(json.dumps(state) + "\n", encoding="utf-8")
    if accelerator.is_main_process:
        for path in list_checkpoints(folder)[:-keep]:
            _remove(path)
    accelerator.wait_for_everyone()


@contextmanager
def _made_by_main(accelerator: Accelerator, target: Path) -> Iterator[Path]:
    temporary = target.with_name(f".{target.name}.tmp")
    with replacing_folder(target) if accelerator.is_main_process else nullcontext(temporary) as made:
        accelerator.wait_for_everyone()
        yield made


def clean_up(folder: Path) -> None:
    """Remove what a killed run left half written, or half removed."""
    for path in folder.glob(".checkpoint-*.tmp"):
        shutil.rmtree(path, ignore_errors=True)


def _remove(folder: Path) -> None:
    """Remove a folder so that no part of it is ever seen under its name."""
    doomed = folder.with_name(f".{folder.name}.old.tmp")
    folder.rename(doomed)
    shutil.rmtree(doomed)


def load_checkpoint(
    accelerator: Accelerator, folder: Path, *, parts: Mapping[str, Any], identity: Mapping[str, str | int] | None = None
) -> None:
    """Restore what `save_checkpoint` wrote; on every process.

    Weights are safetensors. The optimizer's state is a pickle of torch's, from which tensors and plain values alone are
    taken: no code in it runs.

    Args:
        accelerator: takes the state.
        folder: the checkpoint.
        parts: as they were saved.
        identity: of this run; not compared with checkpoints of before, which have none.

    Raises:
        ValueError: a file is missing, damaged or of another kind, or of other data or another network.
    """
    from pickle import UnpicklingError

    path = folder / STATE_NAME
    for needed in (path, folder / "model.safetensors"):
        if not needed.is_file():
            raise ValueError(
                f"{folder} must hold {needed.name}, but does not; older, pickled checkpoints are not read."
            )
    if path.stat().st_size > _LARGEST:
        raise ValueError(f"{path} must have at most {_LARGEST} bytes, but has {path.stat().st_size}.")
    try:
        state = _json_object(path)
        differing = _differences(state.get("identity") or {}, identity or {})
        if not differing:
            check_archives(folder)
            accelerator.load_state(str(folder))
            for name, part in parts.items():
                if name != "log" or name in state:  # which older checkpoints do not have
                    part.load_state_dict(state[name])
    except (
        SafetensorError,
        UnpicklingError,
        ArithmeticError,
        AttributeError,
        EOFError,
        OSError,
        RuntimeError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(f"{folder} must be a whole checkpoint of this run, but cannot be read: {reason}") from error
    if differing:
        raise ValueError(f"{folder} must be of the data and the network of this run, but {', '.join(differing)}.")


def _json_object(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"{path.name} holds no JSON object, but a {type(content).__name__}")
    return content


def _differences(was: Mapping[str, str | int], now: Mapping[str, str | int]) -> list[str]:
    return [f"{name} was {was[name]} and is {now[name]}" for name in now if name in was and was[name] != now[name]]
