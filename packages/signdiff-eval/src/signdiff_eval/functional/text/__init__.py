"""Functions that compare sentences, line by line."""

from signdiff_eval.functional.text.bleu import Bleu, bleu
from signdiff_eval.functional.text.chrf import chrf
from signdiff_eval.functional.text.error_rate import cer, wer
from signdiff_eval.functional.text.rouge import rouge

__all__ = ["Bleu", "bleu", "cer", "chrf", "rouge", "wer"]
