"""Clips as detectors leave them: `find_clips` lists them, `read` gives the people of one, in pixels."""

from signdiff_core.sources.detections import Detections
from signdiff_core.sources.find import KINDS, Kind, Source, find_clips, walk
from signdiff_core.sources.read import read

__all__ = ["KINDS", "Detections", "Kind", "Source", "find_clips", "read", "walk"]
