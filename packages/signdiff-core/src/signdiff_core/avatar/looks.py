"""Dresses a body: colours, and where skin, shirt and hair begin and end, by region of the mesh that all bodies share.

Places are normalised coordinates on the neutral body (x to the viewer's right, y down, z away, so the face has the
smallest z).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from signdiff_core.avatar.body import AvatarBody
from signdiff_core.avatar.cast import MATERIALS
from signdiff_core.avatar.signer import BACKGROUNDS, HAIR_COLOURS, LIGHTS, SHIRTS, SKINS, Signer

_LONG_SLEEVE: Final = 1.90
_SHORT_SLEEVE: Final = 0.62
_COLLAR: Final = (0.078, 0.064, -0.002)
"""The neck's opening, seen from above: half its width, half its depth, the middle's depth."""

_TROUSERS: Final = (0.14, 0.14, 0.17)
_EYE_WHITE: Final = (0.93, 0.92, 0.90)
_IRIS: Final = (0.25, 0.15, 0.08)
_MOUTH: Final = (0.17, 0.05, 0.05)
_TEETH: Final = (1.00, 0.95, 0.88)
_TONGUE: Final = (0.74, 0.33, 0.32)
_HAND: Final = ("wrist", "finge", "metac")

_DEPTHS: Final = (-0.130, -0.115, -0.100, -0.085, -0.070, -0.058, -0.046, -0.038, -0.030, -0.012, 0.000, 0.012, 0.03)
_HEIGHTS: Final = {
    "short": (-0.303, -0.297, -0.288, -0.268, -0.250, -0.222, -0.208, -0.225, -0.248, -0.248, -0.215, -0.185, -0.155),
    "cropped": (-0.300, -0.294, -0.284, -0.264, -0.246, -0.224, -0.212, -0.227, -0.248, -0.248, -0.215, -0.18, -0.15),
    "bun": (-0.306, -0.300, -0.292, -0.276, -0.258, -0.240, -0.226, -0.232, -0.248, -0.248, -0.215, -0.190, -0.165),
}
"""Down to which height hair grows, seen from the side: past the forehead, the temple, the ear, to the nape."""

_THICKNESS: Final = {"short": (0.016, 0.007), "cropped": (0.003, 0.002), "bun": (0.008, 0.006)}
"""How far hair stands off at the crown and at the ears."""

_KNOT: Final = (np.array([0.0, -0.352, 0.006]), 0.030, 0.042)
"""A bun's place, its radius and how far it stands off."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Surface:
    """How a body's surface looks.

    Args:
        rise: (V,) how far vertices stand off along their normals, normalised units, float32.
        places: (V, 3) where the vertices are on the neutral body, float32; patterns follow them.
        sheltered: (V,) skin at the edge of clothes or hair, whose light is not measured.
        tint: (V, 3) first colour in [0, 1], float32.
        keep: (V,) below 0 where the material is cut away, float32.
        second: (V,) above 0 where the material has its second colour, float32.
        shown: (F,) which triangles are drawn at all.
        colours: (materials, 3) second colour of each material, float32.
        brow: (3,) colour of the eyebrows, float32.
        background: colours at the top and at the bottom of the frame.
        light: (3,) unit vector towards the light.
    """

    rise: NDArray[np.float32]
    places: NDArray[np.float32]
    sheltered: NDArray[np.bool_]
    tint: NDArray[np.float32]
    keep: NDArray[np.float32]
    second: NDArray[np.float32]
    shown: NDArray[np.bool_]
    colours: NDArray[np.float32]
    brow: NDArray[np.float32]
    background: tuple[NDArray[np.float32], NDArray[np.float32]]
    light: NDArray[np.float32]


def dress(body: AvatarBody, signer: Signer) -> Surface:
    """Dress a body, which is on the bundled cast's mesh, as a signer is dressed."""
    regions = _regions()
    skin, cloth, hair, eye, mouth, teeth, tongue = (regions.material == number for number in range(len(MATERIALS)))
    end = _LONG_SLEEVE if signer.sleeves == "long" else _SHORT_SLEEVE
    covered = np.minimum(regions.collar / 0.5, (end - regions.arm) / 0.2)
    grown = _growth(regions.places, signer.hair_style)

    keep = np.select([cloth, hair], [covered, grown], default=1.0)
    second = np.full(len(skin), -1.0)
    second[skin] = (covered - 0.1)[skin]
    second[eye] = regions.iris[eye]

    tone, hue = np.array(SKINS[signer.skin]), np.array(HAIR_COLOURS[signer.hair])
    shirt = np.array(SHIRTS[signer.shirt])
    lips, nails = body.cast.paint[:, :1] / 255, body.cast.paint[:, 1:] / 255
    tint = np.tile(tone, (len(skin), 1))
    tint += 0.7 * lips * (tone * [0.92, 0.58, 0.56] - tint)
    tint += 0.5 * nails * (tone * 0.6 + np.array([0.4, 0.3, 0.3]) - tint)
    tint += 0.9 * (np.clip((grown + 0.004) / 0.02, 0, 1) * _on_head(body))[:, None] * (hue - tint)
    inside = ((mouth, _MOUTH), (teeth, _TEETH), (tongue, _TONGUE))
    for part, colour in ((cloth, shirt), (hair, hue), (eye, _EYE_WHITE), *inside):
        tint[part] = colour

    kept = keep[body.triangles].max(axis=1) >= 0
    hidden = (body.material == MATERIALS.index("skin")) & (covered[body.triangles].min(axis=1) > 0.35)
    backdrop = np.array(BACKGROUNDS[signer.background], dtype=np.float32)
    return Surface(
        rise=np.where(hair, _stand_off(regions.places, signer.hair_style), 0).astype(np.float32),
        places=regions.places.astype(np.float32),
        sheltered=skin & ((covered > -0.3) | (grown > -0.02) & _on_head(body)),
        tint=tint.astype(np.float32),
        keep=keep.astype(np.float32),
        second=second.astype(np.float32),
        shown=kept & ~hidden,
        colours=np.array([shirt, _TROUSERS, hue, _IRIS, _MOUTH, _TEETH, _TONGUE], dtype=np.float32),
        brow=(0.8 * hue + 0.06 * tone).astype(np.float32),
        background=(np.minimum(backdrop * 1.06, 1), backdrop * 0.90),
        light=np.array(LIGHTS[signer.light], dtype=np.float32),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Regions:
    """Where things are on the neutral body; all bodies share its vertices."""

    material: NDArray[np.uint8]
    arm: NDArray[np.float64]
    collar: NDArray[np.float64]
    iris: NDArray[np.float64]
    places: NDArray[np.float64]


def _on_head(body: AvatarBody) -> NDArray[np.bool_]:
    return np.isin(body.bone_index[:, 0], [body.bone(bone) for bone in ("head", "neck02", "neck03")])


def _along_arms(body: AvatarBody) -> NDArray[np.float64]:
    """Measure how far down an arm vertices lie: 0 shoulder, 1 elbow, 2 wrist; -1 on the trunk: (V,)."""
    along = np.full(len(body.vertices), -1.0)
    owner = body.bone_index[:, 0]
    for side in "LR":
        places = [body.heads[body.bone(f"{bone}.{side}")] for bone in ("upperarm01", "lowerarm01", "wrist")]
        for segment, bones in enumerate((("upperarm01", "upperarm02"), ("lowerarm01", "lowerarm02"))):
            own = np.isin(owner, [body.bone(f"{bone}.{side}") for bone in bones])
            bone = places[segment + 1] - places[segment]
            along[own] = segment + (body.vertices[own] - places[segment]) @ bone / (bone @ bone)
        hand = [n for n, bone in enumerate(body.cast.bones) if bone.endswith(side) and bone[:5] in _HAND]
        along[np.isin(owner, hand)] = 2.2
    return along


def _iris(body: AvatarBody, material: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Measure how near vertices lie to the front of their eye: above 0 on the iris: (V,)."""
    near = np.full(len(body.vertices), -1.0)
    eyes = np.flatnonzero(material == MATERIALS.index("eye"))
    for side in (-1, 1):
        own = eyes[body.vertices[eyes, 0] * side > 0]
        points = body.vertices[own]
        centre = (points.max(axis=0) + points.min(axis=0)) / 2
        away = np.linalg.norm(points[:, :2] - centre[:2], axis=1) / (np.ptp(points[:, 1]) / 2)
        near[own] = np.where(points[:, 2] < centre[2], 1 - away / 0.52, -1)
    return near


@cache
def _regions() -> _Regions:
    body = AvatarBody.named()
    material = np.zeros(len(body.vertices), dtype=np.uint8)
    material[body.triangles] = body.material[:, None]
    places = body.cast.places.astype(np.float64)
    collar = np.hypot(places[:, 0] / _COLLAR[0], (places[:, 2] - _COLLAR[2]) / _COLLAR[1]) - 1
    return _Regions(
        material=material,
        arm=_along_arms(body),
        collar=np.select(
            [_on_head(body) | (places[:, 1] < -0.09) & (places[:, 2] < 0), places[:, 1] > 0], [-1, 1], default=collar
        ),
        iris=_iris(body, material),
        places=places,
    )


def _growth(places: NDArray[np.float64], style: str) -> NDArray[np.float64]:
    """Measure how far inside the hairline places (V, 3) lie: above 0 where hair grows, in normalised units: (V,)."""
    depths, heights = np.array(_DEPTHS), np.array(_HEIGHTS[style])
    slopes = np.interp(places[:, 2], depths, np.abs(np.gradient(heights, depths)))
    above = np.interp(places[:, 2], depths, heights) - places[:, 1]
    return above / np.hypot(1, slopes)  # type: ignore[no-any-return]


def _stand_off(places: NDArray[np.float64], style: str) -> NDArray[np.float64]:
    """Measure how far hair stands off the skin: (V,) in normalised units, 0 along the hairline."""
    top, sides = _THICKNESS[style]
    height = np.clip((-places[:, 1] - 0.24) / 0.10, 0, 1)
    inside = np.clip(_growth(places, style) / 0.035, 0, 1)
    rise = (sides + (top - sides) * height) * np.sqrt(inside)
    if style == "bun":
        centre, radius, off = _KNOT
        away = np.linalg.norm(places - centre, axis=1) / radius
        rise = np.maximum(rise, off * np.sqrt(np.clip(1 - away**2, 0, 1)))
    return 0.0015 + rise
