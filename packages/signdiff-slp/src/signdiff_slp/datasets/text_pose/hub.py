"""fairseq2's hub of corpora of texts and poses."""

from __future__ import annotations

from typing import Final

from fairseq2.datasets import DatasetHubAccessor

from signdiff_slp.datasets.text_pose.config import TEXT_POSE_FAMILY, TextPoseConfig
from signdiff_slp.datasets.text_pose.dataset import TextPoseDataset

get_text_pose_dataset_hub: Final = DatasetHubAccessor(TEXT_POSE_FAMILY, kls=TextPoseDataset, config_kls=TextPoseConfig)
"""Gives the hub of corpora."""
