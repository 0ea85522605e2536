"""What is known of a clip without looking at its content: duration and frame rate; and with `deep`, its people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from signdiff_core.formats import FormatError
from signdiff_core.formats.files import frames_of
from signdiff_core.video.reading import probe
from signdiff_slp.prepare.quality import is_still, is_still_video
from signdiff_slp.prepare.sources.find import Source, walk
from signdiff_slp.prepare.sources.read import read


@dataclass(kw_only=True)
class Files:
    """The files of a clip.

    Attributes:
        video: the clip's video.
        keypoints: the clip's keypoints.
        others: more of the same name; they are not looked at.
    """

    video: Source | None = None
    keypoints: Source | None = None
    others: list[Source] = field(default_factory=list)

    @property
    def path(self) -> Path | None:
        """Where the clip is."""
        source = self.video or self.keypoints
        return None if source is None else source.path


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a clip's files tell.

    Attributes:
        seconds: duration, of the video if there is one; ``None`` if nothing tells.
        fps: frames per second; ``None`` if nothing tells.
        empty: there is nobody in any frame; ``None`` if this was not looked at.
        keypoints: seconds of the keypoints beside a video.
        still: nothing moves; ``None`` if this was not looked at.
    """

    seconds: float | None
    fps: float | None
    empty: bool | None
    keypoints: float | None = None
    still: bool | None = None


def index_clips(folders: Iterable[Path]) -> dict[str, Files]:
    """Find the videos and keypoints of clips, by name.

    Raises:
        FileNotFoundError: there is no such folder or file.
    """
    clips: dict[str, Files] = {}
    for folder in folders:
        for source in walk(folder):
            files = clips.setdefault(source.name, Files())
            if source.kind == "video" and files.video is None:
                files.video = source
            elif source.kind != "video" and files.keypoints is None:
                files.keypoints = source
            else:
                files.others.append(source)
    return clips


def measure(files: Files, *, fps: float | None, deep: bool) -> Facts:
    """Learn what a clip's files tell.

    Args:
        files: of the clip.
        fps: frames per second of keypoints that do not tell.
        deep: read the JSON of every frame, too, rather than count the files, and look whether anything moves.

    Raises:
        OSError: a file cannot be read.
        ValueError: it is broken or empty.
    """
    seconds: float | None = None
    rate: float | None = None
    if files.video is not None:
        seconds, rate = video_length(files.video.path)
    source = files.keypoints
    if source is None:
        still = is_still_video(files.video.path) if files.video is not None and deep else None
        return Facts(seconds=seconds, fps=rate, empty=None, still=still)
    still = None
    if source.kind in ("openpose", "dwpose") and not deep:
        frames, own, empty = len(frames_of(source.path)), None, None
    else:
        # The size only scales positions.
        clip = read(source, size=(1, 1))
        frames, empty = len(clip.people), not bool(clip.people[..., 2].any())
        own = clip.fps if source.kind in ("mediapipe", "pose") else None
        still = is_still(clip.people) if deep and not empty else None
    rate = rate or own
    lasts = frames / (rate or fps or 1.0) if rate or fps else None
    beside = lasts if seconds is not None else None
    return Facts(seconds=seconds or lasts, fps=rate, empty=empty, keypoints=beside, still=still)


def video_length(path: Path) -> tuple[float, float]:
    """Seconds and frames per second of a video.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is broken, or does not tell.
    """
    info = probe(path)
    seconds = info.seconds or (info.frames / info.fps if info.fps else 0.0)
    if not seconds > 0:
        raise FormatError(path, "expected a video with a duration, but the file tells none.")
    return seconds, info.fps
