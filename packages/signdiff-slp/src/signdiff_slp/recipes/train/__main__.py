"""``python -m signdiff_slp.recipes.train``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from signdiff_slp.recipes.command import run_command

if TYPE_CHECKING:
    from fairseq2.recipe import Recipe


def _load_recipe() -> Recipe:
    from signdiff_slp.recipes.train.recipe import TextToPoseTrainRecipe

    return TextToPoseTrainRecipe()


def main() -> None:
    """Run the command."""
    run_command(
        "python -m signdiff_slp.recipes.train",
        "Train a text-to-pose model on a corpus of texts and poses.",
        _load_recipe,
        resumes=True,
    )


if __name__ == "__main__":
    main()
