"""What fairseq2 logs and warns of: wrong settings in one line, and no environment variables."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from pkgutil import resolve_name
from typing import Final, TextIO

from fairseq2.error import InternalError

from signdiff_core.wording import one_line

_POINTER: Final = " See logged stack trace for details."
_FIELD: Final = re.compile(r"`(\w+)` field cannot be structured\.")
_EMPTY: Final = re.compile(r"(Value|Recipe configuration) cannot be structured.*|A system error occurred\.")
_EXTRA: Final = re.compile(r".*fields of `<class '([\w.]+)\.(\w+)'>`, but it contains extra key\(s\) (.+)\.")
_CLASS: Final = re.compile(r"<class '(?:\w+\.)*(\w+)'>")

_HIDDEN: Final = "`hg_exporter` is deprecated"
"""fairseq2 registers families of its own with an argument that it calls deprecated."""


def explain_in_one_line() -> None:
    """Take the stack trace from errors that fairseq2 raises itself, and add the reasons to the message."""
    logging.getLogger("fairseq2").addFilter(_in_one_line)


def name_the_model(model: str) -> None:
    """Name the option where fairseq2 knows no model of its name, or no tokenizer, which training looks for first."""

    def name(record: logging.LogRecord) -> bool:
        if record.getMessage().startswith(f"{model} is not a known "):
            wanted = "the folder of a run or of a model, or the name of a fairseq2 asset with a tokenizer"
            record.msg, record.args = f"--model must be {wanted}, but is {model}.", ()
        return True

    logging.getLogger("fairseq2").addFilter(name)


def _in_one_line(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if error is not None and type(error).__module__.startswith("fairseq2.") and not _is_fault_of_code(error):
        record.msg, record.args = explain(record.getMessage(), error), ()
        record.exc_info, record.exc_text = None, None
    return True


def explain(message: str, error: BaseException) -> str:
    """Write a message of fairseq2 in one line: without its pointer to the trace, with the setting and the reasons."""
    setting = ".".join(found[1] for text in _texts(error) if (found := _FIELD.fullmatch(text)))
    reasons = [
        _reason(text, setting) for text in _texts(error) if not _FIELD.fullmatch(text) and not _EMPTY.fullmatch(text)
    ]
    parts = [message.replace(_POINTER, ""), *(reason for reason in dict.fromkeys(reasons) if reason not in message)]
    return one_line(" ".join(parts))


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


@contextmanager
def hiding_own_deprecation() -> Iterator[None]:
    """Show all warnings but that one. A filter would not do: fairseq2's command puts its own before it."""
    shown = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if not (issubclass(category, DeprecationWarning) and str(message).startswith(_HIDDEN)):
            shown(message, category, filename, lineno, file, line)

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = shown


def hide_environment() -> None:
    """Drop fairseq2's record that lists the environment variables."""
    logging.getLogger("fairseq2").addFilter(_is_no_environment)


def _is_no_environment(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith("Environment Variables")
