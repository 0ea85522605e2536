"""The names that the documentation promises; a name may be added, but none may disappear."""

import inspect
from importlib import import_module

import pytest

PROMISED = {
    "signdiff_frnet": {"FRNetDetector", "FRNetParameters", "FRNetPredictor", "frnet", "register"},
    "signdiff_core": {"SignDiffPipeline", "formats", "plugins", "superimposed"},
    "signdiff_slp": {"TextToPose"},
    "signdiff_eval": {"functional", "metrics"},
}


@pytest.mark.parametrize("package", PROMISED)
def test_promised_names_are_public(package):
    module = import_module(package)
    assert set(module.__all__) >= PROMISED[package]
    assert len(module.__all__) == len(set(module.__all__))
    for name in module.__all__:
        assert getattr(module, name) is not None


@pytest.mark.parametrize("package", PROMISED)
def test_an_unknown_name_is_an_attribute_error(package):
    with pytest.raises(AttributeError, match="nothing_of_this_name"):
        _ = import_module(package).nothing_of_this_name


@pytest.mark.parametrize(
    ("function", "names"),
    [
        ("signdiff_core.formats:read", ["path"]),
        ("signdiff_core.formats:write", ["pose", "path"]),
        ("signdiff_slp:TextToPose.from_pretrained", ["name_or_dir"]),
        ("signdiff_eval.functional:dtw", ["variant"]),
        (
            "signdiff_frnet:FRNetDetector.__call__",
            ["input_image", "detect_resolution", "image_resolution", "output_type"],
        ),
    ],
)
def test_promised_arguments(function, names):
    module, path = function.split(":")
    found = import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    assert [name for name in names if name not in inspect.signature(found).parameters] == []
