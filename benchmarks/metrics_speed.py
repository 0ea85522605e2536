"""How fast the metrics are, each against a named peer in the same process: one table of ratios.

    python benchmarks/metrics_speed.py [--rounds 5] [--json]

Ratios are the peer's time over ours; the last column is how far the two results are apart. `dtw.py` and `ssim.py`
tell more of each, and take sizes.
"""

from __future__ import annotations

import argparse
import json

import dtw
import ssim


def measure(rounds: int) -> list[dict[str, object]]:
    """Time every metric beside its peers."""
    ways = {row.name: row for row in dtw.measure(dtw.walks(200), loop_pairs=4, rounds=rounds)}
    frames = ssim.measure(ssim.noise(8, 720, 1280), rounds=rounds)
    loop, compiled = ways["plain Python loop"], ways["dtaidistance, C, distance alone"]
    ours, ours_euclidean = ways["signdiff-eval, pair by pair"], ways["signdiff-eval, pair by pair, with path"]
    batch = ways["signdiff-eval, batch"]
    return [
        _row("DTW, L1, 200 pairs", loop.name, loop.seconds, ours.seconds, loop.difference),
        _row("DTW, L1, 200 pairs, batch", loop.name, loop.seconds, batch.seconds, batch.difference),
        _row("DTW, L2, 200 pairs", compiled.name, compiled.seconds, ours_euclidean.seconds, compiled.difference),
        _row("SSIM, 8 frames 1280x720", ssim.PEER, frames.seconds[ssim.PEER], frames.seconds[ssim.OURS], frames.apart),
    ]


def _row(what: str, peer: str, theirs: float, ours: float, difference: float) -> dict[str, object]:
    return {
        "what": what,
        "peer": peer,
        "peer_seconds": theirs,
        "seconds": ours,
        "ratio": theirs / ours,
        "difference": difference,
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = measure(options.rounds)
    if options.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"{'what':28}{'peer':34}{'peer s':>9}{'ours s':>9}{'ratio':>9}{'difference':>12}")
    for row in rows:
        print(
            f"{row['what']:28}{row['peer']:34}{row['peer_seconds']:9.3f}{row['seconds']:9.3f}"
            f"{row['ratio']:8.1f}x{row['difference']:12.0e}"
        )


if __name__ == "__main__":
    main()
