"""What a sequence of ``.skels`` shows of its convention: its counter, its neck and its shoulders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from signdiff_core.skeleton import LEFT_SHOULDER, NECK, NUM_JOINTS, RIGHT_SHOULDER, SHOULDER_WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

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
    """Measures a sequence.

    Args:
        frames: (T, 151) values of one line, finite.
        tolerance: how far the counter may be off; see `counter_tolerance`.

    Attributes:
        counter: (T,).
        neck: (3,) the neck where it is farthest from the origin.
        width: median distance of the shoulders.
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
