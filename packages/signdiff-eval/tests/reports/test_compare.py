import io
import json
import re
import subprocess
import sys
import xml.dom.minidom
from html.parser import HTMLParser

import numpy as np
import pytest
from rich.console import Console

from signdiff_eval.readers import PoseFormats
from signdiff_eval.reports.compare import FROZEN, GROUND_TRUTH, SHUFFLED, compare
from signdiff_eval.reports.tables import print_comparison, to_json, too_few
from signdiff_eval.scoring import BackTranslation, score_poses

QUICK = {"samples": 50, "trials": 50}


@pytest.fixture
def folders(tmp_path, write_pose, walk, rng):
    for index in range(6):
        joints = walk(15 + index) + rng.normal(size=(50, 3))
        write_pose(tmp_path / "ref" / f"w{index}.pose", joints)
        for system, scale in (("near", 0.01), ("far", 0.05)):
            write_pose(tmp_path / system / f"w{index}.pose", joints + rng.normal(scale=scale, size=joints.shape))
    (tmp_path / "texts.tsv").write_text("".join(f"w{index}\tword number {index}\n" for index in range(6)))
    return tmp_path


class Measured:
    """Reads the number of the word off the length, as long as the pose trembles less than `far` does."""

    settings = (("translator", "measured"),)

    def __init__(self):
        self.seen = 0

    def __call__(self, poses):
        self.seen += len(poses)
        return [
            f"word number {len(pose.joints) - 15}" if np.abs(np.diff(pose.joints, 2, axis=0)).mean() < 0.07 else "noise"
            for pose in poses
        ]


def run(*arguments):
    program = "from signdiff_eval.cli import main; main()"
    return subprocess.run([sys.executable, "-c", program, *map(str, arguments)], capture_output=True, text=True)


def of(comparison, key):
    index = comparison.keys.index(key)
    return {name: report.scores[index] for name, report in comparison.reports.items()}


def test_controls_are_in_the_order_that_they_must_be(folders):
    translator = Measured()
    comparison = compare(
        {"near": folders / "near", "far": folders / "far"},
        folders / "ref",
        controls=True,
        formats=PoseFormats({}),
        back_translation=BackTranslation(folders / "texts.tsv", translator, translator.settings),
        **QUICK,
    )
    assert list(comparison.reports) == ["near", "far", GROUND_TRUTH, FROZEN, SHUFFLED]
    dtw, wer, moved = (of(comparison, key) for key in ("dtw_mje", "wer", "total_distance"))
    assert 0 == dtw[GROUND_TRUTH].value < dtw["near"].value < dtw["far"].value < dtw[SHUFFLED].value
    assert moved[FROZEN].value == pytest.approx(0, abs=1e-6)
    assert moved[GROUND_TRUTH].value == 1
    assert wer[GROUND_TRUTH].value == wer[GROUND_TRUTH].ceiling == wer["near"].value == 0
    assert wer["far"].value == 100
    assert wer[SHUFFLED].value == pytest.approx(100 / 3)
    assert all(score.ceiling == 0 for score in wer.values())
    assert "|translator:measured|" in str(wer["near"].signature)
    assert "translator" not in str(dtw["near"].signature)
    # The references, both systems and the frozen poses: each pose once, though the references are in every system.
    assert translator.seen == 6 * 4


def test_a_system_s_scores_are_those_that_it_has_alone(folders):
    from signdiff_eval.readers import pair_up

    formats = PoseFormats({})
    both = compare({"near": folders / "near", "far": folders / "far"}, folders / "ref", formats=formats, **QUICK)
    alone = score_poses(pair_up(folders / "far", folders / "ref", formats.matches), formats=formats)
    assert both.reports["far"].scores == alone.scores
    for key in both.keys:
        interval, difference = both.intervals["far", key], both.differences["far", key]
        assert interval.low <= of(both, key)["far"].value <= interval.high or key == "avg_duration"
        assert difference.value == of(both, key)["far"].value - of(both, key)["near"].value


def test_command_writes_a_page_that_needs_nothing_else(folders):
    page = folders / "report.html"
    done = run(
        *("compare", "--ref", folders / "ref", "--sys", folders / "near", "--sys", f"<far>={folders / 'far'}"),
        *("--controls", "--html", page, "--json", "--samples", 20, "--trials", 20),
    )
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert (told["baseline"], list(told["systems"])[:2]) == ("near", ["near", "<far>"])
    assert told["systems"]["<far>"]["dtw_mje"]["difference"]["value"] > 0
    assert "difference" not in told["systems"]["near"]["dtw_mje"]
    assert told["systems"]["near"]["dtw_mje"]["interval"][0] > 0
    text = page.read_text()
    HTMLParser().feed(text)
    drawings = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    for drawing in drawings:
        xml.dom.minidom.parseString(drawing)
    # A distribution for each score; strips and an alignment for two worst and two best of both systems.
    assert len(drawings) == len([key for key in told["systems"]["near"] if key not in ("pairs", "absent_joints")]) + 16
    assert not re.search(r"<script|<link|@import|(src|href)=.(?!data:image/png;base64,)", text)
    assert "<far>" not in text
    # On a narrow screen each cell is a line of its own, which its label begins.
    cells = re.findall(r"<td[^>]*>", text)
    labels = ("score", "95% interval", "difference", "p bootstrap", "p randomisation")
    assert cells == [f'<td data-label="{label}">' for label in labels] * (len(cells) // 5)
    assert "@media (max-width:760px)" in text
    assert "td::before{content:attr(data-label)" in text
    assert "&lt;far&gt;" in text
    assert [path.name for path in folders.glob(".*")] == []


def test_table(folders):
    systems = ("--sys", folders / "near", "--sys", folders / "far")
    options = ("compare", "--ref", folders / "ref", *systems, "--samples", 20, "--trials", 20)
    told = json.loads(run(*options, "--json").stdout)["systems"]["far"]["dtw_mje"]
    for details in ((), ("--details",)):
        done = run(*options, *details)
        assert (done.returncode, done.stderr) == (0, "")
        assert "\ntests|samples:20|trials:20|seed:12345" in done.stdout
        for number in (told["score"], *told["interval"], told["difference"]["p_randomization"]):
            assert f"{number:.4f}".removeprefix("0") in done.stdout
        assert ("dtw_mje (ideal 0, ceiling 0.0000)" in done.stdout) == bool(details)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--sys", "{0}/nowhere"], 2, "does not exist"),
        (["--sys", "a={0}/near", "--sys", "a={0}/far"], 2, "must be unique"),
        (["--sys", "{0}/near", "--baseline", "best"], 2, "--baseline must be one of near"),
        (["--sys", "{0}/near", "--translator", "bundled"], 2, "needs --texts"),
        (["--sys", "frozen mean pose={0}/near"], 1, "as a control is"),
    ],
)
def test_wrong_use(folders, arguments, status, message):
    done = run("compare", "--ref", folders / "ref", *(argument.format(folders) for argument in arguments))
    assert done.returncode == status
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(("count", "least"), [(1, "1.0000"), (2, ".5000"), (3, ".2500"), (5, ".0625")])
def test_few_sequences_get_no_star_and_a_warning(tmp_path, write_pose, walk, count, least):
    for index in range(count):
        joints = walk(15 + index)
        for name, shift in (("ref", 0), ("good", 0.01), ("bad", 5)):
            write_pose(tmp_path / name / f"w{index}.pose", joints * (1 + shift) + shift)
    systems = {name: tmp_path / name for name in ("good", "bad")}
    comparison = compare(systems, tmp_path / "ref", formats=PoseFormats({}), samples=1000)
    console = Console(width=120, file=io.StringIO())
    print_comparison(comparison, console)
    printed = console.file.getvalue().replace("\N{NO-BREAK SPACE}", " ")
    assert f"p {least} {least}" in printed
    assert not re.search(r"\d\*", printed)
    told = json.loads(to_json(comparison))
    assert told["tests"]["smallest_p"] == float(least)
    difference = told["systems"]["bad"]["dtw_mje"]["difference"]
    assert (difference["p_bootstrap"], difference["p_randomization"], difference["exact"]) == (
        *[float(least)] * 2,
        True,
    )
    assert f"no p-value below {least} is possible, so no difference can be significant" in too_few(comparison)


def test_the_command_warns_of_few_sequences(folders):
    for path in folders.glob("*/w[3-5].pose"):
        path.unlink()
    page = folders / "page.html"
    systems = ("--sys", folders / "near", "--sys", folders / "far")
    done = run("compare", "--ref", folders / "ref", *systems, "--html", page)
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)
    for told in (done.stderr, page.read_text()):
        assert "3 sequences: no p-value below .2500 is possible, so no difference can be significant" in told


@pytest.mark.parametrize("width", [30, 40, 60, 80, 120, 200])
@pytest.mark.parametrize("details", [False, True])
def test_no_name_and_no_number_is_cut_however_narrow_the_terminal(folders, width, details):
    names = ["uploaded-baseline-of-2024", "upright", "a system with a rather long name, and a comma"]
    systems = {name: folders / place for name, place in zip(names, ("near", "far", "ref"), strict=True)}
    comparison = compare(systems, folders / "ref", formats=PoseFormats({}), **QUICK)
    console = Console(width=width, file=io.StringIO(), force_terminal=False)
    print_comparison(comparison, console, details=details)
    printed = console.file.getvalue()
    assert "\N{HORIZONTAL ELLIPSIS}" not in printed
    for name in names:
        # Words of a name may stand on several lines of a cell, but none is cut.
        assert all(word in printed for word in name.split())
    for key in comparison.keys:
        for name in names:
            assert f"{of(comparison, key)[name].value:.4f}" in printed
            difference = comparison.differences.get((name, key))
            assert difference is None or f"{difference.value:+.4f}" in printed or not details


@pytest.fixture
def videos(tmp_path, rng):
    av = pytest.importorskip("av")
    scene = rng.integers(0, 256, (8, 4, 4, 3), dtype=np.uint8).repeat(16, axis=1).repeat(16, axis=2)
    for index in range(3):
        for name, noise in (("ref", 0), ("near", 4), ("far", 60)):
            (tmp_path / name).mkdir(exist_ok=True)
            with av.open(str(tmp_path / name / f"v{index}.mp4"), "w") as movie:
                stream = movie.add_stream("libx264", rate=25, options={"qp": "0"})
                stream.width = stream.height = 64
                stream.pix_fmt = "yuv444p"
                for frame in scene:
                    image = np.clip(frame + rng.normal(0, noise, frame.shape), 0, 255).astype(np.uint8)
                    movie.mux(stream.encode(av.VideoFrame.from_ndarray(image)))
                movie.mux(stream.encode())
    return tmp_path


def test_videos_are_compared_as_they_are_scored(videos):
    command = ("compare", "--video", "--ref", videos / "ref", "--sys", videos / "near", "--sys", videos / "far")
    done = run(*command, "--json", "--html", videos / "page.html")
    assert done.returncode == 0, done.stderr
    systems = json.loads(done.stdout)["systems"]
    for name in ("near", "far"):
        alone = json.loads(run("score", "--video", "--ref", videos / "ref", "--hyp", videos / name, "--json").stdout)
        for key in ("ssim", "flicker"):
            assert systems[name][key]["score"] == alone[key]["score"]
            assert systems[name][key]["signature"] == alone[key]["signature"]
    assert systems["far"]["ssim"]["difference"]["value"] < 0
    assert systems["far"]["ssim"]["difference"]["p_randomization"] == 0.25
    assert (videos / "page.html").read_text().count("<svg") == 2


def test_sentences_are_compared_as_they_are_scored(tmp_path):
    said = [
        "am abend regen im norden",
        "morgen sonne",
        "im sueden schnee",
        "wind",
        "es bleibt kalt",
        "der tag ist lang",
    ]
    systems = {"ref": said, "good": [*said[:5], "der tag lang"], "bad": ["regen"] * 6}
    for name, lines in systems.items():
        (tmp_path / f"{name}.txt").write_text("\n".join(lines) + "\n")
    files = ("--sys", f"good={tmp_path / 'good.txt'}", "--sys", f"bad={tmp_path / 'bad.txt'}")
    command = ("compare", "--text", "--ref", tmp_path / "ref.txt", *files)
    done = run(*command, "--json", "--html", tmp_path / "page.html")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)["systems"]
    for name in ("good", "bad"):
        score = ("score", "--text", "--ref", tmp_path / "ref.txt", "--hyp", tmp_path / f"{name}.txt", "--json")
        alone = json.loads(run(*score).stdout)
        for key in ("bleu1", "bleu4", "chrf", "rouge", "wer", "cer"):
            assert told[name][key]["score"] == alone[key]["score"]
    # Six of six sentences are worse: of the 64 exchanges, two are as far apart.
    assert told["bad"]["wer"]["difference"]["p_randomization"] == 2 / 64
    shorter = tmp_path / "short.txt"
    shorter.write_text("wind\n")
    failed = run("compare", "--text", "--ref", tmp_path / "ref.txt", "--sys", f"short={shorter}")
    assert (failed.returncode, failed.stderr.count("\n")) == (1, 1)
    assert "short.txt must have as many lines as" in failed.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--video", "--text"], "--video and --text exclude each other"),
        (["--hands"], "--hands needs --video"),
        (["--tokenize", "13a"], "--tokenize needs --text"),
        (["--video", "--controls"], "--controls is for poses"),
        (["--text", "--translator", "bundled"], "--translator is for poses"),
        (["--text"], "--ref must be a file with --text"),
    ],
)
def test_kinds_do_not_mix(folders, options, message):
    done = run("compare", "--ref", folders / "ref", "--sys", folders / "near", *options)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert message in done.stderr
