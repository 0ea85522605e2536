"""How well the text-to-pose model spells 100 words that it has never seen, from nothing but the text.

    python benchmarks/fingerspelling.py [--model NAME_OR_DIR] [--json]

Columns: the model; the reference itself (the ceiling); a pose that stands still at the mean of all reference frames,
for as long as the reference lasts (it knows the reference's duration and mean: what no motion at all scores).

Rows: duration and total distance relative to the reference, mean over words, 1 is ideal; DTW-MJE, mean over words, in
shoulder widths; letters that a nearest-neighbour classifier on the real recordings reads off the holds. A hold of the
model's is found by aligning its frames with the reference's (dynamic time warping on all joints): the frames that are
paired with the reference's hold. The classifier's gallery is one recording a letter, the one that the corpus is made
of, so the ceiling tells what cleaning and stitching lost, not what readers of other signers would read.
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
from signdiff_slp.corpora.fingerspelling import items, spelled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from signdiff_slp.corpora.stitch import Spelling

BATCH = 20


@dataclass(frozen=True, kw_only=True)
class Scores:
    """One column of the table."""

    duration: float
    total_distance: float
    dtw_mje: float
    letters_recognised: float
    confusions: dict[str, int]


def held_out_words(seed: int) -> list[Spelling]:
    """Spell the corpus' 100 held-out words, as they are in its test split."""
    return [
        spelling for item, spelling in spelled(items(seed=seed)["test"], "test", seed=seed) if "-word-" in item.name
    ]


def decode(model: str | None, texts: Sequence[str]) -> list[NDArray[np.floating]]:
    """Let the model spell texts; it sees nothing else."""
    from tqdm import tqdm

    from signdiff_slp import TextToPose

    translate = TextToPose.from_pretrained(model)
    poses = []
    for start in tqdm(range(0, len(texts), BATCH), unit="batch", disable=not sys.stderr.isatty()):
        poses += translate(list(texts[start : start + BATCH]))
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


def score(references: Sequence[Spelling], hypotheses: Sequence[NDArray[np.floating]]) -> Scores:
    """Compare sequences with their references."""
    classifier = LetterClassifier()
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
        duration=float(np.mean([functional.duration(a.joints, b) for a, b in pairs])),
        total_distance=float(np.mean([functional.total_distance(a.joints, b) for a, b in pairs])),
        dtw_mje=float(np.mean([functional.dtw(a.joints, b, variant="mje") for a, b in pairs])) / SHOULDER_WIDTH,
        letters_recognised=1 - confusions.total() / total,
        confusions=dict(confusions.most_common()),
    )


def main() -> int:
    """Print the table; exit status 1 if the model misses what it must reach."""
    parser = argparse.ArgumentParser(description="How well the text-to-pose model spells words it has never seen.")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--model", help="name or folder of a model (default: the bundled one)")
    source.add_argument("--poses", type=Path, metavar="DIR", help="score WORD.pose files instead of a model")
    parser.add_argument("--seed", type=int, default=0, help="of the corpus that the model was trained on (default: 0)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()

    references = held_out_words(arguments.seed)
    texts = [reference.text for reference in references]
    try:
        hypotheses = decode(arguments.model, texts) if arguments.poses is None else read_poses(arguments.poses, texts)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    mean = np.concatenate([reference.joints for reference in references]).mean(axis=0)
    columns = {
        "model": score(references, hypotheses),
        "reference": score(references, [reference.joints for reference in references]),
        "frozen mean pose": score(references, [np.repeat(mean[None], len(r.joints), axis=0) for r in references]),
    }
    model, frozen = columns["model"], columns["frozen mean pose"]
    reached = {
        "duration within 10%": abs(model.duration - 1) <= 0.1,
        "total distance within 10%": abs(model.total_distance - 1) <= 0.1,
        "DTW-MJE at most a third of a frozen pose's": model.dtw_mje <= frozen.dtw_mje / 3,
        "letters recognised in at least 90% of holds": model.letters_recognised >= 0.9,
    }
    if arguments.json:
        scores = {name: asdict(column) for name, column in columns.items()}
        print(json.dumps({"words": len(texts), "scores": scores, "reached": reached}, indent=2))
    else:
        _print_table(columns, reached, words=len(texts), holds=sum(len(reference.holds) for reference in references))
    return 0 if all(reached.values()) else 1


def _print_table(columns: dict[str, Scores], reached: dict[str, bool], *, words: int, holds: int) -> None:
    rows = (
        ("duration (relative)", "duration", "{:.3f}"),
        ("total distance (relative)", "total_distance", "{:.3f}"),
        ("DTW-MJE (shoulder widths)", "dtw_mje", "{:.4f}"),
        ("letters recognised in holds", "letters_recognised", "{:.1%}"),
    )
    print(f"{words} held-out words, {holds} letters")
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
