"""fairseq2's hub of progressive transformers."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from fairseq2.models import ModelHubAccessor
from fairseq2.utils.rich import get_error_console

from signdiff_slp.models.progressive.config import PROGRESSIVE_FAMILY, ProgressiveConfig
from signdiff_slp.models.progressive.model import ProgressiveTransformer

if TYPE_CHECKING:
    from collections.abc import Iterator

get_progressive_model_hub: Final = ModelHubAccessor(
    PROGRESSIVE_FAMILY, kls=ProgressiveTransformer, config_kls=ProgressiveConfig
)
"""Gives the hub: ``get_progressive_model_hub().load_model("slp_fingerspelling")``."""


@contextmanager
def without_progress() -> Iterator[None]:
    """Load without fairseq2's bar where there is no terminal, for there it ends with an empty line."""
    console = get_error_console()
    before, console.quiet = console.quiet, console.quiet or not console.is_interactive
    try:
        yield
    finally:
        console.quiet = before
