"""Inputs by their number: the same seed, case and number are always the same input."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from attack.case import tree_of
from attack.mutate import mutators_for

if TYPE_CHECKING:
    from attack.case import Case, Tree

LARGEST_SEED = 1 << 20
"""Largest real file that is a seed, in bytes."""

LARGEST_INPUT = 1 << 23
"""Mutators that make more of a file are passed over."""


def sound_inputs(case: Case) -> list[Tree]:
    """Make a case's seeds."""
    trees = []
    for seed in case.seeds:
        with tempfile.TemporaryDirectory() as folder:
            seed(Path(folder))
            trees.append(tree_of(Path(folder)))
    root = os.environ.get("SIGNDIFF_REALDATA")
    for pattern, name in case.real if root else ():
        files = [path for path in sorted(Path(str(root)).glob(pattern)) if path.stat().st_size <= LARGEST_SEED]
        trees += [{name: path.read_bytes()} for path in files[:4]]
    return trees


def damaged(case: Case, sound: list[Tree], seed: int, number: int) -> tuple[Tree, str]:
    """Make an input.

    Args:
        case: the case.
        sound: its seeds.
        seed: of the campaign.
        number: of the input.

    Returns:
        The input, and what was done to which file.
    """
    random = Random(f"{seed} {case.name} {number}")
    which = random.randrange(len(sound))
    tree = dict(sound[which])
    aims = [name for name in tree if not case.aimed or any(part in name for part in case.aimed)]
    done = []
    name = random.choice(aims)
    for _ in range(random.choices((1, 2, 3), (6, 3, 1))[0]):
        name = name if random.random() < 0.8 else random.choice(aims)
        mutator = random.choice(mutators_for(name))
        content = mutator(random, tree[name])
        if len(content) <= LARGEST_INPUT:
            tree[name] = content
            done.append(f"{mutator.__module__.rpartition('.')[2]}.{mutator.__name__} of {name}")
    if random.random() < 0.03 and len(tree) > 1:
        done.append(f"without {name}")
        del tree[name]
    if case.reseal is not None and random.random() < 0.5:
        tree = case.reseal(tree)
        done.append("resealed")
    return tree, f"seed {which}: " + ", ".join(done)
