"""Sequences of ``.skels``, each as a pose: a corpus's by the letter, a system's as far as they can be understood."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from signdiff_core.formats.errors import FormatError, FormatWarning
from signdiff_core.formats.normalise import normalise
from signdiff_core.formats.skels_evidence import Evidence
from signdiff_core.formats.skels_lines import parse
from signdiff_core.formats.skels_variant import COUNTERS, decode, detect
from signdiff_core.skeleton import make_pose

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pose_format import Pose

    from signdiff_core.formats.skels_variant import Variant


@dataclass(kw_only=True)
class Reading:
    """Reads the sequences of a file, and remembers what is off in them.

    Args:
        path: the file.
        variant: the convention that it must follow; found out for each line if not given.
        fps: frames per second.
        corpus: whether what is off is an error, as in what a model learns from.
        ignore_counter: whether the counter may be anything.
        normalise: whether neck and shoulders are put right, and may be anywhere before.
    """

    path: Path
    variant: Variant | None
    fps: float
    corpus: bool = False
    ignore_counter: bool = False
    normalise: bool = False
    _read: int = 0
    _doubts: dict[str, list[str]] = field(default_factory=dict)

    def pose(self, place: str, line: bytes) -> Pose:
        """Read a line.

        Raises:
            FormatError: it is broken, of another variant, or, in a corpus, off.
        """
        frames, tolerance = parse(self.path, place, line)
        evidence = Evidence(frames, tolerance)
        variant = detect(evidence, self.path, place, variant=self.variant)
        for kind, fault, remedy in self._faults(evidence, variant):
            if self.corpus:
                raise FormatError(self.path, f"expected a sequence of a corpus, but {fault}: {remedy}.", place=place)
            self._doubts.setdefault(kind, []).append(f"{place}: {fault}")
        joints, confidence = decode(frames[:, :-1], variant, self.path, place)
        if self.normalise:
            try:
                joints = normalise(joints, confidence).astype(np.float32)
            except ValueError as error:
                raise FormatError(self.path, str(error), place=place) from error
        self._read += 1
        return make_pose(joints, self.fps, confidence=confidence)

    def tell(self, *, stacklevel: int = 2) -> None:
        """Warn of what was off in what was read."""
        for kind, found in self._doubts.items():
            message = f"{self.path}: {kind} of {len(found)} of {self._read} sequences is off, first in {found[0]}."
            warnings.warn(message, FormatWarning, stacklevel=stacklevel + 1)
        self._doubts.clear()

    def _faults(self, evidence: Evidence, variant: Variant) -> Iterator[tuple[str, str, str]]:
        if not self.ignore_counter and (fault := evidence.counter_fault(COUNTERS[variant])):
            yield "the counter", fault, "ignore_counter (--ignore-counter) takes it as it is"
        if variant != "pt" or self.normalise:
            return
        remedy = "normalise (--normalise) sets it right"
        # What a system puts out has its neck nearly at the origin; what it learned from, quite.
        if self.corpus and (fault := evidence.neck_fault()):
            yield "the neck", f"{fault}, not at the origin", remedy
        if fault := evidence.scale_fault():
            yield "the scale", fault, remedy
