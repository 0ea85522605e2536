"""Corpora for text to pose, made here or read from elsewhere. Needs the extra ``signdiff-slp[corpora]``."""
