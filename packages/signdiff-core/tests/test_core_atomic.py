import pytest

from signdiff_core.atomic import check_writable, replacing


def write_half(target, *, folder=False):
    with replacing(target, folder=folder) as temporary:
        (temporary / "one" if folder else temporary).write_text("half")
        raise KeyboardInterrupt


def test_file_replaces_the_old_one_when_it_is_whole(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with replacing(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_half(target)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_folder_appears_whole_and_failure_leaves_none(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        write_half(tmp_path / "a", folder=True)
    assert list(tmp_path.iterdir()) == []
    with replacing(tmp_path / "a", folder=True) as temporary:
        (temporary / "one").write_text("1")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["one"]
    with (
        pytest.raises(FileExistsError, match="expected a new or an empty folder"),
        replacing(tmp_path / "a", folder=True),
    ):
        pass


def test_unwritable_places_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"the folder .*nowhere does not exist"):
        check_writable(tmp_path / "nowhere" / "a.mp4")
    with pytest.raises(IsADirectoryError, match="it is a folder"):
        check_writable(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        check_writable(tmp_path / "file" / "a.mp4")
