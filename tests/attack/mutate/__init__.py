"""Ways to damage a file, chosen by what it holds; each takes a random source and the content, and returns another."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from attack.mutate import binary, checksums, json_files, names, numpy_files, safetensors_files, text, zips

Mutator = Callable[[Random, bytes], bytes]

_OF = {
    ".json": (json_files.ALL, json_files.ALL, text.ALL),
    ".jsonl": (json_files.LINES, text.ALL),
    ".npz": (zips.ALL, zips.ALL, binary.ALL),
    ".pt": (zips.ALL, zips.ALL, binary.ALL),
    ".ckpt": (zips.ALL, zips.ALL, binary.ALL),
    ".bin": (zips.ALL, zips.ALL, binary.ALL),
    ".npy": (numpy_files.ALL, numpy_files.ALL, binary.ALL),
    ".safetensors": (safetensors_files.ALL, safetensors_files.ALL, binary.ALL),
    ".png": (checksums.PNG, binary.ALL),
}
_TEXTS = (".skels", ".files", ".text", ".gloss", ".txt", ".tsv", ".csv", ".yaml", ".yml", ".vtt", ".srt")


def mutators_for(name: str) -> list[Mutator]:
    """List what fits a file by its suffix; a family that stands twice comes twice as often."""
    suffix = name[name.rfind(".") :].lower()
    families = (text.ALL, names.ALL, text.ALL) if suffix in _TEXTS else _OF.get(suffix, (binary.ALL,))
    return [mutator for family in families for mutator in family]
