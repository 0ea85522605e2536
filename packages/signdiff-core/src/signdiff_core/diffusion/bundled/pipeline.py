"""This pipeline's class, for ``DiffusionPipeline.from_pretrained``; it comes with signdiff-core."""

from signdiff_core import SignDiffPipeline

__all__ = ["SignDiffPipeline"]
