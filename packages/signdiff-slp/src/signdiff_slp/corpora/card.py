"""The data card that lies beside a fingerspelling corpus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from signdiff_slp.corpora.letters import load_letters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from signdiff_slp.corpora.fingerspelling import SplitSummary
    from signdiff_slp.corpora.languages import SignedLanguage

_ASL: Final = """# Fingerspelling corpus

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

_SEVERAL: Final = """# Fingerspelling corpus of {count} signed languages

Texts and how signers of different signed languages spell them, as three-dimensional motion of 50 joints at 25 frames
per second. A text starts with the tag of its signed language, `<gsg> wort`. Made by
`signdiff-slp corpus fingerspelling --signed-languages {codes} --seed {seed}`.

| split | items | frames | letters | frames a letter |
|---|---|---|---|---|
{rows}

| tag | signed language | alphabet |
|---|---|---|
{languages}

## Sources
- Letters: the clips of `spoken-to-signed` {clips} (MIT), one recording a letter. Signs of several letters (sch, ll) are
  left out. A letter with a mark is left out, and spelled without it, if nothing in its clip tells the two apart.
- Words: frequent words of each spoken language by `wordfreq` {words} (code Apache-2.0, data CC BY-SA 4.0), phrases of
  two and three of them, and letter strings that hold the pairs that they lack.

Within a language, no word of dev or test occurs in train, alone or in a phrase; nor does any of their letter strings. A
word that two languages share may be trained with in one and tested in the other.

## What was done
Depth was scaled in each alphabet so that bone lengths vary least, hands were brought to one size and bones to constant
lengths, clips were smoothed and trimmed to the still hand or, for letters that are movements, to the movement, found by
the hand's speed. Letters were joined by minimum-jerk turns of every bone. A left-handed signer (Italian) was
mirrored. All languages are spelled by one body, whose left arm is synthetic and at rest. Timing is synthetic.

## Limits
One signer and one rendition of each letter; no coarticulation, no mouthing, no gaze. Movements of fingers alone are not
found. Nobody who signs these languages has checked the result. It is spelling, not signing: it has no signs, no
grammar, no facial expression. Use it to test a path from text to motion, not to judge how Deaf people sign.
"""


def data_card(
    summaries: Mapping[str, SplitSummary],
    *,
    seed: int,
    sources: Mapping[str, str],
    languages: Sequence[SignedLanguage] = (),
) -> str:
    """Write the card.

    Args:
        summaries: of each split.
        seed: that the corpus was drawn with.
        sources: versions of ``spoken-to-signed`` and ``wordfreq``.
        languages: the signed languages; ASL alone if none is given.

    Returns:
        Markdown.
    """
    rows = "\n".join(
        f"| {split} | {summary.items} | {summary.frames} | {summary.letters} | {summary.frames / summary.letters:.1f} |"
        for split, summary in summaries.items()
    )
    versions = {"clips": sources["spoken-to-signed"], "words": sources["wordfreq"]}
    if not languages:
        return _ASL.format(seed=seed, rows=rows, **versions)
    named = "\n".join(
        f"| `{each.tag}` | {each.name} | {' '.join(load_letters(language=each.code))} |" for each in languages
    )
    codes = ",".join(language.code for language in languages)
    return _SEVERAL.format(count=len(languages), codes=codes, seed=seed, rows=rows, languages=named, **versions)
