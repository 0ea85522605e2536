"""A text that has been signed, and when its words are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from fairseq2.nn import BatchLayout

from signdiff_slp.timing import TimedWord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pose_format import Pose
    from torch import Tensor

    from signdiff_slp.models.progressive import ProgressiveTransformer
    from signdiff_slp.tokenizers.coverage import Coverage


@dataclass(frozen=True)
class Signed:
    """A pose and its words.

    Attributes:
        text: what was asked for.
        pose: the pose.
        words: when each word is signed; empty for models that do not know where in the text they are (those whose
            ``clock`` is "frame").
        coverage: how much of the text the model's tokenizer knows.
    """

    text: str
    pose: Pose
    words: tuple[TimedWord, ...]
    coverage: Coverage


@torch.inference_mode()
def time_words(
    model: ProgressiveTransformer,
    source: Tensor,
    counters: Tensor,
    spans: Sequence[tuple[str, int, int]],
    *,
    first_frame: int = 0,
) -> list[TimedWord]:
    """Find the frames of words, by the place in the source that each frame's counter stands for.

    Args:
        model: a model with a `SourceReader`; else there are no words.
        source: (S,) tokens.
        counters: (T,) counters after each frame.
        spans: the words of the source, each with its first token and the one after its last.
        first_frame: number of the first frame.

    Returns:
        A time for each word, in order and without overlap; raising and lowering the hands belong to none.
    """
    reader = model.decoder_frontend.source_reader
    if reader is None:
        return []
    seqs = source.unsqueeze(0)
    layout = BatchLayout.of(seqs, [len(source)])
    places = reader.place(counters[None, :, None].float(), model.encode(seqs, layout), layout).flatten()
    timed, done = [], 0
    for word, start, end in spans:
        begin = max(done, int((places <= start).sum()))
        done = max(begin, int((places <= end).sum()))
        timed.append(TimedWord(word=word, first_frame=first_frame + begin, last_frame=first_frame + done - 1))
    return timed
