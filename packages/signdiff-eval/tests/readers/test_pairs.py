import re

import pytest

from signdiff_eval.readers import pair_up


def is_pose(path):
    return path.suffix in {".pose", ".skels"}


@pytest.fixture
def folders(tmp_path):
    def make(reference, hypothesis):
        for folder, names in (("ref", reference), ("hyp", hypothesis)):
            (tmp_path / folder).mkdir()
            for name in names:
                (tmp_path / folder / name).touch()
        return tmp_path / "ref", tmp_path / "hyp"

    return make


def test_pairs_by_name_across_formats_and_ignores_the_rest(folders):
    reference, hypothesis = folders(["b.pose", "a.pose", "notes.txt", ".c.pose"], ["a.skels", "b.pose", "log"])
    pairs = pair_up(hypothesis, reference, is_pose)
    assert [(pair.name, pair.reference.name, pair.hypothesis.name) for pair in pairs] == [
        ("a", "a.pose", "a.skels"),
        ("b", "b.pose", "b.pose"),
    ]


def test_two_files_are_a_pair(folders):
    reference, hypothesis = folders(["dev.skels"], ["out.skels"])
    [pair] = pair_up(hypothesis / "out.skels", reference / "dev.skels", is_pose)
    assert (pair.reference.name, pair.hypothesis.name) == ("dev.skels", "out.skels")


def test_everything_unpaired_is_told_at_once(folders):
    reference, hypothesis = folders([f"{name}.pose" for name in "abcdefgx"], ["x.pose", "y.pose"])
    message = "7 of 8 in {} lack a partner in {}: a, b, c, d, e and 2 more; 1 of 2 in {} lack a partner in {}: y."
    expected = message.format(reference, hypothesis, hypothesis, reference)
    with pytest.raises(ValueError, match=re.escape(expected)):
        pair_up(hypothesis, reference, is_pose)


def test_refuses_two_files_of_a_name(folders):
    with pytest.raises(ValueError, match=r"unique.*a\.pose and a\.skels"):
        pair_up(*folders(["a.pose", "a.skels"], ["a.pose"]), is_pose)


def test_refuses_an_empty_folder(folders):
    with pytest.raises(ValueError, match="must hold files to score"):
        pair_up(*folders(["a.pose"], ["a.txt"]), is_pose)
