"""What the FR map is worth (paper, Table 5 and Figure 7): small pipelines trained with it and without, on one budget.

    python benchmarks/frnet_worth.py --train_data_dir TRAIN --poses POSES -o RUNS [--resolution 128] [--steps 1500]
        [--stages 3] [--batch 8] [--seeds 0 1 2] [--clips 24] [--length 12] [--json]

TRAIN is what ``python -m signdiff_core.avatar.frames`` writes; POSES a folder of poses that it was not made of. From
each seed a base is made and trained from scratch twice, all of it: once under a ControlNet of six channels that
superimposes drawing and FR map (the paper's way; its maps in training are true ones, neutral ones and none), and once
under the plain ControlNet of three channels, which sees drawings alone. Everything else is equal. A run is scored after
each of --stages equal parts of its --steps; what is finished is not repeated: the command goes on where it was cut off.

Test videos are drawn here: signers and poses that were not trained on, --length frames in a row. Rows: the pipeline
with FR maps, of the true frame (what no user has) and predicted (what a user has); without a map at hand; the plain
ControlNet; then the training frame with the nearest pose, the mean training frame, and the truth through the
autoencoder. Columns: SSIM, and SSIM around hands; distance of MediaPipe's hand key points in shares of a hand's size
(and the share of hands that it finds in both); Fréchet distance of the autoencoder's latents, averaged over quarters of
the frame (not FID: Inception's weights are not here); flicker in grey levels. Intervals (95%) are bootstraps over test
videos, all seeds together; of the Fréchet distance, the range of the seeds. A second table has what FR maps gain over
the plain ControlNet: differences of the same seed and video.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from baselines import mean_frame, nearest_frame, reconstruction
from intervals import Figure, figure
from video_scores import Clip, Judge, autoencoder

from signdiff_core import formats
from signdiff_core.avatar import Motion, Signer, fit, render_frames
from signdiff_core.diffusion import FRMapper, SignDiffPipeline
from signdiff_core.diffusion.renderer import BUNDLED
from signdiff_core.drawing import draw
from signdiff_core.prepare.reader import FrameFolder
from signdiff_core.skeleton import joints_of
from signdiff_frnet import FRNetPredictor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from video_scores import Videos

PLAIN = "without FR (plain ControlNet)"
HEADS = ("SSIM", "hands", "hand pose", "found", "Fréchet", "flicker")


@dataclass(frozen=True, kw_only=True)
class Gain(Figure):
    """A mean gain and its interval, and the mean of each seed."""

    seeds: tuple[float, ...]

    def __str__(self) -> str:
        return super().__str__() + ";" + "".join(f" {mean:+.3f}" for mean in self.seeds)


def test_clips(folder: Path, *, count: int, length: int, size: int) -> list[Clip]:
    """Let signers whom nobody saw in training perform parts of poses."""
    paths = sorted(folder.glob("*.pose"))
    clips = []
    for number in range(count):
        rng = np.random.default_rng([2**40, number])
        joints, confidence = joints_of(formats.read(paths[number * len(paths) // count]))
        signer = Signer.sample(rng)
        motion = fit(signer.avatar(), joints, confidence)
        start = int(rng.integers(max(1, len(joints) - length + 1)))
        motion = Motion(body=motion.body, turns=motion.turns[start : start + length])
        frames = list(render_frames(signer, motion, size=size))
        clips.append(Clip(truth=frames, joints=motion.joints, caption=signer.prompt))
    return clips


class Runs:
    """The trained pipelines of every seed, arm and stage."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options, self.folder = options, Path(options.output)

    def base(self, seed: int) -> Path:
        """Make an untrained base, with the bundled autoencoder."""
        base = self.folder / f"base-{seed}"
        if not base.is_dir():
            module = "signdiff_core.demo.make_base"
            size = str(self.options.resolution)
            data = str(self.options.train_data_dir)
            run(module, train_data_dir=data, output_dir=str(base), resolution=size, seed=str(seed))
        return base

    def pipeline(self, arm: str, seed: int, step: int) -> Path:
        """Train up to a step; return the pipeline's folder."""
        output = self.folder / f"{arm}-{seed}"
        target = self.folder / f"{arm}-{seed}-{step}"
        if target.is_dir():
            return target
        run(
            "signdiff_core.training.train_controlnet",
            "--train_unet",
            "--train_text_encoder",
            pretrained_model_name_or_path=str(self.base(seed)),
            vae_model_name_or_path=str(BUNDLED / "vae"),
            train_data_dir=str(self.options.train_data_dir),
            output_dir=str(output),
            conditions=arm,
            resolution=str(self.options.resolution),
            train_batch_size=str(self.options.batch),
            learning_rate="5e-4",
            adam_beta2="0.99",
            ema_decay="0.998",
            lr_warmup_steps="100",
            proportion_last_timestep="0.7",
            max_train_steps=str(step),
            checkpointing_steps=str(step),
            checkpoints_total_limit="1",
            num_validation_images="0",
            num_validation_frames="0",
            report_to="none",
            seed=str(seed),
            resume_from_checkpoint="latest",
        )
        shutil.move(output / "pipeline", target)
        return target


def run(module: str, *flags: str, **options: str) -> None:
    """Run a training command, and show what it said if it fails."""
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    done = subprocess.run([sys.executable, "-m", module, *flags, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{module} failed: {done.stderr.strip()[-2000:]}")


def rendered(folder: Path, clips: Sequence[Clip], source: str, size: int) -> Videos:
    """Render the test videos with one step, as the bundled pipeline does."""
    pipeline: Any = SignDiffPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    mapper, predictor = FRMapper(), FRNetPredictor.from_pretrained()
    videos = []
    for clip in clips:
        drawings = [draw(joints, size=size) for joints in clip.joints]
        maps = None
        if source == "true":
            maps = [np.repeat(mapper(frame, size=size)[..., None], 3, axis=2) for frame in clip.truth]
        elif source == "predicted":
            maps = [np.asarray(predictor(drawing, image_resolution=size, output_type="np")) for drawing in drawings]
        frames = pipeline(
            clip.caption,
            drawings,
            fr_image=maps,
            frnet_source="none" if maps is None else None,
            num_inference_steps=1,
            guidance_scale=1.0,
            chunk_size=len(drawings),
            generator=torch.Generator().manual_seed(0),
            output_type="np",
        ).images
        videos.append([np.asarray(np.rint(255 * frame), dtype=np.uint8) for frame in frames])
    return videos


def bounds(train: FrameFolder, clips: Sequence[Clip], size: int) -> dict[str, Callable[[], Videos]]:
    """Name the rows without training: baselines and ceiling."""

    def nearest() -> Videos:
        find = nearest_frame(train, size)
        return [[find(joints) for joints in clip.joints] for clip in clips]

    def mean() -> Videos:
        frame = mean_frame(train, size, every=10)
        return [[frame] * len(clip.truth) for clip in clips]

    def ceiling() -> Videos:
        return [list(reconstruction(autoencoder(), np.stack(clip.truth))) for clip in clips]

    return {"nearest training frame": nearest, "mean training frame": mean, "autoencoder (ceiling)": ceiling}


def remembered(path: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Read scores that were written before, or make and write them."""
    if not path.is_file():
        scores = make()
        part = path.with_suffix(".part")
        part.write_text(json.dumps(scores))
        part.replace(path)
    return dict(json.loads(path.read_text()))


def summary(scores: Sequence[dict[str, Any]]) -> dict[str, Figure]:
    """Put seeds together: mean and interval of each column."""
    table = {}
    for head in HEADS:
        if head == "Fréchet":
            values = [float(score[head]) for score in scores]
            table[head] = Figure(mean=float(np.mean(values)), low=min(values), high=max(values))
        elif samples := [(v, clip) for score in scores for clip, v in enumerate(score[head]) if v is not None]:
            table[head] = figure(*zip(*samples, strict=True))
    return table


def gains(scores: Sequence[dict[str, Any]], plain: Sequence[dict[str, Any]]) -> dict[str, Gain]:
    """Compare with the plain ControlNet of the same seed, video by video."""
    table = {}
    for head in ("SSIM", "hands", "flicker"):
        seeds = [
            [(a - b, clip) for clip, (a, b) in enumerate(zip(ours[head], its[head], strict=True)) if None not in (a, b)]
            for ours, its in zip(scores, plain, strict=True)
        ]
        whole = figure(*zip(*(sample for seed in seeds for sample in seed), strict=True))
        table[head] = Gain(**vars(whole), seeds=tuple(float(np.mean([gain for gain, _ in seed])) for seed in seeds))
    return table


def measure(options: argparse.Namespace) -> dict[str, dict[str, Figure]]:
    """Train, render and score; return the table, by row and column."""
    size, runs = options.resolution, Runs(options)
    runs.folder.mkdir(parents=True, exist_ok=True)
    clips = test_clips(options.poses, count=options.clips, length=options.length, size=size)
    judges: list[Judge] = []

    def judged(name: str, make: Callable[[], Videos]) -> dict[str, Any]:
        def score() -> dict[str, Any]:
            judges.append(Judge(clips, size)) if not judges else None
            return judges[0](make())

        scores = remembered(runs.folder / f"{name}.json", score)
        print(f"{name}: SSIM {np.mean(scores['SSIM']):.3f}", file=sys.stderr, flush=True)
        return scores

    table = {}
    rows = {
        "with FR, true maps": ("superimposed", "true"),
        "with FR, predicted maps": ("superimposed", "predicted"),
        "with FR, no map given": ("superimposed", "none"),
        PLAIN: ("openpose", "none"),
    }
    scored: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for stage in range(1, options.stages + 1):
        step = options.steps * stage // options.stages
        for seed in options.seeds:
            for name, (arm, source) in rows.items():
                folder = runs.pipeline(arm, seed, step)
                score = judged(f"{arm}-{source}-{seed}-{step}", lambda: rendered(folder, clips, source, size))  # noqa: B023
                scored.setdefault((name, step), []).append(score)
    for (name, step), scores in sorted(scored.items(), key=lambda item: item[0][1]):
        table[f"{step}: {name}"] = summary(scores)
    for name, make in bounds(FrameFolder(options.train_data_dir), clips, size).items():
        table[name] = summary([judged(make.__name__, make)])
    for (name, step), scores in sorted(scored.items(), key=lambda item: item[0][1]):
        if name != PLAIN:
            table[f"{step}: gain {name}"] = gains(scores, scored[PLAIN, step])
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--train_data_dir", type=Path, required=True, help="training frames")
    parser.add_argument("--poses", type=Path, required=True, help="folder of poses that they don't show")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the runs")
    parser.add_argument("--resolution", type=int, default=128, help="side of the frames (default: 128)")
    parser.add_argument("--steps", type=int, default=1500, help="optimizer steps of each run (default: 1500)")
    parser.add_argument("--stages", type=int, default=3, help="times that a run is scored (default: 3)")
    parser.add_argument("--batch", type=int, default=8, help="frames a step (default: 8)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the runs (default: 0 1 2)")
    parser.add_argument("--clips", type=int, default=24, help="test videos (default: 24)")
    parser.add_argument("--length", type=int, default=12, help="frames of a test video (default: 12)")
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")
    options = parser.parse_args(arguments)
    if options.length < 2 or options.stages < 1 or options.steps < options.stages:
        parser.error("--length must be at least 2, --stages at least 1, and --steps at least --stages")
    table = measure(options)
    if options.json:
        cells = {name: {head: asdict(cell) for head, cell in row.items()} for name, row in table.items()}
        print(json.dumps(cells, indent=2))
        return 0
    print(
        f"{options.clips} videos of {options.length} frames, {options.resolution} pixels, {len(options.seeds)} seeds\n"
    )
    for name, row in table.items():
        print(name)
        for head, cell in row.items():
            print(f"    {head:12}{cell}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
