"""The file names that the commands understand."""

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
"""Images that can be read."""

LOSSLESS_SUFFIXES = (".png", ".bmp", ".tif", ".tiff")
"""Images that can be written: a map that JPEG touched would not be binary any more."""

VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm")
"""Videos that can be read."""

VIDEO_CODECS = {".mp4": "mp4v", ".avi": "FFV1", ".mkv": "FFV1"}
"""Videos that can be written, and how: MPEG-4, which blurs a little, or lossless FFV1."""
