"""``signdiff plugins`` and ``signdiff doctor``: what is installed, what is missing, and what that would bring."""

from __future__ import annotations

import json
import platform
import re
from importlib import metadata
from typing import TYPE_CHECKING, Any, Final

import click

from signdiff_core.cli.options import debug_option

if TYPE_CHECKING:  # which looks for entry points: --help does without it
    from signdiff_core.plugins import PluginReport

_CORE: Final = "signdiff-core"

_HEADLESS: Final = "opencv-python-headless"

_BUILDS: Final = (_HEADLESS, "opencv-python", "opencv-contrib-python", "opencv-contrib-python-headless")
"""Distributions that bring a module ``cv2``, each into the same place."""

_BRINGS: Final = {
    "signdiff-core[diffusion]": "the renderer 'diffusion' and SignDiffPipeline",
    "signdiff-core[avatar]": "the renderer 'avatar', a body that performs the pose",
    "signdiff-core[bodies]": "bodies of any shape for the renderer 'avatar', beside those that come with it",
    "signdiff-core[train]": "training of the diffusion renderer on avatar frames",
    "signdiff-core[mediapipe]": "MediaPipe, by which signdiff estimate, signdiff render and signdiff-slp prepare read "
    "videos, and signdiff-eval scores hands",
    "signdiff-core[prepare]": "the engine ray of prepare-frames",
    "signdiff-slp": "the translator 'slp', text to pose",
    "signdiff-slp[prepare]": "keypoints in HDF5 and the engine ray of signdiff-slp prepare",
    "signdiff-slp[corpora]": "signdiff-slp corpus fingerspelling, languages and depth",
    "signdiff-slp[plot]": "the pictures of signdiff-slp curves",
    "signdiff-frnet": "the annotator 'frnet', which the renderer 'diffusion' uses for its second condition",
    "signdiff-frnet[torch]": "FR maps of tensors, signdiff_frnet.torch_ops",
    "signdiff-frnet[train]": "training of the annotator 'frnet-predictor'",
    "signdiff-eval": "the metrics and the command signdiff-eval",
    "signdiff-eval[hands]": "the scores of hands that signdiff-eval finds by itself",
    "signdiff-eval[fid]": "the metric FID by pytorch-fid's network",
    "signdiff-eval[slrtp]": "files of the SLRTP challenge",
    "signdiff-eval[torchmetrics]": "the metrics as torchmetrics'",
    "signdiff-eval[backtranslation]": "scores by back translation",
    "signdiff-eval[train]": "training of back translators",
}


@click.command(short_help="List the plug-ins and whether they load.")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@debug_option
def plugins(as_json: bool) -> None:
    """List the plug-ins with version, origin and load time; one that cannot be loaded says why."""
    from signdiff_core.plugins import try_all

    reports = list(try_all())
    if as_json:
        entries = [
            {
                "group": report.plugin.group,
                "name": report.plugin.name,
                "distribution": report.plugin.distribution,
                "version": report.plugin.version,
                "load_seconds": round(report.load_seconds, 4),
                "error": report.error,
            }
            for report in reports
        ]
        click.echo(json.dumps(entries, indent=2))
        return
    widths = [max([len(row) for row in column] + [4]) for column in zip(*(_cells(r) for r in reports), strict=True)]
    for report in reports:
        cells = "  ".join(cell.ljust(width) for cell, width in zip(_cells(report), widths, strict=True))
        click.echo(f"{cells}  {report.load_seconds:7.3f} s" if report.error is None else f"{cells}  does not load")
    for report in reports:
        if report.error is not None:
            click.echo(f"! {report.error}")


def _cells(report: PluginReport) -> tuple[str, str, str]:
    plugin = report.plugin
    return plugin.kind, plugin.name, f"{plugin.distribution} {plugin.version}"


@click.command(short_help="Say what is installed and what is missing.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@debug_option
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> None:
    """Say which parts are installed, on what device models run, and how to get what is missing."""
    findings = diagnose()
    if as_json:
        click.echo(json.dumps(findings, indent=2))
    else:
        click.echo("\n".join(_lines(findings)))
    if not findings["ready"]:
        context.exit(1)


def _lines(findings: dict[str, Any]) -> list[str]:
    lines = [f"Python {findings['python']} on {findings['platform']}", f"Models run on: {findings['device']}"]
    lines.append(f"Video: {findings['video']}")
    lines += ["", "Parts:"]
    for part in findings["parts"]:
        if part["installed"]:
            versions = ", ".join(f"{name} {version}" for name, version in part["versions"].items())
            lines.append(f"  + {part['name']}: {versions}")
        else:
            missing = f" (missing: {', '.join(part['missing'])})" if part["missing"] != [part["name"]] else ""
            lines.append(f"  - {part['name']}{missing}: would bring {part['brings']}")
            lines.append(f"      {part['install']}")
    if len(findings["opencv"]) > 1:
        builds = ", ".join(findings["opencv"])
        lines += ["", f"Builds of OpenCV that overwrite each other: {builds}. Keep the headless one:"]
        others = [name for name in findings["opencv"] if name != _HEADLESS]
        lines.append(
            f"  python -m pip uninstall {' '.join(others)} && python -m pip install --force-reinstall {_HEADLESS}"
        )
    if findings["broken_plugins"]:
        lines += ["", "Plug-ins that do not load:", *(f"  ! {reason}" for reason in findings["broken_plugins"])]
    if not findings["ready"]:
        verdict = "This installation is broken: see above."
    elif all(part["installed"] for part in findings["parts"]):
        verdict = "This installation is ready."
    else:
        verdict = "This installation is ready, but for what the parts marked - would bring."
    return [*lines, "", verdict]


def diagnose() -> dict[str, Any]:
    """Look at the installation.

    Gives ``python``, ``platform``, ``device``, ``video`` (texts), ``parts`` (a list with ``name``, ``installed``,
    ``versions``, ``missing``, ``brings``, ``install``), ``opencv`` (the builds that are there, of which there should be
    one), ``broken_plugins`` (reasons), and ``ready`` (whether what is installed works).
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
        "opencv": [name for name in _BUILDS if _is_installed(name)],
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
    from signdiff_core.plugins import ALONE, pip_line

    versions = {}
    if name == _CORE:
        versions[_CORE] = metadata.version(_CORE)
    missing = []
    alone, _, release = ALONE.get(name, "").partition("==")
    for distribution in [*distributions, *([alone] if alone else [])]:
        try:
            versions[distribution] = metadata.version(distribution)
        except metadata.PackageNotFoundError:
            missing.append(distribution)
    if alone in versions and versions[alone] != release:
        missing.append(f"{alone} {release}, in place of {versions[alone]}")
    return {
        "name": name,
        "installed": not missing,
        "versions": versions,
        "missing": missing,
        "brings": _BRINGS.get(name, "everything"),
        "install": pip_line(name),
    }


def _is_installed(distribution: str) -> bool:
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True


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
