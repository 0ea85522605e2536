"""When which word is signed, as a sidecar of a pose: JSON for programs, WebVTT for players."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, kw_only=True)
class TimedWord:
    """A word and its frames.

    Attributes:
        word: as it is signed.
        first_frame: its first frame, counting from 0.
        last_frame: its last frame; ``first_frame - 1`` for a word that got none.
    """

    word: str
    first_frame: int
    last_frame: int


def to_json(text: str, words: Sequence[TimedWord], *, fps: float, num_frames: int, protocol: str = "free") -> str:
    """Write words and their times, in frames and in seconds.

    Args:
        text: what was asked for.
        words: in order; none where the model does not tell.
        fps: frames per second.
        num_frames: of the whole pose.
        protocol: how it was decoded.
    """
    rows = [{**asdict(word), "start": word.first_frame / fps, "end": (word.last_frame + 1) / fps} for word in words]
    content = {"text": text, "fps": fps, "frames": num_frames, "protocol": protocol, "words": rows}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def to_webvtt(text: str, words: Sequence[TimedWord], *, fps: float, num_frames: int) -> str:
    r"""Write words as captions; the whole text as one where there are no words.

    Example:
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
