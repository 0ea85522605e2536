"""Videos in and out, frame by frame, through PyAV."""

from signdiff_core.video.beside import Beside
from signdiff_core.video.encoding import write_video
from signdiff_core.video.outputs import open_output
from signdiff_core.video.reading import MAX_SIDE, VideoError, VideoInfo, probe, read_video
from signdiff_core.video.writing import VideoWriter, unfinished

__all__ = [
    "MAX_SIDE",
    "Beside",
    "VideoError",
    "VideoInfo",
    "VideoWriter",
    "open_output",
    "probe",
    "read_video",
    "unfinished",
    "write_video",
]
