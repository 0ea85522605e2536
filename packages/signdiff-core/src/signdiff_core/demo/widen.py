r"""Widen the finest levels of a small pipeline: twice their channels, nearly the same frames, and room to learn more.

python -m signdiff_core.demo.widen --pretrained_model_name_or_path OUT/pipeline --output_dir WIDER

Each channel becomes two that are equal, and what reads them reads half of each; noise on those halves lets the two part
in training. Groups of a normalisation keep their mean and variance, but where channels of two levels meet, groups fall
otherwise, so the frames change a little until they are trained again.

Source: Chen, Goodfellow and Shlens, "Net2Net: Accelerating Learning via Knowledge Transfer" (ICLR 2016).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from signdiff_core.training.kit.arguments import option, parse, run

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class WidenConfig:
    """What to widen."""

    pretrained_model_name_or_path: str = option(help="A pipeline's folder.")
    output_dir: str = option(help="Folder for the wider one.")
    levels: int = option(2, help="How many levels, from the finest on.")
    noise: float = option(0.05, help="How far the two readings of a channel differ, as a share of their size.")
    seed: int = option(0, help="Of that noise.")


def widened(weights: torch.Tensor, shape: Sequence[int], *, noise: float = 0.0) -> torch.Tensor:
    """Bring weights (out, in, ...) or (out,) to the shape that they have in a wider network.

    Along the second axis, that of what is read, the halves of a channel add up to it. Where only some channels of an
    axis are twice as many (another level's come before them), these are the last ones. `noise` is the standard
    deviation of how the two readings of a channel differ, as a share of their size. Raises ValueError where a side is
    less, or more than twice as much.

    Example:
        >>> import torch
        >>> widened(torch.tensor([[2.0, 6.0, 8.0]]), (2, 4)).tolist()
        [[2.0, 6.0, 4.0, 4.0], [2.0, 6.0, 4.0, 4.0]]
    """
    import torch

    for axis, (old, new) in enumerate(zip(weights.shape, shape, strict=True)):
        if new == old:
            continue
        if not old < new <= 2 * old:
            raise ValueError(f"shape must be at most twice {tuple(weights.shape)}, but is {tuple(shape)}.")
        doubled = new - old
        times = torch.ones(old, dtype=torch.long)
        times[old - doubled :] = 2
        weights = weights.repeat_interleave(times, dim=axis)
        if axis == 1:
            halves = weights[:, -2 * doubled :]
            apart = noise * torch.randn_like(halves[:, ::2])
            halves *= torch.stack([1 + apart, 1 - apart], dim=2).flatten(1, 2) / 2
    return weights


def widen_network(network: Any, *, levels: int = 2, noise: float = 0.0) -> Any:
    """Make a network of diffusers that makes nearly the same, with twice the channels in its finest levels.

    Its hint encoder, if it has one, is widened too. Raises ValueError where there are not so many levels, or a block
    would lose its shortcut, since it would read as many channels as it makes.
    """
    settings = dict(network.config)
    channels = settings["block_out_channels"]
    if not 1 <= levels <= len(channels):
        raise ValueError(f"levels must be from 1 to {len(channels)}, but is {levels}.")
    settings["block_out_channels"] = (*(2 * width for width in channels[:levels]), *channels[levels:])
    if "conditioning_embedding_out_channels" in settings:
        hints = settings["conditioning_embedding_out_channels"]
        settings["conditioning_embedding_out_channels"] = tuple(2 * width for width in hints)
    wider = type(network).from_config(settings)
    known, weights = network.state_dict(), {}
    if lost := sorted(set(known) - set(wider.state_dict())):
        widths = settings["block_out_channels"]
        raise ValueError(f"levels must leave neighbouring widths different, but {widths} would lose {lost[0]}.")
    for name, old in wider.state_dict().items():
        if name == "time_embedding.linear_1.weight":
            # Of the sinusoids of twice as many frequencies, every other one is known.
            new = widened(known[name], (len(old), known[name].shape[1]))
            weights[name] = (new[..., None] * new.new_tensor([1.0, 0.0])).flatten(1)
        else:
            weights[name] = widened(known[name], old.shape, noise=noise)
    wider.load_state_dict(weights)
    return wider


def widen(config: WidenConfig) -> Path:
    """Write a wider pipeline, and give its folder.

    Raises OSError where the pipeline cannot be read or the folder has content already, ValueError where it cannot be
    widened.
    """
    import torch

    from signdiff_core.atomic import replacing
    from signdiff_core.diffusion.folder import RENDERER_NAME
    from signdiff_core.diffusion.frmap import CONFIG_NAME
    from signdiff_core.diffusion.pipeline import SignDiffPipeline

    source, target = Path(config.pretrained_model_name_or_path), Path(config.output_dir)
    torch.manual_seed(config.seed)
    pipeline = SignDiffPipeline.from_pretrained(source, local_files_only=True)
    pipeline.unet = widen_network(pipeline.unet, levels=config.levels, noise=config.noise)
    pipeline.controlnet = widen_network(pipeline.controlnet, levels=config.levels, noise=config.noise)
    with replacing(target, folder=True) as folder:
        pipeline.save_pretrained(folder)
        for name in (CONFIG_NAME, RENDERER_NAME):
            if (source / name).is_file():
                shutil.copyfile(source / name, folder / name)
    return target


if __name__ == "__main__":
    run(lambda: print(json.dumps({"pipeline": str(widen(parse(WidenConfig, description=__doc__)))})))
