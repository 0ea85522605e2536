"""Training of back translators: ``accelerate launch -m signdiff_eval.training.train_backtranslation``.

Needs ``signdiff-eval[train]``, which brings signdiff-core; importing this package loads nothing heavy.
"""

from importlib.util import find_spec

if find_spec("signdiff_core") is None:
    # With its own name, ``python -m`` takes the error as one line.
    raise ModuleNotFoundError(
        'training a back translator needs signdiff_core: pip install "signdiff-eval[train]".', name=__name__
    )

from signdiff_eval.training.config import BackTranslationConfig

__all__ = ["BackTranslationConfig"]
