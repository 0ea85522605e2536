"""The data card that lies beside a fingerspelling corpus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from signdiff_slp.corpora.fingerspelling import SplitSummary

_CARD: Final = """# Fingerspelling corpus

Texts and how a signer of American Sign Language (ASL) spells them, as three-dimensional motion of 50 joints at
25 frames per second. Made by `signdiff-slp corpus fingerspelling --seed {seed}`.

| split | items | frames | letters | frames a letter |
|---|---|---|---|---|
{rows}

## Sources
- Letters: the 26 ASL clips of `spoken-to-signed` {clips} (MIT), one recording a letter of one signer.
- Words: frequent English words of `wordfreq` {words} (code Apache-2.0, data CC BY-SA 4.0), phrases of two and three of
  them, and letter strings that hold the pairs that English lacks.

No word of dev or test occurs in train, alone or in a phrase; nor does any of their letter strings.

## What was done
Depth was scaled so that bone lengths vary least (`signdiff-slp corpus depth` prints by how much), bones were given
constant lengths by moving joints along the line of sight, clips were smoothed and trimmed to the still hand or, for J
and Z, to the movement. Letters were joined by minimum-jerk turns of every bone. The left arm is synthetic and at rest.
Timing is synthetic: a tempo a word, nine to ten frames a letter, the last letter held longer; the table counts the rise
from rest and the sinking back, too.

## Limits
One signer and one rendition of each letter; no coarticulation (a letter's shape does not depend on its neighbours), no
mouthing, no gaze. It is spelling, not ASL: it has no signs, no grammar, no facial expression. Digits are spelled as
words. Use it to test a path from text to motion, not to judge how Deaf people sign.
"""


def data_card(summaries: Mapping[str, SplitSummary], *, seed: int, sources: Mapping[str, str]) -> str:
    """Write the card.

    Args:
        summaries: of each split.
        seed: that the corpus was drawn with.
        sources: versions of ``spoken-to-signed`` and ``wordfreq``.

    Returns:
        Markdown.
    """
    rows = "\n".join(
        f"| {split} | {summary.items} | {summary.frames} | {summary.letters} | {summary.frames / summary.letters:.1f} |"
        for split, summary in summaries.items()
    )
    return _CARD.format(
        seed=seed,
        rows=rows,
        clips=sources["spoken-to-signed"],
        words=sources["wordfreq"],
    )
