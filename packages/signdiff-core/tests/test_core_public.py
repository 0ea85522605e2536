"""The package's public names, and what importing it costs."""

import importlib
import subprocess
import sys

import pytest

import signdiff_core

PUBLIC = {
    "signdiff_core": {
        "SignDiffPipeline",
        "__version__",
        "camera",
        "drawing",
        "formats",
        "plugins",
        "skeleton",
        "superimposed",
        "video",
    },
    "signdiff_core.formats": {
        "FormatError",
        "FormatWarning",
        "PoseFileFormat",
        "format_for",
        "is_normalised",
        "iter_skels",
        "names",
        "normalise",
        "normalised",
        "read",
        "visible",
        "write",
        "write_skels",
    },
    "signdiff_core.plugins": {
        "GROUPS",
        "Plugin",
        "PluginError",
        "PluginReport",
        "UnknownPluginError",
        "discover",
        "find",
        "load",
        "try_all",
    },
}


@pytest.mark.parametrize("module", PUBLIC)
def test_no_public_name_disappears(module):
    assert set(importlib.import_module(module).__all__) == PUBLIC[module]


@pytest.mark.parametrize("name", sorted(PUBLIC["signdiff_core"] - {"SignDiffPipeline", "superimposed"}))
def test_light_names_are_there(name):
    assert getattr(signdiff_core, name) is not None


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        signdiff_core.nothing  # noqa: B018


@pytest.mark.parametrize(
    "code", ["import signdiff_core", "import signdiff_core.cli", "from signdiff_core import formats"]
)
def test_import_loads_nothing_heavy(code):
    heavy = "{'torch', 'diffusers', 'transformers', 'warp', 'fairseq2', 'av'}"
    program = f"import sys; {code}; sys.exit(str({heavy} & set(sys.modules)) if {heavy} & set(sys.modules) else 0)"
    subprocess.run([sys.executable, "-c", program], check=True)
