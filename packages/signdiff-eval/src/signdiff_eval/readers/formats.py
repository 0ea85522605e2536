"""The pose formats that can be read: ``.pose`` and the SLRTP challenge's, others where a plug-in brings them."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from signdiff_eval.installed import load_group
from signdiff_eval.readers.poses import PoseSequence, check_numbers, sequence_of
from signdiff_eval.readers.slrtp import SLRTPFormat
from signdiff_eval.readers.video import is_video

if TYPE_CHECKING:
    from pose_format import Pose

GROUP: Final = "signdiff.pose_formats"
"""Entry point group of the plug-ins."""

MAX_BYTES: Final = 2**31
"""Largest ``.pose`` file that is read."""

_BROKEN: Final = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, MemoryError, NotImplementedError),
    *(TypeError, ValueError, struct.error),
)
"""What pose-format raises for broken files."""

_CUT_OFF: Final = ("unpack_from requires a buffer", "buffer is smaller", "buffer is too small")
"""What Python and NumPy say where a file holds fewer bytes than it should."""


class PoseFormats:
    """Reads pose files by their format.

    Args:
        plugins: name to reader, each with ``matches(path) -> bool`` and ``read(path) -> Pose``; also ``read_all(path)
            -> Iterable[tuple[str, Pose]]``, with the sequences' names or else their positions, where a file may hold
            several. The installed plug-ins and `SLRTPFormat` if not given.

    Attributes:
        broken: names of the plug-ins that could not be loaded, or failed at a file, with the reason.
    """

    def __init__(self, plugins: Mapping[str, Any] | None = None) -> None:
        self.broken: dict[str, str] = {}
        self._plugins = self._installed() if plugins is None else dict(plugins)

    def _installed(self) -> dict[str, Any]:
        found: dict[str, Any] = {"slrtp": SLRTPFormat()}
        formats, self.broken = load_group(GROUP)
        for name, kind in sorted(formats.items()):
            if name == "pose":
                continue
            try:
                found[name] = kind()
            except Exception as error:  # a stranger's class may raise anything at all
                self.broken[name] = f"{type(error).__name__}: {error}"
        return found

    def matches(self, path: Path) -> bool:
        """Tell whether some format can read a file or folder, by its name (and, for plug-ins, as they see fit)."""
        return path.suffix == ".pose" or any(self._fits(name, path) for name in self._plugins)

    def _fits(self, name: str, path: Path) -> bool:
        try:
            return bool(self._plugins[name].matches(path))
        except Exception as error:  # a stranger's plug-in may raise anything at all
            self.broken[name] = f"{type(error).__name__}: {error}"
            return False

    def read(self, path: Path) -> list[PoseSequence]:
        """Read all sequences of a file, by their own names if there are several; a ValueError as for `sequence_of`."""
        return [sequence_of(pose, str(path), clip=clip) for clip, pose in self.poses(path)]

    def poses(self, path: Path) -> Iterator[tuple[str, Pose]]:
        """Read all poses of a file as they are stored, each with its name there, empty where the format holds one pose.

        A ValueError if no format matches, the file is broken, or as for `check_numbers`.
        """
        for name, pose in self._stored(path):
            check_numbers(pose, f"{path}, {name}," if name else str(path))
            yield name, pose

    def _stored(self, path: Path) -> Iterator[tuple[str, Pose]]:
        if path.suffix == ".pose":
            yield "", _read_pose(path)
            return
        for name, plugin in self._plugins.items():
            if not self._fits(name, path):
                continue
            yield from _of_plugin(name, plugin, path)
            return
        hint = "; videos are scored with --video" if is_video(path) else ""
        known = ", ".join([".pose", *self._plugins])
        broken = "".join(f"; the plug-in {name} failed: {why}" for name, why in self.broken.items())
        raise ValueError(f"{path} must be in one of the formats {known}, but is in none of them{broken}{hint}.")


def _of_plugin(name: str, plugin: Any, path: Path) -> Iterator[tuple[str, Pose]]:
    """Read with a plug-in: its errors name the whole path, and are such as a command tells in one line."""
    try:
        if hasattr(plugin, "read_all"):
            yield from plugin.read_all(path)
        else:
            yield "", plugin.read(path)
    except ImportError:
        raise
    except (ValueError, OSError) as error:
        message = str(error)
        if str(path) in message:
            raise
        placed = message.replace(path.name, str(path), 1) if path.name in message else f"{path}: {message}"
        raise ValueError(placed) from error
    except Exception as error:  # a stranger's plug-in may raise anything at all
        raise ValueError(f"{path} can't be read by the plug-in {name}: {type(error).__name__}: {error}") from error


def _read_pose(path: Path) -> Pose:
    from pose_format import Pose

    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ValueError(f"{path} must have at most {MAX_BYTES} bytes, but has {size}.")
    try:
        return Pose.read(path.read_bytes())
    except _BROKEN as error:
        if any(sign in str(error) for sign in _CUT_OFF):
            raise ValueError(f"{path} must be a whole .pose file, but is cut off after {size} bytes.") from error
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{path} must be a whole .pose file, but can't be read: {reason:.200}") from error
