"""What an estimator is, and how a video is given to one, stretch by stretch."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from signdiff_core import plugins
from signdiff_core.estimators.store import STRETCH, EstimateStore, Person
from signdiff_core.formats.files import FormatError
from signdiff_core.rates import as_fraction
from signdiff_core.video.steady import SteadyVideo

if TYPE_CHECKING:  # pose_format is heavy to import
    from pose_format import Pose
    from pose_format.pose_header import PoseHeader

DEFAULT: Final = "holistic"
"""Name of the estimator that is taken if none is named."""

MAX_FRAMES: Final = 100_000
"""Most frames of a video that are estimated: more than an hour."""

WARM_UP: Final = 12
"""Frames before a stretch that the estimator is shown as well, so that it has somebody to follow."""

_GROUP: Final = "signdiff.estimators"

Track = Callable[[Iterable[list[Person]], int, int], Iterable[list[Person]]]


class Estimator(Protocol):
    """What a plug-in of the group ``signdiff.estimators`` offers; its class is called without arguments.

    A video is estimated in stretches, so that a command that was killed resumes at one: `estimate` is called anew for
    each, and may follow people through the frames of its call.
    """

    requires: ClassVar[tuple[str, ...]]
    """Modules that it needs."""

    extra: ClassVar[str]
    """What brings them, as pip takes it."""

    version: str
    """What decides, beside the frames, what it finds, such as the version of its library."""

    def header(self, width: int, height: int) -> PoseHeader:
        """Make the header of a pose in the pixels of a picture: J points of C coordinates."""

    def estimate(self, frames: Iterable[NDArray[np.uint8]]) -> Iterator[list[Person]]:
        """Find people in frames, (H, W, 3) uint8 RGB each, in their order: a list for each frame, empty for nobody.

        A person is points (J, C) float32, x and y in pixels, and confidences (J,) float32; 0 is absent.
        """


@dataclass(frozen=True, kw_only=True)
class Estimated:
    """What was found in a video.

    Attributes:
        pose: everybody, in pixels of the upright picture.
        empty: frames that show nobody.
        repeated: frames whose picture is that of the frame before, for the video has no other at their time.
        dropped: pictures of the video that came too fast to be a frame of a steady rate.
    """

    pose: Pose
    empty: int
    repeated: int
    dropped: int

    def notes(self) -> list[str]:
        """Say what a user should know, a sentence each.

        Example:
            >>> from signdiff_core.skeleton import make_pose
            >>> pose = make_pose(np.zeros((30, 50, 3)), 25)
            >>> Estimated(pose=pose, empty=20, repeated=0, dropped=0).notes()
            ['20 of 30 frames show nobody']
        """
        told = []
        if self.empty:
            told.append(f"{self.empty:,} of {len(self.pose.body.data):,} frames show nobody")
        if self.repeated or self.dropped:
            told.append(
                f"the video's rate is not steady: at {self.pose.body.fps:.4g} frames per second {self.repeated:,} "
                f"frames repeat the one before, and {self.dropped:,} pictures are left out"
            )
        return told


def find_estimator(name: str) -> tuple[Any, str]:
    """Look up an estimator, and make sure that what it needs is installed.

    Args:
        name: its name, or ``module:object``.

    Returns:
        Its class, and its name with origin and version.

    Raises:
        UnknownPluginError: there is none of this name.
        PluginError: it cannot be imported, or a module that it needs is missing; the message says how to get that.
    """
    plugin = plugins.find(_GROUP, name)
    factory = plugin.load()
    missing = [module for module in getattr(factory, "requires", ()) if find_spec(module) is None]
    if missing:
        extra = getattr(factory, "extra", "")
        how = f" To get it: {plugins.pip_line(extra)}" if extra else ""
        raise plugins.PluginError(f"the estimator {name!r} needs {', '.join(missing)}, which is not installed.{how}")
    origin = " ".join(filter(None, (plugin.distribution, plugin.version)))
    return factory, f"{name} of {origin or plugin.target}"


def estimate_video(
    path: str | os.PathLike[str],
    estimator: str = DEFAULT,
    *,
    store: EstimateStore | None = None,
    stamp: str = "",
    track: Track | None = None,
) -> Estimated:
    """Find the people in a video, frame after frame.

    Args:
        path: a file in any format that FFmpeg reads. Pictures are turned as they are to be shown; those of an unsteady
            rate are brought to a steady one.
        estimator: name of a plug-in of the group ``signdiff.estimators``.
        store: where what is found is kept, and resumed from; without one it is kept in memory.
        stamp: whatever tells this video from another, for the store.
        track: passes on what is found in each frame, given it, about how many frames there are, and how many are
            there already: such as to show a bar.

    Returns:
        The pose, in pixels, and what there is to tell.

    Raises:
        FileNotFoundError: there is no such file.
        VideoError: it is not a video, or is damaged or cut short.
        FormatError: no frame shows anybody, or there are more than `MAX_FRAMES`.
        UnknownPluginError: there is no such estimator.
        PluginError: it cannot be used; the message says how to get what it needs.
        ValueError: what is stored is of another video, or estimated in another way.
    """
    from pose_format import Pose
    from pose_format.numpy import NumPyPoseBody

    factory, origin = find_estimator(estimator)
    video = SteadyVideo(path)
    if video.frames > MAX_FRAMES:
        raise FormatError(path, f"expected at most {MAX_FRAMES} frames, but there are about {video.frames}.")
    finder = factory()
    settings = {"video": stamp, "estimator": origin, "version": str(getattr(finder, "version", ""))}
    people: list[list[Person]] = []
    if store is not None:
        store.check(settings)
        people += store.people()
    found = _stretches(video, finder, len(people))
    tracked = track(found, video.frames, len(people)) if track is not None else found
    for position, frame in enumerate(tracked, len(people) + 1):
        people.append(frame)
        if store is not None and position % STRETCH == 0:
            store.add(position // STRETCH - 1, people[-STRETCH:], settings)
    if store is not None and (rest := len(people) % STRETCH):
        store.add(len(people) // STRETCH, people[-rest:], settings)
    header = finder.header(video.info.width, video.info.height)
    data, confidence = _stack(people, header.total_points(), header.num_dims(), origin)
    empty = int((~(confidence > 0).any(axis=(1, 2))).sum())
    if empty == len(people):
        raise FormatError(path, f"expected a video of a person, but none of its {empty:,} frames shows one.")
    body = NumPyPoseBody(float(as_fraction(video.fps)), data, confidence)
    return Estimated(pose=Pose(header, body), empty=empty, repeated=video.repeated, dropped=video.dropped)


def _stretches(video: SteadyVideo, finder: Any, done: int) -> Iterator[list[Person]]:
    """Estimate the frames from number `done` on: where a stretch begins, or none at all."""
    frames, before = iter(video), deque[NDArray[np.uint8]](maxlen=WARM_UP + 1)

    def next_frames(count: int) -> Iterator[NDArray[np.uint8]]:
        for frame in islice(frames, count):
            before.append(frame)
            yield frame

    deque(next_frames(done), maxlen=0)
    while next(next_frames(1), None) is not None:
        shown = list(before)  # the last of which begins the stretch
        yield from islice(finder.estimate(chain(shown, next_frames(STRETCH - 1))), len(shown) - 1, None)


def _stack(
    people: Sequence[list[Person]], points: int, dims: int, origin: str
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Join the people of all frames: (T, P, J, C) and (T, P, J); those whom a frame lacks are absent."""
    most = max([len(frame) for frame in people] + [1])
    data = np.zeros((len(people), most, points, dims), dtype=np.float32)
    confidence = np.zeros((len(people), most, points), dtype=np.float32)
    for number, frame in enumerate(people):
        for place, (where, seen) in enumerate(frame):
            if where.shape != (points, dims) or seen.shape != (points,):
                raise plugins.PluginError(
                    f"the estimator {origin} must give points ({points}, {dims}) and confidences ({points},), but gave "
                    f"{where.shape} and {seen.shape} in frame {number}."
                )
            data[number, place], confidence[number, place] = where, seen
    return data, confidence
