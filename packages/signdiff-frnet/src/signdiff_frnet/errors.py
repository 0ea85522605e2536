"""What can be wrong with a file that is read or written."""


class MediaError(ValueError):
    """A file that holds no readable image or video."""


class CutShortError(MediaError):
    """A video whose end can't be read; what came before it was."""


class OutputError(OSError):
    """A file that can't be written, or not whole."""
