"""Scores of made videos against the true ones: frames, hands, hand poses, latents, flicker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from baselines import latents_of
from diffusers import AutoencoderKL

from signdiff_core.diffusion.renderer import BUNDLED
from signdiff_core.training.regions import hand_boxes
from signdiff_eval.functional import ssim
from signdiff_eval.functional.image import flicker_step
from signdiff_eval.metrics.fid import FID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Frame = NDArray[np.uint8]
    Videos = list[list[Frame]]


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A test video, and what a pipeline is told of it."""

    truth: list[Frame]
    joints: NDArray[np.float32]
    caption: str


def autoencoder() -> AutoencoderKL:
    """Load the bundled one, which all runs share."""
    return AutoencoderKL.from_pretrained(BUNDLED, subfolder="vae").float().eval()


def latent_features(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Encode images with the bundled autoencoder; average over quarters of the frame: (N, 48)."""
    return torch.nn.functional.adaptive_avg_pool2d(latents_of(autoencoder(), images), 2).flatten(1).double().numpy()


class Judge:
    """Scores videos against the truth."""

    def __init__(self, clips: Sequence[Clip], size: int) -> None:
        from signdiff_eval.metrics.hands import MediaPipeHands

        self.clips, self.size, self.detect = clips, size, MediaPipeHands()
        self.hands = [[self._hands(frame) for frame in clip.truth] for clip in clips]

    def _hands(self, frame: Frame) -> NDArray[np.float64]:
        import cv2

        large = cv2.resize(frame, (512, 512), interpolation=cv2.INTER_CUBIC)
        return np.asarray(self.detect(np.asarray(large, dtype=np.uint8)), dtype=np.float64)

    def __call__(self, videos: Videos) -> dict[str, Any]:
        """Score each video: lists with a value per clip, and the Fréchet distance of all."""
        rows: dict[str, list[float | None]] = {"SSIM": [], "hands": [], "hand pose": [], "found": [], "flicker": []}
        fid = FID(latent_features)
        for clip, known, video in zip(self.clips, self.hands, videos, strict=True):
            fid.update(video, clip.truth)
            rows["SSIM"].append(
                float(np.mean([ssim(made, truth) for made, truth in zip(video, clip.truth, strict=True)]))
            )
            boxes = [
                ssim(made, truth, box=box)
                for truth, made, joints in zip(clip.truth, video, clip.joints, strict=True)
                for box in hand_boxes(joints, self.size)
                if min(box[2] - box[0], box[3] - box[1]) >= 12
            ]
            rows["hands"].append(float(np.mean(boxes)) if boxes else None)
            apart, found, total = [], 0, 0
            for there, frame in zip(known, video, strict=True):
                here = self._hands(frame)
                for a, b in zip(there, here, strict=True):
                    if np.isfinite(a).all():
                        total += 1
                        if np.isfinite(b).all():
                            found += 1
                            extent = float(np.linalg.norm(a.max(axis=0) - a.min(axis=0)))
                            apart.append(float(np.linalg.norm(a - b, axis=1).mean()) / extent)
            rows["hand pose"].append(float(np.mean(apart)) if apart else None)
            rows["found"].append(found / total if total else None)
            steps = zip(video, clip.truth, video[1:], clip.truth[1:], strict=False)
            rows["flicker"].append(float(np.mean([flicker_step(*step) for step in steps])))
        return {**rows, "Fréchet": float(fid.compute())}
