"""The two conventions of ``.skels`` files, and how to tell them apart.

Both store what a lifting program makes of OpenPose keypoints, in which depth grows towards the viewer.

``pt`` (Progressive Transformers): the neck is the origin, the shoulders are 1/3 apart, x is mirrored (the signer's
right shoulder lies at positive x), and the counter of frame t of T is t / T. Mirrored x and depth towards the viewer
together are a half turn, so reading negates x and z, writing negates them again, and no hand changes its side.

``prompt2sign``: the lifted values divided by 9, not centred, x not mirrored, the counter is (t + 1) / T, and NaN and
zero became 0.01600. Reading takes a joint of three times 0.01600 as absent, negates z and normalises.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from signdiff_core.formats.coordinates import normalise
from signdiff_core.formats.files import FormatError
from signdiff_core.skeleton import LEFT_SHOULDER, NECK, NUM_JOINTS, RIGHT_SHOULDER, SHOULDER_WIDTH

Variant = Literal["pt", "prompt2sign"]

VARIANTS: Final[tuple[Variant, ...]] = get_args(Variant)

ABSENT: Final = 0.016
"""What ``prompt2sign`` stores in place of NaN and zero."""

COUNTERS: Final[dict[Variant, str]] = {"pt": "t / T", "prompt2sign": "(t + 1) / T"}
"""The counter of frame t of T."""

_DESCRIPTION: Final = {
    "pt": "counter t / T from 0, neck at (0, 0, 0)",
    "prompt2sign": "counter (t + 1) / T up to 1, neck not at (0, 0, 0)",
}
_HALF_TURN: Final = np.array([-1, 1, -1], dtype=np.float64)
_NEARLY_ORIGIN: Final = 1e-3
"""How far a neck may lie from the origin that is moved there, and the frame with it, where ``pt`` is written."""

_ROUNDING: Final = 5e-6
_TURN_DEPTH: Final = np.array([1, 1, -1], dtype=np.float64)

SCALE_TOLERANCE: Final = 0.1
"""Share by which the shoulders of ``pt`` may be nearer or farther than 1/3."""

NECK_TOLERANCE: Final = 0.003
"""How far the neck of ``pt`` may lie from the origin, in shoulder widths: rounding takes it 0.00002 away."""

_SYSTEMS_NECK: Final = 0.05
"""How far it mostly lies from the origin, in shoulder widths, where a system put it out. Prompt2Sign's lies farther."""

_LEAST: Final = 6e-5
"""Error of a counter of four decimals."""

_MOST: Final = 1e-2
"""Error of a counter of two decimals; fewer tell nothing."""


def counter_tolerance(texts: Iterable[bytes]) -> float:
    """Say how far counters may be off that were rounded or cut to the decimals that they have.

    Example:
        >>> counter_tolerance([b"0.0", b"0.125", b"0.25"])
        0.001
    """
    decimals = max((_decimals(text) for text in texts), default=0)
    return min(max(10.0**-decimals, _LEAST), _MOST)


def _decimals(text: bytes) -> int:
    mantissa, _, exponent = text.lower().partition(b"e")
    places = len(mantissa.partition(b".")[2])
    return min(places - int(exponent or 0), 300)


class Evidence:
    """Measures the frames of a clip, (T, 151), whose counter, (T,), may be off by ``tolerance``.

    `neck` is the neck (3,) where it is farthest from the origin, `width` the median distance of the shoulders.
    """

    def __init__(self, frames: NDArray[np.float64], tolerance: float) -> None:
        joints = frames[:, :-1].reshape(-1, NUM_JOINTS, 3)
        distances = np.linalg.norm(joints[:, NECK], axis=-1)
        self.counter = frames[:, -1]
        self.neck = joints[distances.argmax(), NECK]
        self.width = float(np.median(np.linalg.norm(joints[:, LEFT_SHOULDER] - joints[:, RIGHT_SHOULDER], axis=-1)))
        self._tolerance = tolerance
        self._usual_neck, self._farthest_neck = float(np.median(distances)), float(distances.max())

    @property
    def centred(self) -> bool:
        """Whether the neck is meant to be the origin."""
        return self._usual_neck <= _SYSTEMS_NECK * self._unit

    def counts(self, convention: str) -> bool:
        """Tell whether the counter follows ``t / T``, ``(t + 1) / T``, ``t / (T - 1)`` or is ``0``."""
        error = np.abs(self.counter - _counter(convention, len(self.counter))).max()
        return bool(error <= self._tolerance * (1 + 1e-6))

    def counter_fault(self, convention: str) -> str:
        """Say what is wrong with the counter; empty if it follows ``convention``."""
        if self.counts(convention):
            return ""
        T = len(self.counter)
        wanted = _counter(convention, T)
        frame = int(np.abs(self.counter - wanted).argmax())
        other = next((name for name in ("(t + 1) / T", "t / (T - 1)", "t / T", "0") if self.counts(name)), None)
        looks = f", as of {other}" if other is not None else ""
        return (
            f"the counter runs from {self.counter[0]:.6g} to {self.counter[-1]:.6g} in {T} frames{looks}, and is "
            f"{self.counter[frame]:.6g} at frame {frame} where {convention} is {wanted[frame]:.6g}"
        )

    def neck_fault(self) -> str:
        """Say what is wrong with the neck; empty if it is the origin but for rounding."""
        if self._farthest_neck <= NECK_TOLERANCE * self._unit:
            return ""
        return f"the neck lies at {self.place_of_neck}"

    def scale_fault(self) -> str:
        """Say what is wrong with the scale; empty if the shoulders are 1/3 apart."""
        if abs(self.width / SHOULDER_WIDTH - 1) <= SCALE_TOLERANCE:
            return ""
        return f"the shoulders are {self.width:.4g} apart, not 1/3"

    @property
    def place_of_neck(self) -> str:
        """The neck's place where it is farthest from the origin, with the digits that tell."""
        return f"({', '.join(f'{value:.6g}' for value in self.neck)})"

    @property
    def _unit(self) -> float:
        return self.width or SHOULDER_WIDTH


def _counter(convention: str, T: int) -> NDArray[np.float64]:
    t = np.arange(T, dtype=np.float64)
    counters = {"t / T": t / T, "(t + 1) / T": (t + 1) / T, "t / (T - 1)": t / max(T - 1, 1), "0": t * 0}
    return counters[convention]


def detect(evidence: Evidence, path: Path, place: str, *, variant: Variant | None = None) -> Variant:
    """Find out by which convention a clip was written, from its neck and its counter.

    A neck that is the origin, or mostly nearly so as systems put it out, is that of ``pt``. Any other is that of
    ``prompt2sign`` if the counter is, too. Neither must contradict the `variant` that the caller expects; path and
    place are for the error.
    """
    counter = {name: evidence.counts(convention) for name, convention in COUNTERS.items()}
    if variant is None:
        fits: dict[Variant, bool] = {
            "pt": evidence.centred,
            "prompt2sign": counter["prompt2sign"] and not evidence.centred,
        }
    else:
        fits = {
            "pt": variant == "pt" and (evidence.centred or not counter["prompt2sign"]),
            "prompt2sign": variant == "prompt2sign" and (counter["prompt2sign"] or not evidence.centred),
        }
    for name in VARIANTS:
        if fits[name]:
            return name
    wanted = [f"{name!r} ({_DESCRIPTION[name]})" for name in ([variant] if variant else VARIANTS)]
    first, last = evidence.counter[0], evidence.counter[-1]
    shown = f"the counter runs from {first:.6g} to {last:.6g} in {len(evidence.counter)} frames"
    shown += f" and the neck lies at {evidence.place_of_neck}"
    advice = "" if variant else "; name the variant (--variant) of files whose coordinates were moved"
    raise FormatError(path, f"expected the variant {' or '.join(wanted)}, but {shown}{advice}.", place=place)


def decode(
    values: NDArray[np.float64], variant: Variant, path: Path, place: str
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Turn stored values (T, 150) into normalised joints (T, 50, 3) and confidences (T, 50), 0 if absent."""
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
    """Turn normalised joints (T, 50, 3) into the text of each frame, counter included.

    A confidence (T, 50) of 0 means absent, which ``pt`` cannot hold; ``pt`` wants necks within 0.001 of the origin. The
    path is for the error.
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
        farthest = joints[np.abs(joints[:, NECK]).max(axis=1).argmax(), NECK]
        if np.abs(farthest).max() > _NEARLY_ORIGIN:
            raise FormatError(
                path,
                f"expected the neck at the origin in every frame, but it lies at "
                f"({', '.join(f'{value:.6g}' for value in farthest)}): normalise the pose first.",
            )
        # Only what rounding to five decimals would show is moved: a zero may have a sign that is to stay.
        moved = np.abs(joints[:, NECK]).max(axis=-1) > _ROUNDING
        values = joints * _HALF_TURN
        values[moved] = (joints[moved] - joints[moved, NECK, None]) * _HALF_TURN
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
