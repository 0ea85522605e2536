"""What fairseq2 tells of wrong settings and broken files with a stack trace, in one line."""

from __future__ import annotations

import logging
import re
from dataclasses import fields, is_dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Final, final

from fairseq2.error import InternalError
from typing_extensions import override

from signdiff_core.wording import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

_POINTER: Final = " See logged stack trace for details."
_FIELD: Final = re.compile(r"`(\w+)` field cannot be structured\.")
_EMPTY: Final = re.compile(r"(Value|Recipe configuration) cannot be structured.*|A system error occurred\.")
_EXTRA: Final = re.compile(r".*fields of `<class '([\w.]+)\.(\w+)'>`, but it contains extra key\(s\) (.+)\.")
_CLASS: Final = re.compile(r"<class '(?:\w+\.)*(\w+)'>")


@final
class OneLineFilter(logging.Filter):
    """Takes the stack trace from errors that fairseq2 raises itself, and adds the reasons to the message."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and type(error).__module__.startswith("fairseq2.") and not _is_fault_of_code(error):
            record.msg, record.args = explain(record.getMessage(), error), ()
            record.exc_info, record.exc_text = None, None
        return True


def explain_in_one_line() -> None:
    """Put the filter on fairseq2's logger, once."""
    logger = logging.getLogger("fairseq2")
    if not any(isinstance(entry, OneLineFilter) for entry in logger.filters):
        logger.addFilter(OneLineFilter())


def explain(message: str, error: BaseException) -> str:
    """Write a message of fairseq2 with its reasons.

    Args:
        message: what it logs; where it leads to the stack trace is left out.
        error: with its causes.

    Returns:
        One line: the message, the setting that is meant, and the reasons that say something.
    """
    setting = ".".join(found[1] for text in _texts(error) if (found := _FIELD.fullmatch(text)))
    reasons = [
        _reason(text, setting) for text in _texts(error) if not _FIELD.fullmatch(text) and not _EMPTY.fullmatch(text)
    ]
    told = [message.replace(_POINTER, ""), *(reason for reason in dict.fromkeys(reasons) if reason not in message)]
    return one_line(" ".join(told))


def _reason(text: str, setting: str) -> str:
    found = _EXTRA.fullmatch(text)
    if found is None:
        text = _CLASS.sub(r"\1", text)
        return f"{setting}: {text}" if setting else text
    module, name, keys = found.groups()
    section = resolve_name(f"{module}:{name}")
    known = ", ".join(sorted(each.name for each in fields(section))) if is_dataclass(section) else "others"
    given = ", ".join(f"{setting}.{key}".lstrip(".") for key in keys.split(", "))
    return f"{given} must be a setting of this recipe, but is none; {setting or 'it'} has {known}."


def _texts(error: BaseException) -> Iterator[str]:
    link: BaseException | None = error
    while link is not None:
        yield str(link) or type(link).__name__
        link = link.__cause__


def _is_fault_of_code(error: BaseException | None) -> bool:
    """Whether fairseq2, or this package, did wrong: then the trace is what helps."""
    while error is not None:
        if isinstance(error, InternalError | AssertionError | AttributeError | NameError):
            return True
        error = error.__cause__
    return False
