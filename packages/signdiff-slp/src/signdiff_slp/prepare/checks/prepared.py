"""What is odd about clips that were prepared: their durations disagree, or nothing moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from signdiff_slp.prepare.checks.check import disagree
from signdiff_slp.prepare.checks.findings import Finding
from signdiff_slp.prepare.checks.motion import STILL

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from signdiff_slp.prepare.plan import Task


def find_in_clips(
    told: Sequence[Mapping[str, Any]], tasks: Mapping[str, Task], tolerance: float, known: Collection[str] = ()
) -> Iterator[Finding]:
    """Look at what is known of prepared clips.

    Args:
        told: of each clip ``name``, ``seconds``, ``video_seconds`` and ``movement``, as `steps.finish` tells them.
        tasks: of the clips, by name.
        tolerance: seconds by which durations of one clip may differ.
        known: clips of which something was found before: their durations are not told again.
    """
    for clip in told:
        name, lasts = clip["name"], clip["seconds"]
        others = {"the table says": tasks[name].seconds, "its video": clip["video_seconds"]}
        for what, other in others.items():
            if name not in known and other is not None and other > 0 and disagree(lasts, other, tolerance):
                detail = f"lasts {lasts:.2f} s, but {what} {other:.2f} s"
                yield Finding(clip=name, kind="other duration", detail=detail)
        if clip["movement"] <= STILL:
            detail = f"no joint moves by more than {clip['movement']:.1%} of the shoulders' width in {lasts:.2f} s"
            yield Finding(clip=name, kind="no motion", detail=detail)
