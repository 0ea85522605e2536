"""How much of what is said can be read from the bundled text-to-pose model's poses, on words that no model has seen.

    python benchmarks/backtranslation.py [--model NAME_OR_DIR] [--translator NAME_OR_DIR] [--html FILE] [--json]

The 100 held-out words of the fingerspelling corpus are spelled by the model, from nothing but the text. The bundled
translator, trained on ground truth alone, reads them back. Columns as of ``signdiff-eval compare --controls``: the
model, ground truth (the translator's own ceiling), a pose that stands still, and ground truth of other words (what a
translator that guesses words scores). Neither model has seen the words; both have seen the recordings of the letters.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from fingerspelling import decode, held_out_words

from signdiff_core import formats
from signdiff_core.skeleton import make_pose
from signdiff_eval.backtranslation.translator import load_translator, settings_of
from signdiff_eval.reports.compare import FROZEN, GROUND_TRUTH, SHUFFLED, compare
from signdiff_eval.scoring import BackTranslation
from signdiff_slp.corpora.clips import CLIP_FPS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from signdiff_eval.reports.compare import Comparison

MODEL = "text to pose"


def measure(folder: Path, *, model: str | None, translator: str, seed: int) -> Comparison:
    """Write references, outputs and texts into a folder, and compare them."""
    spellings = held_out_words(seed)
    texts = [spelling.text for spelling in spellings]
    _write(folder / "references", {spelling.text: spelling.joints for spelling in spellings})
    _write(folder / "outputs", dict(zip(texts, decode(model, texts), strict=True)))
    listed = folder / "texts.tsv"
    listed.write_text("".join(f"{text}\t{text}\n" for text in texts), encoding="utf-8")
    loaded = load_translator(translator)
    return compare(
        {MODEL: folder / "outputs"},
        folder / "references",
        controls=True,
        back_translation=BackTranslation(listed, loaded, settings_of(loaded, translator)),
    )


def reached(comparison: Comparison) -> dict[str, bool]:
    """Tell whether the order of the systems is as it must be."""
    errors = {
        name: next(score.value for score in report.scores if score.signature.name == "cer")
        for name, report in comparison.reports.items()
    }
    return {
        "ground truth is read with at most 5% wrong characters": errors[GROUND_TRUTH] <= 5,
        "ground truth is read best, then the model": errors[GROUND_TRUTH] <= errors[MODEL],
        "the model is read better than a frozen pose": errors[MODEL] < errors[FROZEN],
        "the model is read better than other words": errors[MODEL] < errors[SHUFFLED],
    }


def _write(folder: Path, joints: Mapping[str, NDArray]) -> None:
    folder.mkdir()
    for name, each in joints.items():
        formats.write(make_pose(each, CLIP_FPS), folder / f"{name}.pose")


def main() -> int:
    """Print the table; exit status 1 if the order is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="name or folder of a text-to-pose model (default: the bundled one)")
    parser.add_argument("--translator", default="bundled", help="bundled, or a folder (default: bundled)")
    parser.add_argument("--seed", type=int, default=0, help="of the corpus that the models were trained on")
    parser.add_argument("--html", type=Path, help="write signdiff-eval's report with plots")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        comparison = measure(Path(folder), model=options.model, translator=options.translator, seed=options.seed)
        if options.html is not None:
            from signdiff_eval.reports.html import write_html

            write_html(comparison, options.html)
    results = reached(comparison)
    if options.json:
        from signdiff_eval.reports.tables import to_json

        print(json.dumps({**json.loads(to_json(comparison)), "reached": results}, indent=2))
    else:
        from rich.console import Console

        from signdiff_eval.reports.tables import print_comparison

        print_comparison(comparison, Console())
        for name, holding in results.items():
            print(f"{'yes' if holding else 'NO':<4}{name}")
    return 0 if all(results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
