"""Plots as text: SVG made by hand, so that a report needs no library and opens anywhere."""

import base64
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from signdiff_eval.reports.significance import Interval

COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Of systems; those of Okabe and Ito, which colour-blind people can tell apart."""

WIDTH: Final = 720
FONT: Final = 11
LETTER: Final = 7
"""Width that a letter takes at most, on average."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A hypothesis, (U, J, C), and a reference, (T, J, C), and how their frames are aligned.

    ``limbs`` are pairs of joints that a drawing connects, ``costs`` (T, U) Euclidean distances of whole frames,
    ``path`` (P, 2) aligned frames, the reference's first.
    """

    hypothesis: NDArray[np.float64]
    reference: NDArray[np.float64]
    limbs: tuple[tuple[int, int], ...]
    costs: NDArray[np.float64]
    path: NDArray[np.intp]


def distribution(
    values: Mapping[str, Sequence[float]], scores: Mapping[str, float], intervals: Mapping[str, Interval], ideal: float
) -> str:
    """Plot a dot for each sequence (NaN is left out), a row for each system: its score a bar, its 95% interval a box.

    The ideal is a dashed line.
    """
    known = [value for row in values.values() for value in row if np.isfinite(value)]
    low, high = min([*known, ideal], default=0.0), max([*known, ideal], default=1.0)
    low, high = (low, high) if high > low else (low - 0.5, high + 0.5)
    left = min(WIDTH // 2, 24 + max(len(name) for name in values) * LETTER)
    right, row_height = WIDTH - 36, 34
    height = row_height * len(values) + 34

    def x(value: float) -> float:
        return round(left + (min(max(value, low), high) - low) / (high - low) * (right - left), 1)

    parts = [_line(x(ideal), 4, x(ideal), height - 26, "#999", dash=True)]
    rng = np.random.default_rng(0)
    for row, (name, points) in enumerate(values.items()):
        middle, colour = 4 + row_height * row + row_height / 2, COLOURS[row % len(COLOURS)]
        parts.append(_text(left - 8, middle + 4, name, anchor="end"))
        interval = intervals[name]
        width = max(1.0, x(interval.high) - x(interval.low))
        parts.append(
            f'<rect x="{x(interval.low)}" y="{middle - 12}" width="{width:.1f}" height="24" '
            f'fill="{colour}" fill-opacity="0.18"/>'
        )
        for value in points:
            if np.isfinite(value):
                shift = middle + float(rng.uniform(-9, 9))
                parts.append(
                    f'<circle cx="{x(value)}" cy="{shift:.1f}" r="2.2" fill="{colour}" fill-opacity="0.55">'
                    f"<title>{value:.4g}</title></circle>"
                )
        parts.append(_line(x(scores[name]), middle - 13, x(scores[name]), middle + 13, "#111", width=2.0))
    for tick in ticks(low, high):
        parts.append(_line(x(tick), height - 26, x(tick), height - 21, "#333"))
        parts.append(_text(x(tick), height - 6, f"{tick:g}", anchor="middle"))
    parts.append(_line(left, height - 26, right, height - 26, "#333"))
    return _svg(WIDTH, height, parts, "scores of single sequences")


def ticks(low: float, high: float, *, most: int = 6) -> list[float]:
    """Find at most so many round numbers to mark on an axis.

    Example:
        >>> ticks(0.0, 0.0361), ticks(-3.0, 8.65)
        ([0.0, 0.01, 0.02, 0.03], [-2.0, 0.0, 2.0, 4.0, 6.0, 8.0])
    """
    decade = 10.0 ** np.floor(np.log10((high - low) / most))
    steps = [factor * decade for factor in (1, 2, 5, 10)]
    step = next(step for step in steps if (high - low) / step < most)
    numbers = np.arange(np.ceil(low / step), np.floor(high / step) + 1)
    return [float(f"{number * step:.6g}") for number in numbers]


def strips(shown: Shown, *, count: int = 8) -> str:
    """Draw moments of a reference, above, and of a hypothesis, below, evenly along their alignment."""
    moments = shown.path[np.linspace(0, len(shown.path) - 1, count).round().astype(int)]
    joints = np.concatenate([shown.reference, shown.hypothesis])[..., :2].reshape(-1, 2)
    low, high = np.percentile(joints, [0.2, 99.8], axis=0)
    size = WIDTH / count
    scale = 0.86 * size / max(float((high - low).max()), 1e-9)
    parts = []
    for column, (true, made) in enumerate(moments):
        for row, (frames, index) in enumerate(((shown.reference, true), (shown.hypothesis, made))):
            origin = np.array([column * size + size / 2, row * (size + 16) + size / 2])
            placed = (frames[index, :, :2] - (low + high) / 2) * scale + origin
            parts += _figure(placed, shown.limbs, COLOURS[0] if row == 0 else COLOURS[1])
            parts.append(_text(origin[0], row * (size + 16) + size + 10, str(int(index)), anchor="middle"))
    return _svg(WIDTH, 2 * (size + 16), parts, "reference above, hypothesis below; frame numbers")


def alignment(shown: Shown, *, side: int = 300) -> str:
    """Plot the costs of pairing frames, dark where they are small, and the cheapest path through them."""
    T, U = shown.costs.shape
    grey = 255 - 200 * (1 - shown.costs / max(float(shown.costs.max()), 1e-12))
    picture = base64.b64encode(_png(grey.astype(np.uint8))).decode()
    left, top = 46, 8
    points = " ".join(
        f"{left + (made + 0.5) / U * side:.1f},{top + (true + 0.5) / T * side:.1f}" for true, made in shown.path
    )
    parts = [
        f'<image x="{left}" y="{top}" width="{side}" height="{side}" preserveAspectRatio="none" '
        f'image-rendering="pixelated" href="data:image/png;base64,{picture}"/>',
        f'<polyline points="{points}" fill="none" stroke="{COLOURS[1]}" stroke-width="2"/>',
        _text(left + side / 2, top + side + 16, f"hypothesis, {U} frames", anchor="middle"),
        f'<text transform="translate({left - 10},{top + side / 2}) rotate(-90)" text-anchor="middle">'
        f"reference, {T} frames</text>",
    ]
    return _svg(left + side + 10, side + 34, parts, "alignment of frames by dynamic time warping")


def _figure(placed: NDArray[np.float64], limbs: Sequence[tuple[int, int]], colour: str) -> list[str]:
    if not limbs:
        return [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.2" fill="{colour}"/>' for x, y in placed]
    way = " ".join(f"M{placed[a, 0]:.1f} {placed[a, 1]:.1f}L{placed[b, 0]:.1f} {placed[b, 1]:.1f}" for a, b in limbs)
    return [f'<path d="{way}" stroke="{colour}" stroke-width="1.1" stroke-linecap="round" fill="none"/>']


def _svg(width: float, height: float, parts: Sequence[str], label: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'font-size="{FONT}" font-family="system-ui,sans-serif" role="img" aria-label="{escape(label)}">'
        f"{''.join(parts)}</svg>"
    )


def _line(x1: Any, y1: Any, x2: Any, y2: Any, colour: str, *, width: float = 1.0, dash: bool = False) -> str:
    more = ' stroke-dasharray="4 3"' if dash else ""
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}" stroke-width="{width}"{more}/>'


def _text(x: float, y: float, text: str, *, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _png(grey: NDArray[np.uint8]) -> bytes:
    """Encode a grey image (H, W) uint8."""
    height, width = grey.shape
    rows = np.concatenate([np.zeros((height, 1), dtype=np.uint8), grey], axis=1).tobytes()

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
