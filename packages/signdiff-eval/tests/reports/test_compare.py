import json
import re
import subprocess
import sys
import xml.dom.minidom
from html.parser import HTMLParser

import numpy as np
import pytest

from signdiff_eval.readers import PoseFormats
from signdiff_eval.reports.compare import compare
from signdiff_eval.reports.controls import FROZEN, GROUND_TRUTH, SHUFFLED
from signdiff_eval.scoring import Reading, score_poses

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
        folders / "ref",
        {"near": folders / "near", "far": folders / "far"},
        controls=True,
        formats=PoseFormats({}),
        reading=Reading(folders / "texts.tsv", translator, translator.settings),
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
    both = compare(folders / "ref", {"near": folders / "near", "far": folders / "far"}, formats=formats, **QUICK)
    alone = score_poses(pair_up(folders / "ref", folders / "far", formats.matches), formats=formats)
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
        for number in (told["score"], *told["interval"], told["difference"]["p_bootstrap"]):
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
