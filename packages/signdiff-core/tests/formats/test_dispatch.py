import pytest

from signdiff_core import formats
from signdiff_core.formats import FormatError
from signdiff_core.plugins import PluginError, UnknownPluginError, try_all

SOURCE = """
from pathlib import Path

class Other:
    name = "other"
    suffixes = (".pose",)
    def matches(self, path):
        return Path(path).suffix == ".pose"
    def read(self, path):
        return "read by other"
    def write(self, pose, path):
        Path(path).write_text("written by other")
"""


def test_missing_file_and_unknown_suffix(pose, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.pose: expected a pose"):
        formats.read(tmp_path / "none.pose")
    (tmp_path / "a.docx").write_text("")
    with pytest.raises(
        FormatError,
        match=r"a\.docx: expected a pose in one of the formats dwpose, h5, mediapipe, openpose, pose, skels",
    ):
        formats.read(tmp_path / "a.docx")
    with pytest.raises(FormatError, match=r"b\.docx"):
        formats.write(pose, tmp_path / "b.docx")


def test_option_of_another_format_is_refused(pose, tmp_path):
    formats.write(pose, tmp_path / "a.pose")
    with pytest.raises(TypeError, match="index is not an option of read in the format 'pose'; it takes none"):
        formats.read(tmp_path / "a.pose", index=1)
    with pytest.raises(TypeError, match="it takes index, clip, variant, fps"):
        formats.read(tmp_path / "a.pose", format="skels", color=1)


def test_format_by_name_wins(pose, tmp_path):
    formats.write(pose, tmp_path / "a.dat", format="pose")
    assert len(formats.read(tmp_path / "a.dat", format="pose").body.data) == 4
    with pytest.raises(
        UnknownPluginError, match="no pose format named 'bvh'; installed: dwpose, h5, mediapipe, openpose, pose"
    ):
        formats.read(tmp_path / "a.dat", format="bvh")


def test_strangers_format_joins_and_ambiguity_is_an_error(pose, tmp_path, site, installed):
    installed(site, "other", "1", "[signdiff.pose_formats]\nother = other_format:Other\n", {"other_format": SOURCE})
    assert "other" in formats.names()
    with pytest.raises(FormatError, match="fits several formats, other, pose"):
        formats.write(pose, tmp_path / "a.pose")
    formats.write(pose, tmp_path / "a.pose", format="other")
    assert formats.read(tmp_path / "a.pose", format="other") == "read by other"


def test_broken_format_does_not_break_the_others(pose, tmp_path, site, installed):
    installed(site, "bad", "1", "[signdiff.pose_formats]\nbad = bad_format:Bad\n", {"bad_format": "1 / 0"})
    formats.write(pose, tmp_path / "a.pose")
    assert len(formats.read(tmp_path / "a.pose").body.data) == 4
    with pytest.raises(FormatError, match=r"ZeroDivisionError"):
        formats.write(pose, tmp_path / "a.xyz")


BAD = """
class Needy:
    name, suffixes = "needy", (".pose",)
    def __init__(self, size): pass
    def matches(self, path): return True
    def read(self, path): return None

class Bare:
    def matches(self, path): return True
    def read(self, path): return None

class Stumbling:
    name, suffixes = "stumbling", (".only",)
    def matches(self, path): raise RuntimeError("no light")
    def read(self, path): raise KeyError("no ink")
"""


def test_no_format_that_raises_breaks_the_others_and_each_is_named(pose, tmp_path, site, installed):
    entry_points = "[signdiff.pose_formats]\n" + "".join(
        f"{kind.lower()} = bad_formats:{kind}\n" for kind in ("Needy", "Bare", "Stumbling")
    )
    installed(site, "bad_formats", "3", entry_points, {"bad_formats": BAD})
    formats.write(pose, tmp_path / "a.pose")
    (tmp_path / "a.xyz").touch()
    stumbles = r"the pose format 'stumbling' of bad-formats 3 cannot look at .*: RuntimeError: no light"
    with pytest.warns(formats.FormatWarning, match=stumbles):
        assert len(formats.read(tmp_path / "a.pose").body.data) == 4
    with pytest.raises(FormatError, match=f"'bare' .*'name'.* 'needy' .* missing 1 .*'size'.* {stumbles}"):
        formats.read(tmp_path / "a.xyz")
    with pytest.raises(FormatError, match=r"a\.xyz: the pose format 'stumbling' failed: KeyError: 'no ink'\."):
        formats.read(tmp_path / "a.xyz", format="stumbling")
    with pytest.raises(PluginError, match="the pose format 'needy' of bad-formats 3 cannot be used: TypeError"):
        formats.read(tmp_path / "a.pose", format="needy")
    told = {report.plugin.name: report.error for report in try_all(["signdiff.pose_formats"])}
    assert {name for name, error in told.items() if error} == {"bare", "needy"}


READER = """
class Reader:
    name, suffixes = "reader", (".only",)
    def matches(self, path): return str(path).endswith(".only")
    def read(self, path): return "read by reader"
"""


def test_a_format_that_only_reads_is_one(pose, tmp_path, site, installed):
    installed(
        site, "reader", "1", "[signdiff.pose_formats]\nreader = reader_format:Reader\n", {"reader_format": READER}
    )
    (tmp_path / "a.only").touch()
    assert formats.read(tmp_path / "a.only") == "read by reader"
    with pytest.raises(FormatError, match="expected a format that writes, but reader only reads"):
        formats.write(pose, tmp_path / "b.only", format="reader")
    told = r"expected a name for a pose to write, which ends in \.pose or \.skels or no suffix, for a folder\."
    with pytest.raises(FormatError, match=told):
        formats.write(pose, tmp_path / "b.only")


def test_the_dot_of_a_version_is_no_suffix(pose, tmp_path):
    formats.write(pose, tmp_path / "poses-v1.0")
    assert len(list((tmp_path / "poses-v1.0").glob("*_keypoints.json"))) == 4
    assert len(formats.read(tmp_path / "poses-v1.0").body.data) == 4
