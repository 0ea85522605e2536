"""Decoding that hands over what was cut, for those who have a better place to tell it than a warning."""

from __future__ import annotations

import warnings

from torch import Tensor

from signdiff_slp.models.progressive.generation import CutWarning, generate
from signdiff_slp.models.progressive.model import ProgressiveTransformer


def generate_and_tell(
    model: ProgressiveTransformer,
    source_seqs: Tensor,
    source_lens: list[int],
    *,
    frames_per_step: int = 1,
    speed: float = 1.0,
) -> tuple[list[Tensor], CutWarning | None]:
    """Sign texts as `generate` does: arguments and errors are its own.

    Returns:
        What it returns, and the warning where texts were cut: of every batch, though Python shows equal ones once.
    """
    cut = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", CutWarning)
        outputs = generate(model, source_seqs, source_lens, frames_per_step=frames_per_step, speed=speed)
    for each in caught:
        if isinstance(each.message, CutWarning):
            cut = each.message
        else:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    return outputs, cut
