"""The paper's Table 3 at the scale of a laptop: every mode of the text-to-pose model under one budget, several seeds.

    python benchmarks/ablation.py CORPUS -o RUNS [--steps 1000] [--seeds 0 1 2] [--presets base full ...]
        [--set KEY=VALUE ...] [--json]

CORPUS is what ``signdiff-slp corpus fingerspelling`` builds. Each preset of the recipe trains a small model (128 wide,
2+2 layers) from each seed for as many steps with batches of as many frames; what differs is the mode alone. Each run
signs the 100 held-out words of the test split from their text alone; signdiff-eval scores them against ground truth,
and the bundled translator reads them back. Rows: the presets in the paper's order, and below them ground truth (the
ceiling) and a frozen mean pose. A score is that of all words of all seeds, its 95% interval a bootstrap over them.
A run that is finished is not repeated: the command goes on where it was cut off.

``--set`` changes a setting of the recipe in every run. The presets are the published model, whose decoder knows its
place by the number of the frame and the counter it predicts; the same table for a decoder that is told its place in
the text by its counter:

    --set model.config_overrides.clock=token model.config_overrides.counter=rate model.config_overrides.variant=fairseq2
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from signdiff_core import formats
from signdiff_core.skeleton import make_pose
from signdiff_eval.backtranslation import BackTranslator
from signdiff_eval.metrics import BLEU, CER, DTW, ROUGE, Duration, TotalDistance
from signdiff_eval.readers import Pair
from signdiff_eval.reports.compare import FROZEN, GROUND_TRUTH, derivation
from signdiff_eval.reports.significance import confidence
from signdiff_eval.scoring import BackTranslation, score_poses
from signdiff_slp import TextToPose
from signdiff_slp.corpora.clips import CLIP_FPS
from signdiff_slp.corpora.read import read_split
from signdiff_slp.export import export

if TYPE_CHECKING:
    from signdiff_eval.metrics import Metric

PRESETS = (
    *("base", "future_prediction", "just_counter", "gaussian_noise"),
    *("fp_gn", "long_video", "bo_co", "full"),
)
SIZES = {
    "model_dim": 128,
    "vocab_size": 31,
    "max_piece_len": 22,
    "max_source_len": 64,
    "num_heads": 4,
    "ffn_inner_dim": 512,
}
BATCH = 20


@dataclass(frozen=True)
class Row:
    """One row of the table: score and interval by key."""

    name: str
    scores: dict[str, tuple[float, float, float]]


def train(preset: str, seed: int, run: Path, options: argparse.Namespace) -> None:
    """Train a model, unless it is there."""
    if (run / "model" / "model.safetensors").is_file():
        return
    settings = {
        "dataset.config_overrides.data_dir": options.corpus.resolve(),
        "dataset.max_num_frames": options.frames,
        "dataset.max_seq_len": 256,
        "common.seed": seed,
        "regime.num_steps": options.steps,
        "regime.validate_every_n_steps": options.steps,
        "regime.checkpoint_every_n_steps": options.steps,
        "regime.publish_metrics_every_n_steps": max(1, options.steps // 20),
        "lr_scheduler.config.num_warmup_steps": max(1, options.steps // 10),
        "validate_free_decoding": False,
        **{f"model.config_overrides.{name}": value for name, value in SIZES.items()},
    }
    listed = [*(f"{name}={value}" for name, value in settings.items()), *options.set]
    command = [sys.executable, "-m", "signdiff_slp.recipes.train", str(run), "--preset", preset, "--no-rich"]
    done = subprocess.run([*command, "--config", *listed], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{preset}, seed {seed}: {(done.stdout + done.stderr)[-3000:]}")
    export(run / "checkpoints", run / "model")


def decode(run: Path, texts: list[str]) -> None:
    """Sign texts into the run's folder ``poses``, unless they are there."""
    poses = run / "poses"
    poses.mkdir(exist_ok=True)
    left = [text for text in texts if not (poses / f"{text}.pose").is_file()]
    if not left:
        return
    translator = TextToPose.from_pretrained(run / "model")
    for start in range(0, len(left), BATCH):
        part = left[start : start + BATCH]
        for text, pose in zip(part, translator(part), strict=True):
            formats.write(pose, poses / f"{text}.pose")


def score(
    name: str,
    folders: list[Path],
    references: Path,
    texts: list[str],
    back_translation: BackTranslation,
    control: str | None = None,
) -> Row:
    """Score the output of all seeds together."""
    seeds: list[tuple[Metric, ...]] = []
    for folder in folders:
        pairs = [Pair(text, folder / f"{text}.pose", references / f"{text}.pose") for text in texts]
        derive = None if control is None else derivation(control)
        seeds.append(score_poses(pairs, metrics=_metrics, back_translation=back_translation, derive=derive).system)
    merged = [metric.merge(*others) for metric, *others in zip(*seeds, strict=True)]
    scores = {}
    for metric in merged:
        interval = confidence(metric)
        scores[metric.name] = (metric.compute(), interval.low, interval.high)
    return Row(name, scores)


def _metrics() -> list[Metric]:
    return [DTW("mje"), TotalDistance(), Duration(), BLEU(1), ROUGE(), CER()]


def main() -> None:
    """Train what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, metavar="CORPUS")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="RUNS", help="folder for the runs")
    parser.add_argument("--steps", type=int, default=1000, help="training steps of each run (default: 1000)")
    parser.add_argument("--frames", type=int, default=2048, help="frames of a batch (default: 2048)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--presets", nargs="+", choices=PRESETS, default=list(PRESETS))
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", help="of the recipe, for every run")
    parser.add_argument("--words", type=int, default=100, help="held-out words that are scored (default: 100)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()

    options.output.mkdir(parents=True, exist_ok=True)
    settings = {"frames": options.frames, "set": sorted(options.set)}
    noted = options.output / "settings.json"
    if noted.is_file() and json.loads(noted.read_text(encoding="utf-8")) != settings:
        parser.error(f"{options.output} holds runs of other settings: {noted.read_text(encoding='utf-8')}")
    noted.write_text(json.dumps(settings), encoding="utf-8")
    examples = read_split(options.corpus, "test", kind="word")[: options.words]
    texts = [example.text for example in examples]
    references = options.output / "references"
    references.mkdir(parents=True, exist_ok=True)
    for example in examples:
        formats.write(make_pose(example.joints, CLIP_FPS), references / f"{example.text}.pose")
    listed = options.output / "texts.tsv"
    listed.write_text("".join(f"{text}\t{text}\n" for text in texts), encoding="utf-8")
    translator = BackTranslator.from_pretrained()
    back_translation = BackTranslation(listed, translator, translator.settings)

    runs = [(preset, seed) for seed in options.seeds for preset in options.presets]
    for preset, seed in tqdm(runs, unit="run", disable=not sys.stderr.isatty()):
        run = options.output / f"{preset}-{options.steps}-{seed}"
        train(preset, seed, run, options)
        decode(run, texts)
    rows = [
        score(
            preset,
            [options.output / f"{preset}-{options.steps}-{seed}" / "poses" for seed in options.seeds],
            references,
            texts,
            back_translation,
        )
        for preset in options.presets
    ]
    rows += [score(name, [references], references, texts, back_translation, name) for name in (GROUND_TRUTH, FROZEN)]
    if options.json:
        print(json.dumps({row.name: row.scores for row in rows}, indent=2))
        return
    print(f"{len(texts)} held-out words, {options.steps} steps, {len(options.seeds)} seeds")
    print(f"{'':22}" + "".join(f"{key:>24}" for key in rows[0].scores))
    for row in rows:
        cells = [f"{value:.4g} [{low:.3g}, {high:.3g}]" for value, low, high in row.scores.values()]
        print(f"{row.name:22}" + "".join(f"{cell:>24}" for cell in cells))


if __name__ == "__main__":
    main()
