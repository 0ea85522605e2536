"""The file names that the commands understand."""

from pathlib import Path

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif")
"""Images that can be read."""

ANIMATED_SUFFIXES = (".gif", ".webp")
"""Those of them that are videos if they hold several frames."""

LOSSLESS_SUFFIXES = (".png", ".bmp", ".tif", ".tiff")
"""Images that can be written: a map that JPEG touched would not be binary any more."""

VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm")
"""Videos that can be read."""

COUNTED_SUFFIXES = (".mp4", ".mov", ".m4v")
"""Videos whose index counts their frames."""

VIDEO_CODECS = {".mp4": "mp4v", ".avi": "FFV1", ".mkv": "FFV1"}
"""Videos that can be written, and how: MPEG-4, which blurs a little, or lossless FFV1."""


def partial_name(path: Path) -> Path:
    """Name the file that keeps what could be drawn of a video that is cut short.

    Args:
        path: the file that was wanted.

    Example:
        >>> partial_name(Path("maps/fr.mp4")).name
        'fr.partial.mp4'
    """
    return path.with_name(f"{path.stem}.partial{path.suffix}")
