"""SignDiff."""
