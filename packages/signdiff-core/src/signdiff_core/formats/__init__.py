"""Pose files: `read` gives a `pose_format.Pose` whatever the format, `write` takes one.

The formats are plug-ins of the group ``signdiff.pose_formats``; ``.pose``, ``.skels`` and OpenPose JSON come with
the package.
"""

from signdiff_core.formats.coordinates import is_normalised, normalise, normalised, visible
from signdiff_core.formats.dispatch import PoseFileFormat, format_for, names, read, write
from signdiff_core.formats.files import FormatError, FormatWarning
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
    "visible",
    "write",
    "write_skels",
]
