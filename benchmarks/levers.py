"""What each lever of speed is worth: how much faster, and how far the picture moves.

    python benchmarks/levers.py [--frames 8] [--steps 20] [--rounds 2] [--model DIR] [--device cpu] [--only NAME ...]
        [--json]

The peer, and the first row, is diffusers' StableDiffusionControlNetPipeline, called frame by frame with the same
conditions and noise. Every row after it is SignDiffPipeline with one lever pulled, and the last rows with several.
Columns: time of the peer over the row's (on a CPU the processor's, which others disturb less), the fastest of
--rounds, without loading and, where it compiles, compiling;
SSIM of the row's frames with the peer's, whole and around hands; and SSIM of the row's frames with the truth, by
which fewer steps need not be worse. Frames, conditions and prompts are those of avatars that are drawn here.

FLOPs are those of a frame with networks of Stable Diffusion 1.5's shapes at 512x512, counted without computing: the
share of the peer's that a lever leaves over, the autoencoder's decoder included. For the tiny autoencoder there is
nothing else: none exists for the bundled latents.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderTiny,
    StableDiffusionControlNetPipeline,
    UNet2DConditionModel,
)
from torch.utils.flop_counter import FlopCounterMode

from signdiff_core.avatar import Signer, fit, render_frames
from signdiff_core.diffusion import DiffusionRenderer, superimposed
from signdiff_core.diffusion.folder import read_frnet
from signdiff_core.diffusion.network_hooks import caching_steps
from signdiff_core.diffusion.renderer import BUNDLED
from signdiff_core.drawing import draw
from signdiff_core.skeleton import joints_of
from signdiff_core.training.regions import hand_boxes
from signdiff_eval.functional import ssim
from signdiff_slp import TextToPose

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Frame = NDArray[np.uint8]

GUIDANCE = 2.0


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What all rows render."""

    truth: list[Frame]
    drawings: list[Frame]
    maps: list[Frame]
    joints: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Lever:
    """One row: changes of the pipeline, and of the call."""

    name: str
    change: Callable[[Any], None] | None = None
    call: dict[str, Any]
    flops: float | None = None


@dataclass(frozen=True, kw_only=True)
class Score:
    """One row of the table."""

    name: str
    speed: float | None = None
    same: float | None = None
    same_hands: float | None = None
    truth: float | None = None
    truth_hands: float | None = None
    flops: float | None = None


def scene(count: int, size: int, frnet: dict[str, Any]) -> Scene:
    """Draw the truth, spread over a word, and both conditions."""
    from signdiff_core.diffusion import FRMapper

    joints, _ = joints_of(TextToPose.from_pretrained()(["signer"])[0])
    motion = fit(Signer.neutral().avatar(), joints[:: max(1, len(joints) // count)][:count])
    truth, mapper = list(render_frames(Signer.neutral(), motion, size=size)), FRMapper(**frnet)
    maps = [np.repeat(mapper(frame, size=size)[..., None], 3, axis=2) for frame in truth]
    return Scene(truth=truth, drawings=[draw(j, size=size) for j in motion.joints], maps=maps, joints=motion.joints)


def flops(steps: int) -> dict[str, float]:
    """Count what a frame costs with networks of Stable Diffusion 1.5's shapes, guided, in FLOPs."""
    with torch.device("meta"):
        unet = UNet2DConditionModel(sample_size=64, cross_attention_dim=768)
        net = superimposed(unet)
        vae = AutoencoderKL(
            block_out_channels=(128, 256, 512, 512),
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            layers_per_block=2,
            latent_channels=4,
        )
        tiny = AutoencoderTiny()
        sample, text, hint = torch.zeros(2, 4, 64, 64), torch.zeros(2, 77, 768), torch.zeros(2, 6, 512, 512)

    def control() -> Any:
        return net(sample, 1, text, hint, return_dict=False)

    def step() -> Any:
        down, mid = control()
        return unet(sample, 1, text, down_block_additional_residuals=down, mid_block_additional_residual=mid)

    def count(run: Callable[[], Any]) -> float:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            run()
        return float(counter.get_total_flops())

    one, bare, hinted = (
        count(step),
        count(lambda: unet(sample, 1, text)),
        count(lambda: net.controlnet_cond_embedding(hint)),
    )
    decode, tiny_decode = count(lambda: vae.decode(sample[:1])), count(lambda: tiny.decode(sample[:1]))
    whole = steps * one + decode
    table = {
        "conditions encoded once": steps * one - (steps - 1) * hinted + decode,
        "control in the first half": steps * (one + bare) / 2 - (steps // 2 - 1) * hinted + decode,
        "tiny autoencoder": steps * one + tiny_decode,
        "no guidance": steps * one / 2 + decode,
        "4 steps": 4 * one + decode,
        "1 step": one + decode,
    }
    for interval, depth in ((2, 1), (3, 1), (5, 1), (3, 2)):
        with caching_steps(unet, net, interval=interval, depth=depth), torch.no_grad():
            step()
            cached = count(step)
        wholes = -(-steps // interval)
        table[f"cache {interval}, depth {depth}"] = wholes * one + (steps - wholes) * cached + decode
    return {name: value / whole for name, value in table.items()}


def levers(options: argparse.Namespace, shares: dict[str, float]) -> list[Lever]:
    """List the rows."""
    steps = {"num_inference_steps": options.steps, "guidance_scale": GUIDANCE}

    def lever(name: str, change: Callable[[Any], None] | None = None, **call: Any) -> Lever:
        return Lever(name=name, change=change, call={"chunk_size": 1, **steps, **call}, flops=shares.get(name))

    def channels_last(pipeline: Any) -> None:
        for part in (pipeline.unet, pipeline.controlnet, pipeline.vae):
            part.to(memory_format=torch.channels_last)

    def compiled(pipeline: Any) -> None:
        pipeline.unet.compile()
        pipeline.controlnet.compile()

    def half(pipeline: Any) -> None:
        pipeline.to(torch.bfloat16)

    rows = [
        lever("conditions encoded once"),
        lever("batches of 4", chunk_size=4),
        lever("control in the first half", control_guidance_end=0.5),
        *(
            lever(f"cache {interval}, depth {depth}", cache_interval=interval, cache_depth=depth)
            for interval, depth in ((2, 1), (3, 1), (5, 1), (3, 2))
        ),
        lever("no guidance", guidance_scale=1.0),
        lever("4 steps", num_inference_steps=4),
        lever("1 step", num_inference_steps=1),
        lever("channels last", channels_last),
        lever("bfloat16", half),
        lever("compiled", compiled, chunk_size=4, pad_chunks=True),
        lever("bfloat16, cache 3, depth 1", half, cache_interval=3),
        lever("bfloat16, 1 step, no guidance", half, num_inference_steps=1, guidance_scale=1.0),
    ]
    if unknown := set(options.only or ()) - {row.name for row in rows}:
        raise ValueError(f"--only must be among the rows of the table, but is {', '.join(sorted(unknown))}.")
    return [row for row in rows if options.only is None or row.name in options.only]


def timed(render: Callable[[], list[Frame]], options: argparse.Namespace) -> tuple[list[Frame], float]:
    """Render several times; return the frames and the fastest time, on a CPU the processor's."""
    clock = time.process_time if options.device == "cpu" else time.perf_counter
    best, frames = float("inf"), []
    for _ in range(options.rounds):
        start = clock()
        frames = render()
        best = min(best, clock() - start)
    return frames, best


def likeness(made: list[Frame], others: list[Frame], joints: NDArray[np.float32]) -> tuple[float, float]:
    """Compare frames: mean SSIM, and mean SSIM around hands."""
    whole = [ssim(frame, other) for other, frame in zip(others, made, strict=True)]
    hands = [
        ssim(frame, other, box=box)
        for other, frame, pose in zip(others, made, joints, strict=True)
        for box in hand_boxes(pose, len(frame))
        if min(box[2] - box[0], box[3] - box[1]) >= 16
    ]
    return float(np.mean(whole)), float(np.mean(hands))


def measure(options: argparse.Namespace) -> list[Score]:
    """Make the table's rows."""

    def loaded() -> Any:
        return DiffusionRenderer(model=options.model, device=options.device).pipeline

    pipeline = loaded()
    size = int(pipeline.unet.config.sample_size * pipeline.vae_scale_factor)
    here = scene(options.frames, size, read_frnet(options.model) or {})
    prompt = Signer.neutral().prompt
    stock = StableDiffusionControlNetPipeline.from_pipe(pipeline)
    stock.set_progress_bar_config(disable=True)

    def peer() -> list[Frame]:
        frames = []
        for drawing, fr_map in zip(here.drawings, here.maps, strict=True):
            both = np.concatenate([drawing, fr_map], axis=2)
            control = torch.from_numpy(both).permute(2, 0, 1)[None].float() / 255
            generator = torch.Generator("cpu").manual_seed(0)
            call = {"num_inference_steps": options.steps, "guidance_scale": GUIDANCE, "output_type": "np"}
            frames.append(_frame(stock(prompt, control, generator=generator, **call).images[0]))
        return frames

    expected, base = timed(peer, options)
    truth = likeness(expected, here.truth, here.joints)
    scores = [
        Score(
            name="diffusers, frame by frame",
            speed=1,
            same=1,
            same_hands=1,
            truth=truth[0],
            truth_hands=truth[1],
            flops=1,
        )
    ]
    shape = (1, pipeline.unet.config.in_channels, *(pipeline.unet.config.sample_size,) * 2)
    noise = torch.randn(shape, generator=torch.Generator("cpu").manual_seed(0))
    shares = flops(options.steps)
    for row in levers(options, shares):
        pulled = loaded()
        if row.change is not None:
            row.change(pulled)

        def render(pulled: Any = pulled, row: Lever = row) -> list[Frame]:
            frames = pulled.stream(
                prompt, here.drawings, fr_image=here.maps, latents=noise, output_type="np", **row.call
            )
            return [_frame(frame) for frame in frames]

        if row.name == "compiled":
            render()
        made, seconds = timed(render, options)
        same, right = likeness(made, expected, here.joints), likeness(made, here.truth, here.joints)
        scores.append(
            Score(
                name=row.name,
                speed=base / seconds,
                same=same[0],
                same_hands=same[1],
                truth=right[0],
                truth_hands=right[1],
                flops=row.flops,
            )
        )
        print(f"{row.name}: {base / seconds:.2f}x", file=sys.stderr, flush=True)
    return [*scores, Score(name="tiny autoencoder", flops=shares["tiny autoencoder"])]


def _frame(picture: NDArray[np.floating]) -> Frame:
    return np.asarray(np.rint(255 * picture), dtype=np.uint8)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--frames", type=int, default=8, help="frames to render (default: 8)")
    parser.add_argument("--steps", type=int, default=20, help="denoising steps of the peer (default: 20)")
    parser.add_argument("--rounds", type=int, default=2, help="the fastest of so many counts (default: 2)")
    parser.add_argument("--model", type=Path, default=BUNDLED, help="a pipeline's folder (default: the bundled one)")
    parser.add_argument("--device", default="cpu", help="a torch device (default: cpu)")
    parser.add_argument("--only", nargs="+", default=None, metavar="NAME", help="only these rows, beside the peer")
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")
    options = parser.parse_args(arguments)
    if min(options.frames, options.steps, options.rounds) < 1:
        parser.error("--frames, --steps and --rounds must be at least 1")
    try:
        scores = measure(options)
    except ValueError as error:
        parser.error(str(error))
    if options.json:
        print(json.dumps([asdict(row) for row in scores], indent=2))
        return 0
    print(
        f"{options.frames} frames, {options.steps} steps, {options.device}; SSIM with the peer's frames and the truth's"
    )
    print(f"{'':32}{'speed':>8}{'SSIM':>8}{'hands':>8}{'truth':>8}{'hands':>8}{'FLOPs, SD 1.5':>16}")
    for row in scores:
        speed = "" if row.speed is None else f"{row.speed:.2f}x"
        likenesses = (row.same, row.same_hands, row.truth, row.truth_hands)
        numbers = "".join(" " * 8 if value is None else f"{value:8.3f}" for value in likenesses)
        share = "" if row.flops is None else f"{row.flops:.3f}"
        print(f"{row.name:32}{speed:>8}{numbers}{share:>16}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
