import json

import numpy as np
import pytest

from signdiff_core.formats import FormatError
from signdiff_core.video import write_video
from signdiff_slp.prepare.checks.check import check
from signdiff_slp.prepare.checks.findings import as_text
from signdiff_slp.prepare.checks.table import read_table

HEADER = "VIDEO_ID\tVIDEO_NAME\tSENTENCE_ID\tSENTENCE_NAME\tSTART_REALIGNED\tEND_REALIGNED\tSENTENCE\r\n"


@pytest.fixture
def write_table(tmp_path):
    def write(rows, *, name="table.csv", header=HEADER):
        lines = [f"v\t{video}\t{clip}\t{clip}\t{start}\t{end}\t{text}\r\n" for video, clip, start, end, text in rows]
        (tmp_path / name).write_text(header + "".join(lines), encoding="utf-8", newline="")
        return tmp_path / name

    return write


def _video(path, seconds, fps=24, *, moves=True):
    path.parent.mkdir(exist_ok=True)
    shades = (
        np.full((32, 32, 3), 4 * number % 200 if moves else 90, np.uint8) for number in range(round(seconds * fps))
    )
    write_video(path, shades, fps)


def _openpose(folder, frames, *, person, moves=True):
    folder.mkdir(parents=True)
    for number in range(frames):
        one = {"pose_keypoints_2d": [float(100 + place + moves * number) for place in range(75)]}
        content = {"people": [one] if person else []}
        (folder / f"{folder.name}_{number:012d}_keypoints.json").write_text(json.dumps(content))


def _kinds(findings):
    return sorted((finding.clip, finding.kind) for finding in findings.found)


def test_a_whole_corpus_has_no_findings(write_table, tmp_path):
    table = write_table([("V", "a", 1.0, 2.0, "Hello."), ("V", "b", 2.0, 4.0, "Bye.")])
    _video(tmp_path / "clips" / "a.mp4", 1)
    _openpose(tmp_path / "clips" / "b", 48, person=True)
    _video(tmp_path / "whole" / "V.mp4", 4)
    findings = check([table], [tmp_path / "clips"], videos=[tmp_path / "whole"], fps=24, deep=True)
    assert findings.found == ()
    assert [sentence.name for sentence in findings.kept] == ["a", "b"]
    assert (findings.sentences, findings.clips) == (2, 2)


def test_faults_of_the_table(write_table):
    table = write_table(
        [
            ("V", "good", 0, 1, "Hello."),
            ("V", "good", 0, 1, "Hello."),
            ("V", "good", 1, 2, "Something else."),
            ("V", "empty", 0, 1, "  "),
            ("V", "zero", 3, 3, "Zero."),
            ("V", "blink", 57.49, 57.51, "Less than a frame."),
            ("V", "backwards", 3, 2, "Back."),
            ("V", "before", -1, 2, "Before."),
        ]
    )
    findings = check([table])
    assert _kinds(findings) == [
        ("backwards", "no duration"),
        ("before", "negative time"),
        ("blink", "no duration"),
        ("empty", "empty sentence"),
        ("good", "duplicated id"),
        ("good", "duplicated id"),
        ("zero", "no duration"),
    ]
    assert [sentence.place for sentence in findings.kept] == [f"{table}, line 2"]
    assert "and text of" in findings.found[0].detail
    assert "but another text of" in findings.found[1].detail
    assert findings.counts() == {"no duration": 3, "duplicated id": 2, "empty sentence": 1, "negative time": 1}
    assert findings.clips is None


def test_what_is_missing_either_way(write_table, tmp_path):
    table = write_table([("V", "a", 0, 1, "A."), ("W", "b", 0, 1, "B.")])
    _video(tmp_path / "clips" / "a.mp4", 1)
    _video(tmp_path / "clips" / "c.mp4", 1)
    _video(tmp_path / "whole" / "V.mp4", 1)
    findings = check([table], [tmp_path / "clips"], videos=[tmp_path / "whole"])
    assert _kinds(findings) == [("b", "text without clip"), ("b", "video missing"), ("c", "clip without text")]
    assert [sentence.name for sentence in findings.kept] == ["a"]


def test_times_past_the_end(write_table, tmp_path):
    table = write_table([("V", "in", 1, 2, "In."), ("V", "near", 1.9, 3.2, "Near."), ("V", "past", 2, 4, "Past.")])
    _video(tmp_path / "whole" / "V.mp4", 3)
    findings = check([table], videos=[tmp_path / "whole"])
    assert _kinds(findings) == [("past", "past the end")]
    assert findings.found[0].detail == "ends at 4 s, but V at 3.00 s"
    assert _kinds(check([table], videos=[tmp_path / "whole"], tolerance=0)) == [
        ("near", "past the end"),
        ("past", "past the end"),
    ]


def test_durations_of_clips(write_table, tmp_path):
    rows = [("V", name, 10, 12, "Two seconds.") for name in ("fits", "long", "short", "keypoints")]
    table = write_table(rows)
    for name, seconds in (("fits", 2), ("long", 3), ("short", 1)):
        _video(tmp_path / "clips" / f"{name}.mp4", seconds)
    _openpose(tmp_path / "clips" / "keypoints", 24, person=True)
    findings = check([table], [tmp_path / "clips"], fps=24)
    assert _kinds(findings) == [("keypoints", "past the end"), ("long", "other duration"), ("short", "past the end")]
    assert {sentence.name for sentence in findings.kept} == {"fits", "long"}
    # Without a frame rate, nothing tells how long keypoints last.
    assert ("keypoints", "past the end") not in _kinds(check([table], [tmp_path / "clips"]))


def test_the_most_common_frame_rate_is_the_right_one(write_table, tmp_path):
    table = write_table([("V", name, 0, 1, "One.") for name in "abc"])
    for name, fps in (("a", 24), ("b", 30), ("c", 24)):
        _video(tmp_path / "clips" / f"{name}.mp4", 1, fps)
    findings = check([table], [tmp_path / "clips"])
    assert [(f.clip, f.kind, f.detail) for f in findings.found] == [
        ("b", "other frame rate", "30 frames a second; 2 clips have 24")
    ]
    assert len(findings.kept) == 3


def test_clips_without_a_person_are_found_on_a_deep_look(write_table, tmp_path):
    table = write_table([("V", name, 0, 1, "One.") for name in "ab"])
    _openpose(tmp_path / "clips" / "a", 24, person=True)
    _openpose(tmp_path / "clips" / "b", 24, person=False)
    assert check([table], [tmp_path / "clips"]).found == ()
    assert _kinds(check([table], [tmp_path / "clips"], deep=True)) == [("b", "nobody")]


def test_broken_files_are_findings(write_table, tmp_path):
    table = write_table([("V", name, 0, 1, "One.") for name in ("a", "b", "c", "d", "e")])
    (tmp_path / "clips" / "b").mkdir(parents=True)
    (tmp_path / "clips" / "a.mp4").touch()
    (tmp_path / "clips" / "c.pose").touch()
    (tmp_path / "clips" / "d.mp4").symlink_to(tmp_path / "gone.mp4")
    _openpose(tmp_path / "clips" / "e", 24, person=True)
    next((tmp_path / "clips" / "e").iterdir()).write_text("{")
    assert _kinds(check([table], [tmp_path / "clips"])) == [(name, "broken file") for name in "abcd"]
    findings = check([table], [tmp_path / "clips"], deep=True)
    assert _kinds(findings) == [(name, "broken file") for name in "abcde"]
    assert findings.kept == ()
    (tmp_path / "whole").mkdir()
    (tmp_path / "whole" / "V.mp4").touch()
    assert len(check([table], videos=[tmp_path / "whole"]).found) == 5


def test_two_clips_of_one_name(write_table, tmp_path):
    table = write_table([("V", "a", 0, 1, "One.")])
    _video(tmp_path / "x" / "a.mp4", 1)
    _video(tmp_path / "y" / "a.mp4", 1)
    findings = check([table], [tmp_path / "x", tmp_path / "y"])
    assert _kinds(findings) == [("a", "duplicated clip")]
    assert len(findings.kept) == 1


def test_the_table_that_is_not_realigned_has_other_columns(write_table):
    header = HEADER.replace("_REALIGNED", "")
    (sentence,) = read_table(write_table([("V", "a", 0.5, 1.25, 'Say ""hi"".')], header=header))
    assert (sentence.start, sentence.end, sentence.text) == (0.5, 1.25, 'Say ""hi"".')


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("VIDEO_NAME\tSENTENCE\nV\tHi.\n", "line 1: expected columns divided by tabs: .*there is no SENTENCE_NAME"),
        ("", "expected a table, but it is empty"),
        ("id,text\n1\n", "line 2: expected 2 columns, but found 1"),
        ("a\tHi.\nb\n", "line 2: expected a name and a text, divided by a tab; .* but found 1 columns"),
        (HEADER + "v\tV\ta\ta\t0\n", "line 2: expected 7 columns, but found 5"),
        (HEADER + "v\tV\ta\ta\t0\tend\tText.\n", "line 2: expected times in seconds, but found 0 and end"),
        (HEADER + "v\tV\ta\ta\tnan\t1\tText.\n", "line 2: expected times in seconds"),
        (HEADER + "v\tV\ta\t \t0\t1\tText.\n", "line 2: expected a name in SENTENCE_NAME"),
        (HEADER + 'v\tV\ta\ta\t0\t1\t"Text.\nv\tV\tb\tb\t0\t1\tText.\n', "a quote is not closed"),
        (b"\xff\xfe", "line 1: expected text in UTF-8"),
        ("a\tHi.\n\0\tHi.\n", "line 2: expected the name of a clip"),
        ("a\rb\tHi.\n", "line 1: expected a table, but new-line character"),
        ("a\tHi.\nb\tGrüße\n".encode("latin-1"), "line 2: expected text in UTF-8"),
    ],
)
def test_broken_tables(tmp_path, content, message):
    path = tmp_path / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(FormatError, match=message) as caught:
        list(read_table(path))
    assert "table.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"fps": 0}, "fps must be positive"), ({"tolerance": -1}, "tolerance must be at least 0")],
)
def test_wrong_values(write_table, options, message):
    with pytest.raises(ValueError, match=message):
        check([write_table([])], **options)
    with pytest.raises(ValueError, match="tables must name at least one file"):
        check([])


@pytest.mark.realdata
def test_how2sign(realdata):
    for split, count, short in (("val", 1741, ["a5yNwUSiYpA_12-5-rgb_front"]), ("test", 2357, [])):
        findings = check([realdata / "texts" / f"how2sign_realigned_{split}.csv"])
        assert findings.sentences == count
        assert [(finding.clip, finding.kind) for finding in findings.found] == [(name, "no duration") for name in short]


@pytest.mark.realdata
def test_real_clips_against_a_real_table(realdata):
    table = realdata / "texts" / "how2sign_realigned_val.csv"
    findings = check([table], [realdata / "how2sign-openpose" / "json"], fps=24, deep=True)
    assert findings.clips == 3
    assert findings.counts()["text without clip"] == 1738
    assert "clip without text" not in findings.counts()
    assert "nobody" not in findings.counts()
    # 157 frames at 24 a second; in the table from 30.13 to 38.16 s or the like: the clip is of older times.
    times = {sentence.name: sentence.end - sentence.start for sentence in read_table(table)}
    frames = {"_2FBDaOPYig_2-3-rgb_front": 157, "_2FBDaOPYig_2-5-rgb_front": 210, "_2FBDaOPYig_3-5-rgb_front": 146}
    short = {name for name, count in frames.items() if times[name] > count / 24 + 0.5}
    assert {finding.clip for finding in findings.found if finding.kind == "past the end"} == short


def test_a_clip_whose_picture_is_repeated_has_no_motion(write_table, tmp_path):
    names = ("still", "repeated", "moves")
    table = write_table([("V", name, 0, 2, "Two seconds.") for name in names])
    _video(tmp_path / "clips" / "still.mp4", 2, moves=False)
    _openpose(tmp_path / "clips" / "repeated", 48, person=True, moves=False)
    _openpose(tmp_path / "clips" / "moves", 48, person=True)
    findings = check([table], [tmp_path / "clips"], fps=24, deep=True)
    assert _kinds(findings) == [("repeated", "no motion"), ("still", "no motion")]
    assert len(findings.kept) == 3
    assert check([table], [tmp_path / "clips"], fps=24).found == ()


def test_keypoints_that_last_twice_as_long_as_their_video(write_table, tmp_path):
    table = write_table([("V", "a", 0, 2, "Two seconds.")])
    _video(tmp_path / "clips" / "a.mp4", 2)
    _openpose(tmp_path / "clips" / "a", 96, person=True)
    [found] = check([table], [tmp_path / "clips"]).found
    assert found.kind == "other duration"
    assert found.detail == "the keypoints last 4.00 s, but the video 2.00 s"


def test_a_short_clip_that_lasts_twice_as_long_is_found_within_the_tolerance(write_table, tmp_path):
    table = write_table([("V", "a", 0, 0.5, "Half a second.")])
    _video(tmp_path / "clips" / "a.mp4", 1)
    assert _kinds(check([table], [tmp_path / "clips"])) == [("a", "other duration")]


@pytest.mark.parametrize(
    "content", ["id,text\na,Hello.\nb,\n", "\ufeffid,text\r\na,Hello.\r\nb,\r\n", "a\tHello.\nb\t\n"]
)
def test_tables_of_names_and_texts_that_prepare_reads(tmp_path, content):
    table = tmp_path / "texts.csv"
    table.write_bytes(content.encode())
    _video(tmp_path / "clips" / "a.mp4", 1)
    findings = check([table], [tmp_path / "clips"])
    assert _kinds(findings) == [("b", "empty sentence"), ("b", "text without clip")]
    assert [(sentence.name, sentence.text, sentence.seconds) for sentence in findings.kept] == [("a", "Hello.", None)]


def test_clips_that_do_not_tell_how_long_they_last_are_counted(write_table, tmp_path):
    table = write_table([("V", "a", 0, 2, "Two seconds.")])
    _openpose(tmp_path / "clips" / "a", 96, person=True)
    findings = check([table], [tmp_path / "clips"])
    assert (findings.found, findings.untimed) == ((), 1)
    assert "1 clips do not tell how long they last" in as_text(findings)
