"""Videos in and out, frame by frame: H.264 through PyAV."""

from signdiff_core.video.encoding import write_video
from signdiff_core.video.reading import MAX_SIDE, VideoError, VideoInfo, probe, read_video
from signdiff_core.video.writing import VideoWriter, unfinished

__all__ = [
    "MAX_SIDE",
    "VideoError",
    "VideoInfo",
    "VideoWriter",
    "probe",
    "read_video",
    "unfinished",
    "write_video",
]
