"""Which metrics a report has: those of the entry point group ``signdiff.metrics``, this package's and others'."""

import warnings
from functools import cache
from typing import Any, Final

from signdiff_eval import metrics
from signdiff_eval.installed import load_group
from signdiff_eval.metrics.hands import HandDetector, Remembering
from signdiff_eval.signature import Signature

GROUP: Final = "signdiff.metrics"
"""Entry point group of the plug-ins."""

ORDER: Final[tuple[type[metrics.Metric], ...]] = (
    *(metrics.DTW, metrics.TotalDistance, metrics.WristDistance, metrics.Duration),
    *(metrics.BLEU, metrics.CHRF, metrics.ROUGE, metrics.WER, metrics.CER),
    *(metrics.SSIM, metrics.Flicker, metrics.HandSSIM, metrics.HandPose, metrics.FID),
)
"""The order in which reports list scores; those of others follow, by the names of the plug-ins."""


@cache
def installed_metrics() -> tuple[type[metrics.Metric], ...]:
    """Load all installed metrics, in the order of reports; a warning tells of plug-ins that fail or are no metrics."""
    found, broken = load_group(GROUP)
    kinds = (metrics.PoseMetric, metrics.TextMetric, metrics.VideoMetric)
    for name, metric in found.items():
        if not (isinstance(metric, type) and issubclass(metric, kinds)):
            broken[name] = f"it must be a PoseMetric, TextMetric or VideoMetric, but is {metric!r:.100}"
    for name, reason in broken.items():
        warnings.warn(f"the metric {name!r} is left out: {reason}", stacklevel=2)
    places = {metric: place for place, metric in enumerate(ORDER)}
    names = sorted(found.keys() - broken.keys(), key=lambda name: (places.get(found[name], len(places)), name))
    return tuple(found[name] for name in names)


def pose_metrics() -> list[metrics.PoseMetric]:
    """Make the metrics of poses."""
    return _suites(metrics.PoseMetric)


def text_metrics(*, tokenize: str = "none", lowercase: bool = False) -> list[metrics.TextMetric]:
    """Make the metrics of sentences.

    Args:
        tokenize: as for `signdiff_eval.functional.bleu`.
        lowercase: ignore case in BLEU and chrF.
    """
    return _suites(metrics.TextMetric, tokenize=tokenize, lowercase=lowercase)


def video_metrics(*, hands: HandDetector | None = None, fid: metrics.FID | None = None) -> list[metrics.VideoMetric]:
    """Make the metrics of videos: ``ssim`` and ``flicker`` always, others where what they need is given.

    Args:
        hands: finds hands in frames, for ``hand_ssim`` and ``hand_pose``.
        fid: for ``fid``.
    """
    return _suites(metrics.VideoMetric, detector=None if hands is None else Remembering(hands), fid=fid)


def slrtp_metrics(*, texts: bool = False) -> list[metrics.Metric]:
    """Make the metrics of the SLRTP 2025 challenge, in its order.

    Args:
        texts: those of what is read from poses, too.
    """
    orders = [metrics.BLEU(order) for order in (1, 2, 3, 4)]
    read = [*orders, metrics.CHRF(), metrics.ROUGE(), metrics.WER(normalise="slrtp2025")] if texts else []
    return [*read, metrics.DTW("mje"), metrics.WristDistance(), metrics.Duration()]


def metric_of(signature: Signature) -> metrics.Metric:
    """Make the metric that a signature names, whose settings' fit is not looked at here; a ValueError if none is it."""
    refusal = ValueError(f"signature must name a score that this command computes, but names {signature.name!r}.")
    for kind in installed_metrics():
        try:
            made = kind.of_signature(signature)
        except Exception as error:
            if not isinstance(error, ValueError) and not kind.of_others():
                raise
            refusal = ValueError(str(error))
            continue
        if made is not None:
            return made
    raise refusal


def _suites(kind: type, **options: Any) -> list[Any]:
    """Make the metrics of a kind; of two with one score, the first stays."""
    made: dict[str, metrics.Metric] = {}
    for each in installed_metrics():
        if not issubclass(each, kind):
            continue
        try:
            suite = {metric.name: metric for metric in each.suite(**options)}
        except Exception as error:
            if not each.of_others():
                raise
            warnings.warn(f"the metric {each.__name__} is left out: {type(error).__name__}: {error}", stacklevel=3)
            continue
        for name in suite.keys() & made.keys():
            warnings.warn(f"the metric {each.__name__} is left out: its score {name!r} is another's", stacklevel=3)
        made |= {name: metric for name, metric in suite.items() if name not in made}
    return list(made.values())
