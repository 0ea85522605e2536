"""What can be told of a hypothesis beside its reference."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from signdiff_eval.audit.clip import NORMALISE, extent, figure_size, frozen
from signdiff_eval.readers.poses import same_rate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from signdiff_eval.audit.clip import Clip

SAME: Final = 1e-4
"""Frames are identical if no coordinate differs by more, as a share of the figure's size. Files with four or five
decimals round more coarsely than float32; no system comes so near by itself."""

SCALED: Final = 2.0
"""A figure larger or smaller than its reference's by this factor is in other units; people differ by less."""

MIRRORED: Final = 0.5
"""A hypothesis is mirrored if its mirror image is nearer to the reference by at least this factor."""

_SIDES: Final = {"left": "right", "right": "left", "l": "r", "r": "l"}


def compare(reference: Clip, hypothesis: Clip) -> Iterator[tuple[str, str]]:
    """Find what a hypothesis owes to its reference, or lacks beside it.

    Yields:
        Kind and detail.
    """
    slower = 1.0
    if not same_rate(reference.fps, hypothesis.fps):
        yield "frame-rate", f"{hypothesis.fps:.7g} frames per second, the reference has {reference.fps:.7g}"
        slower = reference.fps / hypothesis.fps
    true, made = len(reference.joints), len(hypothesis.joints)
    if true and made * slower > true * (1 + 1e-6):
        yield "longer", f"{made} frames, the reference has {true} ({made * slower / true:.2f} x)"
    if reference.joints.shape[1:] != hypothesis.joints.shape[1:] or reference.skeleton != hypothesis.skeleton:
        yield (
            "skeleton",
            f"{hypothesis.joints.shape[1:]} and the reference {reference.joints.shape[1:]}, or other names",
        )
        return
    known = np.asarray(reference.present.any(axis=0) & hypothesis.present.any(axis=0), dtype=np.bool_)
    left, right = (_finite(clip.joints[:, known]) for clip in (reference, hypothesis))
    if not known.any() or not len(left) or not len(right):
        return
    larger = figure_size(right) / (figure_size(left) or 1.0)
    if larger and not 1 / SCALED < larger < SCALED:
        yield "scale", f"the figure is {larger:.3g} times as large as the reference's: other units; {NORMALISE}"
        right = right / larger  # so that what else is wrong shows all the same
    if stands := frozen(right, left):
        yield "frozen", stands
    if copied := copied_frames(left, right):
        yield "copied-frames", f"{copied} of {len(right)} frames, the first not counted"
    if first_frame_is_copied(left, right):
        yield "first-frame", "identical to the reference's first frame"
    names = tuple(name for name, kept in zip(reference.skeleton, known, strict=True) if kept)
    if how := mirrored(left, right, names):
        yield "mirrored", how


def copied_frames(reference: NDArray[np.float64], hypothesis: NDArray[np.float64]) -> int:
    """Count frames, from the second on, that are identical to any frame of the reference.

    Args:
        reference: (T, J, C), finite.
        hypothesis: (U, J, C), finite.

    Example:
        >>> walk = np.cumsum(np.ones((9, 2, 3)), axis=0) * [[[1], [2]]]
        >>> copied_frames(walk, walk[::-1]), copied_frames(walk, walk + 0.25)
        (8, 0)
    """
    from scipy.spatial.distance import cdist

    if len(hypothesis) < 2:
        return 0
    flat = [np.ascontiguousarray(joints.reshape(len(joints), -1)) for joints in (reference, hypothesis[1:])]
    nearest = cdist(flat[1], flat[0], "chebyshev").min(axis=1)
    return int((nearest <= SAME * extent(reference)).sum())


def first_frame_is_copied(reference: NDArray[np.float64], hypothesis: NDArray[np.float64]) -> bool:
    """Tell whether the first frames are identical."""
    return bool(np.abs(reference[0] - hypothesis[0]).max() <= SAME * extent(reference))


def mirrored(
    reference: NDArray[np.float64], hypothesis: NDArray[np.float64], skeleton: Sequence[str] = ()
) -> str | None:
    """Tell whether left and right are exchanged.

    Three ways are tried: x negated; left and right joints exchanged, by their names; and both, which is how a mirror
    image of a signer looks.

    Args:
        reference: (T, J, C), finite; x first.
        hypothesis: (U, J, C), finite.
        skeleton: names of the joints.

    Returns:
        How; None if it isn't.
    """
    left, right = (_sampled(joints) for joints in (reference, hypothesis))
    ways = {"x is negated": right * _NEGATED[: right.shape[2]]}
    swapped = exchange(skeleton)
    if swapped is not None:
        ways["left and right joints are exchanged"] = right[:, swapped]
        ways["it is the mirror image"] = right[:, swapped] * _NEGATED[: right.shape[2]]
    apart = _distance(left, right)
    if apart < 10 * SAME * extent(reference):
        return None
    way, nearest = min(((way, _distance(left, turned)) for way, turned in ways.items()), key=lambda found: found[1])
    if nearest < MIRRORED * apart:
        return f"{way}: {nearest:.2g} from the reference in place of {apart:.2g}"
    return None


def exchange(skeleton: Sequence[str]) -> list[int] | None:
    """Find each joint's partner on the other side by its name.

    Returns:
        For each joint the index of its partner, itself in the middle; None where names tell no sides.

    Example:
        >>> exchange(["NOSE", "LEFT_HAND.WRIST", "RIGHT_HAND.WRIST"])
        [0, 2, 1]
    """
    places = {name.lower(): index for index, name in enumerate(skeleton)}
    partners = [places.get(_other_side(name.lower()), index) for index, name in enumerate(skeleton)]
    if sorted(partners) != list(range(len(partners))) or partners == list(range(len(partners))):
        return None
    return partners


_NEGATED: Final = np.array([-1.0, 1.0, 1.0])


def _other_side(name: str) -> str:
    return re.sub(r"(?<![a-z])(left|right|l|r)(?![a-z])", lambda found: _SIDES[found[0]], name)


def _finite(joints: NDArray[np.float64]) -> NDArray[np.float64]:
    kept: Any = joints[np.isfinite(joints).all(axis=(1, 2))]
    return kept  # type: ignore[no-any-return]


def _sampled(joints: NDArray[np.float64], *, count: int = 32) -> NDArray[np.float64]:
    chosen = joints[np.linspace(0, len(joints) - 1, count).round().astype(np.intp)]
    middle: NDArray[np.float64] = joints.mean(axis=(0, 1))
    return chosen - middle


def _distance(left: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(left - right, axis=-1).mean())
