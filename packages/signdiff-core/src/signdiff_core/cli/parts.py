"""The parts of the main job, each made by a plug-in: text to pose, and pose to video."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, closing, redirect_stdout
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import numpy as np
from numpy.typing import NDArray

from signdiff_core import plugins
from signdiff_core.checks import check_device
from signdiff_core.cli.options import distribute, takes, wrong
from signdiff_core.cli.output import track

if TYPE_CHECKING:  # both are heavy to import
    from pose_format import Pose

    from signdiff_core.video.beside import Beside
    from signdiff_core.video.reading import VideoInfo

_PLACES: Final = ("model", "frnet_source", "beside", "background")
"""Options that may name a file or a folder."""


class Renderer:
    """A renderer that was looked up and whose options were checked, but that has not loaded its model yet.

    It must take all options, and runs on `device` if it lets the caller choose. Raises UnknownPluginError where there
    is none of the name, PluginError where it cannot be imported or a module that it needs is missing, click.UsageError
    where it does not take an option.
    """

    def __init__(self, name: str, options: Mapping[str, Any], *, device: str | None = None) -> None:
        with _chatter_on_stderr():
            plugin = plugins.find("signdiff.renderers", name)
            self.factory = plugin.load()
        whose = f"the renderer {name!r}"
        missing = [module for module in getattr(self.factory, "requires", ()) if find_spec(module) is None]
        if missing:
            extra = getattr(self.factory, "extra", "")
            how = f" To get it: {plugins.pip_line(extra)}" if extra else ""
            raise plugins.PluginError(f"{whose} needs {', '.join(missing)}, which is not installed.{how}")
        functions = {"render": self.factory.render, "make": self.factory}
        self.takes_device = any(takes(function, "device") for function in functions.values())
        if device is not None and self.takes_device:
            _check_device(self.factory, device)
            options = {**options, "device": device}
        self.options = distribute(options, functions, whose)
        origin = " ".join(filter(None, (plugin.distribution, plugin.version)))
        self._settings = {"renderer": f"{name} of {origin or plugin.target}", **options}

    def set(self, name: str, value: Any) -> None:
        """Put the value of an option that was given in place of what stood for it."""
        self.options["render"][name] = self._settings[name] = value

    def __call__(self, pose: Pose, path: Path, *, resume: bool | None = None, row: Beside | None = None) -> VideoInfo:
        """Render a pose of the 50 joints, normalised, to what the path names, frame by frame.

        In a `row`, the pose's source and drawing stand before each frame, and the source's sound is copied. What ends
        it early gets a note that says which frames are kept; for `resume` see `signdiff_core.video.VideoWriter`. Raises
        FileExistsError where an interrupted call left frames and ``resume`` is not given, ValueError where they are of
        another pose, or were drawn in another way.
        """
        from signdiff_core.video.outputs import RESUMED, open_output

        total, fps, source = len(pose.body.data), float(pose.body.fps), None
        if row is not None:
            fps, source = row.fps, row.path
            self._settings = {**self._settings, "beside": source}
        settings = fingerprint(pose, self._settings)
        video = open_output(path, fps, settings=settings, resume=resume, sound=source)
        begun = video.frames
        if begun:
            click.echo(f"signdiff: note: resuming after frame {video.frames:,} of {total:,}", err=True)
        try:
            with _chatter_on_stderr(), video, closing(self._frames(pose, video.frames)) as frames:
                for frame in frames if row is None else row.rows(frames, start=video.frames):
                    video.write(frame)
        except BaseException as error:
            if video.frames and path.suffix.lower() in RESUMED:
                kept = f"{video.frames:,} of {total:,} frames are kept ({video.partial})"
                can_resume = video.frames > begun or isinstance(error, KeyboardInterrupt)  # else it would fail at once
                error.add_note(
                    kept + (", and the same command with --resume continues after them" if can_resume else "")
                )
            raise
        return video.info

    def _frames(self, pose: Pose, start: int) -> Generator[NDArray[np.uint8]]:
        """Draw the frames from a number on."""
        total, what = len(pose.body.data), "Drawing frames"
        if start >= total:
            return
        renderer, options = self.factory(**self.options["make"]), self.options["render"]
        if takes(self.factory.render, "start"):
            yield from track(renderer.render(pose, start=start, **options), total=total, what=what, done=start)
        else:
            yield from islice(track(renderer.render(pose, **options), total=total, what=what), start, None)


class Translator:
    """A translator that was looked up, but that has not loaded its model (or its default) yet.

    It runs on `device` if it lets the caller choose; the code of the signed language is for a translator of several.
    Raises UnknownPluginError where there is none of the name, PluginError where it cannot be imported.
    """

    def __init__(self, name: str, *, model: str | None, device: str | None, signed_language: str | None = None) -> None:
        self.name, self.model = name, model
        with _chatter_on_stderr():
            plugin = plugins.find("signdiff.translators", name)
            self.factory = plugin.load()
        self.generator = " ".join(filter(None, (plugin.distribution or plugin.target, plugin.version)))
        self.takes_device = takes(self.factory.from_pretrained, "device")
        self.options = {"device": device} if device is not None and self.takes_device else {}
        if self.options:
            _check_device(self.factory, device)
        self.language = {} if signed_language is None else {"signed_language": signed_language}
        self.takes_language = takes(self.factory.__call__, "signed_language")

    def __call__(self, text: str) -> Pose:
        """Translate a text.

        Raises ValueError where the translator cannot, PluginError where it gives something else than one pose with
        frames.
        """
        from pose_format import Pose

        with _chatter_on_stderr():
            translate = self.factory.from_pretrained(*([self.model] if self.model else []), **self.options)
            poses = list(translate([text], **self.language))
        if len(poses) != 1 or not isinstance(poses[0], Pose) or not len(poses[0].body.data):
            raise plugins.PluginError(f"the translator {self.name!r} gave no pose for the text: expected one.")
        return poses[0]

    def write(self, pose: Pose, path: Path) -> None:
        """Write a pose that it made to a ``.pose`` file, with the mark of generated poses beside it."""
        from signdiff_core.formats.dispatch import write
        from signdiff_core.provenance import marking

        # A plug-in sees nothing but the text, so no timing of a reference is in its output.
        details = {"translator": self.name, "model": self.model or "default", "protocol": "free", **self.language}
        with marking(path, self.generator, **details):
            write(pose, path)


def _chatter_on_stderr() -> AbstractContextManager[Any]:
    """Keep what libraries print out of the command's own output, which a program may read."""
    return redirect_stdout(sys.stderr)


def _check_device(factory: Any, device: str | None) -> None:
    """Check the device of a plug-in that needs torch; others may have devices of their own."""
    if "torch" not in getattr(factory, "requires", ()):
        return
    try:
        check_device(device)
    except ValueError as error:
        raise wrong(str(error), "--device") from error


def fingerprint(pose: Pose, options: Mapping[str, Any]) -> dict[str, str]:
    """Describe in short texts, by name, what decides the frames of a video: only the same video is resumed.

    Where an option of the renderer names a file or a folder, its content counts too, by names, sizes and times of
    change.
    """
    data = np.ma.getmaskarray(pose.body.data), np.ma.getdata(pose.body.data), np.ma.getdata(pose.body.confidence)
    digest = hashlib.sha256(repr([(part.shape, part.dtype.str) for part in data]).encode())
    for part in data:
        digest.update(np.ascontiguousarray(part).tobytes())
    texts = {name: stamp_of(Path(value)) if name in _PLACES else str(value) for name, value in options.items()}
    return {"pose": digest.hexdigest()[:16], **texts}


def stamp_of(path: Path) -> str:
    """Tell a file or folder from others, and from itself after a change, by names, sizes and times of change."""
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    if not files:
        return str(path)  # such as a model's name on a hub
    digest = hashlib.sha256()
    for file in files:
        status = file.stat()
        digest.update(f"{file.relative_to(path)} {status.st_size} {status.st_mtime_ns}\n".encode())
    return f"{path.name} ({digest.hexdigest()[:16]})"
