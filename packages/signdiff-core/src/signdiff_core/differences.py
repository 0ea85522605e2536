"""In what two runs of a command differ, in words: what was made, and what is asked for now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_NAMED: Final = 3


def of_settings(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Name the settings that differ.

    Example:
        >>> of_settings({"fps": 25.0, "steps": 200}, {"fps": 12.5, "steps": 200})
        ['fps was 25.0 and is 12.5']
    """
    names = [name for name in sorted({*was, *now}) if was.get(name) != now.get(name)]
    return [f"{name} was {was.get(name, 'not given')} and is {now.get(name, 'not given')}" for name in names]


def of_clips(was: Mapping[str, str], now: Mapping[str, str], what: str) -> list[str]:
    """Name the clips that are new, gone, or have something else.

    Args:
        was: a hash of what each clip has, by the clip's name.
        now: likewise.
        what: is hashed, such as ``text``.

    Example:
        >>> of_clips({"a": "1", "b": "1"}, {"b": "2", "c": "1"}, "text")
        ['1 clips are new (c)', '1 clips are gone (a)', '1 clips have another text (b)']
    """
    return [
        *listed(now.keys() - was.keys(), "are new"),
        *listed(was.keys() - now.keys(), "are gone"),
        *listed([name for name in now if now[name] != was.get(name, now[name])], f"have another {what}"),
    ]


def listed(names: Collection[str], what: str) -> list[str]:
    """Count clips, and name some; an empty list for none."""
    if not names:
        return []
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return [f"{len(names):,} clips {what} ({', '.join(sorted(names)[:_NAMED])}{more})"]
