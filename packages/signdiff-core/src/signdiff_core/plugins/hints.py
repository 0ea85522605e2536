"""How to get what is missing: the commands that install SignDiff's own parts."""

from __future__ import annotations

from typing import Final

_BROUGHT_BY: Final = {
    "accelerate": "signdiff-core[diffusion]",
    "anny": "signdiff-core[bodies]",
    "diffusers": "signdiff-core[diffusion]",
    "fairseq2": "signdiff-slp",
    "frnet": "signdiff-frnet",
    "signdiff_frnet": "signdiff-frnet",
    "signdiff_slp": "signdiff-slp",
    "slp": "signdiff-slp",
    "torch": "signdiff-core[diffusion]",
    "transformers": "signdiff-core[diffusion]",
    "warp": "signdiff-core[avatar]",
}


def pip_line(requirement: str) -> str:
    """Write the command that installs a requirement.

    Example:
        >>> pip_line("signdiff-core[avatar]")
        'python -m pip install "signdiff-core[avatar]"'
    """
    return f'python -m pip install "{requirement}"' if "[" in requirement else f"python -m pip install {requirement}"


def how_to_get(name: str) -> str:
    """Say how to install a module or a plug-in that SignDiff knows.

    Args:
        name: a plug-in's name, or a module's name, dotted or not.

    Returns:
        A sentence that starts with a space, or an empty text if the name is not known.

    Example:
        >>> how_to_get("warp")
        ' To get it: python -m pip install "signdiff-core[avatar]"'
    """
    requirement = _BROUGHT_BY.get(name.split(".")[0])
    return f" To get it: {pip_line(requirement)}" if requirement else ""
