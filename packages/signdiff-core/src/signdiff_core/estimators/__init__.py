"""Poses out of videos: `estimate_video` runs an estimator, a plug-in of the group ``signdiff.estimators``.

Built in is ``holistic``, MediaPipe Holistic with body, face and hands.
"""

from signdiff_core.estimators.estimating import Estimated, Estimator, estimate_video, find_estimator
from signdiff_core.estimators.store import EstimateStore

__all__ = ["EstimateStore", "Estimated", "Estimator", "estimate_video", "find_estimator"]
