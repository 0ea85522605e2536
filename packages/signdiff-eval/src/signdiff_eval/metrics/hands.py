"""Metrics of hands: structural similarity within their boxes, the distance of their key points, and what finds them."""

import math
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, ClassVar, Final, Self

import numpy as np
from numpy.typing import NDArray

from signdiff_eval import _checks
from signdiff_eval.functional.hands import SCALE, hand_box, hand_pose_statistics
from signdiff_eval.functional.image import SIGMA, WINDOW, Frame, beside, paired, ssim
from signdiff_eval.installed import need
from signdiff_eval.metrics.image import VideoMetric

HandDetector = Callable[[Any], Any]
"""From a frame, (H, W, 3) uint8 RGB, to (2, K, 2) key points in pixels: left hand, right hand; NaN where not found."""


class HandMetric(VideoMetric):
    """A score of hands in videos, which a detector finds; else MediaPipe, loaded with the first frame that needs it.

    A row holds a sum, how many values it adds up, frames in which no hand could be compared, and frames.
    """

    columns: ClassVar[int] = 4

    def __init__(self, *, detector: HandDetector | None = None) -> None:
        super().__init__()
        self._detector = detector
        self._given = detector is None

    @classmethod
    def suite(cls, *, detector: HandDetector | None = None, **options: Any) -> list[Self]:
        """One, where hands are looked for."""
        return [] if detector is None else [cls(detector=detector)]

    @property
    def frames_without_hand(self) -> int:
        """Frames in which there was no hand to compare: they have no part in the score."""
        return int(self.statistics[:, 2].sum())

    @property
    def frames(self) -> int:
        """Frames in all."""
        return int(self.statistics[:, 3].sum())

    def score_of(self, statistics: NDArray[np.float64]) -> float:
        """Average over what could be compared; no hand at all is a ValueError."""
        if not statistics[:, 1].any():
            raise ValueError(
                f"{self.name} must find at least one hand, but found none in {int(statistics[:, 3].sum())} frames."
            )
        return super().score_of(statistics[:, :2])

    def _found(self, frame: Frame) -> NDArray[np.float64]:
        if self._detector is None:
            self._detector = MediaPipeHands()
        self._given = False
        return keypoints_of(self._detector(frame))

    def _count(self, amount: float, weight: int) -> None:
        self.sums[0] += amount
        self.sums[1] += weight
        self.sums[2] += not weight
        self.sums[3] += 1

    def _detected_by(self) -> tuple[str, str]:
        return settings_of(None if self._given else self._detector)


class HandSSIM(HandMetric):
    """Mean structural similarity within the boxes round the reference's hands, over all hands of all frames.

    Args:
        detector: as for `HandMetric`; it sees the reference's frames.
        scale: side of a box relative to the extent of the hand's key points.

    Example:
        >>> video = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
        >>> hands = np.full((3, 2, 21, 2), np.nan)
        >>> hands[:2, 0] = np.linspace(20, 40, 21)[:, None]  # a left hand in two of three frames
        >>> metric = HandSSIM()
        >>> metric.update(video, video, keypoints=hands)
        >>> metric.compute(), metric.frames_without_hand
        (1.0, 1)
    """

    ideal: ClassVar[float] = 1.0
    name = "hand_ssim"

    def __init__(self, *, detector: HandDetector | None = None, scale: float = SCALE) -> None:
        if not 0 < scale < math.inf:
            raise ValueError(f"scale must be positive and finite, but is {scale}.")
        super().__init__(detector=detector)
        self.scale = scale

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """The window, the box, where key points come from, and what is averaged."""
        return (
            *(("win", f"gauss{WINDOW}"), ("sigma", str(SIGMA)), ("box", f"reference-x{self.scale:g}")),
            *(self._detected_by(), ("mean", "hand")),
        )

    def update(
        self, hypothesis: Iterable[Frame], reference: Iterable[Frame], *, keypoints: Iterable[Any] | None = None
    ) -> None:
        """Take in one pair of videos, as `VideoMetric.update` does.

        Args:
            hypothesis: frames, each (H, W, 3) uint8.
            reference: as many frames of the same shapes.
            keypoints: for each frame what a detector would find of the reference's hands.

        Raises:
            ValueError: the numbers of frames or key points differ, or shapes do.
            ModuleNotFoundError: without key points and detector, MediaPipe isn't installed.
        """
        if keypoints is None:
            super().update(hypothesis, reference)
            return
        self.begin()
        for made, true, points in beside(paired(hypothesis, reference), "keypoints", keypoints):
            self._compare(made, true, self._found(true) if points is None else keypoints_of(points))
        self.end()

    def take(self, hypothesis: Frame, reference: Frame) -> None:
        """Take in the next frame of both, and find the reference's hands."""
        self._compare(hypothesis, reference, self._found(reference))

    def _compare(self, hypothesis: Frame, reference: Frame, points: NDArray[np.float64]) -> None:
        boxes = [hand_box(hand, reference.shape, scale=self.scale) for hand in points]
        scores = [ssim(hypothesis, reference, box=box) for box in boxes if box is not None]
        self._count(sum(scores), len(scores))


class HandPose(HandMetric):
    """Mean distance in pixels between the hands' key points that are found in both videos.

    Args:
        detector: as for `HandMetric`; it sees the frames of both.

    Example:
        >>> frame = np.zeros((1, 32, 32, 3), dtype=np.uint8)
        >>> reference = np.full((1, 2, 21, 2), 10.0)
        >>> metric = HandPose()
        >>> metric.update(frame, frame, keypoints=(reference + [3.0, 4.0], reference))
        >>> metric.compute()
        5.0
    """

    ideal: ClassVar[float] = 0.0
    name = "hand_pose"

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """The unit, where key points come from, and what is averaged."""
        return ("unit", "pixel"), self._detected_by(), ("mean", "point")

    def update(
        self,
        hypothesis: Iterable[Frame],
        reference: Iterable[Frame],
        *,
        keypoints: tuple[Iterable[Any], Iterable[Any]] | None = None,
    ) -> None:
        """Take in one pair of videos, as `HandSSIM.update` does; key points are the hypothesis' and the reference's."""
        if keypoints is None:
            super().update(hypothesis, reference)
            return
        try:
            made, true = keypoints
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"keypoints must be the hypothesis' and the reference's, but are not two: {error}."
            ) from error
        self.begin()
        frames = beside(paired(hypothesis, reference), "keypoints of the hypothesis", made)
        for *_, ours, theirs in beside(frames, "keypoints of the reference", true):
            self._count(*hand_pose_statistics(keypoints_of(ours), keypoints_of(theirs)))
        self.end()

    def take(self, hypothesis: Frame, reference: Frame) -> None:
        """Take in the next frame of both, and find the hands in each."""
        self._count(*hand_pose_statistics(self._found(hypothesis), self._found(reference)))


POINTS: Final = 21
"""Key points of a hand, as MediaPipe and OpenPose number them."""


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
        """Find the hands of one frame (H, W, 3) uint8 RGB: (2, 21, 2) as a `HandDetector` does."""
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
    """Passes frames on to a detector, but those of the last few calls once: several metrics ask for the same ones."""

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
