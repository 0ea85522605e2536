"""How far the small pipeline comes on a real person: fitted to most of one clip, compared on the rest of it.

    python benchmarks/real_clip.py CLIPS -o RUN [--clip NAME] [--model DIR] [--steps 800] [--picture PNG] [--json]

CLIPS is as for benchmarks/frnet_real.py; its clip NAME is prepared with ``signdiff prepare-frames`` at the pipeline's
own size. The pipeline is trained on the first three quarters of the frames, half a second is left out, and what
follows is compared. Once the ControlNet alone is trained, under the locked base, and once all but the autoencoder. RUN
is not for sharing: what it holds shows the person of the clip.

Rows: the pipeline before training and after, without a FR map, with predicted maps and with maps of the true frames
(which no user has); the training frame with the nearest pose; the mean training frame; the true frame through the
autoencoder and back, better than which no row of the pipeline can be. Columns: SSIM, and SSIM around hands, with 95%
intervals of a bootstrap over half seconds.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from frnet_real import gather
from intervals import Figure, figure
from PIL import Image
from renderer import Setting, made_by_pipeline, mean_frame, nearest_frame, reconstruction, score, set_up

from signdiff_core.diffusion.renderer import BUNDLED
from signdiff_core.drawing import draw
from signdiff_core.prepare.reader import FrameFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Frame = NDArray[np.uint8]

HALF_SECOND = 12
SOURCES = {"no map": "none", "predicted map": "predictor", "true map": "true"}
ARMS: dict[str, tuple[str, ...]] = {"ControlNet trained": (), "all trained": ("--train_unet", "--train_text_encoder")}


def run(*command: object) -> None:
    """Run a module of Python, and let it speak."""
    subprocess.run([sys.executable, "-m", *map(str, command)], check=True, stdout=sys.stderr)


def prepare(clips: Path, clip: str, output: Path, prompt: str) -> tuple[FrameFolder, FrameFolder]:
    """Make the clip's frames once: what is trained on, and what is not."""
    frames, parts = output / "frames", (output / "train", output / "test")
    if not frames.is_dir():
        with tempfile.TemporaryDirectory() as home:
            gather(clips, Path(home))
            for path in Path(home).iterdir():
                if path.stem != clip:
                    path.unlink()
            run("signdiff_core.cli", "prepare-frames", home, home, "-o", frames, "--size", 256, "--prompt", prompt)
    rows = [json.loads(line) for line in (frames / "metadata.jsonl").read_text().splitlines()]
    cut = 3 * rows[-1]["frame"] // 4
    train = [row for row in rows if row["frame"] < cut]
    test = [row for row in rows if row["frame"] >= cut + HALF_SECOND]
    for part, its in zip(parts, (train, test), strict=True):
        part.mkdir(exist_ok=True)
        (part / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in its))
        for name in ("frames", "joints.safetensors", "frnet.json"):
            if not (part / name).exists():
                (part / name).symlink_to(frames.resolve() / name)
    return FrameFolder(parts[0]), FrameFolder(parts[1])


def train(model: Path, frames: Path, output: Path, flags: Sequence[str], steps: int) -> Path:
    """Fit a pipeline to the frames; goes on where it was cut off."""
    if not (output / "pipeline").is_dir():
        options = {
            "pretrained_model_name_or_path": model,
            "controlnet_model_name_or_path": model / "controlnet",
            "train_data_dir": frames,
            "output_dir": output,
            "max_train_steps": steps,
            "train_batch_size": 4,
            "learning_rate": 3e-4,
            "adam_beta2": 0.99,
            "lr_scheduler": "cosine",
            "lr_warmup_steps": 50,
            "ema_decay": 0.995,
            "crop_probability": 0.65,
            "proportion_last_timestep": 0.8,
            "proportion_neutral_fr": 0,
            "proportion_no_fr": 0.4,
            "proportion_empty_prompts": 0,
            "mixed_precision": "bf16",
            "checkpointing_steps": 250,
            "checkpoints_total_limit": 1,
            "num_validation_images": 0,
            "num_validation_frames": 0,
            "resume_from_checkpoint": "latest",
            "seed": 0,
        }
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        run("signdiff_core.training.train_controlnet", *words, *flags, "--crop_sizes", 64, 64, 128)
    return output / "pipeline"


def mean_of(setting: Setting, samples: dict[tuple[int, int], float]) -> Figure:
    """Take a mean over frames or hands."""
    return figure(list(samples.values()), [setting.test.rows[index].frame // HALF_SECOND for index, _ in samples])


def makers(settings: dict[str, Setting]) -> dict[str, Callable[[int], Frame]]:
    """Name all rows of the table."""
    first = next(iter(settings.values()))
    rows: dict[str, Callable[[int], Frame]] = {}
    for name, setting in settings.items():
        rows |= {f"{name}, {label}": made_by_pipeline(setting, source) for label, source in SOURCES.items()}
    return rows | {
        "nearest training frame": nearest_frame(first),
        "mean training frame": mean_frame(first),
        "autoencoder (ceiling)": reconstruction(first),
    }


def picture(setting: Setting, rows: dict[str, Callable[[int], Frame]], path: Path) -> None:
    """Show four frames, each as a line: drawing, truth, and all rows of the table."""
    lines = []
    for part in np.array_split(np.array(setting.indices), 4):
        index = int(part[len(part) // 2])
        drawing, truth = draw(setting.test.joints(index), size=setting.size), setting.test.image(index, setting.size)
        lines.append(np.concatenate([drawing, truth, *(make(index) for make in rows.values())], axis=1))
    Image.fromarray(np.concatenate(lines)).save(path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("clips", type=Path, help="folder with mp4/ and mediapipe/")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for frames and pipelines")
    parser.add_argument("--clip", default="_20g7MG8K1U_22-8-rgb_front", help="its name (default: %(default)s)")
    parser.add_argument("--prompt", default="a woman with light skin, brown hair and a blue sleeveless shirt")
    parser.add_argument("--model", type=Path, default=BUNDLED, help="a pipeline's folder (default: the bundled one)")
    parser.add_argument("--steps", type=int, default=800, help="optimizer steps of each training (default: 800)")
    parser.add_argument("--picture", type=Path, default=None, help="PNG file for four frames of each row")
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")
    options = parser.parse_args(arguments)
    output: Path = options.output
    output.mkdir(parents=True, exist_ok=True)
    frames, rest = prepare(options.clips, options.clip, output, options.prompt)
    models: dict[str, Path] = {"before training": options.model}
    for name, flags in ARMS.items():
        models[name] = train(options.model, frames.root, output / name.replace(" ", "-"), flags, options.steps)
    settings = {name: set_up(model, frames, rest, frames=len(rest)) for name, model in models.items()}
    first, rows = settings["before training"], makers(settings)
    if options.picture is not None:
        picture(first, rows, options.picture)
    table = {}
    for name, make in rows.items():
        whole, hands, _ = score(make, first)
        table[name] = {"SSIM": mean_of(first, whole), "hands": mean_of(first, hands)}
    if options.json:
        cells = {name: {head: asdict(cell) for head, cell in row.items()} for name, row in table.items()}
        print(json.dumps({"trained": len(frames), "compared": len(rest), "rows": cells}, indent=2))
        return 0
    print(f"{len(frames)} frames trained on, {len(rest)} compared\n")
    print(f"{'':36}{'SSIM':26}hands")
    for name, row in table.items():
        print(f"{name:36}{row['SSIM']!s:26}{row['hands']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
