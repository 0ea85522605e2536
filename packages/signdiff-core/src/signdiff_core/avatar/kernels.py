"""The warp kernels that move and draw a body: skinning, smooth normals, and one ray per sub-pixel.

They compile when they first run, once per machine.
"""

from __future__ import annotations

import warp as wp

wp.config.quiet = True

SKIN, CLOTH, HAIR, EYE = (wp.constant(number) for number in range(4))
SKY_RAYS, LAMP_RAYS = wp.constant(6), wp.constant(3)


@wp.kernel(enable_backward=False)
def move_vertices(
    rest: wp.array(dtype=wp.vec3),
    bone_index: wp.array2d(dtype=wp.int32),
    bone_weight: wp.array2d(dtype=wp.float32),
    turns: wp.array(dtype=wp.mat33),
    shifts: wp.array(dtype=wp.vec3),
    points: wp.array(dtype=wp.vec3),
):
    """Linear blend skinning: a vertex follows the weighted mean of its bones' motions."""
    v = wp.tid()
    p = wp.vec3(0.0, 0.0, 0.0)
    for k in range(4):
        bone = bone_index[v, k]
        p += bone_weight[v, k] * (turns[bone] * rest[v] + shifts[bone])
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

    tint: wp.array(dtype=wp.vec3)
    keep: wp.array(dtype=wp.float32)
    second: wp.array(dtype=wp.float32)
    material: wp.array(dtype=wp.int32)
    colours: wp.array(dtype=wp.vec3)
    top: wp.vec3
    bottom: wp.vec3
    light: wp.vec3


@wp.kernel(enable_backward=False)
def light_vertices(
    mesh: wp.uint64,
    points: wp.array(dtype=wp.vec3),
    normals: wp.array(dtype=wp.vec3),
    towards: wp.vec3,
    sky: wp.array(dtype=wp.vec3),
    reach: float,
    lit: wp.array(dtype=wp.int32),
    reach_down: float,
    light: wp.array(dtype=wp.vec2),
):
    """Measure at each vertex that the viewer can see how much of the lamp (x) and of its surroundings (y) it sees."""
    v = wp.tid()
    n = normals[v]
    lamp = float(1.0)
    surroundings = float(1.0)
    if n[2] < 0.15 and lit[v] > 0 and points[v][1] < reach_down:
        at = points[v] + n * 3.0e-3
        if wp.dot(n, towards) > -0.1:
            lamp = 0.0
            for k in range(LAMP_RAYS):
                if not wp.mesh_query_ray_anyhit(mesh, at, wp.normalize(towards + 0.12 * sky[SKY_RAYS + k]), 0.6):
                    lamp += 1.0 / float(LAMP_RAYS)
        surroundings = 0.0
        across = wp.normalize(wp.cross(n, wp.vec3(0.31, 0.87, 0.38)))
        along = wp.cross(n, across)
        for k in range(SKY_RAYS):
            ray = across * sky[k][0] + along * sky[k][1] + n * sky[k][2]
            found = wp.mesh_query_ray(mesh, at, ray, reach)
            if found.result:
                surroundings += wp.min(found.t / reach, 1.0) / float(SKY_RAYS)
            else:
                surroundings += 1.0 / float(SKY_RAYS)
    light[v] = wp.vec2(lamp, surroundings)


@wp.func
def mixed(values: wp.array(dtype=wp.float32), a: int, b: int, c: int, u: float, v: float):
    return values[a] * u + values[b] * v + values[c] * (1.0 - u - v)


@wp.kernel(enable_backward=False)
def draw(
    mesh: wp.uint64,
    triangles: wp.array(dtype=wp.int32),
    normals: wp.array(dtype=wp.vec3),
    look: Look,
    side: int,
    scale: float,
    neck_x: float,
    neck_y: float,
    light: wp.array(dtype=wp.vec2),
    image: wp.array(dtype=wp.vec3),
):
    """Cast one ray per sub-pixel, straight away from the viewer; shade what it meets by light, shadow and occlusion."""
    i = wp.tid()
    column = i % side
    row = i / side
    x = (float(column) + 0.5) / float(side)
    y = (float(row) + 0.5) / float(side)
    colour = look.top * (1.0 - y) + look.bottom * y
    origin = wp.vec3((x - neck_x) / scale, (y - neck_y) / scale, -5.0)
    ahead = wp.vec3(0.0, 0.0, 1.0)
    going = int(1)
    while going > 0:
        hit = wp.mesh_query_ray(mesh, origin, ahead, 20.0)
        going = 0
        if hit.result:
            a = triangles[3 * hit.face]
            b = triangles[3 * hit.face + 1]
            c = triangles[3 * hit.face + 2]
            if mixed(look.keep, a, b, c, hit.u, hit.v) < 0.0:
                origin += ahead * (hit.t + 1.0e-4)
                going = 1
            else:
                w = 1.0 - hit.u - hit.v
                material = look.material[hit.face]
                second = mixed(look.second, a, b, c, hit.u, hit.v)
                base = look.colours[2 * material]
                if material == SKIN:
                    base = look.tint[a] * hit.u + look.tint[b] * hit.v + look.tint[c] * w
                if second > 0.0:
                    base = look.colours[2 * material + 1]
                    if material == EYE and second > 0.55:
                        base = wp.vec3(0.02, 0.02, 0.02)
                n = wp.normalize(normals[a] * hit.u + normals[b] * hit.v + normals[c] * w)
                if n[2] > 0.0:
                    n = wp.normalize(wp.vec3(n[0], n[1], -0.2 * n[2]))
                soft = light[a] * hit.u + light[b] * hit.v + light[c] * w
                lit = soft[0] * wp.max(wp.dot(n, look.light), 0.0)
                open_sky = soft[1]
                wrap = 0.5 + 0.5 * wp.dot(n, look.light)
                shade = 0.20 + (0.22 + 0.26 * wrap) * open_sky + 0.44 * lit
                colour = base * shade
                if material == SKIN and second <= 0.0:
                    warm = (1.0 - shade) * 0.10
                    colour = colour + wp.vec3(base[0] * warm, 0.0, 0.0)
                if material == HAIR:
                    gloss = wp.pow(wp.max(wp.dot(n, wp.normalize(look.light + wp.vec3(0.0, 0.0, -1.0))), 0.0), 24.0)
                    colour = colour + wp.vec3(0.10, 0.10, 0.10) * gloss * open_sky
    image[i] = colour


@wp.kernel(enable_backward=False)
def shrink(side: int, image: wp.array(dtype=wp.vec3), pixels: wp.array(dtype=wp.uint8)):
    """Average 2x2 sub-pixels and write 8-bit RGB."""
    i = wp.tid()
    first = 2 * (i / side) * (2 * side) + 2 * (i % side)
    mean = (image[first] + image[first + 1] + image[first + 2 * side] + image[first + 2 * side + 1]) * 0.25
    for channel in range(3):
        pixels[3 * i + channel] = wp.uint8(wp.clamp(mean[channel], 0.0, 1.0) * 255.0 + 0.5)
