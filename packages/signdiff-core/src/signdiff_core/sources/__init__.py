"""Clips as detectors leave them.

`read_pose` gives the pose of one person, whatever it was found with. Beneath it, `find_clips` lists clips, `read` gives
the people of one, in pixels, and `choose_signer` follows one of them.
"""

from signdiff_core.sources.detections import Detections
from signdiff_core.sources.find import KINDS, Kind, Source, find_clips, walk
from signdiff_core.sources.poses import read_keypoints, read_pose
from signdiff_core.sources.read import read
from signdiff_core.sources.signer import Keypoints, choose_signer

__all__ = [
    "KINDS",
    "Detections",
    "Keypoints",
    "Kind",
    "Source",
    "choose_signer",
    "find_clips",
    "read",
    "read_keypoints",
    "read_pose",
    "walk",
]
