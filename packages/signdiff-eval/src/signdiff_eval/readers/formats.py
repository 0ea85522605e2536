"""The pose formats that can be read: ``.pose`` always, others where a plug-in brings them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final

import entrypoints

from signdiff_eval.readers.poses import PoseSequence, sequence_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pose_format import Pose

GROUP: Final = "signdiff.pose_formats"
"""Entry point group of the plug-ins."""


class PoseFormats:
    """Reads pose files by their format.

    Args:
        plugins: name to reader, each with ``matches(path) -> bool`` and ``read(path) -> Pose``, or ``read_all(path)
            -> list[Pose]`` if a file may hold several; the installed plug-ins if not given.

    Attributes:
        broken: names of the plug-ins that could not be loaded, with the reason.
    """

    def __init__(self, plugins: Mapping[str, Any] | None = None) -> None:
        self.broken: dict[str, str] = {}
        self._plugins = self._installed() if plugins is None else dict(plugins)

    def _installed(self) -> dict[str, Any]:
        found = {}
        for name, entry in sorted(entrypoints.get_group_named(GROUP).items()):
            if name == "pose":
                continue
            try:
                found[name] = entry.load()()
            except (ImportError, AttributeError) as error:
                self.broken[name] = str(error)
        return found

    def matches(self, path: Path) -> bool:
        """Tell whether some format can read a file or folder, by its name (and, for plug-ins, as they see fit)."""
        return path.suffix == ".pose" or any(plugin.matches(path) for plugin in self._plugins.values())

    def read(self, path: Path) -> list[PoseSequence]:
        """Read all sequences of a file.

        Raises:
            ValueError: no format matches, the file is broken, or as for `sequence_of`.
        """
        poses = self._poses(path)
        if len(poses) == 1:
            return [sequence_of(poses[0], path.name)]
        return [sequence_of(pose, f"{path.name}, sequence {index}") for index, pose in enumerate(poses)]

    def _poses(self, path: Path) -> list[Pose]:
        if path.suffix == ".pose":
            return [_read_pose(path)]
        for plugin in self._plugins.values():
            if plugin.matches(path):
                return list(plugin.read_all(path)) if hasattr(plugin, "read_all") else [plugin.read(path)]
        known = ", ".join([".pose", *self._plugins])
        broken = "".join(f"; the plug-in {name} failed to load: {why}" for name, why in self.broken.items())
        raise ValueError(f"{path.name} must be in one of the formats {known}, but is in none of them{broken}.")


def _read_pose(path: Path) -> Pose:
    from pose_format import Pose

    try:
        return Pose.read(path.read_bytes())
    except (ValueError, TypeError, struct.error, IndexError, OverflowError, NotImplementedError) as error:
        raise ValueError(f"{path.name} must be a whole .pose file, but can't be read: {error}") from error
