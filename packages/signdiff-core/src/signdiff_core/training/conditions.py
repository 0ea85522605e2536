"""What the ControlNet trains on, computed once and kept on disk: drawings, FR maps, and the frames' latents."""

from __future__ import annotations

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from signdiff_core.atomic import replacing
from signdiff_core.drawing import draw

if TYPE_CHECKING:
    import torch
    from diffusers import AutoencoderKL
    from numpy.typing import NDArray

    from signdiff_core.diffusion.frmap import FRMapper
    from signdiff_core.training.frames import FrameFolder

TRUE: Final = 0
"""Row of a stored pair of maps: that of the frame itself."""

NEUTRAL: Final = 1
"""Row of a stored pair of maps: that of the neutral signer in the frame's pose."""


class ConditionCache:
    """Arrays on disk beside the frames, made when they are missing.

    Args:
        frames: the training frames.
        vae: encodes them; in evaluation mode.
        mapper: draws the FR maps.
        resolution: side of the frames in pixels.

    The arrays (memory-mapped) are ``drawings`` (N, H, W, 3) uint8, ``maps`` (N, 2, H, W / 8) uint8 packed bits (see
    `TRUE`, `NEUTRAL`; a frame without a neutral one repeats its own), and ``moments`` (N, 2 C, h, w) float16: mean and
    logarithm of the variance of the latents, unscaled.
    """

    def __init__(self, frames: FrameFolder, *, vae: AutoencoderKL, mapper: FRMapper, resolution: int) -> None:
        self.frames, self.resolution = frames, resolution
        name = f"cache-{_fingerprint(frames, vae, mapper.parameters, resolution)}"
        folder = frames.root / name
        if not folder.is_dir():
            with replacing(folder, folder=True) as temporary:
                _fill(temporary, frames, vae, mapper, resolution)
        self.drawings = np.load(folder / "drawings.npy", mmap_mode="r")
        self.maps = np.load(folder / "maps.npy", mmap_mode="r")
        self.moments = np.load(folder / "moments.npy", mmap_mode="r")

    def control(self, index: int, kind: int | None) -> NDArray[np.uint8]:
        """Put drawing and map of a frame together.

        Args:
            index: the frame.
            kind: `TRUE`, `NEUTRAL`, or None for an absent map, which is all zero.

        Returns:
            (6, H, W) uint8: c in the first three channels, d in the last three.
        """
        control = np.zeros((6, self.resolution, self.resolution), dtype=np.uint8)
        control[:3] = self.drawings[index].transpose(2, 0, 1)
        if kind is not None:
            control[3:] = np.unpackbits(self.maps[index, kind], axis=-1) * np.uint8(255)
        return control


def encode(vae: AutoencoderKL, images: NDArray[np.uint8]) -> torch.Tensor:
    """Encode frames: (B, H, W, 3) uint8 RGB to moments (B, 2 C, h, w) on the CPU."""
    import torch

    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).to(vae.device, vae.dtype) / 127.5 - 1
    with torch.inference_mode():
        moments: torch.Tensor = vae.encode(pixels).latent_dist.parameters.float().cpu()
    return moments


def _fill(folder: Path, frames: FrameFolder, vae: AutoencoderKL, mapper: FRMapper, resolution: int) -> None:
    from tqdm.auto import tqdm

    total, side = len(frames), resolution
    open_array = np.lib.format.open_memmap
    drawings = open_array(folder / "drawings.npy", mode="w+", dtype=np.uint8, shape=(total, side, side, 3))
    maps = open_array(folder / "maps.npy", mode="w+", dtype=np.uint8, shape=(total, 2, side, side // 8))
    channels, factor = 2 * vae.config.latent_channels, 2 ** (len(vae.config.block_out_channels) - 1)
    shape = (total, channels, side // factor, side // factor)
    moments = open_array(folder / "moments.npy", mode="w+", dtype=np.float16, shape=shape)

    def fill(index: int) -> None:
        image = frames.image(index, side)
        neutral = frames.neutral(index, side)
        drawings[index] = draw(frames.joints(index), size=side)
        maps[index, TRUE] = np.packbits(mapper(image, size=side) > 0, axis=-1)
        other = maps[index, TRUE] if neutral is None else np.packbits(mapper(neutral, size=side) > 0, axis=-1)
        maps[index, NEUTRAL] = other
        moments[index] = encode(vae, image[None])[0].numpy()

    # Drawing, FR-Net and the autoencoder all leave Python's lock alone: threads share the work.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in tqdm(pool.map(fill, range(total)), total=total, desc="conditions", disable=None, mininterval=5):
            pass
    for array in (drawings, maps, moments):
        array.flush()


def _fingerprint(frames: FrameFolder, vae: AutoencoderKL, parameters: dict[str, Any], resolution: int) -> str:
    """Name the cache after all that its content depends on."""
    digest = hashlib.sha256()
    for file in ("metadata.jsonl", "joints.safetensors"):
        digest.update((frames.root / file).read_bytes())
    first = next(iter(vae.state_dict().values()))
    last = list(vae.state_dict().values())[-1]
    for tensor in (first, last):
        digest.update(tensor.detach().float().cpu().numpy().tobytes())
    digest.update(json.dumps([parameters, resolution], sort_keys=True).encode())
    return digest.hexdigest()[:12]
