"""How well the text-to-pose model spells 100 words that it has never seen, from nothing but the text.

    python benchmarks/fingerspelling.py [--model NAME_OR_DIR] [--signed-languages ase|gsg,ukl|all] [--json]

Columns: the model; the reference itself (the ceiling); a pose that stands still at the mean of all reference frames,
for as long as the reference lasts (it knows the reference's duration and mean: what no motion at all scores).

Rows: duration and total distance relative to the reference, mean over words, 1 is ideal; DTW-MJE, mean over words, in
shoulder widths; letters that a nearest-neighbour classifier on the real recordings reads off the holds. A hold of the
model's is found by aligning its frames with the reference's (dynamic time warping on all joints): the frames that are
paired with the reference's hold. The classifier's gallery is one recording a letter, the one that the corpus is made
of, so the ceiling tells what cleaning and stitching lost, not what readers of other signers would read.

Of several signed languages, each has a row and 100 words of its own.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.distance import cdist

from signdiff_core.skeleton import SHOULDER_WIDTH, joints_of
from signdiff_eval import functional
from signdiff_slp.corpora.classifier import LetterClassifier
from signdiff_slp.corpora.clips import read_clips
from signdiff_slp.corpora.fingerspelling import items, spelled
from signdiff_slp.corpora.languages import choose_languages
from signdiff_slp.corpora.letters import load_letters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from signdiff_slp.corpora.languages import SignedLanguage
    from signdiff_slp.corpora.stitch import Spelling

BATCH = 20
COLUMNS = ("model", "reference", "frozen mean pose")


@dataclass(frozen=True, kw_only=True)
class Scores:
    """One column of the table."""

    words: int
    letters: int
    duration: float
    total_distance: float
    dtw_mje: float
    letters_recognised: float
    confusions: dict[str, int]


def held_out_words(seed: int, language: SignedLanguage | None = None) -> list[Spelling]:
    """Spell a language's 100 held-out words, in ASL as they are in the corpus' test split."""
    chosen = items(seed=seed, languages=[] if language is None else [language])["test"]
    return [spelling for item, spelling in spelled(chosen, "test", seed=seed) if "-word-" in item.name]


def decode(model: str | None, texts: Sequence[str], language: str = "ase") -> list[NDArray[np.floating]]:
    """Let the model spell texts; it sees nothing else."""
    from tqdm import tqdm

    from signdiff_slp import TextToPose

    translate = TextToPose.from_pretrained(model)
    code = language if translate.signed_languages or language != "ase" else None
    poses = []
    for start in tqdm(range(0, len(texts), BATCH), unit="batch", disable=not sys.stderr.isatty()):
        poses += translate(list(texts[start : start + BATCH]), signed_language=code)
    return [joints_of(pose)[0] for pose in poses]


def read_poses(folder: Path, texts: Sequence[str]) -> list[NDArray[np.floating]]:
    """Read ``{text}.pose`` of every text."""
    from pose_format import Pose

    return [joints_of(Pose.read((folder / f"{text}.pose").read_bytes()))[0] for text in texts]


def read_letters(spelling: Spelling, joints: NDArray[np.floating], classifier: LetterClassifier) -> list[str]:
    """Name the letters that a sequence shows while the reference holds its own, (T, 50, 3) to one letter a hold."""
    reference = spelling.joints.reshape(len(spelling.joints), -1)
    _, path = functional.align(cdist(reference, joints.reshape(len(joints), -1)))
    letters = []
    for hold in spelling.holds:
        paired = path[(path[:, 0] >= hold.start) & (path[:, 0] < hold.end), 1]
        letters.append(classifier(joints[paired.min() : paired.max() + 1]))
    return letters


def score(
    references: Sequence[Spelling], hypotheses: Sequence[NDArray[np.floating]], classifier: LetterClassifier
) -> Scores:
    """Compare sequences with their references."""
    pairs = list(zip(references, hypotheses, strict=True))
    confusions: Counter[str] = Counter()
    total = 0
    for reference, joints in pairs:
        read = read_letters(reference, joints, classifier)
        confusions.update(
            f"{hold.letter} read as {letter}"
            for hold, letter in zip(reference.holds, read, strict=True)
            if hold.letter != letter
        )
        total += len(read)
    return Scores(
        words=len(pairs),
        letters=total,
        duration=float(np.mean([functional.duration(b, a.joints) for a, b in pairs])),
        total_distance=float(np.mean([functional.total_distance(b, a.joints) for a, b in pairs])),
        dtw_mje=float(np.mean([functional.dtw(b, a.joints, variant="mje") for a, b in pairs])) / SHOULDER_WIDTH,
        letters_recognised=1 - confusions.total() / total,
        confusions=dict(confusions.most_common()),
    )


def compare(language: SignedLanguage, arguments: argparse.Namespace) -> tuple[dict[str, Scores], dict[str, bool]]:
    """Score a language's words: the columns, and which of the things that a model must reach it reaches."""
    references = held_out_words(arguments.seed, language)
    texts = [reference.text for reference in references]
    if arguments.poses is None:
        hypotheses = decode(arguments.model, texts, language.code)
    else:
        hypotheses = read_poses(arguments.poses, texts)
    spelled_letters = load_letters(language=language.code)
    clips = [clip for clip in read_clips(language=language.code) if clip.letter in spelled_letters]
    mean = np.concatenate([reference.joints for reference in references]).mean(axis=0)
    shown = (
        hypotheses,
        [reference.joints for reference in references],
        [np.repeat(mean[None], len(reference.joints), axis=0) for reference in references],
    )
    classifier = LetterClassifier(clips)
    columns = {name: score(references, poses, classifier) for name, poses in zip(COLUMNS, shown, strict=True)}
    model, frozen = columns["model"], columns["frozen mean pose"]
    return columns, {
        "duration within 10%": abs(model.duration - 1) <= 0.1,
        "total distance within 10%": abs(model.total_distance - 1) <= 0.1,
        "DTW-MJE at most a third of a frozen pose's": model.dtw_mje <= frozen.dtw_mje / 3,
        "letters recognised in at least 90% of holds": model.letters_recognised >= 0.9,
    }


def main() -> int:
    """Print the table; exit status 1 if the model misses what it must reach."""
    parser = argparse.ArgumentParser(description="How well the text-to-pose model spells words it has never seen.")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--model", help="name or folder of a model (default: the bundled one)")
    source.add_argument("--poses", type=Path, metavar="DIR", help="score WORD.pose files instead of a model")
    parser.add_argument("--signed-languages", default="ase", help="divided by commas, or 'all' (default: ase)")
    parser.add_argument("--seed", type=int, default=0, help="of the corpus that the model was trained on (default: 0)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()

    try:
        languages = choose_languages(arguments.signed_languages.split(","))
        compared = {language.code: compare(language, arguments) for language in languages}
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps({code: _content(*found) for code, found in compared.items()}, indent=2, ensure_ascii=False))
    elif len(languages) == 1:
        _print_table(*compared[languages[0].code])
    else:
        _print_rows({language.name: compared[language.code] for language in languages})
    return 0 if all(all(reached.values()) for _, reached in compared.values()) else 1


def _content(columns: dict[str, Scores], reached: dict[str, bool]) -> dict[str, object]:
    return {"scores": {name: asdict(column) for name, column in columns.items()}, "reached": reached}


def _print_rows(compared: dict[str, tuple[dict[str, Scores], dict[str, bool]]]) -> None:
    print("held-out words; in brackets the reference, after the stroke a frozen mean pose")
    print(f"{'':<28}{'letters':>9}{'recognised':>26}{'DTW-MJE':>18}{'distance':>10}{'duration':>10}  most misread")
    for name, (columns, reached) in compared.items():
        model, reference, frozen = (columns[column] for column in COLUMNS)
        recognised = f"{model.letters_recognised:.1%} ({reference.letters_recognised:.1%} / "
        recognised += f"{frozen.letters_recognised:.1%})"
        distance = f"{model.dtw_mje:.4f} / {frozen.dtw_mje:.4f}"
        misread = ", ".join(f"{what} ({count})" for what, count in list(model.confusions.items())[:3])
        missed = "".join(f"; NOT {what}" for what, holding in reached.items() if not holding)
        print(
            f"{name:<28}{model.letters:>9}{recognised:>26}{distance:>18}{model.total_distance:>10.3f}"
            f"{model.duration:>10.3f}  {misread}{missed}"
        )


def _print_table(columns: dict[str, Scores], reached: dict[str, bool]) -> None:
    rows = (
        ("duration (relative)", "duration", "{:.3f}"),
        ("total distance (relative)", "total_distance", "{:.3f}"),
        ("DTW-MJE (shoulder widths)", "dtw_mje", "{:.4f}"),
        ("letters recognised in holds", "letters_recognised", "{:.1%}"),
    )
    print(f"{columns['model'].words} held-out words, {columns['model'].letters} letters")
    print(f"{'':<28}" + "".join(f"{name:>18}" for name in columns))
    for title, field, form in rows:
        print(f"{title:<28}" + "".join(f"{form.format(getattr(column, field)):>18}" for column in columns.values()))
    confusions = columns["model"].confusions
    if confusions:
        listed = list(confusions.items())[:10]
        print("most often misread: " + ", ".join(f"{name} ({count})" for name, count in listed))
    for name, holding in reached.items():
        print(f"{'yes' if holding else 'NO':<4}{name}")


if __name__ == "__main__":
    sys.exit(main())
