"""Which joints of a skeleton are the body's, and which those of a hand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def channels_of(skeleton: Sequence[str]) -> dict[str, list[int]]:
    """Sort joints into body and hands, by the names of their components.

    Args:
        skeleton: names of joints as in `signdiff_eval.readers.PoseSequence`, such as ``LEFT_HAND_LANDMARKS.WRIST`` or
            ``hand_left_keypoints_2d.BASE``.

    Returns:
        ``body``, ``left_hand`` and ``right_hand`` to the indices of their joints. Those that the skeleton lacks are
        left out; joints of a face belong to none.

    Example:
        >>> channels_of(["BODY.Nose", "LEFT_HAND.Wrist", "LEFT_HAND.Thumb", "FACE.0"])
        {'body': [0], 'left_hand': [1, 2]}
    """
    channels: dict[str, list[int]] = {"body": [], "left_hand": [], "right_hand": []}
    for index, name in enumerate(skeleton):
        words = set(re.split(r"[^a-z0-9]+", name.partition(".")[0].lower()))
        if "hand" in words:
            for side in ("left", "right"):
                if side in words:
                    channels[f"{side}_hand"].append(index)
        elif not words & {"face", "world"}:  # MediaPipe's world landmarks are the body again, in other units
            channels["body"].append(index)
    return {name: joints for name, joints in channels.items() if joints}


def wrists_of(skeleton: Sequence[str]) -> tuple[int, int]:
    """Find the left and the right wrist of the body.

    Args:
        skeleton: as for `channels_of`.

    Raises:
        ValueError: the body has no joint of such a name.

    Example:
        >>> wrists_of(["BODY.RWrist", "BODY.LWrist", "LEFT_HAND.LWrist"])
        (1, 0)
    """
    points = {_plain(skeleton[index]): index for index in channels_of(skeleton).get("body", [])}
    found = []
    for names in (("lwrist", "leftwrist"), ("rwrist", "rightwrist")):
        index = next((points[name] for name in names if name in points), None)
        if index is None:
            raise ValueError(f"the body must have a joint called {' or '.join(names)}, but has none.")
        found.append(index)
    return found[0], found[1]


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.partition(".")[2].lower())
