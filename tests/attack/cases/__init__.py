"""The readers under attack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attack.cases import adapters, corpora, detections, evaluation, frame_sets, models, poses, runs, tokenizers, videos

if TYPE_CHECKING:
    from attack.case import Case

CASES: tuple[Case, ...] = (
    *(*poses.CASES, *detections.CASES, *corpora.CASES, *evaluation.CASES, *videos.CASES),
    *(*frame_sets.CASES, *tokenizers.CASES, *models.CASES, *adapters.CASES, *runs.CASES),
)


def find(name: str) -> Case:
    """Find a case by its name.

    Raises:
        ValueError: there is none.
    """
    for case in CASES:
        if case.name == name:
            return case
    raise ValueError(f"--case must be one of {', '.join(case.name for case in CASES)}, but is {name!r}.")
