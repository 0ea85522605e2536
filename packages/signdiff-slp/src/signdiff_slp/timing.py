"""A text that has been signed, and when its words are: also as a sidecar of a pose, JSON or WebVTT."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import torch
from fairseq2.nn import BatchLayout
from torch import Tensor

if TYPE_CHECKING:
    from pose_format import Pose

    from signdiff_slp.models.progressive import ProgressiveTransformer
    from signdiff_slp.text import Coverage


@dataclass(frozen=True, kw_only=True)
class TimedWord:
    """A word as it is signed, and its frames, from 0; the last is ``first_frame - 1`` for a word that got none."""

    word: str
    first_frame: int
    last_frame: int


@dataclass(frozen=True)
class Signed:
    """A pose, its text and words, and how much of the text the model's tokenizer knows.

    There are no words for models that do not know where in the text they are, whose ``clock`` is "frame".
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
    """Find the frames of words, by the place in the source (S,) that each frame's counter (T,) stands for.

    ``spans`` are the words of the source, each with its first token and the one after its last. They are timed in order
    and without overlap; raising and lowering the hands belong to none. A model without `SourceReader` knows no times.
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


def to_json(text: str, words: Sequence[TimedWord], *, fps: float, num_frames: int, protocol: str = "free") -> str:
    """Write words and their times, in frames and in seconds, as JSON; no words where the model does not tell."""
    rows = [{**asdict(word), "start": word.first_frame / fps, "end": (word.last_frame + 1) / fps} for word in words]
    content = {"text": text, "fps": fps, "frames": num_frames, "protocol": protocol, "words": rows}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def to_webvtt(text: str, words: Sequence[TimedWord], *, fps: float, num_frames: int) -> str:
    """Write words as captions; the whole text as one where there are no words.

    >>> print(to_webvtt("hi", [TimedWord(word="hi", first_frame=0, last_frame=37)], fps=25.0, num_frames=40))
    WEBVTT
    <BLANKLINE>
    00:00:00.000 --> 00:00:01.520
    hi
    <BLANKLINE>
    """
    shown = list(words) or [TimedWord(word=text, first_frame=0, last_frame=num_frames - 1)]
    cues = [
        f"{_time(word.first_frame / fps)} --> {_time((word.last_frame + 1) / fps)}\n{word.word.replace('-->', '->')}\n"
        for word in shown
        if word.last_frame >= word.first_frame
    ]
    return "\n".join(["WEBVTT\n", *cues])


def _time(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}"
