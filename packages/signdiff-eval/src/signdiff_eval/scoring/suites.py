"""Which metrics a report has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from signdiff_eval.metrics import (
    BLEU,
    CER,
    CHRF,
    DTW,
    FID,
    ROUGE,
    SSIM,
    WER,
    Duration,
    Flicker,
    HandPose,
    HandSSIM,
    TotalDistance,
    WristDistance,
)
from signdiff_eval.metrics.detector import HandDetector, Remembering

if TYPE_CHECKING:
    from signdiff_eval.metrics import Metric
    from signdiff_eval.metrics.image import VideoMetric


def pose_metrics() -> list[Metric]:
    """Make the metrics of poses."""
    channels = [DTW("mje", channel=channel) for channel in ("body", "left_hand", "right_hand")]
    return [DTW("mje"), *channels, DTW("pjpe"), DTW("pt"), TotalDistance(), Duration()]


def slrtp_metrics(*, texts: bool = False) -> list[Metric]:
    """Make the metrics of the SLRTP 2025 challenge, in its order.

    Args:
        texts: those of what is read from poses, too.
    """
    orders = [BLEU(order) for order in (1, 2, 3, 4)]
    read = [*orders, CHRF(), ROUGE(), WER(normalize="slrtp2025")] if texts else []
    return [*read, DTW("mje"), WristDistance(), Duration()]


def text_metrics() -> list[Metric]:
    """Make the metrics of what is read from poses."""
    return [*(BLEU(order) for order in (1, 2, 3, 4)), CHRF(), ROUGE(), WER(), CER()]


def video_metrics(*, hands: HandDetector | None = None, fid: FID | None = None) -> list[VideoMetric]:
    """Make the metrics of videos: ``ssim`` and ``flicker`` always, others where what they need is given.

    Args:
        hands: finds hands in frames, for ``hand_ssim`` and ``hand_pose``.
        fid: for ``fid``.
    """
    metrics: list[VideoMetric] = [SSIM(), Flicker()]
    if hands is not None:
        detector = Remembering(hands)
        metrics += [HandSSIM(detector=detector), HandPose(detector=detector)]
    return [*metrics, fid] if fid is not None else metrics
