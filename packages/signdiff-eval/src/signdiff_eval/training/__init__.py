"""Training of back translators: ``accelerate launch -m signdiff_eval.training.train_backtranslation``."""

from signdiff_eval.training.config import BackTranslationConfig

__all__ = ["BackTranslationConfig"]
