import json

import numpy as np
import pytest

from signdiff_core.formats import FormatError
from signdiff_core.sources import find_clips, read, walk
from signdiff_core.video import write_video


@pytest.fixture
def tree(tmp_path, write_openpose):
    """A folder with clips of several kinds, and with what is no clip."""
    person = np.ones((50, 3))
    write_openpose(tmp_path / "keypoints" / "train" / "one", [[person]] * 2)
    write_openpose(tmp_path / "keypoints" / "two", [[person]])
    (tmp_path / "keypoints" / "metadata.json").write_text(json.dumps({"clips": 2}))
    (tmp_path / "keypoints" / ".cache").mkdir()
    (tmp_path / "keypoints" / "notes.txt").write_text("no clip")
    (tmp_path / "videos").mkdir()
    for name in ("one", "three"):
        write_video(tmp_path / "videos" / f"{name}.mp4", [np.zeros((64, 96, 3), np.uint8)], 30)
    return tmp_path


def test_clips_have_their_video_and_videos_without_keypoints_are_clips(tree):
    one, three, two = find_clips(tree)
    assert (one.name, one.kind, one.video) == ("one", "openpose", tree / "videos" / "one.mp4")
    assert (two.name, two.kind, two.video) == ("two", "openpose", None)
    assert (three.name, three.kind) == ("three", "video")
    assert (read(one, fps=24).fps, read(one).size) == (30, (96, 64))
    assert (read(two, fps=24).fps, read(two).size) == (24, None)


def test_a_kind_can_be_asked_for(tree):
    assert [source.name for source in find_clips(tree, "openpose")] == ["one", "two"]
    assert [source.name for source in find_clips(tree, "video")] == ["one", "three"]
    with pytest.raises(ValueError, match="must hold clips of the kinds h5, but holds none"):
        find_clips(tree, "h5")


def test_walking_tells_keypoints_and_videos_apart(tree):
    assert sorted((source.name, source.kind) for source in walk(tree)) == [
        ("one", "openpose"),
        ("one", "video"),
        ("three", "video"),
        ("two", "openpose"),
    ]


def test_an_empty_folder_is_a_clip_that_cannot_be_read(tree):
    (tree / "keypoints" / "empty").mkdir()
    source = find_clips(tree)[0]
    assert source.name == "empty"
    with pytest.raises(FormatError, match=r"empty: expected 1 to 100000 files \*_keypoints.json, but found 0"):
        read(source)


def test_a_name_that_two_clips_have(tree, write_openpose):
    write_openpose(tree / "keypoints" / "test" / "two", [[]])
    with pytest.raises(ValueError, match="clips must have different names") as caught:
        find_clips(tree)
    assert str(tree / "keypoints" / "two") in str(caught.value)
    assert str(tree / "keypoints" / "test" / "two") in str(caught.value)


def test_nothing_to_find(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing must be a folder or a file of clips"):
        find_clips(tmp_path / "nothing")
    (tmp_path / "a.txt").touch()
    with pytest.raises(ValueError, match="must hold clips of the kinds openpose, dwpose"):
        find_clips(tmp_path)
    with pytest.raises(ValueError, match="holds none"):
        find_clips(tmp_path / "a.txt")
