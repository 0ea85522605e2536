"""What starts at once: the packages and their commands, without torch. Timings are in ``benchmarks/startup.py``."""

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"torch", "diffusers", "transformers", "fairseq2", "accelerate", "warp", "anny", "skimage", "scipy"}
BIN = Path(sys.executable).parent


def modules_of(command):
    """Names of all modules that a command imports, by Python's own report."""
    done = subprocess.run([sys.executable, "-X", "importtime", *command], capture_output=True, text=True, check=True)
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rsplit("|", 1)[1].strip().split(".")[0] for line in lines[1:]}


@pytest.mark.parametrize("package", ["signdiff_frnet", "signdiff_core", "signdiff_slp", "signdiff_eval"])
def test_importing_a_package_loads_nothing_heavy(package):
    assert not HEAVY & modules_of(["-c", f"import {package}"])


@pytest.mark.parametrize("command", ["signdiff", "signdiff-frnet", "signdiff-slp", "signdiff-eval"])
def test_help_loads_nothing_heavy(command):
    assert not HEAVY & modules_of([str(BIN / command), "--help"])
