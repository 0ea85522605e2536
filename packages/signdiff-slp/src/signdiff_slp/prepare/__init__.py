"""Preparing a corpus: from what a detector sees in videos to poses that a model learns from."""
