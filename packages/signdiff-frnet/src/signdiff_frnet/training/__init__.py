"""Training the learned predictor of FR maps; ``pip install signdiff-frnet[train]``.

Importing it loads nothing heavy, so that ``--help`` answers at once.
"""

from importlib.util import find_spec

if find_spec("signdiff_core") is None:
    # With its own name, ``python -m`` takes the error as one line.
    raise ModuleNotFoundError('training needs signdiff_core: pip install "signdiff-frnet[train]".', name=__name__)

from signdiff_frnet.training.config import PredictorTrainingConfig

__all__ = ["PredictorTrainingConfig"]
