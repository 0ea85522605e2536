"""What ``signdiff doctor`` finds out."""

from __future__ import annotations

import platform
import re
from importlib import metadata
from typing import Any, Final

from signdiff_core.plugins import pip_line

_CORE: Final = "signdiff-core"

_BRINGS: Final = {
    "signdiff-core[diffusion]": "the renderer 'diffusion' and SignDiffPipeline",
    "signdiff-core[avatar]": "the renderer 'avatar', a body that performs the pose",
    "signdiff-core[bodies]": "bodies of any shape for the renderer 'avatar', beside those that come with it",
    "signdiff-core[train]": "training of the diffusion renderer on avatar frames",
    "signdiff-core[prepare]": "the engine ray of prepare-frames",
    "signdiff-slp": "the translator 'slp', text to pose",
    "signdiff-slp[prepare]": "keypoints in HDF5 and the engine ray of signdiff-slp prepare",
    "signdiff-frnet": "the annotator 'frnet', which the renderer 'diffusion' uses for its second condition",
    "signdiff-eval": "the metrics and the command signdiff-eval",
    "signdiff-eval[hands]": "MediaPipe, by which signdiff-slp prepare reads videos and signdiff-eval scores hands",
}


def diagnose() -> dict[str, Any]:
    """Look at the installation.

    Returns:
        ``python``, ``platform``, ``device``, ``video`` (texts); ``parts`` (a list with ``name``, ``installed``,
        ``versions``, ``missing``, ``brings``, ``install``); ``broken_plugins`` (reasons); ``ready`` (whether what is
        installed works).
    """
    parts = [_part(_CORE, _requirements(_CORE, "")), *(_part(name, _wanted(name)) for name in _BRINGS)]
    video, encodes = _video()
    broken = _broken_plugins({part["name"] for part in parts if part["installed"]})
    return {
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
        "device": _device(),
        "video": video,
        "parts": parts,
        "broken_plugins": broken,
        "ready": bool(parts[0]["installed"] and encodes and not broken),
    }


def _wanted(part: str) -> list[str]:
    """List what a part asks for by distribution name; of a package that is not there, that package alone."""
    distribution, _, extra = part.rstrip("]").partition("[")
    try:
        return _requirements(distribution, extra) if extra else [distribution]
    except metadata.PackageNotFoundError:
        return [distribution]


def _requirements(distribution: str, extra: str) -> list[str]:
    """List what a distribution asks for, without an extra or for one alone, by distribution name."""
    names = []
    for requirement in metadata.requires(distribution) or ():
        wanted, _, marker = requirement.partition(";")
        of_extra = re.search(r"extra\s*==\s*['\"]([\w-]+)['\"]", marker)
        if (of_extra.group(1) if of_extra else "") != extra:
            continue
        name = re.match(r"[\w.-]+", wanted.strip())
        inner = re.search(r"\[([\w,\s-]+)\]", wanted)
        if name and name.group() == distribution and inner:
            for other in inner.group(1).split(","):
                names += _requirements(distribution, other.strip())
        elif name:
            names.append(name.group())
    return list(dict.fromkeys(names))


def _part(name: str, distributions: list[str]) -> dict[str, Any]:
    versions = {}
    if name == _CORE:
        versions[_CORE] = metadata.version(_CORE)
    missing = []
    for distribution in distributions:
        try:
            versions[distribution] = metadata.version(distribution)
        except metadata.PackageNotFoundError:
            missing.append(distribution)
    return {
        "name": name,
        "installed": not missing,
        "versions": versions,
        "missing": missing,
        "brings": _BRINGS.get(name, "everything"),
        "install": pip_line(name),
    }


def _device() -> str:
    try:
        import torch
    except ImportError:
        return "no device: torch is not installed"
    if torch.cuda.is_available():
        return f"cuda ({torch.cuda.get_device_name()}), torch {torch.__version__}"
    if torch.backends.mps.is_available():
        return f"mps, torch {torch.__version__}"
    return f"cpu ({torch.get_num_threads()} threads), torch {torch.__version__}"


def _video() -> tuple[str, bool]:
    import av

    encodes = "libx264" in av.codecs_available
    return f"PyAV {av.__version__}, {'H.264 encoder there' if encodes else 'but its FFmpeg has no libx264'}", encodes


def _broken_plugins(installed: set[str]) -> list[str]:
    """Give the reasons of plug-ins that do not load although everything that they ask for is installed."""
    from signdiff_core.plugins import try_all

    reasons = []
    for report in try_all():
        if report.error is None:
            continue
        missing = f"signdiff-core[{report.plugin.name}]"
        if report.plugin.distribution == _CORE and missing in _BRINGS and missing not in installed:
            continue
        reasons.append(report.error)
    return reasons
