"""How close the diffusion renderer comes to the avatar's true frames, on poses that it has never seen.

    python -m signdiff_core.avatar.frames --poses POSES/train -o TRAIN --frames 6400 --size 256
    python -m signdiff_core.avatar.frames --poses POSES/test -o TEST --frames 320 --size 256
    python benchmarks/renderer.py --train_data_dir TRAIN --test_data_dir TEST [--model DIR] [--picture PNG] [--json]

Rows: the pipeline without a FR map, and with each source of one: predicted from the drawing (what ``signdiff render``
does), predicted with a map of the same signer in another pose beside it, FR-Net of a first rendering, of the neutral
avatar in the same pose, and of the true frame, which no user has; then two baselines, the mean of all training frames
and the training frame with the nearest pose (hands count as much as the body); then the ceiling, the true frame through
the pipeline's autoencoder and back.

Columns: SSIM (Wang et al. 2004, see signdiff_eval) on the whole frame and on the rectangles around hands, mean over
frames and hands; what each adds to the row without a FR map; milliseconds a frame. Intervals are of 2,000 bootstraps
over clips, frames of one signer in one pose file. Every row but the mean frame may use the caption's signer; the
nearest training frame is of whichever signer it is. Skeleton drawings are of the drawn body's own joints.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import baselines
import numpy as np
import torch
from intervals import Figure, figure
from PIL import Image

from signdiff_core.diffusion import DiffusionRenderer
from signdiff_core.diffusion.folder import RendererSettings, read_frnet
from signdiff_core.diffusion.frmap import FRMapper
from signdiff_core.diffusion.renderer import BUNDLED
from signdiff_core.drawing import draw
from signdiff_core.prepare.reader import FrameFolder
from signdiff_core.training.regions import hand_boxes
from signdiff_eval.functional import ssim
from signdiff_frnet import FRNetPredictor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from signdiff_core.prepare.reader import Row

    Frame = NDArray[np.uint8]

SMALLEST_HAND = 16
"""Hands of which less than this many pixels a side are in the frame are not scored."""


Samples = dict[tuple[int, int], float]
"""Scores by frame, and by box within the frame."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """One row of the table."""

    name: str
    ssim: Figure
    ssim_hands: Figure
    gain: Figure
    """What SSIM gains over the first row."""

    gain_hands: Figure
    milliseconds: float


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What the rows share."""

    renderer: DiffusionRenderer
    settings: RendererSettings
    mapper: FRMapper
    predictor: FRNetPredictor
    train: FrameFolder
    test: FrameFolder
    indices: tuple[int, ...]
    size: int
    seed: int


def set_up(model: Path, train: FrameFolder, test: FrameFolder, *, frames: int, seed: int = 0) -> Setting:
    """Load a pipeline, and choose test frames, evenly spread."""
    renderer, count = DiffusionRenderer(model=model), min(frames, len(test))
    pipeline = renderer.pipeline
    return Setting(
        renderer=renderer,
        settings=RendererSettings.read(model),
        mapper=FRMapper(**(read_frnet(model) or {})),
        predictor=FRNetPredictor.from_pretrained(),
        train=train,
        test=test,
        indices=tuple(number * len(test) // count for number in range(count)),
        size=int(pipeline.unet.config.sample_size * pipeline.vae_scale_factor),
        seed=seed,
    )


def made_by_pipeline(setting: Setting, source: str) -> Callable[[int], Frame]:
    """Render a frame from its caption and its drawing, with a FR map of some source."""
    pipeline, size = setting.renderer.pipeline, setting.size

    def make(index: int) -> Frame:
        drawing = draw(setting.test.joints(index), size=size)
        fr_map = map_from(setting, source, index, drawing)
        shown = draw(setting.test.points(index), size=size) if setting.settings.include_face else drawing
        made: Any = pipeline(
            setting.test.rows[index].text,
            image=[shown],
            fr_image=None if fr_map is None else [np.repeat(fr_map[..., None], 3, axis=2)],
            frnet_source=source if fr_map is None else None,
            frnet=setting.mapper,
            num_inference_steps=setting.settings.steps,
            guidance_scale=setting.settings.guidance_scale,
            generator=torch.Generator("cpu").manual_seed(setting.seed),
            output_type="np",
        )
        frame: Frame = np.rint(made.images[0] * 255).astype(np.uint8)
        return frame

    return make


def map_from(setting: Setting, source: str, index: int, drawing: Frame) -> Frame | None:
    """Draw the FR map that the pipeline can't make by itself; None if it can."""
    size = setting.size
    if source == "true":
        return setting.mapper(setting.test.image(index, size), size=size)
    if source == "neutral":
        picture = setting.test.neutral(index, size)
        if picture is None:
            raise ValueError(f"frame {index} must have a neutral frame, but names none.")
        return setting.mapper(picture, size=size)
    if source == "reference":
        others = [n for n, row in enumerate(setting.test.rows) if clip_of(row) == clip_of(setting.test.rows[index])]
        other = others[len(others) // 2] if others[len(others) // 2] != index else others[0]
        known = setting.mapper(setting.test.image(other, size), size=size)
        predicted = setting.predictor(drawing, known, image_resolution=size, output_type="np")
        return np.asarray(predicted, dtype=np.uint8)[..., 0]
    if source == "predictor" and setting.settings.include_face:  # which it does not know
        return np.asarray(setting.predictor(drawing, image_resolution=size), dtype=np.uint8)[..., 0]
    return None


def clip_of(row: Row) -> tuple[str, str]:
    """Tell which clip a frame is of: a pose file, and a signer."""
    return row.pose_id, row.text


def mean_frame(setting: Setting) -> Callable[[int], Frame]:
    """Always show the mean of the training frames."""
    mean = baselines.mean_frame(setting.train, setting.size)
    return lambda index: mean


def nearest_frame(setting: Setting) -> Callable[[int], Frame]:
    """Show the training frame whose joints are nearest."""
    find = baselines.nearest_frame(setting.train, setting.size)
    return lambda index: find(setting.test.joints(index))


def reconstruction(setting: Setting) -> Callable[[int], Frame]:
    """Send the true frame through the autoencoder."""
    vae = setting.renderer.pipeline.vae
    return lambda index: baselines.reconstruction(vae, setting.test.image(index, setting.size)[None])[0]


def score(make: Callable[[int], Frame], setting: Setting) -> tuple[Samples, Samples, float]:
    """Compare made frames with the true ones: SSIM of frames, of hands, and milliseconds a frame."""
    whole: Samples = {}
    hands: Samples = {}
    seconds = 0.0
    for index in setting.indices:
        start = time.perf_counter()
        made = make(index)
        seconds += time.perf_counter() - start
        truth = setting.test.image(index, setting.size)
        whole[index, 0] = ssim(made, truth)
        for number, box in enumerate(hand_boxes(setting.test.joints(index), setting.size)):
            if min(box[2] - box[0], box[3] - box[1]) >= SMALLEST_HAND:
                hands[index, number] = ssim(made, truth, box=box)
    return whole, hands, 1000 * seconds / len(whole)


def mean_of(setting: Setting, samples: Samples, baseline: Samples | None = None) -> Figure:
    """Take the mean of samples, or of what they gain over others."""
    values = [value - (baseline[key] if baseline else 0.0) for key, value in samples.items()]
    return figure(values, [clip_of(setting.test.rows[index]) for index, _ in samples])


def measure(setting: Setting) -> list[Score]:
    """Make the table's rows."""
    rows: list[tuple[str, Callable[[int], Frame]]] = [
        ("diffusion, no FR map", made_by_pipeline(setting, "none")),
        ("diffusion, predicted map", made_by_pipeline(setting, "predictor")),
        ("diffusion, predicted with reference", made_by_pipeline(setting, "reference")),
        ("diffusion, two passes", made_by_pipeline(setting, "two-pass")),
        ("diffusion, neutral avatar's map", made_by_pipeline(setting, "neutral")),
        ("diffusion, true frame's map", made_by_pipeline(setting, "true")),
        ("mean training frame", mean_frame(setting)),
        ("nearest training frame", nearest_frame(setting)),
        ("autoencoder (ceiling)", reconstruction(setting)),
    ]
    scores: list[Score] = []
    first: tuple[Samples, Samples] | None = None
    for name, make in rows:
        whole, hands, milliseconds = score(make, setting)
        first = first or (whole, hands)
        scores.append(
            Score(
                name=name,
                ssim=mean_of(setting, whole),
                ssim_hands=mean_of(setting, hands),
                gain=mean_of(setting, whole, first[0]),
                gain_hands=mean_of(setting, hands, first[1]),
                milliseconds=milliseconds,
            )
        )
    return scores


def hand_area(setting: Setting, index: int) -> int:
    """Count the pixels in the rectangles around hands."""
    boxes = hand_boxes(setting.test.joints(index), setting.size)
    return sum((right - left) * (bottom - top) for left, top, right, bottom in boxes)


def picture(setting: Setting, path: Path, *, rows: int = 4) -> None:
    """Show the sources side by side: for each frame, above the truth and what was rendered, below drawing and maps.

    Of each part of the frames, the one that shows most of the hands is taken.
    """
    sources = ("none", "predictor", "two-pass", "neutral", "true")
    lines = []
    for part in np.array_split(np.array(setting.indices), rows):
        index = max(map(int, part), key=lambda index: hand_area(setting, index))
        drawing, truth = draw(setting.test.joints(index), size=setting.size), setting.test.image(index, setting.size)
        made = {source: made_by_pipeline(setting, source)(index) for source in sources}
        maps = [np.zeros_like(drawing)]
        for source in sources[1:]:
            fr_map = map_from(setting, source, index, drawing)
            if source == "predictor":
                fr_map = np.asarray(setting.predictor(drawing, image_resolution=setting.size))[..., 0]
            if source == "two-pass":
                fr_map = setting.mapper(made["none"], size=setting.size)
            maps.append(np.repeat(np.asarray(fr_map)[..., None], 3, axis=2))
        lines += [np.concatenate([truth, *made.values()], axis=1), np.concatenate([drawing, *maps], axis=1)]
    Image.fromarray(np.concatenate(lines)).save(path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--train_data_dir", type=Path, required=True, help="training frames, for the baselines")
    parser.add_argument("--test_data_dir", type=Path, required=True, help="frames of held-out poses")
    parser.add_argument("--model", type=Path, default=BUNDLED, help="a pipeline's folder (default: the bundled one)")
    parser.add_argument("--frames", type=int, default=100, help="test frames, evenly spread (default: 100)")
    parser.add_argument("--steps", type=int, default=None, help="denoising steps (default: the model's)")
    parser.add_argument("--guidance_scale", type=float, default=None, help="prompt's weight (default: the model's)")
    parser.add_argument("--seed", type=int, default=0, help="of the noise (default: 0)")
    parser.add_argument("--picture", type=Path, default=None, help="PNG file to show the sources of FR maps in")
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")
    options = parser.parse_args(arguments)
    if options.frames < 1:
        parser.error(f"--frames must be at least 1, but is {options.frames}")

    train, test = FrameFolder(options.train_data_dir), FrameFolder(options.test_data_dir)
    shared = {row.pose_id for row in train.rows} & {row.pose_id for row in test.rows}
    if shared:
        parser.error(f"the test poses must not be trained on, but {len(shared)} are, such as {min(shared)}")
    setting = set_up(options.model, train, test, frames=options.frames, seed=options.seed)
    settings = setting.settings
    settings = replace(settings, steps=options.steps or settings.steps)
    if options.guidance_scale is not None:
        settings = replace(settings, guidance_scale=options.guidance_scale)
    setting, count = replace(setting, settings=settings), len(setting.indices)
    if options.picture is not None:
        picture(setting, options.picture)
    scores = measure(setting)
    if options.json:
        print(json.dumps({"frames": count, "steps": settings.steps, "rows": [asdict(row) for row in scores]}, indent=2))
        return 0
    print(f"{count} frames of held-out poses, {settings.steps} steps\n")
    print(f"{'':36}{'SSIM':26}{'hands':26}{'gain':26}{'gain, hands':26}{'ms/frame':>8}")
    for row in scores:
        cells = "".join(f"{figure!s:26}" for figure in (row.ssim, row.ssim_hands, row.gain, row.gain_hands))
        print(f"{row.name:36}{cells}{row.milliseconds:8.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
