"""How long the packages and their commands take to start, beside the bare interpreter.

    python benchmarks/startup.py [--runs N]

Each row is a process of its own, the best of some warm runs, the start of the interpreter included. The peer is
``python -c pass``: the ratio does not depend on how fast the machine is.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

BARE = (sys.executable, "-c", "pass")
PACKAGES = ("signdiff_frnet", "signdiff_core", "signdiff_slp", "signdiff_eval")
COMMANDS = ("signdiff", "signdiff-frnet", "signdiff-slp", "signdiff-eval")


def seconds(command: tuple[str, ...], runs: int) -> float:
    """Time the best of ``runs`` warm runs."""
    times = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True)
        times.append(time.perf_counter() - start)
    return min(times[1:])


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--runs", type=int, default=5, help="warm runs of each (default: 5)")
    runs = max(1, parser.parse_args().runs)
    rows = {"python -c pass": BARE}
    rows |= {f"import {name}": (sys.executable, "-c", f"import {name}") for name in PACKAGES if find_spec(name)}
    commands = [Path(sys.executable).with_name(name) for name in COMMANDS]
    rows |= {f"{path.name} --help": (str(path), "--help") for path in commands if path.exists()}
    bare = seconds(BARE, runs)
    print(f"{'':28}{'seconds':>9}{'ratio':>8}")
    for name, command in rows.items():
        taken = bare if command is BARE else seconds(command, runs)
        print(f"{name:28}{taken:9.3f}{taken / bare:8.1f}")


if __name__ == "__main__":
    main()
