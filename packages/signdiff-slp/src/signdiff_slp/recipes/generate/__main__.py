"""``python -m signdiff_slp.recipes.generate``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from signdiff_slp.recipes.command import run_command

if TYPE_CHECKING:
    from fairseq2.recipe import Recipe


def _load_recipe() -> Recipe:
    from signdiff_slp.recipes.generate.recipe import TextToPoseGenerateRecipe

    return TextToPoseGenerateRecipe()


def main() -> None:
    """Run the command."""
    run_command(
        "python -m signdiff_slp.recipes.generate",
        "Sign the texts of a corpus with a trained model, one .pose file for each.",
        _load_recipe,
    )


if __name__ == "__main__":
    main()
