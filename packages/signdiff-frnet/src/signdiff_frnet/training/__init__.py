"""Training the learned predictor of FR maps; ``pip install signdiff-frnet[train]``.

Importing it loads nothing heavy, so that ``--help`` answers at once.
"""

from signdiff_frnet.training.config import PredictorTrainingConfig

__all__ = ["PredictorTrainingConfig"]
