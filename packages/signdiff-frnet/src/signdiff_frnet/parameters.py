"""The four numbers that decide what FR-Net draws."""

from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any, Literal, Self, get_args

ThresholdMethod = Literal["gaussian", "mean"]
Preset = Literal["paper", "fine", "coarse"]

LARGEST_SIDE = 255
"""Largest neighbourhood and kernel, in pixels: sums over a neighbourhood then stay exact in single precision."""


@dataclass(frozen=True, kw_only=True)
class FRNetParameters:
    """What an FR map depends on, besides the frame.

    A renderer that was trained on maps of one setting should be given maps of the same: store
    ``dataclasses.asdict(parameters)`` with its configuration and compare.

    The defaults were chosen on real signing video with ``python -m signdiff_frnet.study``.

    Raises:
        ValueError: a value lies outside its range.

    Example:
        >>> FRNetParameters(offset=8)
        FRNetParameters(threshold_method='gaussian', block_size=11, offset=8, kernel_size=5)
        >>> FRNetParameters(kernel_size=4)
        Traceback (most recent call last):
        ValueError: kernel_size must be an odd integer between 1 and 255, but is 4.
    """

    threshold_method: ThresholdMethod = "gaussian"
    """How the local threshold averages the neighbourhood: ``"gaussian"`` (weighted) or ``"mean"``."""

    block_size: int = 11
    """Side of the neighbourhood in pixels; odd, 3 to 255."""

    offset: float = 10.0
    """How much darker than its neighbourhood a pixel must be to turn black, in grey levels; -255 to 255.

    OpenCV rounds it up to the next integer. At 2, the value of OpenCV's tutorial, sensor noise alone
    blackens most of a flat area once the erosion has widened every speck.
    """

    kernel_size: int = 5
    """Side of the square that erodes the white regions, in pixels; odd, 1 to 255 (1 erodes nothing)."""

    @classmethod
    def preset(cls, name: Preset) -> Self:
        """Take parameters by name; all are made for frames whose short side is 512 pixels.

        - ``"paper"``: the defaults; the paper's kernel of 5x5.
        - ``"fine"``: thin strokes (3x3) that keep fingers, eyes and lips apart, at the price of some grain.
        - ``"coarse"``: broad strokes (9x9) along outlines only; closes fingers and faces into shapes.

        Args:
            name: one of these.

        Raises:
            ValueError: another name.

        Example:
            >>> FRNetParameters.preset("fine")
            FRNetParameters(threshold_method='gaussian', block_size=9, offset=8.0, kernel_size=3)
        """
        if not isinstance(name, str) or name not in _PRESETS:
            raise ValueError(f"preset must be one of {', '.join(map(repr, _PRESETS))}, but is {name!r}.")
        return cls(**_PRESETS[name])

    def for_resolution(self, short_side: float, *, reference: float = 512) -> Self:
        """Scale the sizes with the frame, so that the map of a scene looks alike at every resolution.

        This is the resolution rule. Lengths in the scene grow in proportion to the frame's short side: ``block_size``
        itself, and of the kernel its reach, ``(kernel_size - 1) / 2``, because that is what widens a stroke. They are
        rounded to the nearest size in their range (a reach between two is rounded up, so that thin strokes stay
        closed). ``offset`` is a contrast and ``threshold_method`` a choice, so they stay.

        Args:
            short_side: of the frames that will be annotated, in pixels; at least 1.
            reference: short side that these parameters are meant for, in pixels; at least 1.

        Raises:
            ValueError: a side is no number between 1 and 2**28.

        Example:
            >>> FRNetParameters().for_resolution(1024)
            FRNetParameters(threshold_method='gaussian', block_size=23, offset=10.0, kernel_size=9)
        """
        check_between("short_side", short_side, 1, 1 << 28)
        check_between("reference", reference, 1, 1 << 28)
        scale = float(short_side) / float(reference)
        return replace(
            self,
            block_size=_between(3, 2 * int(self.block_size * scale / 2) + 1),
            kernel_size=_between(1, 2 * int((self.kernel_size - 1) / 2 * scale + 0.5) + 1),
        )

    def __post_init__(self) -> None:
        known = get_args(ThresholdMethod)
        if not isinstance(self.threshold_method, str) or self.threshold_method not in known:
            raise ValueError(f"threshold_method must be 'gaussian' or 'mean', but is {self.threshold_method!r}.")
        check_odd("block_size", self.block_size, least=3)
        check_odd("kernel_size", self.kernel_size, least=1)
        check_between("offset", self.offset, -255, 255)


def _between(least: int, size: int) -> int:
    return min(max(size, least), LARGEST_SIDE)


def check_odd(name: str, value: object, *, least: int) -> None:
    """Refuse what is no odd integer between ``least`` and 255: no side of a neighbourhood or kernel."""
    if not isinstance(value, Integral) or value < least or not value <= LARGEST_SIDE or value % 2 == 0:
        raise ValueError(f"{name} must be an odd integer between {least} and {LARGEST_SIDE}, but is {value!r}.")


def check_between(name: str, value: object, least: float, most: float) -> None:
    """Refuse what is no real number in a range."""
    # Compared as it is: a whole number may be too large to become a float.
    if not isinstance(value, Real) or value < least or not value <= most:
        raise ValueError(f"{name} must be a number between {least} and {most}, but is {value!r}.")


def check_count(name: str, value: object) -> None:
    """Refuse what is no integer of at least 1."""
    if not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} must be an integer and at least 1, but is {value!r}.")


_PRESETS: dict[str, dict[str, Any]] = {
    "paper": {},
    "fine": {"block_size": 9, "offset": 8.0, "kernel_size": 3},
    "coarse": {"block_size": 21, "offset": 14.0, "kernel_size": 9},
}

DEFAULTS = FRNetParameters()
