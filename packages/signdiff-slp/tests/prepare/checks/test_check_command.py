import csv
import json
import subprocess
import sys

import pytest

from signdiff_slp.cli import main

TABLE = (
    "VIDEO_NAME\tSENTENCE_NAME\tSTART\tEND\tSENTENCE\n"
    "V\tone\t0\t1\tHello.\n"
    "V\ttwo\t1\t1\tNothing.\n"
    "V\tthree\t2\t3\t\n"
    "V\tfour\t3\t3\tNothing, again.\n"
)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(TABLE)
    return path


@pytest.mark.parametrize("split", ["dev", "val"])
def test_counts_are_printed_with_the_published_one(split, table, capsys):
    assert main(["check", str(table), "--split", split]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "4 sentences; 1 sentences kept; published: 1,739"
    assert lines[1].split() == ["finding", "count", "share", "example"]
    assert lines[2].split()[:6] == ["no", "duration", "2", "50.0%", "dropped", "two:"]
    assert lines[3].split()[:6] == ["empty", "sentence", "1", "25.0%", "dropped", "three:"]


def test_every_finding_is_written(table, tmp_path, capsys):
    assert main(["check", str(table), "--csv", str(tmp_path / "findings.csv"), "--json"]) == 0
    with (tmp_path / "findings.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["clip"], row["kind"], row["dropped"]) for row in rows] == [
        ("two", "no duration", "yes"),
        ("three", "empty sentence", "yes"),
        ("four", "no duration", "yes"),
    ]
    printed = json.loads(capsys.readouterr().out)
    assert (printed["sentences"], printed["kept"], printed["clips"], printed["published"]) == (4, 1, None, None)
    assert [row["clip"] for row in printed["dropped"]] == ["two", "three", "four"]
    assert printed["kinds"]["no duration"]["count"] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{folder}/none.csv"], "none.csv"),
        (["{table}", "--clips", "{folder}/none"], "must be a folder or a file of clips"),
        (["{table}", "--csv", "{folder}/none/findings.csv"], "does not exist"),
        (["{table}", "--fps", "-1"], "fps must be positive"),
    ],
)
def test_bad_input_is_one_line_and_status_2_where_it_is_not_there(table, tmp_path, capsys, arguments, message):
    filled = [argument.format(table=table, folder=tmp_path) for argument in arguments]
    assert main(["check", *filled]) == (1 if "--fps" in arguments else 2)
    assert message in capsys.readouterr().err


def test_checking_loads_no_torch(table):
    code = (
        "import sys; from signdiff_slp.cli import main\n"
        f"main(['check', {str(table)!r}]); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize(("name", "found"), [("nothere.csv", "does not exist"), ("folder", "is a folder")])
def test_a_table_that_is_none_is_one_line(name, found, tmp_path, capsys):
    (tmp_path / "folder").mkdir()
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "one.pose").touch()
    clips, table, output = (str(tmp_path / each) for each in ("clips", name, "output"))
    for command in (["check", table, "--clips", clips], ["prepare", "--train", clips, table, "-o", output]):
        assert main(command) == 2
        error = capsys.readouterr().err
        assert error == f"signdiff-slp: error: table must be a file of names and texts, but {table} {found}.\n"
