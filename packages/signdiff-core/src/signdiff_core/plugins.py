"""Parts that anyone can add, found by their entry points: `GROUPS` says which kinds there are.

The built-in parts are registered in the same way as a stranger's. Nothing is imported before it is asked for.
"""

from __future__ import annotations

import configparser
import re
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import entrypoints

__all__ = [
    "GROUPS",
    "Plugin",
    "PluginError",
    "PluginReport",
    "UnknownPluginError",
    "discover",
    "find",
    "load",
    "try_all",
]

GROUPS: Final = (
    "signdiff.translators",
    "signdiff.annotators",
    "signdiff.estimators",
    "signdiff.renderers",
    "signdiff.pose_formats",
    "signdiff.skeletons",
    "signdiff.metrics",
)
"""The entry point groups that SignDiff reads."""

_WANTED: Final = {
    "signdiff.translators": ("class", ("from_pretrained",)),
    "signdiff.estimators": ("class", ("header", "estimate")),
    "signdiff.renderers": ("class", ("render",)),
    "signdiff.pose_formats": ("class", ("matches", "read")),
    "signdiff.skeletons": ("Skeleton", ("header", "fits")),
    "signdiff.metrics": ("class", ("update", "compute")),
}
"""What the plug-ins of a group must be and have: an object of another kind is refused before it is called. Formats may
only read."""

_BROUGHT_BY: Final = {
    "accelerate": "signdiff-core[diffusion]",
    "anny": "signdiff-core[bodies]",
    "diffusers": "signdiff-core[diffusion]",
    "fairseq2": "signdiff-slp",
    "frnet": "signdiff-frnet",
    "mediapipe": "signdiff-core[mediapipe]",
    "signdiff_frnet": "signdiff-frnet",
    "signdiff_slp": "signdiff-slp",
    "slp": "signdiff-slp",
    "torch": "signdiff-core[diffusion]",
    "transformers": "signdiff-core[diffusion]",
    "warp": "signdiff-core[avatar]",
}

MEDIAPIPE: Final = "mediapipe==0.10.14"
"""The one release whose wheels bring their models and that goes with NumPy 2."""

ALONE: Final = {"signdiff-core[mediapipe]": MEDIAPIPE}
"""What is installed without what it asks for, once the extra has brought what it needs: MediaPipe asks for a build of
OpenCV that overwrites the headless one, and for jax, which it does not use; and no metadata can drop a dependency."""


class PluginError(RuntimeError):
    """A plug-in is registered, but cannot be loaded or used; the message says why."""


class UnknownPluginError(LookupError):
    """No plug-in of this name is registered; the message lists those that are."""


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """One registered plug-in, not loaded yet."""

    group: str
    """Entry point group, one of `GROUPS`."""

    name: str
    """Name within the group."""

    target: str
    """What the entry point refers to, as ``module:object``."""

    distribution: str
    """Distribution that registers it, by its normalised name; empty if it is not known."""

    version: str
    """Version of that distribution; empty if it is not known."""

    @property
    def kind(self) -> str:
        """The group in a word, in the singular: ``"renderer"``."""
        return _kind(self.group)

    def load(self) -> Any:
        """Import what the entry point refers to.

        Raises:
            PluginError: it cannot be imported, or is not what its group asks for; the message names the plug-in, its
                origin and the reason.
        """
        try:
            entry_point = entrypoints.EntryPoint.from_string(self.target, self.name)
        except entrypoints.BadEntryPoint as error:
            raise PluginError(f"{self._title()} is registered as {self.target!r}, expected module:object.") from error
        here = str(Path.cwd())
        if not self.distribution and here not in sys.path:  # a command's path begins with its own folder
            sys.path.append(here)
        try:
            found = entry_point.load()
        # A stranger's module may raise anything at all while it is imported, even end the process.
        except (Exception, SystemExit) as error:
            # A dotted name is a part missing from a package that is there: installing it again would not help.
            missing = error.name if isinstance(error, ModuleNotFoundError) and "." not in (error.name or ".") else None
            hint = _how_to_get(missing) if missing else ""
            raise PluginError(f"{self.failure('cannot be loaded', error)}{hint}") from error
        what, methods = _WANTED.get(self.group, ("", ()))
        if not all(callable(getattr(found, name, None)) for name in methods):
            what += f" with {' and '.join(f'{name}()' for name in methods)}"
            raise PluginError(f"{self._title()} must be a {what}, but {self.target} is a {type(found).__name__}.")
        return found

    def make(self) -> Any:
        """Import a pose format's class and call it, without arguments.

        Raises:
            PluginError: as for `load`, or the class cannot be called so, or gives something else than a format.
        """
        kind = self.load()
        try:
            made = kind()
            _ = made.name, [suffix.lower() for suffix in made.suffixes]
        except Exception as error:  # a stranger's class may raise anything at all
            raise PluginError(self.failure("cannot be used", error)) from error
        return made

    def failure(self, what: str, error: BaseException) -> str:
        """Say in one line what a plug-in did not do, such as "cannot be loaded", and why."""
        return f"{self._title()} {what}: " + " ".join(f"{type(error).__name__}: {error}".split())

    def _title(self) -> str:
        origin = " ".join(filter(None, (self.distribution, self.version)))
        return f"the {self.kind} {self.name!r}" + (f" of {origin}" if origin else "")


def discover(group: str) -> list[Plugin]:
    """List the plug-ins of a group without importing any.

    Args:
        group: one of `GROUPS`.

    Returns:
        The plug-ins by name; of several with one name, the one that Python's path finds first comes first.

    Raises:
        ValueError: there is no such group.
        PluginError: an ``entry_points.txt`` cannot be read.

    Example:
        >>> [plugin.name for plugin in discover("signdiff.renderers") if plugin.distribution == "signdiff-core"]
        ['avatar', 'diffusion', 'skeleton']
    """
    if group not in GROUPS:
        raise ValueError(f"group must be one of {', '.join(GROUPS)}, but is {group!r}.")
    found = []
    try:
        for config, distribution in entrypoints.iter_files_distros():
            if group in config:
                name, version = re.sub(r"[-_.]+", "-", distribution.name).lower(), distribution.version or ""
                found += [
                    Plugin(group=group, name=key, target=target, distribution=name, version=version)
                    for key, target in config[group].items()
                ]
    except configparser.Error as error:
        raise PluginError(f"an entry_points.txt is broken: {' '.join(str(error).split())}") from error
    return sorted(found, key=lambda plugin: plugin.name)


def find(group: str, name: str) -> Plugin:
    """Look up a plug-in without importing it.

    Args:
        group: one of `GROUPS`.
        name: its name within the group, or ``module:object`` of one that isn't registered, such as one of the working
            folder.

    Raises:
        UnknownPluginError: there is none of this name; the message lists those that are known.
    """
    plugins = discover(group)
    if ":" in name:
        return Plugin(group=group, name=name, target=name, distribution="", version="")
    for plugin in plugins:
        if plugin.name == name:
            return plugin
    known = ", ".join(dict.fromkeys(plugin.name for plugin in plugins)) or "none"
    raise UnknownPluginError(f"there is no {_kind(group)} named {name!r}; installed: {known}.{_how_to_get(name)}")


def load(group: str, name: str) -> Any:
    """Look up a plug-in and import it.

    Args:
        group: one of `GROUPS`.
        name: its name within the group.

    Returns:
        What its entry point refers to: a class or a callable, as the group says.

    Raises:
        UnknownPluginError: there is none of this name.
        PluginError: it cannot be imported.

    Example:
        >>> load("signdiff.pose_formats", "skels").suffixes
        ('.skels',)
    """
    return find(group, name).load()


@dataclass(frozen=True, kw_only=True)
class PluginReport:
    """What became of the attempt to load a plug-in."""

    plugin: Plugin

    load_seconds: float
    """Time that the import took. A library that several plug-ins share is counted for the first of them."""

    error: str | None
    """Why it cannot be used, in one line; ``None`` if it can."""


def try_all(groups: Iterable[str] = GROUPS) -> Iterator[PluginReport]:
    """Load every plug-in of some groups; one that fails is reported and does not stop the others.

    Args:
        groups: entry point groups.

    Yields:
        A report for each plug-in, by group and name.
    """
    for group in groups:
        origins: dict[str, str] = {}
        for plugin in discover(group):
            error = None
            start = time.perf_counter()
            if plugin.name in origins:
                error = f"hidden by the {plugin.kind} of the same name of {origins[plugin.name]}."
            else:
                origins[plugin.name] = plugin.distribution
                try:
                    plugin.make() if group == "signdiff.pose_formats" else plugin.load()
                except PluginError as failure:
                    error = str(failure)
            yield PluginReport(plugin=plugin, load_seconds=time.perf_counter() - start, error=error)


def pip_line(requirement: str) -> str:
    """Write the command that installs a requirement.

    Example:
        >>> pip_line("signdiff-core[avatar]")
        'python -m pip install "signdiff-core[avatar]"'
        >>> pip_line("signdiff-core[mediapipe]")
        'python -m pip install "signdiff-core[mediapipe]" && python -m pip install --no-deps mediapipe==0.10.14'
    """
    line = f'python -m pip install "{requirement}"' if "[" in requirement else f"python -m pip install {requirement}"
    alone = ALONE.get(requirement)
    return f"{line} && python -m pip install --no-deps {alone}" if alone else line


def _how_to_get(name: str) -> str:
    """Say how to install a module or a plug-in that SignDiff knows; empty for others."""
    requirement = _BROUGHT_BY.get(name.split(".")[0])
    return f" To get it: {pip_line(requirement)}" if requirement else ""


def _kind(group: str) -> str:
    return group.removeprefix("signdiff.").removesuffix("s").replace("_", " ")
