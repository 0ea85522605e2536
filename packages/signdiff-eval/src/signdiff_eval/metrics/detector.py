"""Finds hands in frames: with MediaPipe, or with whatever else returns their key points."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from signdiff_eval import _checks
from signdiff_eval.installed import need

POINTS: Final = 21
"""Key points of a hand, as MediaPipe and OpenPose number them."""

HandDetector = Callable[[Any], Any]
"""From a frame, (H, W, 3) uint8 RGB, to (2, K, 2) key points in pixels: left hand, right hand; NaN where not found."""


class MediaPipeHands:
    """MediaPipe's hand landmarks, each frame on its own.

    Args:
        confidence: how sure the detector must be of a hand, 0 to 1.

    Raises:
        ModuleNotFoundError: MediaPipe isn't installed.
    """

    def __init__(self, *, confidence: float = 0.5) -> None:
        need("hands", "mediapipe", purpose="finding hands in frames without given key points")
        import mediapipe

        self.confidence = confidence
        self.settings = ("detector", f"mediapipe-{mediapipe.__version__}-conf{confidence:g}")
        self._hands = mediapipe.solutions.hands.Hands(
            static_image_mode=True, max_num_hands=2, model_complexity=1, min_detection_confidence=confidence
        )

    def __call__(self, frame: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Find the hands of one frame.

        Args:
            frame: (H, W, 3) uint8 RGB.

        Returns:
            (2, 21, 2) x and y in pixels: the left hand, the right hand; NaN where there is none.
        """
        found = self._hands.process(np.ascontiguousarray(frame))
        points = np.full((2, POINTS, 2), np.nan)
        size = frame.shape[1], frame.shape[0]
        hands = zip(found.multi_hand_landmarks or (), found.multi_handedness or (), strict=True)
        taken: set[int] = set()
        for landmarks, handedness in sorted(hands, key=lambda hand: -hand[1].classification[0].score):
            # MediaPipe takes images for mirrored, as a selfie camera shows them: its right is the signer's left.
            side = 0 if handedness.classification[0].label == "Right" else 1
            side = 1 - side if side in taken else side
            taken.add(side)
            points[side] = [(point.x * size[0], point.y * size[1]) for point in landmarks.landmark]
        return points

    def close(self) -> None:
        """Let go of the detector's graph."""
        self._hands.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Remembering:
    """Passes frames on to a detector, but those of the last few calls only once.

    Several metrics that share it, and their ceilings, ask for the same frames one after another.
    """

    def __init__(self, detector: HandDetector, *, frames: int = 2) -> None:
        self._detector = detector
        self._frames = frames
        self._last: list[tuple[Any, Any]] = []
        self.settings = settings_of(detector)

    def __call__(self, frame: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Find the hands of one frame."""
        for known, points in self._last:
            if known is frame:
                return points  # type: ignore[no-any-return]
        points = keypoints_of(self._detector(frame))
        self._last = [*self._last, (frame, points)][-self._frames :]
        return points


def settings_of(detector: HandDetector | None) -> tuple[str, str]:
    """Tell what a signature says of a detector."""
    if detector is None:
        return "detector", "given"
    named: tuple[str, str] = getattr(detector, "settings", ("detector", getattr(detector, "__name__", "callable")))
    return named


def keypoints_of(values: Any) -> NDArray[np.float64]:
    """Check the key points of one frame: (2, K, 2)."""
    points = _checks.nan_where_masked("key points of a frame", values)
    if points.ndim != 3 or points.shape[0] != 2 or points.shape[2] != 2:
        raise ValueError(f"key points of a frame must have the shape (2, K, 2), but have {points.shape}.")
    return points
