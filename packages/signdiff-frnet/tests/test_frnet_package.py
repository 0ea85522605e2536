import subprocess
import sys
from importlib.metadata import entry_points, version

import pytest

import signdiff_frnet

PUBLIC = {
    "FRNetDetector",
    "FRNetParameters",
    "FRNetPredictor",
    "InvalidImageError",
    "__version__",
    "annotate_batch",
    "frnet",
    "register",
}
HEAVY = {"torch", "torchvision", "diffusers", "transformers", "controlnet_aux", "signdiff_core", "signdiff_slp"}


def test_public_names():
    assert set(signdiff_frnet.__all__) == PUBLIC
    assert set(dir(signdiff_frnet)) == PUBLIC
    assert all(getattr(signdiff_frnet, name) for name in PUBLIC)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = signdiff_frnet.nothing


def test_version_is_that_of_the_distribution():
    assert signdiff_frnet.__version__ == version("signdiff-frnet")


def test_is_plugged_in_as_an_annotator():
    (found,) = entry_points(group="signdiff.annotators", name="frnet")
    assert found.load() is signdiff_frnet.FRNetDetector


def test_using_it_loads_nothing_heavy():
    code = (
        "import sys, signdiff_frnet; assert 'numpy' not in sys.modules;"
        "import numpy as np; signdiff_frnet.FRNetDetector()(np.zeros((64, 64, 3), np.uint8)); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())
