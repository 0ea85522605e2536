"""The four numbers that decide what FR-Net draws."""

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Literal, get_args

ThresholdMethod = Literal["gaussian", "mean"]


@dataclass(frozen=True, kw_only=True)
class FRNetParameters:
    """What a FR map depends on, besides the frame.

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
        ValueError: kernel_size must be an odd integer and at least 1, but is 4.
    """

    threshold_method: ThresholdMethod = "gaussian"
    """How the local threshold averages the neighbourhood: ``"gaussian"`` (weighted) or ``"mean"``."""

    block_size: int = 11
    """Side of the neighbourhood in pixels; odd, at least 3."""

    offset: float = 10.0
    """How much darker than its neighbourhood a pixel must be to turn black, in grey levels; -255 to 255.

    OpenCV rounds it up to the next integer. At 2, the value of OpenCV's tutorial, sensor noise alone
    blackens most of a flat area once the erosion has widened every speck.
    """

    kernel_size: int = 5
    """Side of the square that erodes the white regions, in pixels; odd, at least 1 (1 erodes nothing)."""

    def __post_init__(self) -> None:
        if self.threshold_method not in get_args(ThresholdMethod):
            raise ValueError(f"threshold_method must be 'gaussian' or 'mean', but is {self.threshold_method!r}.")
        _check_odd("block_size", self.block_size, least=3)
        _check_odd("kernel_size", self.kernel_size, least=1)
        _check_between("offset", self.offset, -255, 255)


def _check_odd(name: str, value: object, *, least: int) -> None:
    if not isinstance(value, Integral) or value < least or value % 2 == 0:
        raise ValueError(f"{name} must be an odd integer and at least {least}, but is {value!r}.")


def _check_between(name: str, value: object, least: float, most: float) -> None:
    if not isinstance(value, Real) or not least <= float(value) <= most:
        raise ValueError(f"{name} must be a number between {least} and {most}, but is {value!r}.")


DEFAULTS = FRNetParameters()
