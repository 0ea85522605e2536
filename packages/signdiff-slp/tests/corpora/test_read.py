"""Corpora that contradict themselves: what training and export say of them."""

import json

import numpy as np
import pytest

from signdiff_slp.corpora.read import corpus_rate, open_poses, read_split, read_table


@pytest.fixture
def corpus(tmp_path):
    np.save(tmp_path / "test.poses.npy", np.zeros((8, 150), np.float32))
    (tmp_path / "test.tsv").write_text("ase-word-1\t0\t5\tab\nase-word-2\t5\t3\tc\n")
    rows = [{"name": "ase-word-1", "holds": [["a", 0, 2], ["b", 2, 4]]}, {"name": "ase-word-2", "holds": [["c", 0, 3]]}]
    (tmp_path / "test.holds.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def test_a_corpus_is_read(corpus):
    first, second = read_split(corpus, "test", kind="word")
    assert [(hold.letter, hold.start, hold.end) for hold in first.holds] == [("a", 0, 2), ("b", 2, 4)]
    assert second.joints.shape == (3, 50, 3)
    (corpus / "test.tsv").write_bytes(b"\xef\xbb\xbf" + (corpus / "test.tsv").read_bytes().replace(b"\n", b"\r\n"))
    assert [(row.id, row.text) for row in read_table(corpus, "test")] == [("ase-word-1", "ab"), ("ase-word-2", "c")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\t0\t5\n", r"test\.tsv:1 must hold a name, two numbers and a text"),
        (b"a\t0\t5\tb\nc\t0\t\xc2\xb2\td\n", r"test\.tsv:2 must hold a name, two numbers and a text"),
        (b"a\t0\t" + b"9" * 5000 + b"\tb\n", r"test\.tsv:1 must hold a name"),
        (b"a\t0\t5\tb\n\t5\t3\td\n", r"test\.tsv:2 must hold a name"),
        (b"a\t4\t5\tb\n", r"test\.tsv:1 must lie within the 8 frames"),
        (b"a\t0\t5\tb\nb\t5\t3\tzw\xf6lf\n", r"test\.tsv, line 2: expected text in UTF-8, but byte 9 is 0xf6"),
        (b"", r"test\.tsv must hold a line for each example"),
    ],
)
def test_a_broken_table_is_named_with_its_line(corpus, content, message):
    (corpus / "test.tsv").write_bytes(content)
    for read in (read_table, read_split):
        with pytest.raises(ValueError, match=message) as caught:
            read(corpus, "test")
        assert len(str(caught.value)) < 500
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "{}",
        '{"name": "ase-word-2"}',
        '{"name": "ase-word-2", "holds": 3}',
        '{"name": "ase-word-2", "holds": [["c", 0]]}',
        '{"name": "ase-word-2", "holds": [["c", 2, 1]]}',
        '{"name": "ase-word-2", "holds": [["c", 0.5, 3]]}',
        "[" * 100_000,
        "",
    ],
)
def test_broken_letters_are_named_with_their_line(corpus, line):
    first = (corpus / "test.holds.jsonl").read_text().splitlines()[0]
    (corpus / "test.holds.jsonl").write_text(f"{first}\n{line}\n")
    with pytest.raises(
        ValueError, match=r"test\.holds\.jsonl:2 must hold a name and letters with their frames"
    ) as caught:
        read_split(corpus, "test")
    assert len(str(caught.value)) < 500


def test_letters_lie_in_their_clip(corpus):
    rows = (corpus / "test.holds.jsonl").read_text().replace('["c", 0, 3]', '["c", 0, 4]')
    (corpus / "test.holds.jsonl").write_text(rows)
    with pytest.raises(ValueError, match=r"jsonl:2 must hold letters within 3 frames"):
        read_split(corpus, "test")


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e28])
def test_poses_are_bounded(corpus, value):
    poses = np.zeros((8, 150), np.float32)
    poses[6, 3] = value
    np.save(corpus / "test.poses.npy", poses)
    with pytest.raises(ValueError, match=r"test\.poses\.npy must hold numbers up to 1000000, but frame 6 does not"):
        read_split(corpus, "test")


@pytest.mark.parametrize(
    "content", [b"", b"\x93NUMPY", b"\x93NUMPY\x01\x00\x10\x00{'descr': '<f4',\n\n\n", b"PK\x03\x04"]
)
def test_poses_that_are_no_array(corpus, content):
    (corpus / "test.poses.npy").write_bytes(content)
    with pytest.raises(ValueError, match=r"test\.poses\.npy must be a NumPy array of poses, but") as caught:
        open_poses(corpus, "test")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("report", "rate"),
    [({"fps": 50.0}, 50), ({"settings": {"fps": 29.97}}, 29.97), ({"format": "skels"}, None), (["others"], None)],
)
def test_the_rate_is_that_of_the_report(report, rate, tmp_path):
    assert corpus_rate(tmp_path) is None
    (tmp_path / "report.json").write_text(json.dumps(report))
    assert corpus_rate(tmp_path) == rate


@pytest.mark.parametrize(
    "content", ["{", '{"fps": 0}', '{"fps": NaN}', '{"fps": "50"}', '{"fps": true}', '{"fps": 1e999}', 9999 * "["]
)
def test_a_broken_report_is_named(content, tmp_path):
    (tmp_path / "report.json").write_text(content)
    with pytest.raises(ValueError, match=r"report\.json must "):
        corpus_rate(tmp_path)
