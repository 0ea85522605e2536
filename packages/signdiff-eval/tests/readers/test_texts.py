import pytest

from signdiff_eval.readers import read_lines
from signdiff_eval.readers.texts import read_texts


def test_lines_stay_parallel(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffeins\r\n\r\nzwei drei\u2028vier\n".encode())
    assert read_lines(path) == ["eins", "", "zwei drei\u2028vier"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "at least one line"),
        (b"ab\xff", r"a\.txt:1 must be UTF-8, but isn't at byte 2 \(0xff\)"),
        ("Anfang\nGrüße aus\nKöln\n".encode("latin-1"), r"a\.txt:2 must be UTF-8, but isn't at byte 9 \(0xfc\)"),
        ("Grüße".encode("utf-16"), r"a\.txt:1 must be UTF-8"),
    ],
)
def test_refuses(tmp_path, content, message):
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_lines(path)


def test_texts_of_poses_are_read_alike(tmp_path):
    path = tmp_path / "texts.tsv"
    path.write_bytes("\ufeffb\tzwei\u00a0drei\r\na\teins\n".encode())
    assert read_texts(path, ["a", "b"]) == ["eins", "zwei drei"]
    path.write_bytes("a\teins\nb\tfünf\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"texts\.tsv:2 must be UTF-8"):
        read_texts(path, ["a", "b"])
