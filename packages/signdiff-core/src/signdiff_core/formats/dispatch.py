"""Choosing the format of a pose file, and reading and writing through it."""

from __future__ import annotations

import inspect
import os
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from signdiff_core import plugins
from signdiff_core.formats.files import FormatError, FormatWarning

if TYPE_CHECKING:  # pose_format is heavy to import
    from pose_format import Pose

_GROUP = "signdiff.pose_formats"
_KEYWORD = inspect.Parameter.KEYWORD_ONLY


class PoseFileFormat(Protocol):
    """What a plug-in of the group ``signdiff.pose_formats`` offers; its class is called without arguments."""

    name: str
    """Name of the format."""

    suffixes: tuple[str, ...]
    """Suffixes of its files, in lower case, with the dot; an empty one stands for a folder."""

    def matches(self, path: str | os.PathLike[str]) -> bool:
        """Tell whether an existing file or folder looks like this format."""

    def read(self, path: str | os.PathLike[str], **options: Any) -> Pose:
        """Read a pose."""

    def write(self, pose: Pose, path: str | os.PathLike[str], **options: Any) -> None:
        """Write a pose."""


def names() -> list[str]:
    """List the names of the installed formats.

    Example:
        >>> set(names()) >= {"openpose", "pose", "skels"}
        True
    """
    return list(dict.fromkeys(plugin.name for plugin in plugins.discover(_GROUP)))


def format_for(
    path: str | os.PathLike[str], purpose: Literal["read", "write"], *, name: str | None = None
) -> PoseFileFormat:
    """Choose the format for a path.

    Args:
        path: a file or folder.
        purpose: ``"read"`` looks at what is there, ``"write"`` at the suffix only.
        name: name of a format, where the path does not tell.

    Raises:
        FileNotFoundError: there is nothing to read.
        FormatError: no format fits, several do, or the one called ``name`` cannot write.
        UnknownPluginError: no format is called ``name``.
        PluginError: the format called ``name`` cannot be loaded or used. Others that cannot are passed over; one that
            fails at the path is told in a warning.

    Example:
        >>> format_for("clip.skels", "write").name
        'skels'
    """
    if purpose == "read" and not Path(path).exists():
        raise FileNotFoundError(f"{path}: expected a pose, but there is no such file.")
    if name is not None:
        chosen: PoseFileFormat = plugins.find(_GROUP, name).make()
        if purpose == "write" and not hasattr(chosen, "write"):
            raise FormatError(path, f"expected a format that writes, but {name} only reads.")
        return chosen
    fitting: dict[str, PoseFileFormat] = {}
    broken, failed, endings = [], [], set[str]()
    for plugin in plugins.discover(_GROUP):
        try:
            candidate: PoseFileFormat = plugin.make()
        except plugins.PluginError as error:
            broken.append(str(error))
            continue
        if purpose == "read":
            try:
                fits = candidate.matches(path)
            except Exception as error:  # a stranger's format may raise anything at all
                failed.append(plugin.failure(f"cannot look at {path}", error))
                continue
        else:
            own = candidate.suffixes if hasattr(candidate, "write") else ()
            fits = _suffix(path) in own
            endings |= set(own)
        if fits:
            fitting.setdefault(plugin.name, candidate)
    if len(fitting) > 1:
        raise FormatError(path, f"fits several formats, {', '.join(fitting)}: name the one that is meant.")
    if not fitting:
        reason = f" ({' '.join(broken + failed)})" if broken + failed else ""
        if purpose == "write":
            known = [*sorted(endings - {""}), *(["no suffix, for a folder"] if "" in endings else [])]
            raise FormatError(path, f"expected a name for a pose to write, which ends in {' or '.join(known)}.{reason}")
        raise FormatError(path, f"expected a pose in one of the formats {', '.join(names())}.{reason}")
    for failure in failed:
        warnings.warn(failure, FormatWarning, stacklevel=2)
    return next(iter(fitting.values()))


@contextmanager
def telling(name: str, path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn what a stranger's format may raise into a FormatError that names the format and the path."""
    try:
        yield
    except (ValueError, OSError, ImportError, MemoryError, plugins.PluginError):
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".rstrip(".")
        raise FormatError(path, f"the pose format {name!r} failed: {reason}.") from error


def read(path: str | os.PathLike[str], *, format: str | None = None, **options: Any) -> Pose:  # noqa: A002
    """Read a pose from a file or folder of any installed format.

    Args:
        path: the file, or the folder of OpenPose JSON files.
        format: name of the format, where the path does not tell.
        options: as the format's own ``read`` takes them, such as ``index`` for ``.skels``.

    Returns:
        The pose, in the units of the file: `normalised` brings one that is in pixels to normalised coordinates.

    Raises:
        FileNotFoundError: there is no such file.
        FormatError: the file is broken, or no format fits; the message names the file, the place and what was
            expected.
        TypeError: the format takes no such option.
    """
    chosen = format_for(path, "read", name=format)
    check_options(chosen, chosen.read, options)
    with telling(chosen.name, path):
        return chosen.read(path, **options)


def write(pose: Pose, path: str | os.PathLike[str], *, format: str | None = None, **options: Any) -> None:  # noqa: A002
    """Write a pose in the format that the path's suffix names; nothing half-written stays.

    Args:
        pose: the pose.
        path: the file, or without a suffix the folder of OpenPose JSON files.
        format: name of the format, where the suffix does not tell.
        options: as the format's own ``write`` takes them, such as ``variant`` for ``.skels``.

    Raises:
        FormatError: the pose does not fit the format, or no format has this suffix.
        OSError: the file cannot be written.
        TypeError: the format takes no such option.
    """
    chosen = format_for(path, "write", name=format)
    check_options(chosen, chosen.write, options)
    with telling(chosen.name, path):
        chosen.write(pose, path, **options)


def check_options(chosen: PoseFileFormat, method: Any, options: Iterable[str]) -> None:
    """Raise TypeError where a format's ``read`` or ``write`` does not take one of some options, by name."""
    for option in options:
        if not takes(method, option):
            known = [name for name, each in inspect.signature(method).parameters.items() if each.kind is _KEYWORD]
            raise TypeError(
                f"{option} is not an option of {method.__name__} in the format {chosen.name!r}; "
                f"it takes {', '.join(known) or 'none'}."
            )


def takes(method: Any, option: str) -> bool:
    """Tell whether a format's ``read`` or ``write`` takes an option."""
    parameters = inspect.signature(method).parameters
    named = option in parameters and parameters[option].kind is _KEYWORD
    return named or any(each.kind is each.VAR_KEYWORD for each in parameters.values())


def _suffix(path: str | os.PathLike[str]) -> str:
    """The suffix of a path; the dot of a version, as in ``poses/v1.0``, begins none."""
    suffix = Path(path).suffix.lower()
    return suffix if suffix[1:2].isalpha() else ""
