"""What can be seen of a hypothesis beside its reference."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from signdiff_eval.audit.clip import NORMALISE, Clip, extent, figure_size, frozen
from signdiff_eval.readers.poses import same_rate

SAME: Final = 1e-4
"""Frames are identical if no coordinate differs by more, as a share of the figure's size. Files with four or five
decimals round more coarsely than float32; no system comes so near by itself."""

SCALED: Final = 2.0
"""A figure larger or smaller than its reference's by this factor is in other units; people differ by less."""

MIRRORED: Final = 0.5
"""A hypothesis is mirrored if its mirror image is nearer to the reference by at least this factor."""

_SIDES: Final = {"left": "right", "right": "left", "l": "r", "r": "l"}


def compare(hypothesis: Clip, reference: Clip) -> Iterator[tuple[str, str]]:
    """Find what a hypothesis owes to its reference, or lacks beside it: kind and detail of each finding."""
    slower = 1.0
    if not same_rate(reference.fps, hypothesis.fps):
        yield "frame-rate", f"{hypothesis.fps:.7g} frames per second, the reference has {reference.fps:.7g}"
        slower = reference.fps / hypothesis.fps
    frames, expected = len(hypothesis.joints), len(reference.joints)
    if expected and frames * slower > expected * (1 + 1e-6):
        yield "longer", f"{frames} frames, the reference has {expected} ({frames * slower / expected:.2f} x)"
    if reference.joints.shape[1:] != hypothesis.joints.shape[1:] or reference.skeleton != hypothesis.skeleton:
        yield (
            "skeleton",
            f"{hypothesis.joints.shape[1:]} and the reference {reference.joints.shape[1:]}, or other names",
        )
        return
    known = np.asarray(reference.present.any(axis=0) & hypothesis.present.any(axis=0), dtype=np.bool_)
    made, true = (_finite(clip.joints[:, known]) for clip in (hypothesis, reference))
    if not known.any() or not len(made) or not len(true):
        return
    larger = figure_size(made) / (figure_size(true) or 1.0)
    if larger and not 1 / SCALED < larger < SCALED:
        yield "scale", f"the figure is {larger:.3g} times as large as the reference's: other units; {NORMALISE}"
        made = made / larger  # so that what else is wrong shows all the same
    if stands := frozen(made, true):
        yield "frozen", stands
    if copied := copied_frames(made, true):
        yield "copied-frames", f"{copied} of {len(made)} frames, the first not counted"
    if first_frame_is_copied(made, true):
        yield "first-frame", "identical to the reference's first frame"
    names = tuple(name for name, kept in zip(reference.skeleton, known, strict=True) if kept)
    if how := mirrored(made, true, names):
        yield "mirrored", how


def copied_frames(hypothesis: NDArray[np.float64], reference: NDArray[np.float64]) -> int:
    """Count frames of (U, J, C), from the second on, that are identical to any of the reference's, (T, J, C).

    Example:
        >>> walk = np.cumsum(np.ones((9, 2, 3)), axis=0) * [[[1], [2]]]
        >>> copied_frames(walk[::-1], walk), copied_frames(walk + 0.25, walk)
        (8, 0)
    """
    from scipy.spatial.distance import cdist

    if len(hypothesis) < 2:
        return 0
    flat = [np.ascontiguousarray(joints.reshape(len(joints), -1)) for joints in (hypothesis[1:], reference)]
    nearest = cdist(*flat, "chebyshev").min(axis=1)
    return int((nearest <= SAME * extent(reference)).sum())


def first_frame_is_copied(hypothesis: NDArray[np.float64], reference: NDArray[np.float64]) -> bool:
    """Tell whether the first frames are identical."""
    return bool(np.abs(hypothesis[0] - reference[0]).max() <= SAME * extent(reference))


def mirrored(
    hypothesis: NDArray[np.float64], reference: NDArray[np.float64], skeleton: Sequence[str] = ()
) -> str | None:
    """Tell how left and right are exchanged in (U, J, C) beside (T, J, C), finite and x first; None if they aren't.

    Three ways are tried: x negated; left and right joints exchanged, by their names; and both, which is how a mirror
    image of a signer looks.
    """
    made, true = (_sampled(joints) for joints in (hypothesis, reference))
    ways = {"x is negated": made * _NEGATED[: made.shape[2]]}
    swapped = exchange(skeleton)
    if swapped is not None:
        ways["left and right joints are exchanged"] = made[:, swapped]
        ways["it is the mirror image"] = made[:, swapped] * _NEGATED[: made.shape[2]]
    apart = _distance(made, true)
    if apart < 10 * SAME * extent(reference):
        return None
    way, nearest = min(((way, _distance(turned, true)) for way, turned in ways.items()), key=lambda found: found[1])
    if nearest < MIRRORED * apart:
        return f"{way}: {nearest:.2g} from the reference in place of {apart:.2g}"
    return None


def exchange(skeleton: Sequence[str]) -> list[int] | None:
    """Find each joint's partner on the other side by its name, itself in the middle; None where names tell no sides.

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


def _distance(made: NDArray[np.float64], true: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(made - true, axis=-1).mean())
