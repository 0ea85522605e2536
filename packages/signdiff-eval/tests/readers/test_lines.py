import pytest

from signdiff_eval.readers import read_lines


def test_lines_stay_parallel(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffeins\r\n\r\nzwei drei\u2028vier\n".encode())
    assert read_lines(path) == ["eins", "", "zwei drei\u2028vier"]


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "at least one line"), (b"ab\xff", "UTF-8, but isn't at byte 2")]
)
def test_refuses(tmp_path, content, message):
    path = tmp_path / "a.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_lines(path)
