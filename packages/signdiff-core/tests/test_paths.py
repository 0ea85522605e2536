import pytest

from signdiff_core.paths import check_name, inside


@pytest.mark.parametrize("name", ["clip", "test/15December_2010", "a.b/c d/ü", ".hidden", "..a/b..", "x" * 200])
def test_names_lie_in_the_folder(tmp_path, name):
    path = inside(tmp_path, name, ".pose")
    assert path == tmp_path / f"{name}.pose"
    assert path.resolve().is_relative_to(tmp_path.resolve())


@pytest.mark.parametrize(
    "name",
    ["", "/", "/etc/x", "..", "../x", "a/../../x", "a/..", "a//b", "./a", "a/", "a\\..\\b", "a\0b", "ü" * 101, 3],
)
def test_names_that_do_not_are_refused(name):
    with pytest.raises(ValueError, match=r"^row 7: name must (be a path inside a folder|have at most 200 bytes)"):
        check_name(name, "row 7: name")
