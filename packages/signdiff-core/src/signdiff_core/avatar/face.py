"""What a face does: weights of the cast's face shapes from the points of a signer's face, and a body's own points.

The face is turned straight by the rotation of its head and brought to the cast's size. What it looks like at rest comes
from the clip itself: lips from frames in which the mouth is most closed, lids from the middle of the frames, all else
from the median. What is left of each frame is how far points moved; the shapes that move the avatar's own points so are
found region by region, by least squares with weights in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core import skeleton
from signdiff_core.anatomy.rotations import Array
from signdiff_core.avatar.body import AvatarBody, Motion
from signdiff_core.avatar.cast import Cast
from signdiff_core.avatar.head import _EARS, _MARKS, RIGID, known_face

_LIPS_APART: Final = ((61, 67), (62, 66), (63, 65))
_LIDS: Final = {"Right": ((37, 41), (38, 40)), "Left": ((43, 47), (44, 46))}
_CORNERS: Final = {"Right": (36, 39), "Left": (45, 42)}
_PUPILS: Final = {"Right": 68, "Left": 69}
_CLOSED, _HARDLY = 20, 0.03
"""A mouth counts as closed that is open by no more than this percentile of the frames, and this share of the face's
height above it: else smiles and tight lips, which close it most, would pass for rest."""

_AWAKE: Final = 60
"""Percentile of the opening of the eyes at which they count as open as at rest."""

_SHUT: Final = 0.09
"""Opening of an eye, in shares of its width, at which detectors of faces see it closed."""

_TIGHTLY: Final = 1.15
"""How far lids go, in shares of the opening, so that no slit is left between them."""

_BLIND, _CALM_GAZE = 0.5, 1.0
"""Weight of a blink from which pupils are guesses, and frames over which gaze is smoothed: pupils are small."""

_ROUNDS: Final = 150


@dataclass(frozen=True, kw_only=True)
class _Region:
    """A part of the face: its points, pairs whose distance counts more, its shapes, and what a weight costs."""

    points: tuple[int, ...]
    pairs: tuple[tuple[int, int], ...]
    shapes: tuple[str, ...]
    cost: float


def _both(*names: str) -> tuple[str, ...]:
    return tuple(name + side for name in names for side in ("Left", "Right"))


_REGIONS: Final = (
    _Region(
        points=tuple(range(17, 27)),
        pairs=((21, 22),),
        shapes=("browInnerUp", *_both("browDown", "browOuterUp")),
        cost=0.03,
    ),
    _Region(
        points=(*range(3, 14), *range(48, 68)),
        pairs=(*_LIPS_APART, *_LIPS_APART, (48, 54), (51, 62), (57, 66), (50, 58), (52, 56)),
        shapes=(
            *("jawOpen", "jawLeft", "jawRight", "mouthFunnel", "mouthPucker", "mouthLeft", "mouthRight", "cheekPuff"),
            *("mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthClose"),
            *_both("mouthSmile", "mouthFrown", "mouthStretch", "mouthUpperUp", "mouthLowerDown", "mouthPress"),
        ),
        cost=0.03,
    ),
)


def face_shapes(
    body: AvatarBody,
    face: NDArray[np.floating] | None,
    confidence: NDArray[np.floating] | None,
    head: NDArray[np.floating],
    *,
    smoothing: float = 0.5,
) -> NDArray[np.float32] | None:
    """Find the weights of face shapes that let a body's face do what a signer's does.

    Args:
        body: the body; its cast names the shapes.
        face: (T, 74, 3) eyes, ears and face as `signdiff_core.skeleton.face_of` gives them; None if there is none. Any
            unit; where all points of a frame have the same depth, it is taken as unknown.
        confidence: (T, 74) in [0, 1]; a point with 0 is unknown.
        head: (T, 3, 3) rotations of the head against the rest, as `head_turns` gives them.
        smoothing: standard deviation, in frames, of the Gaussian that smooths the weights; 0 for none.

    Returns:
        Weights (T, S) in [0, 1], float32; None where no frame knows a face. A region of the face that a frame does not
        know goes from its neighbours' weights to each other's; one that no frame knows stays at rest. Gaze needs
        pupils.
    """
    if face is None:
        return None
    points, has_depth = known_face(face, confidence)
    straight = _straightened(points, np.asarray(head, dtype=np.float64), body.cast, has_depth=has_depth)
    if np.isnan(straight).all():
        return None
    cast = body.cast
    rest = cast.first_face.astype(np.float64)[:, :2]
    weights = np.zeros((len(points), len(cast.shapes)))
    moved = straight - _at_rest(straight, rest)
    for region in _REGIONS:
        columns = [cast.shapes.index(name) for name in region.shapes]
        weights[:, columns] = _solve(region, moved, _moves(cast, columns)[..., :2], cast)
    own = body.face_rest.astype(np.float64)[:, :2] / body.face_size
    _move_lids(weights, straight, own, cast)
    _move_gaze(weights, straight, own, cast)
    return _smoothed(weights, smoothing).astype(np.float32)


def face_points(motion: Motion) -> NDArray[np.float32]:
    """Give eyes, ears and face of a body that moves, as `signdiff_core.skeleton.face_of` does those of a pose.

    The face's points are vertices of the mesh; eyes and ears are where detectors of bodies mark them, from the tip of
    the nose.

    Returns:
        (T, 74, 3) in normalised coordinates, as `Motion.joints` are, float32.
    """
    body, cast = motion.body, motion.body.cast
    bones, weights = cast.bone_index[cast.face_points], cast.bone_weight[cast.face_points].astype(np.float64)
    moves = _moves(cast, list(range(len(cast.shapes)))) * body.face_size
    marks = _EARS * body.face_size * (_MARKS[1:] - _MARKS[0])
    head = body.bone("head")
    parts = []
    for turns, shifts, shapes in motion.blocks():
        rest = body.face_rest + np.einsum("ts,sni->tni", shapes.astype(np.float64), moves)
        moved = np.einsum("tnkij,tnj->tnki", turns[:, bones].astype(np.float64), rest) + shifts[:, bones]
        nose = turns[:, head] @ body.joint_rest[skeleton.NOSE] + shifts[:, head]
        around = nose[:, None] + np.einsum("tij,nj->tni", turns[:, head], marks)
        parts.append(np.concatenate([around, np.einsum("nk,tnki->tni", weights, moved)], axis=1).astype(np.float32))
    return np.concatenate(parts) if parts else np.zeros((0, skeleton.FACE.stop - skeleton.HEAD.start, 3), np.float32)


def _straightened(points: Array, head: Array, cast: Cast, *, has_depth: bool) -> Array:
    """Turn faces (T, 70, 3) to look at the viewer, at the cast's size and place: (T, 70, 2), NaN where unknown."""
    whole = cast.first_face.astype(np.float64)
    middle = whole[RIGID].mean(axis=0)
    turned = np.einsum("tij,nj->tni", head, whole - middle)
    known = np.isfinite(points[:, RIGID, 0])[..., None]
    few = np.maximum(known.sum(axis=1), 1)
    own, model = (np.where(known, side[:, RIGID, :2], 0) for side in (points, turned))
    own_middle, model_middle = (side.sum(axis=1) / few for side in (own, model))
    own, model = (
        np.where(known, side - about[:, None], 0) for side, about in ((own, own_middle), (model, model_middle))
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        size = (own * model).sum(axis=(1, 2)) / (model**2).sum(axis=(1, 2))
    size = np.where((known.sum(axis=(1, 2)) >= len(RIGID) // 2) & (size > 0), size, np.nan)
    flat = (points[..., :2] - own_middle[:, None]) / size[:, None, None] + model_middle[:, None]
    depth = turned[..., 2]
    if has_depth:
        deep = points[..., 2] / size[:, None]
        known_depth = np.where(known[..., 0], deep[:, RIGID], 0).sum(axis=1) / few[:, 0]
        model_depth = np.where(known[..., 0], depth[:, RIGID], 0).sum(axis=1) / few[:, 0]
        depth = deep - known_depth[:, None] + model_depth[:, None]
    place = np.concatenate([flat, depth[..., None]], axis=-1)
    return np.asarray((place @ head)[..., :2] + middle[:2])


def _gap(points: Array, pairs: tuple[tuple[int, int], ...]) -> Array:
    """Measure how far the second points of pairs lie below the first: (...), the mean of all pairs."""
    first, second = (np.array(side) for side in zip(*pairs, strict=True))
    return np.asarray((points[..., second, 1] - points[..., first, 1]).mean(axis=-1))


def _median(values: Array) -> Array:
    """Take the median over frames, (T, ...) to (...), of what is known; NaN where nothing is."""
    unknown = np.isnan(values).all(axis=0)
    return np.where(unknown, np.nan, np.nanmedian(np.where(unknown, 0.0, values), axis=0))


def _at_rest(points: Array, model: Array) -> Array:
    """Find the signer's face at rest, (70, 2), among frames (T, 70, 2); `model` (70, 2) is the cast's.

    Even where its lips are nearest to each other they may be apart; at rest they are no farther than the cast's.
    """
    rest = _median(points)
    opening = _gap(points, _LIPS_APART)
    if np.isfinite(opening).any():
        closed = opening <= np.nanpercentile(opening, _CLOSED) + _HARDLY * np.ptp(model[:, 1])
        mouth = [*range(4, 13), *range(48, 68)]
        rest[mouth] = _median(points[closed][:, mouth])
        apart = max(float(_gap(rest, _LIPS_APART) - _gap(model, _LIPS_APART)), 0.0)
        rest[[upper for upper, _ in _LIPS_APART], 1] += apart / 2
        rest[[lower for _, lower in _LIPS_APART], 1] -= apart / 2
    return rest


def _moves(cast: Cast, columns: list[int]) -> Array:
    """Give how far shapes move the points of the face on the cast's first body: (s, 70, 3)."""
    moves = np.zeros((len(columns), len(cast.face_points), 3))
    place = np.full(len(cast.places), -1)
    place[cast.face_points] = np.arange(len(cast.face_points))
    for row, column in enumerate(columns):
        part = slice(cast.shape_first[column], cast.shape_first[column + 1])
        point = place[cast.shape_vertex[part]]
        moves[row, point[point >= 0]] = cast.shape_delta[part][point >= 0]
    return moves


def _rows(values: Array, region: _Region) -> Array:
    """List what is fitted, of points (..., 70, 2): places and distances, (..., rows)."""
    first, second = (np.array(side) for side in zip(*region.pairs, strict=True))
    places, between = values[..., region.points, :], values[..., second, :] - values[..., first, :]
    return np.concatenate([part.reshape(*values.shape[:-2], -1) for part in (places, 2 * between)], axis=-1)


def _solve(region: _Region, moved: Array, moves: Array, cast: Cast) -> Array:
    """Find weights (T, s) in [0, 1] of shapes (s, 70, 2) that explain how points (T, 70, 2) moved; NaN where unknown.

    By projected gradients with Nesterov's momentum, all frames at once. Lengths are in shares of the face's height.
    """
    unit = np.ptp(cast.first_face[:, 1])
    shapes, wanted = _rows(moves, region) / unit, _rows(moved, region) / unit
    known = np.asarray(np.isfinite(wanted).all(axis=1))
    normal = shapes @ shapes.T
    normal += region.cost**2 * np.mean(np.diag(normal)) * 10 * np.eye(len(normal))
    target = np.nan_to_num(wanted) @ shapes.T
    step = 1 / np.linalg.eigvalsh(normal)[-1]
    weights = before = np.zeros((len(moved), len(shapes)))
    for round_ in range(_ROUNDS):
        ahead = weights + round_ / (round_ + 3) * (weights - before)
        before, weights = weights, np.clip(ahead - step * (ahead @ normal - target), 0, 1)
    return np.where(known[:, None], weights, np.nan)


def _move_lids(weights: Array, points: Array, rest: Array, cast: Cast) -> None:
    """Fill in the weights (T, S) that open and close the eyes: their opening against the signer's own at rest.

    `rest` (70, 2) is the body's, which closes when the signer's does. Eyes close each for itself, and widen together.
    """
    shares = np.full((len(points), 2), np.nan)
    for number, side in enumerate(_LIDS):
        width = np.abs(points[:, _CORNERS[side][0], 0] - points[:, _CORNERS[side][1], 0])
        opening = _gap(points, _LIDS[side]) / width
        if np.isfinite(opening).any():
            awake = np.nanpercentile(opening, _AWAKE)
            shares[:, number] = np.maximum((opening - awake) / max(awake - _SHUT, awake / 2), -_TIGHTLY)
    for number, side in enumerate(_LIDS):
        columns = [cast.shapes.index(f"{name}{side}") for name in ("eyeBlink", "eyeWide")]
        full = float(_gap(rest, _LIDS[side]))
        blink, wide = (float(_gap(move, _LIDS[side])) for move in _moves(cast, columns))
        weights[:, columns[0]] = np.clip(full * shares[:, number] / blink, 0, 1)
        weights[:, columns[1]] = np.clip(full * shares.mean(axis=1) / wide, 0, 1)


def _move_gaze(weights: Array, points: Array, rest: Array, cast: Cast) -> None:
    """Fill in the weights (T, S) that turn the eyes: where pupils are between the corners, against their middle place.

    Both eyes look where the two do on average; while they are shut, nobody knows.
    """
    offsets = np.full((2, len(points), 2), np.nan)
    for number, (side, (outer, inner)) in enumerate(_CORNERS.items()):
        corners = points[:, [outer, inner]]
        offsets[number] = points[:, _PUPILS[side]] - corners.mean(axis=1)
        offsets[number] /= np.abs(corners[:, 1, :1] - corners[:, 0, :1])
        offsets[number, weights[:, cast.shapes.index(f"eyeBlink{side}")] > _BLIND] = np.nan
    offset = offsets.mean(axis=0)
    known = np.isfinite(offset).all(axis=1)
    if not known.any():
        return
    offset[known] = _smoothed(offset[known] - np.median(offset[known], axis=0), _CALM_GAZE)
    for side, (outer, inner) in _CORNERS.items():
        outwards = -1.0 if side == "Right" else 1.0
        way = offset * np.abs(rest[inner, 0] - rest[outer, 0])
        for name, axis, sign in (("Out", 0, outwards), ("In", 0, -outwards), ("Down", 1, 1.0), ("Up", 1, -1.0)):
            column = cast.shapes.index(f"eyeLook{name}{side}")
            reach = abs(float(_moves(cast, [column])[0, _PUPILS[side], axis]))
            weights[:, column] = np.clip(sign * way[:, axis] / reach, 0, 1)


def _smoothed(weights: Array, sigma: float) -> Array:
    """Fill gaps of weights (T, S) in time, and smooth them by a Gaussian of ``sigma`` frames."""
    time = np.arange(len(weights))
    filled = weights.copy()
    for column in np.flatnonzero(np.isnan(weights).any(axis=0)):
        known = np.isfinite(weights[:, column])
        filled[:, column] = np.interp(time, time[known], weights[known, column]) if known.any() else 0.0
    if sigma <= 0 or len(weights) == 1:
        return filled
    reach = int(np.ceil(3 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    padded = np.pad(filled, ((reach, reach), (0, 0)), mode="edge")
    return np.asarray(sum(w * padded[n : n + len(filled)] for n, w in enumerate(kernel / kernel.sum())))
