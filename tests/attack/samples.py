"""What seeds are made of: a signer's joints, pictures, a film."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def joints(frames: int = 6) -> np.ndarray:
    """A signer whose right hand moves: (frames, 50, 3), normalised."""
    random = np.random.default_rng(0)
    places = np.zeros((frames, 50, 3))
    places[:, 0], places[:, 2], places[:, 5] = (0, -0.18, 0), (-1 / 6, 0, 0), (1 / 6, 0, 0)
    places[:, 3], places[:, 6] = (-0.2, 0.28, 0), (0.2, 0.28, 0)
    places[:, 4], places[:, 7] = (-0.18, 0.3, -0.2), (0.18, 0.5, -0.1)
    places[:, 4, 1] -= 0.3 * np.sin(np.linspace(0, np.pi, frames))
    for first, wrist in ((8, 7), (29, 4)):
        places[:, first : first + 21] = places[:, wrist : wrist + 1] + 0.05 * random.standard_normal((21, 3))
        places[:, first] = places[:, wrist]
    return places.round(5)


def pixels(frames: int = 6) -> np.ndarray:
    """The same in a picture of 640x480: (frames, 50, 2)."""
    return (joints(frames)[..., :2] * 300 + (320, 150)).round(3)


def picture(side: int = 24, number: int = 0) -> np.ndarray:
    """A picture, (side, side, 3) uint8."""
    y, x = np.mgrid[:side, :side]
    return np.stack([(x * 9 + number * 20) % 256, (y * 11) % 256, (x * y + number) % 256], -1).astype(np.uint8)


def film(path: Path, codec: str = "libx264", frames: int = 8, side: int = 32) -> None:
    """Write a short film with FFmpeg."""
    import av

    with av.open(str(path), "w") as file:
        stream = file.add_stream(codec, rate=25)
        stream.width = stream.height = side
        stream.pix_fmt = "yuv420p" if codec != "mjpeg" else "yuvj420p"
        stream.thread_count = 1
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(picture(side, number), format="rgb24")
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
