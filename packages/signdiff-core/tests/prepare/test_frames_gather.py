"""Finding the poses and captions of videos."""

import shutil

import pytest

from signdiff_core.formats import FormatError
from signdiff_core.prepare.gather import gather, read_captions

HOW2SIGN = (
    "VIDEO_ID\tVIDEO_NAME\tSENTENCE_ID\tSENTENCE_NAME\tSTART_REALIGNED\tEND_REALIGNED\tSENTENCE\n"
    '-d\t-d-5-rgb_front\t-d_0\t-d_0-5-rgb_front\t0.0\t4.1\t"And I call it ""decorative elements"",\tyes."\n'
)


def test_poses_go_to_the_videos_of_their_names(corpus):
    gathered = gather(corpus / "videos", corpus / "poses", "someone")
    assert [clip.name for clip in gathered.clips] == ["a", "b", "c"]
    assert [clip.pose.relative_to(corpus / "poses").as_posix() for clip in gathered.clips] == ["a.pose", "b", "c/json"]
    assert gathered.clips[2].video == corpus / "videos" / "deep" / "c.mp4"
    assert {clip.text for clip in gathered.clips} == {"someone"}
    assert gathered.left_out == []


def test_one_video_is_enough(corpus):
    [clip] = gather(corpus / "videos" / "a.mp4", corpus / "poses", "someone").clips
    assert clip.name == "a"


def test_what_has_no_partner_is_told(corpus):
    (corpus / "videos" / "a.mp4").rename(corpus / "videos" / "lonely.mp4")
    captions = read_captions(corpus / "captions.csv")
    del captions["c"]
    gathered = gather(corpus / "videos", corpus / "poses", captions)
    assert [(clip.name, clip.text) for clip in gathered.clips] == [("b", "signer b")]
    assert gathered.left_out == [
        ("a", "pose without video"),
        ("c", "video without caption"),
        ("lonely", "video without pose"),
    ]


def test_folders_without_pairs_are_refused(corpus, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere must be a folder"):
        gather(tmp_path / "nowhere", corpus / "poses", "someone")
    with pytest.raises(ValueError, match="of 0 videos and 3 poses none go together"):
        gather(corpus / "poses", corpus / "poses", "someone")
    shutil.copy(corpus / "videos" / "a.mp4", corpus / "videos" / "deep" / "a.mp4")
    with pytest.raises(ValueError, match="videos must have different names"):
        gather(corpus / "videos", corpus / "poses", "someone")


def test_captions_of_how2sign_and_of_plain_tables(corpus, tmp_path):
    assert read_captions(corpus / "captions.csv") == {"a": "signer a", "b": "signer b", "c": "signer c"}
    table = tmp_path / "how2sign_realigned_val.csv"
    table.write_text(HOW2SIGN)
    assert read_captions(table) == {"-d_0-5-rgb_front": 'And I call it "decorative elements", yes.'}


@pytest.mark.parametrize(
    ("table", "match"),
    [
        ("", "line 1: expected a column name or id or SENTENCE_NAME"),
        ("id,words\na,b\n", "expected a column text or caption"),
        ("id,text\na,b,c\n", "line 2: expected 2 columns, but found 3"),
        ("id,text\na,b\na,c\n", "line 3: expected a clip once, but a comes again"),
    ],
)
def test_broken_captions_are_refused(tmp_path, table, match):
    (tmp_path / "captions.csv").write_text(table)
    with pytest.raises(FormatError, match=match):
        read_captions(tmp_path / "captions.csv")


def test_captions_must_be_text(tmp_path):
    (tmp_path / "captions.csv").write_bytes(b"id,text\na,\xff\xfe\n")
    with pytest.raises(FormatError, match="expected a table in UTF-8"):
        read_captions(tmp_path / "captions.csv")


@pytest.mark.realdata
def test_captions_of_the_real_corpus(realdata):
    tables = sorted((realdata / "texts").rglob("how2sign_realigned_*.csv"))
    assert tables
    for table in tables:
        lines = table.read_text(encoding="utf-8").splitlines()
        captions = read_captions(table)
        assert 0 < len(captions) <= len(lines)
        assert all(captions.values())
