"""Train a progressive transformer."""
