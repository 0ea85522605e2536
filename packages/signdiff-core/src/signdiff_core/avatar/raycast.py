"""Draws a motion of one body, dressed and lit: one frame after another, as they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np
import warp as wp
from numpy.typing import NDArray

from signdiff_core.avatar import kernels
from signdiff_core.avatar.backdrop import Backdrop, Background
from signdiff_core.avatar.body import AvatarBody, Motion
from signdiff_core.avatar.looks import Surface, dress
from signdiff_core.avatar.lower_body import VISIBLE_FROM, with_lower_body
from signdiff_core.avatar.signer import Signer
from signdiff_core.camera import Camera

_REACH: Final = 0.09
"""How near, in normalised units, a surface must be to dim the ambient light."""

_AWAY: Final = 1000.0
"""Where a signer who is not shown stands, in normalised units."""


def render_frames(
    signer: Signer,
    motion: Motion,
    *,
    size: int | tuple[int, int] = 256,
    camera: Camera | None = None,
    device: str = "cpu",
    background: Background = None,
    shown: NDArray[np.bool_] | None = None,
) -> Iterator[NDArray[np.uint8]]:
    """Draw a signer who performs a motion.

    Args:
        signer: skin, hair, clothes, background and light. The body is the motion's.
        motion: what `fit` gave.
        size: side of square frames in pixels, or (width, height); at least 16.
        camera: where the signer stands; by default as `Camera.centred` has it.
        device: a warp device, such as "cpu" or "cuda:0".
        background: in place of the signer's: "transparent", a colour (r, g, b) of bytes, or a picture.
        shown: (T,) whether the signer is there; the others are frames of the background alone.

    Yields:
        One (height, width, 3) uint8 RGB frame per frame of the motion; (height, width, 4) RGBA, colours not multiplied
        by opacity, on a transparent background.

    Raises:
        ValueError: a side of the frames is less than 16.
    """
    width, height = _sides(size)
    backdrop = Backdrop(background, width=width, height=height)
    body, surface = motion.body, dress(motion.body, signer)
    if background is not None:
        surface = replace(surface, background=(np.zeros(3, dtype=np.float32),) * 2)
    caster = _caster(body, surface, width=width, height=height, camera=camera, device=device)
    return (backdrop.behind(*caster.draw(*frame)) for frame in _frames(motion, shown))


def render_surfaces(
    signer: Signer,
    motion: Motion,
    *,
    size: int | tuple[int, int] = 256,
    camera: Camera | None = None,
    device: str = "cpu",
    shown: NDArray[np.bool_] | None = None,
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Measure what `render_frames` draws: how far away it is, and which way it faces.

    Arguments are those of `render_frames`; one ray goes through the middle of each pixel.

    Yields:
        For each frame of the motion, depths (height, width) float32 in normalised units, which grow away from the
        viewer, the neck's being 0, and infinite where there is nothing; and unit normals (height, width, 3) float32 on
        the axes of normalised coordinates (x to the viewer's right, y downwards, z away), those of nothing facing the
        viewer.

    Raises:
        ValueError: a side of the frames is less than 16.
    """
    width, height = _sides(size)
    surface = dress(motion.body, signer)
    caster = _caster(motion.body, surface, width=width, height=height, camera=camera, device=device)
    return (caster.measure(*frame) for frame in _frames(motion, shown))


def _sides(size: int | tuple[int, int]) -> tuple[int, int]:
    width, height = (size, size) if isinstance(size, int) else size
    if min(width, height) < 16:
        raise ValueError(f"size must be at least 16 pixels, but is {width}x{height}.")
    return width, height


def _caster(
    body: AvatarBody, surface: Surface, *, width: int, height: int, camera: Camera | None, device: str
) -> Raycaster:
    """Make what draws a body, with its legs where the camera shows these."""
    camera = camera or Camera.centred(width, height)
    if (1 - camera.neck[1]) / camera.scales((width, height))[1] > VISIBLE_FROM:
        body, surface = with_lower_body(body, surface)
    return Raycaster(body, surface, width=width, height=height, camera=camera, device=device)


def _frames(motion: Motion, shown: NDArray[np.bool_] | None) -> Iterator[tuple[NDArray[np.float32], ...]]:
    """Go through turns, shifts and shapes of a motion's frames; who is not shown is far away."""
    away = np.where(np.ones(len(motion), dtype=bool) if shown is None else shown, 0.0, _AWAY).astype(np.float32)
    each = (frame for block in motion.blocks() for frame in zip(*block, strict=True))
    return ((turns, shifts + far, shapes) for (turns, shifts, shapes), far in zip(each, away, strict=True))


class Raycaster:
    """Draws a dressed body in any pose, `width` x `height` pixels, on a warp device such as "cpu" or "cuda:0"."""

    def __init__(
        self, body: AvatarBody, surface: Surface, *, width: int, height: int, camera: Camera, device: str = "cpu"
    ) -> None:
        self._shape, self._camera, self._device = (width, height), camera, device
        triangles = body.triangles[surface.shown]
        first, faces = _faces_of_vertices(triangles, len(body.vertices))

        def put(values: NDArray[np.generic], dtype: object) -> wp.array:
            return wp.array(np.ascontiguousarray(values), dtype=dtype, device=device)

        self._bone_index = put(body.bone_index.astype(np.int32), wp.int32)
        self._bone_weight = put(body.bone_weight.astype(np.float32), wp.float32)
        rows = body.shape_rows()
        self._shapes = [put(v, t) for v, t in zip(rows, (wp.int32, wp.int32, wp.vec3), strict=True)]
        self._points = put(body.vertices, wp.vec3)
        self._normals = wp.zeros(len(body.vertices), dtype=wp.vec3, device=device)
        self._triangles = put(triangles.reshape(-1).astype(np.int32), wp.int32)
        self._first, self._faces = put(first, wp.int32), put(faces, wp.int32)
        self._sky = put(_sky_directions(), wp.vec3)
        self._resting, self._light = (wp.zeros(len(body.vertices), dtype=wp.vec2, device=device) for _ in range(2))
        self._image = wp.zeros(width * height, dtype=wp.vec3, device=device)
        self._marks = wp.zeros(width * height, dtype=wp.float32, device=device)
        self._pixels = wp.zeros(3 * width * height, dtype=wp.uint8, device=device)
        self._covered = wp.zeros(width * height, dtype=wp.uint8, device=device)
        self._care = put(np.where(surface.sheltered, 0, _care(body, triangles)), wp.int32)
        look = kernels.Look()
        look.tint, look.keep = put(surface.tint, wp.vec3), put(surface.keep, wp.float32)
        look.places, look.brow = put(surface.places, wp.vec3), wp.vec3(*map(float, surface.brow))
        look.second = put(surface.second, wp.float32)
        look.material = put(body.material[surface.shown].astype(np.int32), wp.int32)
        look.colours = put(surface.colours, wp.vec3)
        look.top, look.bottom, look.light = (wp.vec3(*map(float, v)) for v in (*surface.background, surface.light))
        self._look = look
        joined = [self._points, self._triangles, self._first, self._faces, self._normals]
        self._launch(kernels.smooth_normals, len(body.vertices), joined)
        rest = body.vertices + surface.rise[:, None] * np.nan_to_num(self._normals.numpy())
        self._rest = put(rest.astype(np.float32), wp.vec3)
        self._mesh = wp.Mesh(points=self._points, indices=self._triangles)
        bones = len(body.heads)
        at_rest = np.zeros(len(body.cast.shapes), dtype=np.float32)
        still = np.tile(np.eye(3, dtype=np.float32), (bones, 1, 1)), np.zeros((bones, 3), dtype=np.float32)
        self._pose(*still, at_rest)
        around = [self._mesh.id, self._points, self._normals, self._sky, _REACH, self._care, self._resting]
        self._launch(kernels.light_at_rest, len(body.vertices), around)

    def _launch(self, kernel: wp.Kernel, threads: int, inputs: list[object]) -> None:
        wp.launch(kernel, dim=threads, inputs=inputs, device=self._device)

    def _pose(self, *frame: NDArray[np.float32]) -> None:
        """Move the mesh, by turns, shifts and weights of face shapes."""
        kinds = (wp.mat33, wp.vec3, wp.float32)
        turns, shifts, weights = (wp.array(v, dtype=t, device=self._device) for v, t in zip(frame, kinds, strict=True))
        moved = [self._rest, self._bone_index, self._bone_weight, turns, shifts, *self._shapes, weights, self._points]
        self._launch(kernels.move_vertices, len(self._rest), moved)
        joined = [self._points, self._triangles, self._first, self._faces, self._normals]
        self._launch(kernels.smooth_normals, len(self._rest), joined)
        self._mesh.refit()

    def draw(
        self, turns: NDArray[np.float32], shifts: NDArray[np.float32], shapes: NDArray[np.float32]
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Draw one frame, (H, W, 3) uint8 RGB, and how much of each pixel the body covers, (H, W) uint8.

        A bone takes a rest point x to ``turns @ x + shifts``, after the face shapes moved it by their weights (S,).
        """
        self._pose(turns, shifts, shapes)
        place = [self._mesh.id, self._points, self._normals]
        (width, height), scales = self._shape, self._camera.scales(self._shape)
        lowest = (1 - self._camera.neck[1]) / scales[1] + 0.02
        lamp = [*place, self._look.light, self._sky, _REACH, self._care, lowest]
        self._launch(kernels.light_vertices, len(self._rest), [*lamp, self._resting, self._light])
        view = [self._mesh.id, self._triangles, self._normals, self._look, self._light]
        view += [width, height, *scales, *self._camera.neck, self._image, self._marks]
        self._launch(kernels.draw, width * height, view)
        self._launch(kernels.refine, width * height, [*view, self._pixels, self._covered])
        return self._pixels.numpy().reshape(height, width, 3).copy(), self._covered.numpy().reshape(height, width)

    def measure(
        self, turns: NDArray[np.float32], shifts: NDArray[np.float32], shapes: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Measure one frame's depths (H, W), infinite where there is nothing, and normals (H, W, 3); as for `draw`."""
        self._pose(turns, shifts, shapes)
        (width, height), scales = self._shape, self._camera.scales(self._shape)
        view = [self._mesh.id, self._triangles, self._normals, self._look.keep, width, height, *scales]
        measured = [self._marks, self._image]
        self._launch(kernels.measure, width * height, [*view, *self._camera.neck, *measured])
        depth, facing = (part.numpy().reshape(height, width, -1).copy() for part in measured)
        return np.where(depth < kernels.NOTHING, depth, np.inf)[..., 0].astype(np.float32), facing


def _sky_directions() -> NDArray[np.float32]:
    """Give 6 directions round +z, cosine-weighted, then 3 sideways offsets for soft shadows: (9, 3)."""
    turn = 2 * np.pi * np.arange(6) / 6
    radius = np.sqrt((np.array([0, 1, 0, 1, 0, 1]) * 3 + 1.5) / 6)
    sky = np.stack([radius * np.cos(turn), radius * np.sin(turn), np.sqrt(1 - radius**2)], axis=1)
    sideways = np.array([[1, 0, 0], [0, 1, 0], [-0.7, -0.7, 0]])
    return np.concatenate([sky, sideways]).astype(np.float32)


def _faces_of_vertices(triangles: NDArray[np.integer], vertices: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """List the triangles round each vertex: offsets (V + 1,) into triangle numbers (3 F,)."""
    flat = triangles.reshape(-1)
    order = np.argsort(flat, kind="stable")
    first = np.concatenate([[0], np.cumsum(np.bincount(flat, minlength=vertices))])
    return first.astype(np.int32), (order // 3).astype(np.int32)


def _care(body: AvatarBody, triangles: NDArray[np.integer]) -> NDArray[np.int32]:
    """Say how much light to measure at each vertex: 0 none, 1 a hard shadow, 2 a soft one, 3 also what is near."""
    hand = np.array([bone.startswith(("wrist", "finger", "metacarpal")) for bone in body.cast.bones])
    face = np.array([bone.startswith(("head", "neck")) for bone in body.cast.bones])
    owner = body.bone_index[:, 0]
    care = np.select([hand[owner], face[owner]], [3, 1], default=2)
    unused = np.ones(len(care), dtype=bool)
    unused[triangles] = False
    return np.where(unused, 0, care).astype(np.int32)
