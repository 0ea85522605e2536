"""The error of this package."""

from __future__ import annotations


class ModelFolderError(ValueError):
    """A model that is not read: it is damaged, leads out of its folder, or holds more than data."""
