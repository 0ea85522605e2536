"""Dataset families."""
