"""A corpus from a folder of poses of any format and skeleton that can be read.

Each clip is brought to the 50 joints (`landmarks`), normalised, made whole and brought to one frame rate (`filling`).
MediaPipe's depth is in a unit of its own: hands and arms get the factors that make bone lengths most constant (`depth`)
over a sample of the clips, unless they are given.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from signdiff_core import formats
from signdiff_core.landmarks import Landmarks, landmarks_of
from signdiff_core.skeleton import HAND_LIMBS, LEFT_HAND, RIGHT_HAND
from signdiff_slp.corpora.depth import ARM_LIMBS, depth_factor, shoulder_width, with_depth
from signdiff_slp.corpora.filling import fill_absent, resample
from signdiff_slp.corpora.listing import Source
from signdiff_slp.corpora.writer import CorpusWriter, Report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

SAMPLE: Final = 40
"""Clips on which depth is measured."""

_ARMS: Final = ((2, 3, 4), (5, 6, 7))
_LARGEST: Final = {"hand": 20.0, "arm": 5.0}


def import_poses(
    sources: Sequence[Source],
    output: Path,
    *,
    fps: float = 25.0,
    source_fps: float | None = None,
    depth: tuple[float, float] | None = None,
    progress: Callable[[Iterable[Source]], Iterable[Source]] | None = None,
) -> Report:
    """Make a corpus of poses.

    Args:
        sources: the clips; those without a split come to train.
        output: the corpus; new or empty.
        fps: frames per second of the corpus; clips of another rate are resampled.
        source_fps: frames per second of files whose format does not tell, such as OpenPose JSON; 25 if not given.
        depth: shoulder widths per unit of MediaPipe's depth in hands and in arms, (0, 0) for poses without depth;
            measured if not given.
        progress: wraps the clips, to show how far it is.

    Returns:
        How many clips and frames there are, and what was left out: clips without a pose or a text, poses that cannot
        be read or have another skeleton, and clips with a joint that is never seen.

    Raises:
        FileExistsError: ``output`` holds something.
        ValueError: no clip is left.
    """
    hand, arm = depth if depth is not None else measure_depth(sources, source_fps=source_fps)
    origin = {
        "format": "poses",
        "fps": fps,
        "depth": {"hand": round(hand, 3), "arm": round(arm, 3), "measured": depth is None},
    }
    with CorpusWriter(output, origin) as writer:
        for source in sources if progress is None else progress(sources):
            try:
                landmarks, rate, normal, notes = _read(source, source_fps)
                if not normal:
                    landmarks = with_depth(landmarks, hand=hand, arm=arm)
                    joints = formats.normalise(landmarks.joints, landmarks.confidence)
                else:
                    joints = landmarks.joints
                whole = resample(fill_absent(joints, landmarks.confidence), rate, fps)
                absent = float((landmarks.confidence == 0).mean())
                writer.add(source.split or "train", source.name, source.text, whole, filled=absent)
            except ValueError as error:
                writer.leave_out(source.name, str(error))
            else:
                writer.report.notes += [(source.name, note) for note in notes]
    return writer.report


def measure_depth(sources: Sequence[Source], *, source_fps: float | None = None) -> tuple[float, float]:
    """Find the factors of MediaPipe's depth on a sample of clips, spread over all.

    Args:
        sources: the clips; those that cannot be read or have no loose depth are passed over.
        source_fps: as for `import_poses`.

    Returns:
        Shoulder widths per unit of depth in hands and in arms; 0 where no frame tells.
    """
    hands: list[NDArray[np.float64]] = []
    arms: list[NDArray[np.float64]] = []
    limbs: Sequence[tuple[int, int]] = ARM_LIMBS
    for index in np.unique(np.linspace(0, len(sources) - 1, min(len(sources), SAMPLE)).astype(int)):
        try:
            landmarks, *_ = _read(sources[int(index)], source_fps)
            if landmarks.loose_depth:
                width = np.array([shoulder_width(landmarks)] * 2 + [1.0])
                hands += [_seen(landmarks, range(part.start, part.stop)) / width for part in (LEFT_HAND, RIGHT_HAND)]
                arms += [_seen(landmarks, arm) / width for arm in _ARMS]
                if not landmarks.wrist_depth:
                    limbs = ARM_LIMBS[:1]
        except ValueError:
            continue  # importing it will say why
    return _factor(hands, HAND_LIMBS, _LARGEST["hand"]), _factor(arms, limbs, _LARGEST["arm"])


def _factor(parts: list[NDArray[np.float64]], limbs: Sequence[tuple[int, int]], largest: float) -> float:
    points = np.concatenate(parts) if parts else np.zeros((0, 1, 3))
    return depth_factor(points, limbs, largest=largest) if len(points) > 1 else 0.0


def _seen(landmarks: Landmarks, joints: Sequence[int]) -> NDArray[np.float64]:
    part = list(joints)
    return landmarks.joints[(landmarks.confidence[:, part] > 0).all(axis=1)][:, part]


def _read(source: Source, source_fps: float | None) -> tuple[Landmarks, float, bool, list[str]]:
    """Landmarks, frame rate, whether they are normalised, and what is to be noted."""
    readable: list[tuple[Path, formats.PoseFileFormat]] = []
    for path in source.paths:
        try:
            readable.append((path, formats.format_for(path, "read")))
        except formats.FormatError:
            continue
    if len(readable) != 1:
        named = " and ".join(path.name for path, _ in readable) or "none"
        raise ValueError(f"there must be one pose of this name, but there is {named}.")
    (path, chosen) = readable[0]
    options: dict[str, Any] = {}
    if source_fps is not None and chosen.name in ("openpose", "skels"):
        options["fps"] = source_fps
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pose = formats.read(path, format=chosen.name, **options)
    notes = [str(warning.message) for warning in caught if issubclass(warning.category, formats.FormatWarning)]
    try:
        landmarks = landmarks_of(pose)
    except ValueError as error:
        raise formats.FormatError(path, str(error)) from error
    normal = not landmarks.loose_depth and formats.is_normalised(pose)
    return landmarks, float(pose.body.fps), normal, notes
