"""The examples in the docstrings of the training and diffusion modules."""

import doctest
import importlib

import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")

MODULES = ("arguments", "bpe", "checkpoints", "regions", "sampling", "vae_loss")


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    result = doctest.testmod(importlib.import_module(f"signdiff_core.training.{name}"))
    assert result.failed == 0
    assert result.attempted > 0
