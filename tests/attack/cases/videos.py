"""Films and pictures, in the three packages that read them."""

from __future__ import annotations

import math
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from attack import samples
from attack.case import Case, check

FILMS = {"clip.mp4": "libx264", "clip.webm": "libvpx-vp9", "clip.avi": "mjpeg", "clip.mkv": "ffv1"}
PICTURES = ("picture.png", "picture.jpg", "picture.webp", "picture.tiff", "picture.gif", "picture.bmp")


def film(folder: Path, name: str) -> None:
    """A film of eight frames."""
    samples.film(folder / name, FILMS[name])


def read_core_film(folder: Path) -> None:
    """Read it with signdiff-core."""
    from signdiff_core.video import probe, read_video

    path = _only(folder)
    info = probe(path)
    check(math.isfinite(info.fps) and info.fps >= 0, f"{info.fps} frames per second")
    check(math.isfinite(info.seconds) and info.seconds >= 0 and info.frames >= 0, f"{info.seconds} s")
    _check_frames(read_video(path))


def read_steady_film(folder: Path) -> None:
    """Read it as ``signdiff estimate`` does."""
    from signdiff_core.video.steady import SteadyVideo

    video = SteadyVideo(_only(folder))
    check(math.isfinite(video.fps) and video.fps > 0, f"{video.fps} frames per second")
    check(video.frames > 0, f"{video.frames} frames")
    _check_frames(islice(video, 1000))


def read_eval_film(folder: Path) -> None:
    """Read it with signdiff-eval."""
    from signdiff_eval.readers import open_video

    with open_video(_only(folder)) as (rate, frames):
        check(math.isfinite(rate) and rate > 0, f"{rate} frames per second")
        _check_frames(frames)


def read_frnet_film(folder: Path) -> None:
    """Read it with signdiff-frnet."""
    from signdiff_frnet.videos import probe_video, read_video

    path = _only(folder)
    fps = probe_video(path).fps
    check(math.isfinite(fps) and fps > 0, f"{fps} frames per second")
    _check_frames(read_video(path))


def read_training_film(folder: Path) -> None:
    """Read it as the training of FR-Net predictors does."""
    from signdiff_frnet.training.images import read_every

    _check_frames(read_every(_only(folder), 2))


def picture(folder: Path, name: str) -> None:
    """A picture."""
    Image.fromarray(samples.picture()).save(folder / name)


def see_through(folder: Path) -> None:
    """A picture with transparency, a palette and notes."""
    from PIL.PngImagePlugin import PngInfo

    notes = PngInfo()
    notes.add_text("Comment", "a note", zip=True)
    image = Image.fromarray(np.dstack([samples.picture(), samples.picture()[..., 0]]))
    image.quantize(16).save(folder / "picture.png", pnginfo=notes)


def turned(folder: Path) -> None:
    """A photograph that is to be turned."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(samples.picture()).save(folder / "picture.jpg", exif=exif)


def read_frnet_picture(folder: Path) -> None:
    """Read it with signdiff-frnet."""
    from signdiff_frnet.pictures import read_image

    image = read_image(_only(folder))
    check(image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] in (3, 4), f"{image.dtype} {image.shape}")


def read_training_picture(folder: Path) -> None:
    """Read it as the trainings of FR-Net predictors and of ControlNets do."""
    from signdiff_core.prepare.pictures import read_image
    from signdiff_frnet.training.images import read_rgb

    _check_frames([read_rgb(_only(folder)), read_image(_only(folder), 16)])


def _only(folder: Path) -> Path:
    return next(folder.iterdir(), folder / "clip.mp4")


def _check_frames(frames: object) -> None:
    for frame in frames:  # type: ignore[attr-defined]
        right = frame.dtype == np.uint8 and frame.ndim == 3 and frame.shape[2] == 3 and 0 not in frame.shape
        check(right, f"{frame.dtype} {frame.shape}")


_FILMS = tuple(partial(film, name=name) for name in FILMS)
_PICTURES = (*(partial(picture, name=name) for name in PICTURES), see_through, turned)
CASES = (
    Case(name="core-video", seeds=_FILMS, read=read_core_film, weight=3),
    Case(name="steady-video", seeds=_FILMS, read=read_steady_film, weight=3),
    Case(name="eval-video", seeds=_FILMS, read=read_eval_film, weight=3),
    Case(name="frnet-video", seeds=_FILMS, read=read_frnet_film, weight=3),
    Case(name="frnet-training-video", seeds=_FILMS, read=read_training_film, weight=1),
    Case(name="frnet-picture", seeds=_PICTURES, read=read_frnet_picture, weight=3),
    Case(name="training-picture", seeds=_PICTURES[:-4], read=read_training_picture, weight=3),
)
