"""A signer: everything about the picture that is not the pose, and the caption that names it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from signdiff_core.avatar.body import AvatarBody, body_names

Colour = tuple[float, float, float]

SKINS: Final[Mapping[str, Colour]] = {
    "fair": (0.92, 0.74, 0.65),
    "light": (0.85, 0.64, 0.52),
    "tan": (0.78, 0.56, 0.42),
    "olive": (0.69, 0.52, 0.37),
    "brown": (0.50, 0.33, 0.23),
    "dark": (0.33, 0.21, 0.15),
}
"""Skin tones, as RGB in full light."""

HAIR_COLOURS: Final[Mapping[str, Colour]] = {
    "black": (0.06, 0.05, 0.05),
    "brown": (0.24, 0.14, 0.08),
    "blond": (0.72, 0.55, 0.30),
    "red": (0.50, 0.20, 0.09),
    "grey": (0.55, 0.55, 0.56),
}
"""Hair colours."""

HAIR_STYLES: Final = ("short", "cropped", "bun")
"""Hair styles."""

SHIRTS: Final[Mapping[str, Colour]] = {
    "red": (0.70, 0.12, 0.13),
    "orange": (0.86, 0.45, 0.10),
    "green": (0.13, 0.42, 0.22),
    "teal": (0.08, 0.46, 0.48),
    "blue": (0.14, 0.27, 0.60),
    "purple": (0.38, 0.20, 0.50),
    "white": (0.92, 0.92, 0.90),
    "black": (0.10, 0.10, 0.12),
}
"""Shirt colours."""

SLEEVES: Final = ("short", "long")
"""Sleeves."""

BACKGROUNDS: Final[Mapping[str, Colour]] = {
    "grey": (0.66, 0.67, 0.69),
    "white": (0.95, 0.95, 0.95),
    "blue": (0.55, 0.68, 0.83),
    "green": (0.60, 0.74, 0.62),
    "beige": (0.86, 0.79, 0.67),
    "dark": (0.20, 0.22, 0.26),
    "pink": (0.88, 0.71, 0.72),
}
"""Background colours."""

LIGHTS: Final[Mapping[str, Colour]] = {
    "left": (-0.62, -0.52, -0.59),
    "front": (-0.10, -0.50, -0.86),
    "right": (0.62, -0.52, -0.59),
}
"""Where the light comes from, as the viewer sees it: unit vectors towards it."""


@dataclass(frozen=True, kw_only=True)
class Signer:
    """What a signer looks like.

    Args:
        body: a name out of `body_names()`.
        skin: a name out of `SKINS`.
        hair: a name out of `HAIR_COLOURS`.
        hair_style: a name out of `HAIR_STYLES`.
        shirt: a name out of `SHIRTS`.
        sleeves: "short" or "long".
        background: a name out of `BACKGROUNDS`.
        light: "left", "front" or "right", as the viewer sees it.

    Raises:
        ValueError: a name is none of those.

    Example:
        >>> for part in Signer(body="old man", skin="fair", hair="grey", shirt="red").prompt.split(", "):
        ...     print(part)
        an old man with fair skin
        short grey hair and a red long-sleeved shirt
        grey background
        light from the front
    """

    body: str = "person"
    skin: str = "tan"
    hair: str = "brown"
    hair_style: str = "short"
    shirt: str = "blue"
    sleeves: str = "long"
    background: str = "grey"
    light: str = "front"

    def __post_init__(self) -> None:
        for name, choices in _choices().items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} must be one of {', '.join(choices)}, but is {getattr(self, name)!r}.")

    @staticmethod
    def neutral() -> Signer:
        """Give the signer whose FR map stands in for the true one: the neutral body with all defaults."""
        return Signer()

    @staticmethod
    def sample(rng: np.random.Generator) -> Signer:
        """Draw a signer, every attribute independently and evenly."""
        return Signer(**{name: choices[int(rng.integers(len(choices)))] for name, choices in _choices().items()})

    @property
    def prompt(self) -> str:
        """The caption: it names every attribute, always in the same words and order."""
        article = "an" if self.body[0] in "aeiou" else "a"
        shirt_article = "an" if self.shirt[0] in "aeiou" else "a"
        return (
            f"{article} {self.body} with {self.skin} skin, {self._hair} and "
            f"{shirt_article} {self.shirt} {self.sleeves}-sleeved shirt, "
            f"{self.background} background, light from the {self.light}"
        )

    @property
    def _hair(self) -> str:
        return f"{self.hair} hair in a bun" if self.hair_style == "bun" else f"{self.hair_style} {self.hair} hair"

    def avatar(self) -> AvatarBody:
        """Take the signer's body out of the bundled cast."""
        return AvatarBody.named(self.body)


def _choices() -> dict[str, tuple[str, ...]]:
    palettes = (body_names(), SKINS, HAIR_COLOURS, HAIR_STYLES, SHIRTS, SLEEVES, BACKGROUNDS, LIGHTS)
    names = (field.name for field in fields(Signer))
    return {name: tuple(palette) for name, palette in zip(names, palettes, strict=True)}
