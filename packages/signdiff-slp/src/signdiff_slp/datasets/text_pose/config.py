"""The configuration of a corpus of texts and poses."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

TEXT_POSE_FAMILY: Final = "slp_text_pose"
"""The name under which fairseq2 knows this dataset family."""


@dataclass(kw_only=True)
class TextPoseConfig:
    """Holds the configuration of a corpus."""

    data_dir: Path = field(default_factory=Path)
    """The folder with ``{split}.tsv`` and ``{split}.poses.npy``."""

    skeleton: str = "openpose50"
    """What joints the poses have: the name of a skeleton that is registered with `signdiff_core.skeleton`."""
