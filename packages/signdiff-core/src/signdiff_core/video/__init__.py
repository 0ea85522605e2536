"""Videos in and out, frame by frame: H.264 through PyAV."""

from signdiff_core.video.info import MAX_SIDE, VideoInfo, probe
from signdiff_core.video.opening import VideoError
from signdiff_core.video.read import read_video
from signdiff_core.video.write import write_video
from signdiff_core.video.writer import VideoWriter, unfinished

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
