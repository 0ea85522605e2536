"""``python -m signdiff_slp.recipes.evaluate``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from signdiff_slp.recipes.command import run_command

if TYPE_CHECKING:
    from fairseq2.recipe import Recipe


def _load_recipe() -> Recipe:
    from signdiff_slp.recipes.evaluate.recipe import TextToPoseEvaluateRecipe

    return TextToPoseEvaluateRecipe()


def main() -> None:
    """Run the command."""
    run_command(
        "python -m signdiff_slp.recipes.evaluate",
        "Sign held-out texts freely and score the result against the reference.",
        _load_recipe,
    )


if __name__ == "__main__":
    main()
