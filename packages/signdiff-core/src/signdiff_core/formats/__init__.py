"""Pose files: `read` gives a `pose_format.Pose` whatever the format, `write` takes one.

The formats are plug-ins of the group ``signdiff.pose_formats``; ``.pose``, ``.skels`` and OpenPose JSON come with
the package.
"""

from signdiff_core.formats.dispatch import PoseFileFormat, format_for, names, read, write
from signdiff_core.formats.errors import FormatError, FormatWarning
from signdiff_core.formats.normalise import is_normalised, normalise, normalised
from signdiff_core.formats.skels import iter_skels, write_skels

__all__ = [
    "FormatError",
    "FormatWarning",
    "PoseFileFormat",
    "format_for",
    "is_normalised",
    "iter_skels",
    "names",
    "normalise",
    "normalised",
    "read",
    "write",
    "write_skels",
]
