"""Lift clips from the picture into space, many at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from signdiff_core.checks import check_device
from signdiff_core.skeleton import BODY, BODY_JOINTS, LEFT_HAND, NUM_JOINTS, RIGHT_HAND
from signdiff_slp.corpora.filling import fill_absent
from signdiff_slp.prepare.lifting import measuring
from signdiff_slp.prepare.lifting.fitting import Fit, Settings
from signdiff_slp.prepare.lifting.measuring import BONES, CARRYING, Scaling

BATCH_FRAMES: Final = 1024
"""Frames that are lifted together, padding included; with more, a processor's caches overflow."""


def lift(
    keypoints: NDArray[np.floating],
    *,
    steps: int = 200,
    lr: float = 0.02,
    smoothness: float = 0.01,
    length_weight: float = 0.03,
    device: str | torch.device = "cpu",
) -> NDArray[np.float64]:
    """Lift what a detector sees of a signer from the picture into space.

    The signer gets bones of constant lengths, left and right alike, that are turned until their ends meet the
    keypoints in the picture. That is an orthographic view: nothing gets smaller with distance.

    A picture does not tell whether a limb points at the viewer or away. Here no limb points away: seen from the neck,
    the far end of every limb is nearer to the viewer than its near end, or as near. That is right for arms and most
    hands of a signer who faces the camera; a palm that is turned to the signer comes out as its mirror image in depth.

    Args:
        keypoints: (T, 50, 3) of x and y in pixels, y downwards, and confidence, at least 0, usually up to 1; 0 where a
            joint is absent, and so is one with a masked number. The joints are those of `signdiff_core.skeleton`, for a
            signer who faces the camera.
        steps: of the search. The published program takes 1,000 of plain gradient descent, and ends farther from the
            keypoints.
        lr: learning rate at the first step: radians of limbs, relative change of bones.
        smoothness: weight of each joint's squared acceleration, relative to the neck. With 1, a pixel per squared frame
            counts as much as a pixel between a joint and a keypoint of confidence 1. The published program has 0.
        length_weight: strength of the spring that holds bones to the lengths that the picture shows; the published
            program has none and stops before bones have grown much.
        device: on which to search.

    Returns:
        (T, 50, 3) joints in pixels. x and y are where the picture shows the joint; z grows away from the
        viewer, from 0 at the neck, in the same unit. Absent joints are filled. Bring them to
        normalised coordinates with `signdiff_core.formats.normalise`.

    Raises:
        ValueError: ``keypoints`` has another shape, a number that is not finite, a negative confidence, or a joint that
            no frame shows, or all its points are the same; or an option is out of its range, or there is no such
            device here.

    Source:
        Zelinka & Kanis, Neural Sign Language Synthesis, WACV 2020. `signdiff_slp.prepare.lifting` tells what differs.

    Example:
        >>> seen = np.random.default_rng(0).uniform(100, 500, size=(4, 50, 3))
        >>> seen[..., 2] = 1
        >>> joints = lift(seen, steps=10)
        >>> joints.shape, bool((joints[:, 1, 2] == 0).all())
        ((4, 50, 3), True)
    """
    settings = Settings(steps=steps, lr=lr, smoothness=smoothness, length_weight=length_weight)
    check_device(device)
    keypoints = without_mask(keypoints)
    check_keypoints(keypoints, "keypoints")
    return _lift_batch([keypoints], settings, torch.device(device))[0]


def lift_all(
    clips: Sequence[NDArray[np.floating]],
    *,
    steps: int = 200,
    lr: float = 0.02,
    smoothness: float = 0.01,
    length_weight: float = 0.03,
    device: str | torch.device = "cpu",
    batch_frames: int = BATCH_FRAMES,
) -> list[NDArray[np.float64]]:
    """Lift many clips, those of similar lengths together; each comes out as `lift` lifts it alone, but for rounding.

    Args:
        clips: each as the ``keypoints`` of `lift`.
        steps: as for `lift`.
        lr: as for `lift`.
        smoothness: as for `lift`.
        length_weight: as for `lift`.
        device: as for `lift`.
        batch_frames: most frames, padding included, that are lifted together; a longer clip is lifted alone. More are
            faster on a GPU that has the memory.

    Returns:
        The joints of each clip, as of `lift`, in the order of ``clips``.

    Raises:
        ValueError: as for `lift`, which names the clip, or ``batch_frames`` is not positive.

    Example:
        >>> seen = np.random.default_rng(0).uniform(100, 500, size=(4, 50, 3))
        >>> [len(joints) for joints in lift_all([seen, seen[:2]], steps=10)]
        [4, 2]
    """
    settings = Settings(steps=steps, lr=lr, smoothness=smoothness, length_weight=length_weight)
    check_device(device)
    if batch_frames < 1:
        raise ValueError(f"batch_frames must be at least 1, but is {batch_frames}.")
    arrays = [without_mask(clip) for clip in clips]
    for number, clip in enumerate(arrays):
        check_keypoints(clip, f"clips[{number}]")
    lifted: dict[int, NDArray[np.float64]] = {}
    for numbers in _batches([len(clip) for clip in arrays], batch_frames):
        joints = _lift_batch([arrays[number] for number in numbers], settings, torch.device(device))
        lifted |= zip(numbers, joints, strict=True)
    return [lifted[number] for number in range(len(arrays))]


def _batches(lens: list[int], batch_frames: int) -> Iterator[list[int]]:
    batch: list[int] = []
    for number in sorted(range(len(lens)), key=lens.__getitem__):
        if batch and lens[number] * (len(batch) + 1) > batch_frames:
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


def _lift_batch(
    clips: list[NDArray[np.floating]], settings: Settings, device: torch.device
) -> list[NDArray[np.float64]]:
    lens = [len(clip) for clip in clips]
    targets = np.zeros((2, len(clips), max(lens), clips[0].shape[1]), dtype=np.float32)
    weights = np.zeros(targets.shape[1:], dtype=np.float32)
    scalings, bones = [], []
    for row, clip in enumerate(clips):
        points, confidence = clip[..., :2], clip[..., 2]
        scalings.append(Scaling.of(points))
        seen = measuring.interpolate(scalings[-1].apply(points), confidence)
        # A hand that is away for long goes with its arm, and does not wait where it was seen last.
        seen = fill_absent(seen, measuring.seen_nearby(confidence).astype(np.float32))
        bones.append(measuring.log_bone_lengths(seen))
        targets[:, row, : len(clip)] = seen.transpose(2, 0, 1)
        weights[row, : len(clip)] = confidence
    fit = Fit(
        torch.from_numpy(targets).to(device),
        torch.from_numpy(weights).to(device),
        torch.tensor(lens, device=device),
        torch.tensor(np.array(bones), dtype=torch.float32, device=device),
        settings,
    )
    fit.run()
    directions, neck, log_lengths = (
        each.detach().cpu().numpy().astype(np.float64) for each in (fit.directions(), fit.neck, fit.log_lengths)
    )
    # In double precision, for a bone of few pixels is not constant any more once its ends are rounded.
    directions /= np.linalg.norm(directions, axis=0)
    joints = (directions * np.exp(log_lengths)[:, None, BONES]) @ CARRYING.astype(np.float64)
    joints[:2] += neck
    return [
        scaling.undo(joints[:, row, :frames].transpose(1, 2, 0))
        for row, (scaling, frames) in enumerate(zip(scalings, lens, strict=True))
    ]


def check_keypoints(keypoints: NDArray[np.floating], name: str) -> None:
    """Make sure that keypoints are as `lift` wants them; ``name`` is that of the argument, for the ``ValueError``."""
    if keypoints.ndim != 3 or keypoints.shape[1:] != (NUM_JOINTS, 3) or not len(keypoints):
        raise ValueError(
            f"{name} must have the shape (T, {NUM_JOINTS}, 3), T at least 1, but has {tuple(keypoints.shape)}."
        )
    finite = np.isfinite(keypoints)
    if not finite.all():
        frame, joint, _ = np.argwhere(~finite)[0]
        raise ValueError(
            f"{name} must be finite, but {int((~finite).sum())} numbers are not, "
            f"the first in frame {frame}, joint {joint}."
        )
    confidence = keypoints[..., 2]
    if (confidence < 0).any():
        frame, joint = np.argwhere(confidence < 0)[0]
        raise ValueError(
            f"{name} must have confidences of at least 0, but frame {frame}, joint {joint} has "
            f"{confidence[frame, joint]:g}."
        )
    never = np.asarray((confidence <= 0).all(axis=0))
    if never.any():
        raise ValueError(f"{name} must show every joint in some frame, but never shows {_names(never)}.")
    if not keypoints[..., :2].std() > 0:
        raise ValueError(f"{name} must hold points that are apart, but all are the same.")


def without_mask(keypoints: NDArray[np.floating]) -> NDArray[np.floating]:
    """Give keypoints, (T, J, 3), as a plain array: one with a masked number is absent, all its numbers are 0."""
    if not np.ma.is_masked(keypoints):
        return np.asarray(keypoints)
    return np.where(np.ma.getmaskarray(keypoints).any(axis=-1, keepdims=True), 0, np.ma.getdata(keypoints))


def _names(joints: NDArray[np.bool_]) -> str:
    names = [name for name, is_meant in zip(BODY_JOINTS, joints[BODY], strict=True) if is_meant]
    for side, part in (("left", LEFT_HAND), ("right", RIGHT_HAND)):
        count = int(joints[part].sum())
        if count:
            names.append(f"the {side} hand" if joints[part].all() else f"{count} joints of the {side} hand")
    return ", ".join(names)
