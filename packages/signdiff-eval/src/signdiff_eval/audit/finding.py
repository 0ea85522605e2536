"""One thing that is wrong with one file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

KINDS: Final = {
    "unreadable": "the file can't be read",
    "unpaired": "a file has no partner of its name",
    "empty-frames": "frames in which no joint is present, or all lie at the origin",
    "nan-frames": "frames with a NaN or an infinity",
    "frozen": "the pose doesn't move, or stands still for more than half of the time",
    "longer": "the hypothesis lasts longer than its reference",
    "copied-frames": "frames are identical to frames of the reference",
    "first-frame": "the first frame is the reference's",
    "counter": "the counters are the reference's: its timing was told",
    "same-length": "every hypothesis has exactly its reference's length: its timing was told",
    "frame-rate": "frame rates differ",
    "skeleton": "joints or axes differ from the reference's",
    "scale": "the figure has another size than its reference, or than its file format says: other units",
    "mirrored": "left and right are exchanged",
    "generated-reference": "a reference carries a generator's mark",
}
"""Every kind of finding, with what it means."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with one file.

    Attributes:
        kind: one of `KINDS`.
        file: the file, as seen from the audited folder; with the sequence's name if it holds several.
        detail: what was found, with numbers.
    """

    kind: str
    file: str
    detail: str
