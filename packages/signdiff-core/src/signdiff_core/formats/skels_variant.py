"""The two conventions of ``.skels`` files, and how to tell them apart.

Both store what a lifting program makes of OpenPose keypoints, in which depth grows towards the viewer.

``pt`` (Progressive Transformers): the neck is the origin, the shoulders are 1/3 apart, x is mirrored (the signer's
right shoulder lies at positive x), and the counter of frame t of T is t / T. Mirrored x and depth towards the viewer
together are a half turn, so reading negates x and z, writing negates them again, and no hand changes its side.

``prompt2sign``: the lifted values divided by 9, not centred, x not mirrored, the counter is (t + 1) / T, and NaN and
zero became 0.01600. Reading takes a joint of three times 0.01600 as absent, negates z and normalises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, get_args

import numpy as np

from signdiff_core.formats.errors import FormatError
from signdiff_core.formats.normalise import normalise
from signdiff_core.skeleton import NECK, NUM_JOINTS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

Variant = Literal["pt", "prompt2sign"]

VARIANTS: Final[tuple[Variant, ...]] = get_args(Variant)

ABSENT: Final = 0.016
"""What ``prompt2sign`` stores in place of NaN and zero."""

_DESCRIPTION: Final = {
    "pt": "counter t / T from 0, neck at (0, 0, 0)",
    "prompt2sign": "counter (t + 1) / T up to 1, neck not at (0, 0, 0)",
}
_HALF_TURN: Final = np.array([-1, 1, -1], dtype=np.float64)
_TURN_DEPTH: Final = np.array([1, 1, -1], dtype=np.float64)


def detect(frames: NDArray[np.float64], path: Path, place: str, *, variant: Variant | None = None) -> Variant:
    """Find out by which convention a sequence was written, from its counter and its neck.

    Args:
        frames: (T, 151) values of one line.
        path: the file, for the error.
        place: the line, for the error.
        variant: the convention that the caller expects.

    Raises:
        FormatError: counter and neck contradict each other or ``variant``; the message names the evidence.
    """
    T = len(frames)
    counter, neck = frames[:, -1], frames[:, 3 * NECK : 3 * NECK + 3]
    error_pt = float(np.abs(counter - np.arange(T) / T).max())
    error_prompt2sign = float(np.abs(counter - np.arange(1, T + 1) / T).max())
    # Counters are stored with four or five decimals.
    fits = {"pt": error_pt < 6e-5 and not neck.any(), "prompt2sign": error_prompt2sign < 6e-5 and bool(neck.any())}
    for name in VARIANTS:
        if fits[name] and variant in (None, name):
            return name
    wanted = [f"{name!r} ({_DESCRIPTION[name]})" for name in ([variant] if variant else VARIANTS)]
    evidence = f"the counter runs from {counter[0]:g} to {counter[-1]:g} in {T} frames"
    farthest = neck[np.abs(neck).max(axis=1).argmax()].round(5).tolist()
    evidence += f" and the neck lies at {tuple(farthest) if neck.any() else (0, 0, 0)}"
    raise FormatError(path, f"expected the variant {' or '.join(wanted)}, but {evidence}.", place=place)


def decode(
    values: NDArray[np.float64], variant: Variant, path: Path, place: str
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Turn stored values into normalised joints.

    Args:
        values: (T, 150) values of a line, without the counter.
        variant: the convention of the file.
        path: the file, for the error.
        place: the line, for the error.

    Returns:
        Joints (T, 50, 3) and confidences (T, 50), 0 where absent.
    """
    joints = values.reshape(len(values), NUM_JOINTS, 3)
    if variant == "pt":
        return (joints * _HALF_TURN).astype(np.float32), np.ones(joints.shape[:2], dtype=np.float32)
    confidence = np.where((joints == ABSENT).all(axis=-1), 0.0, 1.0).astype(np.float32)
    try:
        joints = normalise(joints * _TURN_DEPTH, confidence)
    except ValueError as error:
        raise FormatError(path, str(error), place=place) from error
    return joints.astype(np.float32), confidence


def encode(joints: NDArray[np.float32], confidence: NDArray[np.float32], variant: Variant, path: Path) -> list[str]:
    """Turn normalised joints into the text of each frame, counter included.

    Args:
        joints: (T, 50, 3) normalised joints.
        confidence: (T, 50); 0 means absent.
        variant: the convention to write.
        path: the file, for the error.

    Raises:
        FormatError: ``pt`` was asked for and a joint is absent or a neck is not at the origin.
    """
    T, absent = len(joints), confidence == 0
    if variant == "pt":
        if absent.any():
            frame, joint = np.argwhere(absent)[0]
            raise FormatError(
                path,
                f"expected every joint, for the variant 'pt' has no mark for absent ones, but joint {joint} is absent "
                f"in frame {frame}, and {int(absent.sum()) - 1} more are.",
            )
        if np.abs(joints[:, NECK]).max() > 5e-6:
            raise FormatError(path, "expected the neck at the origin in every frame: normalise the pose first.")
        values = joints * _HALF_TURN
        values[:, NECK] = 0
        counters = [f"{t / T:.4f}" for t in range(T)]
        texts = np.char.mod("%.5f", values.reshape(T, -1))
    else:
        scaled = joints.astype(np.float64) / 3
        scaled = (scaled - scaled[~absent].mean(axis=0)) * _TURN_DEPTH
        scaled[absent] = ABSENT
        values = np.where(scaled == 0, ABSENT, scaled)
        counters = [str(round((t + 1) / T, 5)) for t in range(T)]
        texts = np.char.mod("%.5f", values.reshape(T, -1))
    return [f"{' '.join(row)} {counter}" for row, counter in zip(texts.tolist(), counters, strict=True)]
