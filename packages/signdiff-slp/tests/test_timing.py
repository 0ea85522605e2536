import json

import pytest

from signdiff_slp.timing import TimedWord, to_json, to_webvtt

WORDS = [TimedWord(word="hi", first_frame=0, last_frame=24), TimedWord(word="there", first_frame=30, last_frame=91524)]


def test_captions_have_their_times():
    captions = to_webvtt("hi there", WORDS, fps=25.0, num_frames=91525)
    assert captions.split("\n\n") == [
        "WEBVTT",
        "00:00:00.000 --> 00:00:01.000\nhi",
        "00:00:01.200 --> 01:01:01.000\nthere\n",
    ]


def test_a_text_without_words_is_one_caption():
    assert to_webvtt("a --> b", [], fps=10.0, num_frames=5).endswith("00:00:00.000 --> 00:00:00.500\na -> b\n")


def test_json_has_frames_and_seconds():
    told = json.loads(to_json("hi there", WORDS[:1], fps=25.0, num_frames=40))
    assert told["words"] == [{"word": "hi", "first_frame": 0, "last_frame": 24, "start": 0.0, "end": 1.0}]
    assert (told["frames"], told["fps"], told["protocol"]) == (40, 25.0, "free")


def test_the_bundled_model_knows_when_it_spells_what(tmp_path, capsys):
    pytest.importorskip("torch")
    from signdiff_slp.cli import main

    frames = {}
    for speed in ("1", "0.5"):
        path = tmp_path / f"{speed}.pose"
        assert main(["sign", "hi there", "-o", str(path), "--speed", speed, "--timing"]) == 0
        told = json.loads((tmp_path / f"{speed}.words.json").read_text())
        assert [word["word"] for word in told["words"]] == ["hi", "there"]
        bounds = [bound for word in told["words"] for bound in (word["first_frame"], word["last_frame"])]
        assert 0 < bounds[0] < bounds[1] < bounds[2] < bounds[3] < told["frames"]
        # Five letters take longer than two.
        assert bounds[3] - bounds[2] > 1.5 * (bounds[1] - bounds[0])
        assert (tmp_path / f"{speed}.vtt").read_text().count("-->") == 2
        assert json.loads((tmp_path / f"{speed}.pose.json").read_text())["protocol"] == "free"
        frames[speed] = [*bounds, told["frames"]]
    assert [slow / fast for slow, fast in zip(frames["0.5"], frames["1"], strict=True)] == pytest.approx(
        [2] * 5, rel=0.1
    )
    assert main(["sign", "hi", "-o", str(tmp_path / "none" / "hi.pose")]) == 2
    assert main(["sign", "hi", "-o", str(tmp_path / "hi.docx")]) == 1
    assert not (tmp_path / "hi.docx.json").exists()
    assert "does not exist" in capsys.readouterr().err
