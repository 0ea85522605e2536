"""Options of training on a command line."""

from dataclasses import dataclass

import pytest

from signdiff_eval.training.arguments import option, parse


@dataclass(frozen=True)
class Options:
    rate: float = option(0.5, help="How fast.")
    limit: float | None = option(None, help="How far.")


def test_numbers_are_finite(capsys):
    assert parse(Options, ["--rate", "1e-5", "--limit", "2"]) == Options(rate=1e-5, limit=2.0)
    for arguments in (["--rate", "nan"], ["--limit", "inf"], ["--rate", "fast"]):
        with pytest.raises(SystemExit) as stop:
            parse(Options, arguments)
        assert stop.value.code == 2
        assert f"argument {arguments[0]}: must be a finite number, but is '{arguments[1]}'" in capsys.readouterr().err
