"""A parametric signer: bodies that perform poses, dressed and drawn by ray casting."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from signdiff_core.avatar.body import AvatarBody, Motion, body_names
    from signdiff_core.avatar.face import face_points
    from signdiff_core.avatar.inverse_kinematics import fit
    from signdiff_core.avatar.maps import Scene, check_maps, control_maps, drawn_maps
    from signdiff_core.avatar.raycast import render_frames
    from signdiff_core.avatar.renderer import AvatarRenderer, camera_of
    from signdiff_core.avatar.signer import Signer

__all__ = [
    "AvatarBody",
    "AvatarRenderer",
    "Motion",
    "Scene",
    "Signer",
    "body_names",
    "camera_of",
    "check_maps",
    "control_maps",
    "drawn_maps",
    "face_points",
    "fit",
    "render_frames",
]

_HOMES = {
    "AvatarBody": "body",
    "AvatarRenderer": "renderer",
    "Motion": "body",
    "Scene": "maps",
    "Signer": "signer",
    "body_names": "body",
    "camera_of": "renderer",
    "check_maps": "maps",
    "control_maps": "maps",
    "drawn_maps": "maps",
    "face_points": "face",
    "fit": "inverse_kinematics",
    "render_frames": "raycast",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
