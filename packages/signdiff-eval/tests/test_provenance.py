import pytest

from signdiff_eval.provenance import generator_of, mark_generated, protocol_of


def test_marks_of_files_and_folders(tmp_path):
    (tmp_path / "a.pose").touch()
    (tmp_path / "b.pose").touch()
    assert generator_of(tmp_path / "a.pose") is None
    assert mark_generated(tmp_path / "a.pose", "slp 0.1.0", protocol="free").name == "a.pose.json"
    assert (generator_of(tmp_path / "a.pose"), generator_of(tmp_path / "b.pose")) == ("slp 0.1.0", None)
    mark_generated(tmp_path, "other 2")
    assert (generator_of(tmp_path / "a.pose"), generator_of(tmp_path / "b.pose")) == ("slp 0.1.0", "other 2")
    assert generator_of(tmp_path) == "other 2"


def test_a_broken_mark_is_no_licence(tmp_path):
    (tmp_path / "a.pose.json").write_text("{")
    with pytest.raises(ValueError, match="must be JSON"):
        generator_of(tmp_path / "a.pose")
    (tmp_path / "a.pose.json").write_text('{"camera": "left"}')
    assert generator_of(tmp_path / "a.pose") is None
    (tmp_path / "generator.json").write_text("{}")
    with pytest.raises(ValueError, match="key 'generator'"):
        generator_of(tmp_path / "a.pose")
    with pytest.raises(ValueError, match="is empty"):
        mark_generated(tmp_path / "a.pose", " ")


@pytest.mark.parametrize("content", ["[" * 100_000, "\xff", "1" * 5000])
def test_a_mark_that_cannot_be_read_is_one_error_with_its_name(tmp_path, content):
    (tmp_path / "a.pose.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(ValueError, match=r"a\.pose\.json(:1)? must be"):
        generator_of(tmp_path / "a.pose")


def test_marks_tell_the_protocol(tmp_path):
    assert protocol_of(tmp_path / "a.pose") is None
    mark_generated(tmp_path, "slp 0.1.0", protocol="gt-timing")
    mark_generated(tmp_path / "b.pose", "slp 0.1.0")
    assert (protocol_of(tmp_path / "a.pose"), protocol_of(tmp_path / "b.pose")) == ("gt-timing", None)
    mark_generated(tmp_path, "slp 0.1.0", protocol="told")
    with pytest.raises(ValueError, match="free or gt-timing"):
        protocol_of(tmp_path / "a.pose")
