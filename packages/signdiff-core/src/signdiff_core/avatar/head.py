"""Which way a head turns: from the points of its face, else from nose, eyes and ears, else from where the nose is.

A face is a rigid body as far as the bridge of its nose, the corners of its eyes, its temples and its ears go. The
signer's own rigid face is measured over the whole clip first, so that no face has to look like the avatar's; each frame
is then a rotation of it. A face without depth is fitted under a parallel projection.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core import skeleton
from signdiff_core.anatomy.rotations import Array, about, apply, nearest_rotation, smoothed, transpose
from signdiff_core.avatar.cast import bundled_cast

RIGID: Final = np.array([0, 1, 15, 16, 27, 28, 29, 30, 31, 33, 35, 36, 39, 42, 45])
"""Points of OpenPose's face that move with the head alone, or nearly so."""

FIRST_FACE_POINT: Final = skeleton.FACE.start - skeleton.HEAD.start
"""Eyes and ears come before the 70 points of the face."""

_LIMIT: Final = np.radians(80.0)
"""No head turns farther: a detector has mistaken itself."""

_NOSE_GAIN, _NOSE_LIMIT = 1.5, np.radians(35.0)
"""A nose leaves its place by less than the head turns; this comes nearest to the faces of twelve clips of How2Sign."""

_FLAT: Final = 0.05
"""A face that is no deeper, in shares of its height, has no depth."""

_FEWEST: Final = 8
"""A frame that knows fewer rigid points tells nothing of the head."""

_MARKS: Final = np.array(
    [(0, 0.179, -0.412), (-0.253, -0.1, -0.167), (0.253, -0.1, -0.167), (-0.499, 0.011, 0.373), (0.499, 0.011, 0.373)]
)
"""Nose, right and left eye, right and left ear as detectors of bodies mark them, in distances between the ears: what
MediaPipe marks on five bodies of the cast, turned by known angles. On six clips of How2Sign the head that they tell is
5 to 7 degrees (median) from the one that the points of the face tell."""

_FEW_MARKS, _EARS = 4, 0.122
"""Marks that a frame must have, and the distance between the ears of the cast's first face."""

_NOD_OF_FACE, _NOD_OF_MARKS = 0.70, 0.55
"""Which share of a nod MediaPipe tells by the points of a face and by marks: three bodies of the cast nodded from -24
to 24 degrees, and were read as 0.65 to 0.74 and 0.43 to 0.48 of that. Of people's nods marks tell more: 0.7 of what
faces tell. It tells all of a turn and a tilt."""

_SHARES: Final = {"neck01": 0.25, "neck02": 0.5, "neck03": 0.75, "head": 1.0}
_ROUNDS: Final = 3


def head_turns(
    joints: NDArray[np.floating],
    face: NDArray[np.floating] | None,
    confidence: NDArray[np.floating] | None,
    *,
    smoothing: float = 0.6,
    seen: bool = False,
) -> Array:
    """Find how a head is turned in every frame.

    Args:
        joints: (T, 50, 3) normalised joints, NaN where unknown.
        face: (T, 74, 3) eyes, ears and face as `signdiff_core.skeleton.face_of` gives them; None if there is none. Any
            unit, that of the joints where eyes and ears are all that is known; where all points of a frame have the
            same depth, it is taken as unknown.
        confidence: (T, 74) in [0, 1]; a point with 0 is unknown.
        smoothing: standard deviation, in frames, of the Gaussian that smooths the rotations; 0 for none.
        seen: points in space are where MediaPipe marks them, which tells less of a nod than there is.

    Returns:
        Rotations (T, 3, 3) of the head against the rest, in which it looks at the viewer; at most 80 degrees. Frames
        without a face go from their neighbours' rotation to each other's. Where no frame has a face, nose, eyes and
        ears in the picture tell; where these are not known, either, the head follows the nose: as far as that leaves
        its place of the clip's middle, seen from the neck, if there is depth; else it looks at the viewer.
    """
    turns, told = np.full((len(joints), 3, 3), np.nan), 1.0
    if face is not None:
        points, has_depth = known_face(face, confidence)
        turns, told = _face_turns(points, has_depth), _NOD_OF_FACE if has_depth else 1.0
        if np.isnan(turns).all():
            turns, told = _turns_of_marks(*_marks(joints, face, confidence)), _NOD_OF_MARKS
    if np.isnan(turns).all():
        turns = _nose_turns(np.asarray(joints, dtype=np.float64))
    filled = np.stack([smoothed(turns[:, :, axis], smoothing) for axis in range(3)], axis=-1)
    axis, angle = _axis_angle(_orthonormal(filled))
    if seen and told < 1:
        way = axis * angle[:, None] / np.array([told, 1.0, 1.0])
        angle = np.linalg.norm(way, axis=-1)
        axis = np.where(angle[:, None] > 0, way / np.maximum(angle, 1e-12)[:, None], axis)
    return about(axis, np.minimum(angle, _LIMIT))


def face_size(
    joints: NDArray[np.floating],
    face: NDArray[np.floating],
    confidence: NDArray[np.floating] | None,
    turns: NDArray[np.floating],
) -> float | None:
    """Measure a face in the picture, in sizes of the cast's first face, in the middle of all frames.

    `turns` (T, 3, 3) are those of the head, all else as of `head_turns`. None where no frame has a face, nor enough of
    nose, eyes and ears.
    """
    rigid, (marks, known) = known_face(face, confidence)[0][:, RIGID, :2], _marks(joints, face, confidence)
    faces = np.asarray(np.isfinite(rigid).all(axis=-1))
    for flat, there, rest, few in ((rigid, faces, rigid_rest(), _FEWEST), (marks, known, _EARS * _MARKS, _FEW_MARKS)):
        seen = there.sum(axis=1) >= few
        if seen.any():
            weight = there[seen][..., None] / there[seen].sum(axis=1)[:, None, None]
            shown, turned = np.nan_to_num(flat[seen]), np.einsum("tij,nj->tni", turns[seen], rest)[..., :2]
            shown, turned = (each - (weight * each).sum(axis=1, keepdims=True) for each in (shown, turned))
            return float(np.median((weight * shown * turned).sum((1, 2)) / (weight * turned**2).sum((1, 2))))
    return None


def shared(turns: Array, share: float) -> Array:
    """Turn by a share of rotations (T, 3, 3)."""
    axis, angle = _axis_angle(turns)
    return about(axis, angle * share)


def neck_turns(torso: NDArray[np.floating], head: NDArray[np.floating]) -> dict[str, Array]:
    """Share the rotation between trunk and head, (T, 3, 3) each, among the bones of the neck and the head."""
    axis, angle = _axis_angle(np.asarray(head, dtype=np.float64) @ transpose(np.asarray(torso, dtype=np.float64)))
    return {bone: about(axis, angle * share) @ torso for bone, share in _SHARES.items()}


def known_face(face: NDArray[np.floating], confidence: NDArray[np.floating] | None) -> tuple[Array, bool]:
    """Take the 70 points of a face (T, 70, 3), NaN where unknown, and tell whether they have depth."""
    points: Array = np.array(face[:, FIRST_FACE_POINT:], dtype=np.float64)
    if confidence is not None:
        points[~(np.asarray(confidence)[:, FIRST_FACE_POINT:] > 0)] = np.nan
    rigid = points[:, RIGID]
    seen = rigid[np.isfinite(rigid[..., 0]).sum(axis=1) >= _FEWEST]
    if not len(seen):
        return points, False
    _, high, deep = np.median(np.nanmax(seen, axis=1) - np.nanmin(seen, axis=1), axis=0)
    return points, bool(deep > _FLAT * high)


def rigid_rest() -> Array:
    """Give the rigid points of the cast's first face, (15, 3), about their middle."""
    rest = bundled_cast().first_face[RIGID].astype(np.float64)
    return np.asarray(rest - rest.mean(axis=0))


def _face_turns(points: Array, has_depth: bool) -> Array:
    """Find the rotations (T, 3, 3) of faces (T, 70, 3) against the cast's; NaN where too few points are known."""
    rigid = points[:, RIGID]
    known = np.asarray(np.isfinite(rigid[..., : 3 if has_depth else 2]).all(axis=-1))
    seen = known.sum(axis=1) >= _FEWEST
    turns = np.full((len(points), 3, 3), np.nan)
    if not seen.any():
        return turns
    rigid, weight = np.nan_to_num(rigid[seen]), known[seen].astype(np.float64)
    rigid = rigid - (rigid * weight[..., None]).sum(1, keepdims=True) / weight.sum(1)[:, None, None]
    rest = rigid_rest()
    if not has_depth:
        turns[seen] = _parallel(rigid[..., :2], rest, weight)
        return turns
    shape = rest
    for _ in range(_ROUNDS):
        found = nearest_rotation(np.broadcast_to(shape, rigid.shape), rigid, weight)
        size = np.sqrt((weight * (rigid**2).sum(-1)).sum(1) / (weight * (shape**2).sum(-1)).sum(1))
        own = np.einsum("tji,tnj->tni", found, rigid) / size[:, None, None]
        middle = (own * weight[..., None]).sum(0) / np.maximum(weight.sum(0), 1)[:, None]
        shape = np.where(weight.sum(0)[:, None] > 0, middle, rest)
        shape = apply(nearest_rotation(shape, rest, np.ones(len(rest))), shape)
    turns[seen] = nearest_rotation(np.broadcast_to(shape, rigid.shape), rigid, weight)
    return turns


def _marks(
    joints: NDArray[np.floating], face: NDArray[np.floating], confidence: NDArray[np.floating] | None
) -> tuple[Array, NDArray[np.bool_]]:
    """Take nose, eyes and ears in the picture, (T, 5, 2), and whether they are known (T, 5)."""
    marks = np.concatenate([joints[:, skeleton.NOSE, None, :2], face[:, :FIRST_FACE_POINT, :2]], axis=1)
    known = np.asarray(np.isfinite(marks).all(axis=-1))
    if confidence is not None:
        known[:, 1:] &= np.asarray(confidence)[:, :FIRST_FACE_POINT] > 0
    return np.asarray(np.where(known[..., None], marks, 0), dtype=np.float64), known


def _turns_of_marks(marks: Array, known: NDArray[np.bool_]) -> Array:
    """Find the rotations (T, 3, 3) of heads from their marks; NaN where too few are known."""
    seen = known.sum(axis=1) >= _FEW_MARKS
    turns = np.full((len(marks), 3, 3), np.nan)
    if seen.any():
        turns[seen] = _parallel(marks[seen], _MARKS, known[seen].astype(np.float64))
    return turns


def _parallel(flat: Array, rest: Array, weight: Array) -> Array:
    """Fit a rigid shape (N, 3) to its parallel projections (T, N, 2), somewhere in the picture: rotations (T, 3, 3)."""
    whole = weight.sum(axis=1)[:, None, None]
    flat = flat - np.einsum("tn,tni->ti", weight, flat)[:, None] / whole
    own = rest - np.einsum("tn,ni->ti", weight, rest)[:, None] / whole
    normal = np.einsum("tn,tni,tnj->tij", weight, own, own)
    cross = np.einsum("tn,tni,tnj->tij", weight, flat, own)
    affine = cross @ np.linalg.inv(normal)
    left, _, right = np.linalg.svd(affine, full_matrices=False)
    two = left @ right
    return np.concatenate([two, np.cross(two[:, 0], two[:, 1])[:, None]], axis=1)


def _nose_turns(joints: Array) -> Array:
    """Follow the nose from its middle place, seen from the neck: (T, 3, 3); the identity where it has no depth.

    The nose's own depth is too rough to follow: all frames have their median.
    """
    nose = joints[:, skeleton.NOSE] - joints[:, skeleton.NECK]
    known = np.isfinite(nose).all(axis=-1)
    turns = np.tile(np.eye(3), (len(joints), 1, 1))
    if nose[known][:, 2].any():
        middle = np.median(nose[known], axis=0)
        now = np.where([True, True, False], nose[known], middle)
        axis = np.cross(middle, now)
        sine = np.linalg.norm(axis, axis=-1)
        angle = np.minimum(_NOSE_GAIN * np.arctan2(sine, now @ middle), _NOSE_LIMIT)
        axis = np.where(sine[:, None] > 1e-12, axis / np.maximum(sine, 1e-12)[:, None], [1.0, 0.0, 0.0])
        turns[known] = about(axis, angle)
        turns[~known] = np.nan
    return turns


def _axis_angle(turns: Array) -> tuple[Array, Array]:
    """Give the unit axes (T, 3) and angles (T,) in [0, pi] of rotations (T, 3, 3)."""
    vector = np.stack(
        [turns[:, 2, 1] - turns[:, 1, 2], turns[:, 0, 2] - turns[:, 2, 0], turns[:, 1, 0] - turns[:, 0, 1]], axis=-1
    )
    sine = np.linalg.norm(vector, axis=-1)
    axis = np.where(sine[:, None] > 1e-9, vector / np.maximum(sine, 1e-9)[:, None], [1.0, 0.0, 0.0])
    return axis, np.arctan2(sine, np.trace(turns, axis1=1, axis2=2) - 1)


def _orthonormal(matrices: Array) -> Array:
    """Bring matrices (T, 3, 3) to the nearest rotations."""
    return nearest_rotation(np.broadcast_to(np.eye(3), matrices.shape), transpose(matrices), np.ones(3))
