"""Signers and their captions."""

import itertools

import numpy as np
import pytest

from signdiff_core.avatar import Signer, body_names
from signdiff_core.avatar.signer import BACKGROUNDS, HAIR_COLOURS, HAIR_STYLES, LIGHTS, SHIRTS, SKINS, SLEEVES


def test_there_is_variety():
    counts = [len(c) for c in (SKINS, HAIR_COLOURS, HAIR_STYLES, SHIRTS, SLEEVES, BACKGROUNDS, LIGHTS)]
    assert counts >= [6, 5, 3, 8, 2, 6, 3]


def test_every_attribute_changes_the_caption():
    prompts = [
        Signer(body=body, skin=skin, hair=hair, hair_style=style, shirt=shirt, sleeves=sleeves).prompt
        for body, skin, hair, style, shirt, sleeves in itertools.product(
            body_names(), SKINS, HAIR_COLOURS, HAIR_STYLES, SHIRTS, SLEEVES
        )
    ] + [
        Signer(background=background, light=light).prompt
        for background, light in itertools.product(BACKGROUNDS, LIGHTS)
        if (background, light) != ("grey", "front")
    ]
    assert len(set(prompts)) == len(prompts)


def test_captions_are_short_enough_for_clip():
    longest = max((Signer.sample(np.random.default_rng(n)).prompt for n in range(300)), key=len)
    assert len(longest.replace(",", " ,").split()) < 40


def test_sampling_is_deterministic_and_varied():
    drawn = [Signer.sample(np.random.default_rng(n)) for n in range(50)]
    assert drawn == [Signer.sample(np.random.default_rng(n)) for n in range(50)]
    assert len(set(drawn)) == 50
    assert {signer.skin for signer in drawn} == set(SKINS)


def test_the_neutral_signer_has_the_neutral_body():
    assert Signer.neutral().avatar().name == body_names()[0]


@pytest.mark.parametrize("name", ["body", "skin", "hair", "hair_style", "shirt", "sleeves", "background", "light"])
def test_unknown_attributes_are_refused(name):
    with pytest.raises(ValueError, match=rf"^{name} must be one of .*, but is 'plaid'\.$"):
        Signer(**{name: "plaid"})
