"""fairseq2's hub of progressive transformers."""

from __future__ import annotations

from typing import Final

from fairseq2.models import ModelHubAccessor

from signdiff_slp.models.progressive.config import PROGRESSIVE_FAMILY, ProgressiveConfig
from signdiff_slp.models.progressive.model import ProgressiveTransformer

get_progressive_model_hub: Final = ModelHubAccessor(
    PROGRESSIVE_FAMILY, kls=ProgressiveTransformer, config_kls=ProgressiveConfig
)
"""Gives the hub: ``get_progressive_model_hub().load_model("slp_fingerspelling")``."""
