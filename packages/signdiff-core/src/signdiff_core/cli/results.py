"""The last line of a command: what it made."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pathlib import Path

    from pose_format import Pose

    from signdiff_core.video import VideoInfo


def tell_video(path: Path, info: VideoInfo, *, as_json: bool, **more: object) -> None:
    """Say that a video was written.

    Args:
        path: the file.
        info: what was written.
        as_json: print JSON in place of a sentence.
        more: further entries of the JSON.
    """
    if as_json:
        size = {"width": info.width, "height": info.height}
        entries = {"video": str(path), "frames": info.frames, "seconds": info.seconds, "fps": info.fps, **size, **more}
        click.echo(json.dumps(entries))
    else:
        click.echo(f"{path}: {info.frames} frames, {info.seconds:.2f} s of video, {info.width}x{info.height}")


def tell_pose(path: Path, pose: Pose, *, as_json: bool) -> None:
    """Say that a pose was written.

    Args:
        path: the file.
        pose: what was written.
        as_json: print JSON in place of a sentence.
    """
    frames, fps = len(pose.body.data), float(pose.body.fps)
    if as_json:
        click.echo(json.dumps({"pose": str(path), "frames": frames, "seconds": frames / fps, "fps": fps}))
    else:
        click.echo(f"{path}: {frames} frames, {frames / fps:.2f} s at {fps:g} frames per second")
