"""Loading every plug-in once, to see which work and how long each takes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from signdiff_core.plugins.errors import PluginError
from signdiff_core.plugins.registry import GROUPS, Plugin, discover

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


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
                    plugin.load()
                except PluginError as failure:
                    error = str(failure)
            yield PluginReport(plugin=plugin, load_seconds=time.perf_counter() - start, error=error)
