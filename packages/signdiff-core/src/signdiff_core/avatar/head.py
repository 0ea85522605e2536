"""Which way a head turns: from the points of its face, else from where the nose is.

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

_SHARES: Final = {"neck01": 0.25, "neck02": 0.5, "neck03": 0.75, "head": 1.0}
_ROUNDS: Final = 3


def head_turns(
    joints: NDArray[np.floating],
    face: NDArray[np.floating] | None,
    confidence: NDArray[np.floating] | None,
    torso: NDArray[np.floating],
    *,
    smoothing: float = 0.6,
) -> Array:
    """Find how a head is turned in every frame.

    Args:
        joints: (T, 50, 3) normalised joints, NaN where unknown.
        face: (T, 74, 3) eyes, ears and face as `signdiff_core.skeleton.face_of` gives them; None if there is none. Any
            unit; where all points of a frame have the same depth, it is taken as unknown.
        confidence: (T, 74) in [0, 1]; a point with 0 is unknown.
        torso: (T, 3, 3) rotations of the trunk against its rest.
        smoothing: standard deviation, in frames, of the Gaussian that smooths the rotations; 0 for none.

    Returns:
        Rotations (T, 3, 3) of the head against the rest, in which it looks at the viewer; at most 80 degrees. Frames
        without a face go from their neighbours' rotation to each other's. Where no frame has a face, the head follows
        the nose: as far as that leaves its place of the clip's middle, seen from the neck, if there is depth; else it
        looks at the viewer.
    """
    turns = None
    if face is not None:
        turns = _face_turns(*known_face(face, confidence))
    if turns is None or np.isnan(turns).all():
        turns = _nose_turns(np.asarray(joints, dtype=np.float64), len(torso))
    filled = np.stack([smoothed(turns[:, :, axis], smoothing) for axis in range(3)], axis=-1)
    axis, angle = _axis_angle(_orthonormal(filled))
    return about(axis, np.minimum(angle, _LIMIT))


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


def _parallel(flat: Array, rest: Array, weight: Array) -> Array:
    """Fit a rigid shape (N, 3) to its parallel projections (T, N, 2): rotations (T, 3, 3)."""
    normal = np.einsum("tn,ni,nj->tij", weight, rest, rest)
    cross = np.einsum("tn,tni,nj->tij", weight, flat, rest)
    affine = cross @ np.linalg.inv(normal)
    left, _, right = np.linalg.svd(affine, full_matrices=False)
    two = left @ right
    return np.concatenate([two, np.cross(two[:, 0], two[:, 1])[:, None]], axis=1)


def _nose_turns(joints: Array, frames: int) -> Array:
    """Follow the nose from its middle place, seen from the neck: (T, 3, 3); the identity where it has no depth.

    The nose's own depth is too rough to follow: all frames have their median.
    """
    nose = joints[:, skeleton.NOSE] - joints[:, skeleton.NECK]
    known = np.isfinite(nose).all(axis=-1)
    turns = np.tile(np.eye(3), (frames, 1, 1))
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
