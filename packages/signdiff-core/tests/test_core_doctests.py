"""The examples in the docstrings of the modules that load nothing heavy."""

import doctest
import importlib
import pkgutil

import pytest

import signdiff_core

HEAVY = ("signdiff_core.avatar", "signdiff_core.diffusion", "signdiff_core.training")


def light_modules():
    for package in ("signdiff_core", "signdiff_core.cli", "signdiff_core.formats", "signdiff_core.plugins"):
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
            if not module.name.startswith(HEAVY) and not module.name.endswith("__main__"):
                yield module.name


@pytest.mark.parametrize("name", sorted(light_modules()))
def test_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples():
    assert signdiff_core.__path__
    found = [test for name in light_modules() for test in doctest.DocTestFinder().find(importlib.import_module(name))]
    assert sum(bool(test.examples) for test in found) >= 10
