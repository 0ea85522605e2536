"""Corpora of texts and poses."""

from signdiff_slp.datasets.text_pose.batch import TextPoseBatch
from signdiff_slp.datasets.text_pose.config import TEXT_POSE_FAMILY, TextPoseConfig
from signdiff_slp.datasets.text_pose.dataset import TextPoseDataset, open_text_pose_dataset
from signdiff_slp.datasets.text_pose.error import CorpusError
from signdiff_slp.datasets.text_pose.hub import get_text_pose_dataset_hub
from signdiff_slp.datasets.text_pose.manifest import Example, open_poses, read_manifest

__all__ = [
    "TEXT_POSE_FAMILY",
    "CorpusError",
    "Example",
    "TextPoseBatch",
    "TextPoseConfig",
    "TextPoseDataset",
    "get_text_pose_dataset_hub",
    "open_poses",
    "open_text_pose_dataset",
    "read_manifest",
]
