"""What users give, as arrays: whatever can't be scored is an error that names the argument."""

import operator
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def array_of(name: str, values: Any) -> NDArray[Any]:
    """Turn values, a torch tensor on any device too, into an array; a ValueError if they are none, as ragged lists."""
    try:
        return np.asarray(_plain(values))
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        kind = type(values).__name__
        raise ValueError(f"{name} must be an array of numbers, but this {kind} can't be one: {reason:.200}") from error


def numbers(name: str, values: Any) -> NDArray[np.float64]:
    """Turn values into float64; a ValueError as for `array_of`, or if they aren't real numbers."""
    array = array_of(name, values)
    if array.dtype.kind not in "biufO":
        raise ValueError(f"{name} must be real numbers, but is {array.dtype}.")
    try:
        return array.astype(np.float64, copy=False)
    except (ArithmeticError, TypeError, ValueError) as error:
        raise ValueError(f"{name} must be real numbers, but is no such {type(values).__name__}: {error}") from error


def indices(values: Iterable[Any], count: int) -> list[int] | None:
    """Take values for indices of ``count`` things; None where they aren't such, or none."""
    try:
        given = list(values)
        chosen = [operator.index(value) for value in given]
    except TypeError:
        return None
    if not chosen or any(isinstance(value, (bool, np.bool_)) for value in given):  # a mask is no list of indices
        return None
    return chosen if min(chosen) >= 0 and max(chosen) < count else None


def _plain(values: Any) -> Any:
    """Take tensors out of torch's graph, and those of types that NumPy lacks as float32."""
    if isinstance(values, (list, tuple)):
        return [_plain(value) for value in values] if any(map(_nested, values)) else values
    if not _tensor(values):
        return values
    values = values.detach().cpu()
    try:
        return values.numpy()
    except TypeError:
        return values.float().numpy()


def _nested(value: Any) -> bool:
    return isinstance(value, (list, tuple)) or _tensor(value)


def _tensor(values: Any) -> bool:
    # By its name: nobody who has tensors has not imported torch, and nobody else should.
    return type(values).__module__.partition(".")[0] == "torch" and hasattr(values, "detach")


def sequence(name: str, values: ArrayLike, *, ndim: int, axes: str) -> NDArray[np.float64]:
    """Turn values into a float64 array of ``ndim`` axes: at least one frame, all numbers finite, none masked."""
    array = numbers(name, values)
    unmasked(name, values)
    if array.ndim != ndim or 0 in array.shape:
        raise ValueError(f"{name} must have the shape {axes} with at least one of each, but has {array.shape}.")
    if not np.isfinite(array).all():
        frame = int(np.argwhere(~np.isfinite(array))[0][0])
        raise ValueError(f"{name} must be finite, but has a NaN or an infinity in frame {frame}.")
    return array


def unmasked(name: str, values: ArrayLike) -> ArrayLike:
    """Check that no value is masked: what lies under a mask, such as that of ``pose.body.data``, is no number."""
    masked = mask_of(values)
    if masked is not None and masked.any():
        first = int(np.argwhere(np.atleast_1d(masked))[0][0])
        raise ValueError(
            f"{name} must have no masked values, but has {int(masked.sum())}, the first in frame {first}: fill them "
            "(signdiff_eval.readers.sequence_of does so for a pose), or leave their joints out on both sides."
        )
    return values


def nan_where_masked(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Turn values into float64, with NaN, which says that something is absent, where they are masked."""
    array = numbers(name, values)
    masked = mask_of(values)
    if masked is not None:
        array = np.where(masked, np.nan, array)
    if np.isinf(array).any():
        place = tuple(int(index) for index in np.argwhere(np.isinf(array))[0])
        raise ValueError(f"{name} must be finite, or NaN where nothing was found, but has an infinity at {place}.")
    return array


def mask_of(values: ArrayLike) -> NDArray[np.bool_] | None:
    """Find the mask of an array, or of a list of arrays; None where there is none."""
    if isinstance(values, np.ma.MaskedArray):
        return np.ma.getmaskarray(values)
    if isinstance(values, (list, tuple)) and any(isinstance(part, np.ma.MaskedArray) for part in values):
        return np.stack([np.ma.getmaskarray(np.ma.asarray(part)) for part in values])
    return None


def same_frame_shape(hypothesis: NDArray[np.float64], reference: NDArray[np.float64]) -> None:
    """Check that frames of both sequences hold the same joints."""
    if hypothesis.shape[1:] != reference.shape[1:]:
        raise ValueError(
            "hypothesis and reference must have frames of the same shape, "
            f"but have {hypothesis.shape[1:]} and {reference.shape[1:]}."
        )


def joints(name: str, chosen: Iterable[int], count: int) -> list[int]:
    """Check that joints are indices of a sequence's ``count`` joints, at least one."""
    found = indices(chosen, count)
    if found is None:
        given = f"{list(chosen) if isinstance(chosen, (list, tuple, range)) else chosen!r}"
        raise ValueError(f"{name} must be indices from 0 to {count - 1}, at least one, but is {given:.200}.")
    return found


def lines(hypotheses: Iterable[str], references: Iterable[str]) -> tuple[list[str], list[str]]:
    """Turn both into lists of strings, equally long and not empty."""
    hypotheses, references = _strings("hypotheses", hypotheses), _strings("references", references)
    if len(hypotheses) != len(references) or not references:
        raise ValueError(
            "hypotheses and references must be equally many, at least one, "
            f"but are {len(hypotheses)} and {len(references)}."
        )
    return hypotheses, references


def _strings(name: str, texts: Iterable[str]) -> list[str]:
    if isinstance(texts, str):
        raise TypeError(f"{name} must be a list of strings, but is one string.")
    try:
        listed = list(texts)
    except TypeError as error:
        raise TypeError(f"{name} must be a list of strings, but is {texts!r:.200}.") from error
    for index, text in enumerate(listed):
        if not isinstance(text, str):
            raise TypeError(f"{name} must be a list of strings, but entry {index} is {text!r:.200}.")
    return listed


def image(name: str, values: ArrayLike) -> NDArray[np.uint8]:
    """Check that values are an image: (H, W) or (H, W, 3) uint8."""
    array = array_of(name, values)
    unmasked(name, values)
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3):
        raise ValueError(f"{name} must be (H, W) or (H, W, 3) uint8, but is {array.shape} {array.dtype}.")
    return array


def same_image_shape(hypothesis: NDArray[np.uint8], reference: NDArray[np.uint8]) -> None:
    """Check that two images have the same size and channels."""
    if hypothesis.shape != reference.shape:
        raise ValueError(
            f"hypothesis and reference must have the same shape, but have {hypothesis.shape} and {reference.shape}."
        )
