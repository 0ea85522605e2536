"""Keeps the environment out of log files: fairseq2 writes every variable there, secrets included."""

from __future__ import annotations

import logging
from typing import final

from typing_extensions import override


@final
class EnvironmentFilter(logging.Filter):
    """Drops the record that lists the environment variables."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("Environment Variables")


def hide_environment() -> None:
    """Put the filter on fairseq2's logger, once."""
    logger = logging.getLogger("fairseq2")
    if not any(isinstance(entry, EnvironmentFilter) for entry in logger.filters):
        logger.addFilter(EnvironmentFilter())
