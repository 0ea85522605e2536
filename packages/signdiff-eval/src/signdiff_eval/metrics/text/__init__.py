"""Metrics of sentences."""

from signdiff_eval.metrics.text.bleu import BLEU
from signdiff_eval.metrics.text.chrf import CHRF
from signdiff_eval.metrics.text.error_rate import CER, WER
from signdiff_eval.metrics.text.rouge import ROUGE

__all__ = ["BLEU", "CER", "CHRF", "ROUGE", "WER"]
