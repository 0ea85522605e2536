"""Parts that anyone can add: translators, annotators, renderers, pose formats and metrics, found by entry point."""

from signdiff_core.plugins.errors import PluginError, UnknownPluginError
from signdiff_core.plugins.registry import GROUPS, Plugin, discover, find, load
from signdiff_core.plugins.report import PluginReport, try_all

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
