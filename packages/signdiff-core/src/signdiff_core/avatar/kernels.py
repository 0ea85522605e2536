"""The warp kernels that move and draw a body: skinning, smooth normals, and rays through the pixels.

They compile when they first run, once per machine.
"""
# Warp reads these functions as a language of its own: its types are calls, and ``float(0.0)`` declares a variable.
# mypy: ignore-errors
# ruff: noqa: ANN201, UP018, RUF046

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import warp as wp


@contextmanager
def _no_standard_error() -> Iterator[None]:
    """Send what native code writes to standard error nowhere."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)


def load_warp() -> None:
    """Initialise warp silently: without its banner, and without its warning that a machine has no GPU.

    Warp prints that warning from native code, and no setting of it turns the warning off; its errors are exceptions and
    come through.
    """
    wp.config.quiet = True  # up to warp 1.11
    wp.config.log_level = 40  # later versions: errors only
    with _no_standard_error():
        wp.init()


load_warp()

SKIN, CLOTH, HAIR, EYE = (wp.constant(number) for number in range(4))
SKY_RAYS, LAMP_RAYS = wp.constant(6), wp.constant(3)
NOTHING = wp.constant(100.0)
"""The mark of a ray that meets nothing; those of surfaces are smaller."""

ONE_LAMP_RAY, LAMP_ONLY, ALL_RAYS = (wp.constant(number) for number in range(1, 4))


@wp.kernel(enable_backward=False)
def move_vertices(
    rest: wp.array(dtype=wp.vec3),
    bone_index: wp.array2d(dtype=wp.int32),
    bone_weight: wp.array2d(dtype=wp.float32),
    turns: wp.array(dtype=wp.mat33),
    shifts: wp.array(dtype=wp.vec3),
    first: wp.array(dtype=wp.int32),
    shape: wp.array(dtype=wp.int32),
    delta: wp.array(dtype=wp.vec3),
    weights: wp.array(dtype=wp.float32),
    points: wp.array(dtype=wp.vec3),
):
    """Blend shapes, then linear blend skinning: a vertex follows the weighted mean of its bones' motions."""
    v = wp.tid()
    shaped = rest[v]
    for row in range(first[v], first[v + 1]):
        shaped += weights[shape[row]] * delta[row]
    p = wp.vec3(0.0, 0.0, 0.0)
    for k in range(4):
        bone = bone_index[v, k]
        p += bone_weight[v, k] * (turns[bone] * shaped + shifts[bone])
    points[v] = p


@wp.kernel(enable_backward=False)
def smooth_normals(
    points: wp.array(dtype=wp.vec3),
    triangles: wp.array(dtype=wp.int32),
    first: wp.array(dtype=wp.int32),
    faces: wp.array(dtype=wp.int32),
    normals: wp.array(dtype=wp.vec3),
):
    """A vertex's normal is the mean of its triangles' normals, weighted by area; summed in a fixed order."""
    v = wp.tid()
    total = wp.vec3(0.0, 0.0, 0.0)
    for k in range(first[v], first[v + 1]):
        face = faces[k]
        a = points[triangles[3 * face]]
        total += wp.cross(points[triangles[3 * face + 1]] - a, points[triangles[3 * face + 2]] - a)
    normals[v] = wp.normalize(total)


@wp.struct
class Look:
    """What the surfaces look like: per vertex, per triangle, and the colours of each material and its second one."""

    places: wp.array(dtype=wp.vec3)
    tint: wp.array(dtype=wp.vec3)
    keep: wp.array(dtype=wp.float32)
    second: wp.array(dtype=wp.float32)
    material: wp.array(dtype=wp.int32)
    colours: wp.array(dtype=wp.vec3)
    brow: wp.vec3
    top: wp.vec3
    bottom: wp.vec3
    light: wp.vec3


@wp.func
def openness(mesh: wp.uint64, at: wp.vec3, n: wp.vec3, sky: wp.array(dtype=wp.vec3), reach: float):
    """Measure how much of its surroundings a point sees, up to a distance: 0 nothing, 1 all."""
    across = wp.normalize(wp.cross(n, wp.vec3(0.31, 0.87, 0.38)))
    along = wp.cross(n, across)
    total = float(0.0)
    for k in range(SKY_RAYS):
        found = wp.mesh_query_ray(mesh, at, across * sky[k][0] + along * sky[k][1] + n * sky[k][2], reach)
        if found.result:
            total += found.t / reach
        else:
            total += 1.0
    return total / float(SKY_RAYS)


@wp.kernel(enable_backward=False)
def light_at_rest(
    mesh: wp.uint64,
    points: wp.array(dtype=wp.vec3),
    normals: wp.array(dtype=wp.vec3),
    sky: wp.array(dtype=wp.vec3),
    reach: float,
    care: wp.array(dtype=wp.int32),
    light: wp.array(dtype=wp.vec2),
):
    """Measure how much of its surroundings each vertex sees at rest; the lamp comes later."""
    v = wp.tid()
    surroundings = float(1.0)
    if care[v] > 0:
        surroundings = openness(mesh, points[v] + normals[v] * 3.0e-3, normals[v], sky, reach)
    light[v] = wp.vec2(1.0, surroundings)


@wp.kernel(enable_backward=False)
def light_vertices(
    mesh: wp.uint64,
    points: wp.array(dtype=wp.vec3),
    normals: wp.array(dtype=wp.vec3),
    towards: wp.vec3,
    sky: wp.array(dtype=wp.vec3),
    reach: float,
    care: wp.array(dtype=wp.int32),
    lowest: float,
    resting: wp.array(dtype=wp.vec2),
    light: wp.array(dtype=wp.vec2),
):
    """Measure how much of the lamp (x) the visible vertices see, and those of moving hands their surroundings (y).

    All others have the light of the rest: what a frame shows does not depend on the frames before it.
    """
    v = wp.tid()
    n = normals[v]
    light[v] = resting[v]
    if care[v] > 0 and n[2] < 0.15 and points[v][1] < lowest:
        at = points[v] + n * 3.0e-3
        lamp = float(0.0)
        if wp.dot(n, towards) > -0.1:
            far = 0.6
            if care[v] == LAMP_ONLY:
                far = 0.1
            if care[v] == ONE_LAMP_RAY:
                if not wp.mesh_query_ray_anyhit(mesh, at, towards, 0.6):
                    lamp = 1.0
            else:
                for k in range(LAMP_RAYS):
                    way = wp.normalize(towards + 0.12 * sky[SKY_RAYS + k])
                    if not wp.mesh_query_ray_anyhit(mesh, at, way, far):
                        lamp += 1.0 / float(LAMP_RAYS)
        surroundings = resting[v][1]
        if care[v] == ALL_RAYS:
            surroundings = openness(mesh, at, n, sky, reach)
        light[v] = wp.vec2(lamp, surroundings)


@wp.func
def mixed(values: wp.array(dtype=wp.float32), a: int, b: int, c: int, u: float, v: float):
    """Interpolate a value within a triangle."""
    return values[a] * u + values[b] * v + values[c] * (1.0 - u - v)


@wp.func
def paint(place: wp.vec3, base: wp.vec3, brow: wp.vec3):
    """Draw eyebrows on the skin, at places of the neutral face."""
    x = wp.abs(place[0])
    colour = base
    if place[2] < -0.07 and x < 0.07 and place[1] < -0.21 and place[1] > -0.28:
        t = (x - 0.013) / 0.042
        middle = -0.2545 - 0.0045 * wp.sin(2.6 * t)
        thick = 0.0046 * (1.0 - 0.62 * t * t)
        if t > 0.0 and t < 1.0:
            cover = wp.clamp((thick - wp.abs(place[1] - middle)) / 0.0022, 0.0, 1.0)
            cover *= wp.min(wp.min(t / 0.12, 1.0), (1.0 - t) / 0.12)
            colour = colour + 0.85 * cover * (brow - colour)
    return colour


@wp.func
def strands(place: wp.vec3):
    """Make fine streaks that run down from the crown, as a factor about 1."""
    around = wp.atan2(place[0], place[2] + 0.03)
    return 1.0 + 0.10 * wp.sin(34.0 * around + 6.0 * wp.sin(9.0 * around)) + 0.07 * wp.sin(83.0 * around)


@wp.func
def reached(mesh: wp.uint64, triangles: wp.array(dtype=wp.int32), keep: wp.array(dtype=wp.float32), x: float, y: float):
    """Look straight ahead from (x, y), through what is cut away; return triangle, weights of its corners, and depth.

    The triangle is -1 where there is nothing.
    """
    origin = wp.vec3(x, y, -5.0)
    ahead = wp.vec3(0.0, 0.0, 1.0)
    face, u, v, z = int(-1), float(0.0), float(0.0), float(0.0)
    going = int(1)
    while going > 0:
        hit = wp.mesh_query_ray(mesh, origin, ahead, 20.0)
        going = 0
        if hit.result:
            first = 3 * hit.face
            if mixed(keep, triangles[first], triangles[first + 1], triangles[first + 2], hit.u, hit.v) < 0.0:
                origin += ahead * (hit.t + 1.0e-4)
                going = 1
            else:
                face = hit.face
                u = hit.u
                v = hit.v
                z = origin[2] + hit.t
    return face, u, v, z


@wp.kernel(enable_backward=False)
def measure(
    mesh: wp.uint64,
    triangles: wp.array(dtype=wp.int32),
    normals: wp.array(dtype=wp.vec3),
    keep: wp.array(dtype=wp.float32),
    width: int,
    height: int,
    scale_x: float,
    scale_y: float,
    neck_x: float,
    neck_y: float,
    depth: wp.array(dtype=wp.float32),
    facing: wp.array(dtype=wp.vec3),
):
    """Measure depth and normal of the surface that the middle of each pixel shows; `NOTHING` where there is none."""
    i = wp.tid()
    x = (float(i % width) + 0.5) / float(width)
    y = (float(i / width) + 0.5) / float(height)
    face, u, v, z = reached(mesh, triangles, keep, (x - neck_x) / scale_x, (y - neck_y) / scale_y)
    depth[i] = NOTHING
    facing[i] = wp.vec3(0.0, 0.0, -1.0)
    if face >= 0:
        first = 3 * face
        a, b, c = triangles[first], triangles[first + 1], triangles[first + 2]
        n = normals[a] * u + normals[b] * v + normals[c] * (1.0 - u - v)
        depth[i] = z
        facing[i] = wp.normalize(wp.vec3(n[0], n[1], wp.min(n[2], -1.0e-3 * wp.length(n))))


@wp.func
def seen(
    mesh: wp.uint64,
    triangles: wp.array(dtype=wp.int32),
    normals: wp.array(dtype=wp.vec3),
    look: Look,
    light: wp.array(dtype=wp.vec2),
    x: float,
    y: float,
    height: float,
):
    """Look straight ahead from (x, y); return the colour, and a number that jumps where surfaces or materials meet."""
    colour = look.top * (1.0 - height) + look.bottom * height
    mark = float(NOTHING)
    face, u, v, z = reached(mesh, triangles, look.keep, x, y)
    if face >= 0:
        a = triangles[3 * face]
        b = triangles[3 * face + 1]
        c = triangles[3 * face + 2]
        w = 1.0 - u - v
        material = look.material[face]
        second = mixed(look.second, a, b, c, u, v)
        mark = z + float(material)
        base = look.tint[a] * u + look.tint[b] * v + look.tint[c] * w
        place = look.places[a] * u + look.places[b] * v + look.places[c] * w
        if material == SKIN:
            base = paint(place, base, look.brow)
        if material == HAIR:
            base = base * strands(place)
        if second > 0.0:
            mark += 10.0
            base = look.colours[material]
            if material == EYE and second > 0.55:
                base = wp.vec3(0.02, 0.02, 0.02)
        n = wp.normalize(normals[a] * u + normals[b] * v + normals[c] * w)
        if n[2] > 0.0:
            n = wp.normalize(wp.vec3(n[0], n[1], -0.2 * n[2]))
        soft = light[a] * u + light[b] * v + light[c] * w
        lit = soft[0] * wp.max(wp.dot(n, look.light), 0.0)
        wrap = 0.5 + 0.5 * wp.dot(n, look.light)
        shade = 0.16 + (0.22 + 0.25 * wrap) * soft[1] + 0.41 * lit
        colour = base * shade
        if material == SKIN and second <= 0.0:
            colour += wp.vec3(base[0] * (1.0 - shade) * 0.10, 0.0, 0.0)
        if material == HAIR:
            gloss = wp.pow(wp.max(wp.dot(n, wp.normalize(look.light + wp.vec3(0.0, 0.0, -1.0))), 0.0), 24.0)
            colour += wp.vec3(0.10, 0.10, 0.10) * gloss * soft[1]
    return colour, mark


@wp.kernel(enable_backward=False)
def draw(
    mesh: wp.uint64,
    triangles: wp.array(dtype=wp.int32),
    normals: wp.array(dtype=wp.vec3),
    look: Look,
    light: wp.array(dtype=wp.vec2),
    width: int,
    height: int,
    scale_x: float,
    scale_y: float,
    neck_x: float,
    neck_y: float,
    image: wp.array(dtype=wp.vec3),
    marks: wp.array(dtype=wp.float32),
):
    """Draw a frame, one ray through the middle of each pixel."""
    i = wp.tid()
    x = (float(i % width) + 0.5) / float(width)
    y = (float(i / width) + 0.5) / float(height)
    colour, mark = seen(mesh, triangles, normals, look, light, (x - neck_x) / scale_x, (y - neck_y) / scale_y, y)
    image[i] = colour
    marks[i] = mark


@wp.kernel(enable_backward=False)
def refine(
    mesh: wp.uint64,
    triangles: wp.array(dtype=wp.int32),
    normals: wp.array(dtype=wp.vec3),
    look: Look,
    light: wp.array(dtype=wp.vec2),
    width: int,
    height: int,
    scale_x: float,
    scale_y: float,
    neck_x: float,
    neck_y: float,
    image: wp.array(dtype=wp.vec3),
    marks: wp.array(dtype=wp.float32),
    pixels: wp.array(dtype=wp.uint8),
    covered: wp.array(dtype=wp.uint8),
):
    """Draw the pixels where surfaces, materials or shades meet again, by 2x2 rays; write 8-bit RGB.

    What share of a pixel the body covers is 8 bits as well.
    """
    i = wp.tid()
    column = i % width
    row = i / width
    colour = image[i]
    cover = float(0.0)
    if marks[i] < NOTHING:
        cover = 1.0
    rough = int(0)
    for k in range(4):
        across = wp.clamp(column + (k % 2) * (k - 2), 0, width - 1)
        down = wp.clamp(row + ((k + 1) % 2) * (k - 1), 0, height - 1)
        other = down * width + across
        apart = image[other] - colour
        if wp.abs(marks[other] - marks[i]) > 0.01 or wp.dot(apart, apart) > 0.004:
            rough = 1
    if rough > 0:
        colour = wp.vec3(0.0, 0.0, 0.0)
        cover = 0.0
        for k in range(4):
            x = (float(column) + (float(k % 2) + 0.5) / 2.0) / float(width)
            y = (float(row) + (float(k / 2) + 0.5) / 2.0) / float(height)
            part, mark = seen(mesh, triangles, normals, look, light, (x - neck_x) / scale_x, (y - neck_y) / scale_y, y)
            colour += part / 4.0
            if mark < NOTHING:
                cover += 0.25
    covered[i] = wp.uint8(cover * 255.0 + 0.5)
    for channel in range(3):
        pixels[3 * i + channel] = wp.uint8(wp.clamp(colour[channel], 0.0, 1.0) * 255.0 + 0.5)
