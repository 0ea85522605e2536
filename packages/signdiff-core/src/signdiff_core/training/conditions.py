"""What the ControlNet trains on: drawings, FR maps, and the frames' latents, kept on disk or made as they are read."""

from __future__ import annotations

import hashlib
import json
import os
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from tokenize import TokenError
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from signdiff_core.atomic import replacing
from signdiff_core.drawing import draw
from signdiff_core.skeleton import NUM_JOINTS

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from diffusers import AutoencoderKL
    from numpy.typing import NDArray

    from signdiff_core.diffusion.frmap import FRMapper
    from signdiff_core.prepare.reader import Frames

TRUE: Final = 0
"""Row of a stored pair of maps: that of the frame itself."""

NEUTRAL: Final = 1
"""Row of a stored pair of maps: that of the neutral signer in the frame's pose."""


def open_conditions(
    frames: Frames,
    *,
    vae: AutoencoderKL,
    mapper: FRMapper,
    resolution: int,
    cache: bool = True,
    include_face: bool = False,
) -> Conditions:
    """Give the conditions of frames, at a resolution in pixels; `vae` is in evaluation mode.

    With `cache`, everything is kept beside the frames, and read and not made again: 3.25 bytes a pixel and the latents,
    together 3.5 for Stable Diffusion 1.5's autoencoder and 6.25 for the bundled base's. Without it nothing is written,
    and the autoencoder runs in the training, on its device. `mapper` draws the FR maps that are not stored.
    With `include_face`, drawings show eyes, ears and face, which the frames must have: else ValueError.
    """
    kind = ConditionCache if cache else ConditionReader
    return kind(frames, vae=vae, mapper=mapper, resolution=resolution, include_face=include_face)


class Conditions(ABC):
    """Conditions and latents (of `latent_size` a side) of frames, in any order and from several threads.

    Raises ValueError where stored maps were drawn with other settings than the mapper's, or there are no faces to draw.
    """

    def __init__(
        self, frames: Frames, *, vae: AutoencoderKL, mapper: FRMapper, resolution: int, include_face: bool = False
    ) -> None:
        self.frames, self.resolution, self.include_face = frames, resolution, include_face
        if include_face and len(frames.points(0)) == NUM_JOINTS:
            raise ValueError(
                f"include_face needs frames with faces, but {frames.root} has the {NUM_JOINTS} joints alone: make it "
                "with --skeleton body_hands_face."
            )
        self.latent_size: int = resolution // 2 ** (len(vae.config.block_out_channels) - 1)
        if frames.frnet not in (None, mapper.parameters):
            raise ValueError(
                f"FR maps of {frames.root} must have been drawn with the settings of the training, "
                f"{mapper.parameters}, but they were drawn with {frames.frnet}."
            )
        self._vae, self._mapper = vae, mapper

    @abstractmethod
    def drawing(self, index: int) -> NDArray[np.uint8]:
        """Give a frame's drawing, (H, W, 3) uint8."""

    @abstractmethod
    def fr_map(self, index: int, kind: int) -> NDArray[np.uint8]:
        """Give a frame's map, (H, W) uint8 of 0 and 255; that of a frame without a neutral signer is its own."""

    @abstractmethod
    def latents(self, index: int) -> NDArray[np.floating]:
        """Give mean and logarithm of the variance of a frame's latents, (2 C, h, w), unscaled."""

    def control(self, index: int, kind: int | None) -> NDArray[np.uint8]:
        """Put drawing and map of a frame together: (6, H, W) uint8, c in the first three channels, d in the last.

        The kind of map is `TRUE`, `NEUTRAL`, or None for an absent one, which is all zero.
        """
        control = np.zeros((6, self.resolution, self.resolution), dtype=np.uint8)
        control[:3] = self.drawing(index).transpose(2, 0, 1)
        if kind is not None:
            control[3:] = self.fr_map(index, kind)
        return control


class ConditionReader(Conditions):
    """Conditions and latents that are made when they are asked for: for sets too large for a `ConditionCache`."""

    def drawing(self, index: int) -> NDArray[np.uint8]:
        """See `Conditions.drawing`."""
        joints = self.frames.points(index) if self.include_face else self.frames.joints(index)
        present = np.asarray(np.isfinite(joints).all(axis=1), dtype=np.float32)
        return draw(joints, present, size=self.resolution)

    def fr_map(self, index: int, kind: int) -> NDArray[np.uint8]:
        """See `Conditions.fr_map`."""
        image = self.frames.neutral(index, self.resolution) if kind == NEUTRAL else None
        if image is None:
            stored = self.frames.fr_map(index, self.resolution)
            if stored is not None:
                return stored
            image = self.frames.image(index, self.resolution)
        return self._mapper(image, size=self.resolution)

    def latents(self, index: int) -> NDArray[np.float16]:
        """See `Conditions.latents`; one frame at a time, so that they do not depend on the batch."""
        image = self.frames.image(index, self.resolution)
        return encode(self._vae, image[None])[0].numpy().astype(np.float16)


class ConditionCache(Conditions):
    """Memory-mapped arrays beside the frames, made when they are missing; arguments as for `Conditions`.

    Drawings (N, H, W, 3) uint8; maps (N, 2, H, W / 8) uint8, packed bits (see `TRUE`, `NEUTRAL`); moments (N, 2 C, h,
    w) float16.
    """

    def __init__(
        self, frames: Frames, *, vae: AutoencoderKL, mapper: FRMapper, resolution: int, include_face: bool = False
    ) -> None:
        super().__init__(frames, vae=vae, mapper=mapper, resolution=resolution, include_face=include_face)
        settings = [mapper.parameters, resolution, *(["include_face"] if include_face else [])]
        name = f"cache-{_fingerprint(frames, vae, settings)}"
        folder = frames.root / name
        if not folder.is_dir():
            with replacing(folder, folder=True) as temporary:
                reader = ConditionReader(
                    frames, vae=vae, mapper=mapper, resolution=resolution, include_face=include_face
                )
                _fill(temporary, reader)
        total, channels = len(frames), vae.config.latent_channels
        self.drawings = _kept(folder / "drawings.npy", (total, resolution, resolution, 3), np.uint8)
        self.maps = _kept(folder / "maps.npy", (total, 2, resolution, resolution // 8), np.uint8)
        latents = (total, 2 * channels, self.latent_size, self.latent_size)
        self.moments = _kept(folder / "moments.npy", latents, np.float16)

    def drawing(self, index: int) -> NDArray[np.uint8]:
        """See `Conditions.drawing`."""
        drawing: NDArray[np.uint8] = self.drawings[index]
        return drawing

    def fr_map(self, index: int, kind: int) -> NDArray[np.uint8]:
        """See `Conditions.fr_map`."""
        return np.unpackbits(self.maps[index, kind], axis=-1) * np.uint8(255)

    def latents(self, index: int) -> NDArray[np.float16]:
        """See `Conditions.latents`."""
        latents: NDArray[np.float16] = self.moments[index]
        return latents


def encode(vae: AutoencoderKL, images: NDArray[np.uint8]) -> torch.Tensor:
    """Encode frames: (B, H, W, 3) uint8 RGB to moments (B, 2 C, h, w) on the CPU."""
    import torch

    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).to(vae.device, vae.dtype) / 127.5 - 1
    with torch.inference_mode():
        moments: torch.Tensor = vae.encode(pixels).latent_dist.parameters.float().cpu()
    return moments


def _kept(path: Path, shape: tuple[int, ...], dtype: type[np.generic]) -> NDArray[Any]:
    """Open one of a cache's arrays."""
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, SyntaxError, TypeError, RecursionError, MemoryError, TokenError) as error:
        raise ValueError(f"{path} must be an array of NumPy's, but is damaged: remove {path.parent}.") from error
    if not isinstance(array, np.ndarray) or array.shape != shape or array.dtype != dtype:
        raise ValueError(f"{path} must hold {shape} {np.dtype(dtype)}, but does not: remove {path.parent}.")
    return array


def _fill(folder: Path, reader: ConditionReader) -> None:
    from tqdm.auto import tqdm

    total, side = len(reader.frames), reader.resolution
    open_array = np.lib.format.open_memmap
    drawings = open_array(folder / "drawings.npy", mode="w+", dtype=np.uint8, shape=(total, side, side, 3))
    maps = open_array(folder / "maps.npy", mode="w+", dtype=np.uint8, shape=(total, 2, side, side // 8))
    shape = (total, *reader.latents(0).shape)
    moments = open_array(folder / "moments.npy", mode="w+", dtype=np.float16, shape=shape)

    def fill(index: int) -> None:
        drawings[index] = reader.drawing(index)
        maps[index, TRUE] = np.packbits(reader.fr_map(index, TRUE) > 0, axis=-1)
        has_neutral = reader.frames.rows[index].neutral_file_name is not None
        maps[index, NEUTRAL] = (
            np.packbits(reader.fr_map(index, NEUTRAL) > 0, axis=-1) if has_neutral else maps[index, TRUE]
        )
        moments[index] = reader.latents(index)

    # Drawing, FR-Net and the autoencoder all leave Python's lock alone: threads share the work.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in tqdm(pool.map(fill, range(total)), total=total, desc="conditions", disable=None, mininterval=5):
            pass
    for array in (drawings, maps, moments):
        array.flush()


def _fingerprint(frames: Frames, vae: AutoencoderKL, settings: list[Any]) -> str:
    """Name the cache after all that its content depends on."""
    digest = hashlib.sha256(frames.fingerprint())
    for part in (vae.encoder, vae.quant_conv):
        for tensor in part.state_dict().values() if part is not None else ():
            digest.update(tensor.detach().float().cpu().numpy().tobytes())
    digest.update(json.dumps(settings, sort_keys=True).encode())
    return digest.hexdigest()[:12]
