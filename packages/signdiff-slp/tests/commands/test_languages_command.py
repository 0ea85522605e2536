import json

import pytest

pytest.importorskip("spoken_to_signed", reason="needs signdiff-slp[corpora]")

from signdiff_slp.cli import main


@pytest.mark.slow
def test_every_alphabet_is_spelled_or_has_a_reason(capsys):
    assert main(["corpus", "languages", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 20
    assert all(bool(row["reason"]) != bool(row.get("letters")) for row in rows)
    assert {row["code"]: row.get("moved") for row in rows}["ase"] == "jz"


def test_a_language_that_cannot_be_spelled_is_one_line_and_status_1(tmp_path, capsys):
    command = ["corpus", "fingerspelling", "-o", str(tmp_path / "corpus"), "--signed-languages"]
    assert main([*command, "ase,cse"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "two hands spell it" in error
    assert not (tmp_path / "corpus").exists()
