"""What two readings of a signer's video have in common: hands, contacts, head, mouth, and what the frame cuts off.

A reading is what `pixel_reader.py` finds in a video, or the points of a pose in the picture that they were found in.
Lengths are in shoulder widths of the same picture, so that size and place of the signer do not matter.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

SIDES = ("left_hand", "right_hand")
COUNTS = {"pose": 33, "left_hand": 21, "right_hand": 21, "face": 478}
NOSE, LEFT_SHOULDER, RIGHT_SHOULDER = 0, 11, 12
FOREHEAD, CHIN, RIGHT_EYE, LEFT_EYE, UPPER_LIP, LOWER_LIP = 10, 152, 33, 263, 13, 14

SHAPE = 0.25
"""Mean distance of a hand's joints, in hand sizes, within which its shape is right."""

CONTACT, KEPT, APART = 0.1, 0.15, 0.3
"""Gaps in shoulder widths: a contact in the source, one that was kept, and no contact."""

NEAR_FACE = 0.55
"""How far from the nose the middle of a hand is at most that counts as near the face."""

FAST = 1.2
"""Shoulder widths a second from which a hand is fast: a fifth of those in the clips are."""

HAIR = 0.35
"""How far above the forehead a head reaches, in heights of the face."""

OPENPOSE_FACE = {RIGHT_EYE: 36, LEFT_EYE: 45, CHIN: 8, UPPER_LIP: 62, LOWER_LIP: 66}
"""Points of a face by their numbers in MediaPipe's, and in OpenPose's 70."""

SPARE = 400
"""From here on, among MediaPipe's points of a face, lie OpenPose's 70: none of those that are named above."""

SURE = 0.5
"""Mean confidence from which a hand of OpenPose counts, as MediaPipe gives none below its 0.5. What OpenPose is less
sure of are guesses, whose shape cannot be judged."""

OPENPOSE_BODY = {0: 0, 11: 5, 12: 2, 13: 6, 14: 3, 15: 7, 16: 4}


@dataclass(kw_only=True)
class Reading:
    """Points (N, K, 4) of x, y, z and visibility by part, NaN where absent, at frames (N,) of a video."""

    frames: NDArray[np.int64]
    parts: dict[str, NDArray[np.float64]]
    size: tuple[int, int]
    fps: float
    is_video: bool = False
    """Whether faces would have been found: the landmarks of clips may come without."""

    def at(self, frames: NDArray[np.int64]) -> Reading:
        """Give the reading at some of its frames."""
        rows = np.searchsorted(self.frames, frames)
        return Reading(
            frames=frames,
            parts={name: part[rows] for name, part in self.parts.items()},
            size=self.size,
            fps=self.fps,
            is_video=self.is_video,
        )

    def seen(self, part: str) -> NDArray[np.bool_]:
        """Tell in which frames a part was found."""
        point = RIGHT_EYE if part == "face" else 0
        return np.isfinite(self.parts[part][:, point, :2]).all(axis=-1)

    def flat(self, part: str) -> NDArray[np.float64]:
        """Give x and y of a part from the middle of the shoulders, in shoulder widths, (N, K, 2)."""
        left, right = (self.parts["pose"][:, joint, :2] for joint in (LEFT_SHOULDER, RIGHT_SHOULDER))
        width = np.linalg.norm(left - right, axis=-1)
        return (self.parts[part][..., :2] - ((left + right) / 2)[:, None]) / width[:, None, None]


def read_reading(path: Path) -> Reading:
    """Read what `pixel_reader.py` wrote, or the landmarks of a How2Sign clip, which have no face."""
    with np.load(path) as file:
        parts = {name: file[name].astype(np.float64) for name in COUNTS if name in file}
        frames = file["frames"] if "frames" in file else np.arange(len(parts["pose"]))
        size = tuple(int(file[name]) if name in file else 0 for name in ("width", "height"))
        fps, is_video = float(file["fps"]), "frames" in file
    return Reading(frames=frames, parts=_whole(parts), size=size, fps=fps, is_video=is_video)


def reading_of_pose(path: Path) -> Reading:
    """Take the points of a ``.pose`` of MediaPipe Holistic, or of OpenPose JSON in a folder, as a video's reading."""
    if path.is_dir():
        return _of_openpose(path)
    from pose_format import Pose

    pose = Pose.read(path.read_bytes())
    data = pose.body.data[:, 0].filled(np.nan).astype(np.float64)
    data = np.concatenate([data, np.asarray(pose.body.confidence[:, 0])[..., None]], axis=-1)
    data[data[..., 3] == 0] = np.nan
    size = pose.header.dimensions.width, pose.header.dimensions.height
    data[..., 2] *= size[0]  # shares of the width, as MediaPipe has them
    parts = {}
    names = {"pose": "POSE", "left_hand": "LEFT_HAND", "right_hand": "RIGHT_HAND", "face": "FACE"}
    for part, name in names.items():
        parts[part] = np.full((len(data), COUNTS[part], 4), np.nan)
        start = 0
        for component in pose.header.components:
            if component.name == f"{name}_LANDMARKS":
                places = [_place(point, part, at) for at, point in enumerate(component.points)]
                parts[part][:, places] = data[:, start : start + len(places)]
            start += len(component.points)
    return Reading(frames=np.arange(len(data)), parts=parts, size=size, fps=float(pose.body.fps))


def _place(point: str, part: str, at: int) -> int:
    """The number of a point among all of its part, of which a file may hold some."""
    if part == "face":
        return int(point)
    arms = {"SHOULDER": 11, "ELBOW": 13, "WRIST": 15}
    side, _, joint = point.partition("_")
    if part == "pose":
        return arms[joint] + (side == "RIGHT") if joint in arms else {"NOSE": 0}.get(point, at)
    return at


def _of_openpose(folder: Path) -> Reading:
    files = sorted(folder.glob("*_keypoints.json"))
    parts = {name: np.full((len(files), count, 4), np.nan) for name, count in COUNTS.items()}
    for row, file in enumerate(files):
        people = json.loads(file.read_text())["people"]
        if not people:
            continue
        person = max(people, key=lambda one: sum(one["pose_keypoints_2d"][2::3]))
        points = {key: np.reshape(person[f"{key}_keypoints_2d"], (-1, 3)) for key in ("pose", "face")}
        for target, part, order in (("pose", "pose", OPENPOSE_BODY), ("face", "face", OPENPOSE_FACE)):
            for ours, theirs in order.items():
                _put(parts[target][row, ours], points[part][theirs])
        for theirs, point in enumerate(points["face"]):  # for what touches the face
            _put(parts["face"][row, SPARE + theirs], point)
        for side in ("left", "right"):
            hand = np.reshape(person[f"hand_{side}_keypoints_2d"], (-1, 3))
            for joint in range(21):
                _put(parts[f"{side}_hand"][row, joint], hand[joint])
            # A hand is there with all of its joints, and seen for sure, or not.
            if np.isnan(parts[f"{side}_hand"][row, :, 0]).any() or hand[:, 2].mean() < SURE:
                parts[f"{side}_hand"][row] = np.nan
    return Reading(frames=np.arange(len(files)), parts=parts, size=(1280, 720), fps=24.0)


def _put(target: NDArray[np.float64], point: NDArray[np.float64]) -> None:
    if point[2] > 0:
        target[:] = point[0], point[1], np.nan, point[2]


def _whole(parts: dict[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    length = len(parts["pose"])
    return {name: parts.get(name, np.full((length, count, 4), np.nan)) for name, count in COUNTS.items()}


@dataclass(kw_only=True)
class Scores:
    """Samples of one clip, by name; all of one name have one length."""

    clip: str
    hands: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    frames: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    mouth: float = np.nan


def compare(clip: str, source: Reading, made: Reading) -> Scores:
    """Compare what was made with its source, frame by frame: both have the same frame rate."""
    common = np.intersect1d(source.frames, made.frames)
    source, made = source.at(common), made.at(common)
    scores = Scores(clip=clip)
    hands = [_hand(side, source, made) for side in SIDES]
    scores.hands = {name: np.concatenate([hand[name] for hand in hands]) for name in hands[0]}
    scores.frames = {**_contacts(source, made), **_head(source, made), "inside": _inside(made)}
    scores.mouth = _mouth(source, made)
    return scores


def _hand(side: str, source: Reading, made: Reading) -> dict[str, NDArray[np.float64]]:
    there = source.seen(side)
    found = made.seen(side)[there]
    apart = np.linalg.norm(_shape(source.parts[side]) - _shape(made.parts[side]), axis=-1).mean(axis=-1)[there]
    wrists = source.flat(side)[:, 0], made.flat(side)[:, 0]
    middle, nose = source.flat(side).mean(axis=1), source.flat("pose")[:, NOSE]
    near = np.linalg.norm(middle - nose, axis=-1) < NEAR_FACE
    over = ~near & (np.abs(middle[:, 0]) < 0.55) & (middle[:, 1] > -0.1)
    seconds = np.gradient(source.frames) / source.fps if len(source.frames) > 1 else np.ones(1)
    speed = np.linalg.norm(np.gradient(wrists[0], axis=0), axis=-1) / seconds if len(seconds) > 1 else np.zeros(1)
    return {
        "found": found.astype(np.float64),
        "right": (found & (np.nan_to_num(apart, nan=np.inf) < SHAPE)).astype(np.float64),
        "place": np.linalg.norm(wrists[0] - wrists[1], axis=-1)[there],
        "is_left": np.full(int(there.sum()), float(side == "left_hand")),
        "near": near[there].astype(np.float64),
        "over": over[there].astype(np.float64),
        "fast": (np.nan_to_num(speed) > FAST)[there].astype(np.float64),
    }


def _shape(hand: NDArray[np.float64]) -> NDArray[np.float64]:
    """Joints from the wrist, scaled to a mean square of 1, (N, 20, 2)."""
    bones = hand[:, 1:, :2] - hand[:, :1, :2]
    return bones / np.sqrt((bones**2).sum(axis=-1).mean(axis=-1))[:, None, None]  # type: ignore[no-any-return]


def _contacts(source: Reading, made: Reading) -> dict[str, NDArray[np.float64]]:
    """Tell, with 1 or 0, which contacts of the source were kept, and in which frames without one it was made up."""
    counted = {side: source.seen(side)[:, None, None] for side in SIDES}  # no other hand can have kept or made up any
    gaps = []
    for reading in (source, made):
        left, right = (np.where(counted[side], reading.flat(side), np.nan) for side in SIDES)
        face = reading.flat("face")
        gaps.append((_gap(left, right), np.fmin(_gap(left, face), _gap(right, face))))
    has_face = bool(made.seen("face").any()) or made.is_video
    found = {"face found": made.seen("face")[source.seen("face") & has_face].astype(np.float64)}
    found |= {name: np.zeros(0) for name in ("face touched", "face touched, made up")}
    kinds = ["hands touch", *(["face touched"] if has_face else [])]
    for kind, was, now in zip(kinds, *gaps, strict=False):
        found[kind] = (now[was <= CONTACT] <= KEPT).astype(np.float64)
        found[f"{kind}, made up"] = (now[(was > APART) & np.isfinite(now)] <= CONTACT).astype(np.float64)
    return found


def _gap(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Smallest distance between two sets of points (N, K, 2) in each frame, NaN where one is absent."""
    gaps = np.full(len(one), np.nan)
    for row, (a, b) in enumerate(zip(one, other, strict=True)):
        a, b = (points[np.isfinite(points).all(axis=-1)] for points in (a, b))
        if len(a) and len(b):
            gaps[row] = np.linalg.norm(a[:, None] - b[None], axis=-1).min()
    return gaps


def _head(source: Reading, made: Reading) -> dict[str, NDArray[np.float64]]:
    """Angles in degrees between heads, and what is left of them without their mean: faces differ."""
    turns = _turns(source), _turns(made)
    both = np.isfinite(turns[0]).all(axis=(1, 2)) & np.isfinite(turns[1]).all(axis=(1, 2))
    apart = turns[1][both] @ turns[0][both].transpose(0, 2, 1)
    if not len(apart):
        return {"head": np.zeros(0), "head moves": np.zeros(0)}
    u, _, v = np.linalg.svd(apart.mean(axis=0))
    mean = u @ np.diag([1, 1, np.linalg.det(u @ v)]) @ v
    return {"head": _angle(apart), "head moves": _angle(apart @ mean.T)}


def _turns(reading: Reading) -> NDArray[np.float64]:
    """How a head is turned in each frame, (N, 3, 3), from the outer corners of its eyes, forehead and chin."""
    face = reading.parts["face"][..., :3]
    across, down = face[:, LEFT_EYE] - face[:, RIGHT_EYE], face[:, CHIN] - face[:, FOREHEAD]
    x = across / np.linalg.norm(across, axis=-1, keepdims=True)
    y = down - (down * x).sum(axis=-1, keepdims=True) * x
    y /= np.linalg.norm(y, axis=-1, keepdims=True)
    return np.stack([x, y, np.cross(x, y)], axis=-1)


def _angle(turns: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.degrees(np.arccos(np.clip((np.trace(turns, axis1=1, axis2=2) - 1) / 2, -1, 1)))  # type: ignore[no-any-return]


def _mouth(source: Reading, made: Reading) -> float:
    """Correlation of how far a mouth is open, relative to the distance of the eyes; NaN for too few faces."""
    open_ = []
    for reading in (source, made):
        face = reading.parts["face"][..., :2]
        eyes = np.linalg.norm(face[:, LEFT_EYE] - face[:, RIGHT_EYE], axis=-1)
        open_.append(np.linalg.norm(face[:, UPPER_LIP] - face[:, LOWER_LIP], axis=-1) / eyes)
    both = np.isfinite(open_[0]) & np.isfinite(open_[1])
    if both.sum() < 8 or min(values[both].std() for values in open_) == 0:
        return float("nan")
    return float(np.corrcoef(open_[0][both], open_[1][both])[0, 1])


def _inside(made: Reading) -> NDArray[np.float64]:
    """1 where all of the head and of the hands that were found is in the picture, 0 where not."""
    inside = np.ones(len(made.frames))
    if not all(made.size):
        return np.zeros(0)
    face = made.parts["face"][..., :2]
    crown = face[:, FOREHEAD] + HAIR * (face[:, FOREHEAD] - face[:, CHIN])
    for points in (made.parts["left_hand"][..., :2], made.parts["right_hand"][..., :2], face, crown[:, None]):
        outside = ((points < 0) | (points > np.array(made.size))).any(axis=(1, 2))
        inside[outside] = 0.0
    return inside[made.seen("face") | made.seen("left_hand") | made.seen("right_hand")]


RESAMPLES = 1000


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A statistic of all samples, its 95% interval over clips, and how many samples there are."""

    value: float
    low: float
    high: float
    samples: int

    def __str__(self) -> str:
        return "-" if not self.samples else f"{self.value:.2f} ({self.low:.2f}-{self.high:.2f})"


def figure(clips: Sequence[NDArray[np.float64]], statistic: Callable[[NDArray[np.float64]], float]) -> Figure:
    """Take a statistic of the samples of all clips that are finite, with a bootstrap over whole clips."""
    finite = [clip[np.isfinite(clip)] for clip in clips]
    kept = [clip for clip in finite if len(clip)]
    if not kept:
        return Figure(value=np.nan, low=np.nan, high=np.nan, samples=0)
    random = np.random.default_rng(0)
    drawn = [
        statistic(np.concatenate([kept[clip] for clip in random.integers(len(kept), size=len(kept))]))
        for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(drawn, (0.025, 0.975))
    whole = np.concatenate(kept)
    return Figure(value=float(statistic(whole)), low=float(low), high=float(high), samples=len(whole))
