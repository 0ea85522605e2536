"""Metrics of others: installed as a distribution of their own, they are scored, compared and repeated by signature."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

README = Path(__file__).parents[1] / "README.md"

OTHERS = """
from signdiff_eval.metrics import TextMetric, VideoMetric, PoseMetric

class Brevity(TextMetric):
    ideal = 100.0
    name = "brevity"

    def __init__(self, percent=100.0):
        super().__init__()
        self.percent = percent

    @property
    def settings(self):
        return (("scale", f"{self.percent:g}"),)

    @classmethod
    def of_signature(cls, signature):
        return cls(float(dict(signature.settings)["scale"])) if signature.name == "brevity" else None

    def row_of(self, hypothesis, reference):
        return self.percent * len(hypothesis), len(reference)

class Glare(VideoMetric):
    ideal = 1.0
    name = "glare"

    def take(self, hypothesis, reference):
        self.sums[0] += float(hypothesis.mean())
        self.sums[1] += float(reference.mean())

class Fragile(PoseMetric):
    ideal = 0.0
    name = "fragile"

    def row_of(self, hypothesis, reference):
        raise KeyError("no such joint")

class Endless(PoseMetric):
    ideal = 0.0
    name = "endless"

    def row_of(self, hypothesis, reference):
        return 1.0, 1.0

    def compute(self):
        return float("inf")

class Again(Endless):
    name = "dtw_mje"
"""


def install(site, name, modules, entries):
    """Make a distribution as pip leaves one."""
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = "".join(f"{key} = {target}\n" for key, target in entries.items())
    (info / "entry_points.txt").write_text(f"[signdiff.metrics]\n{lines}")
    for module, source in modules.items():
        (site / f"{module}.py").write_text(source)


@pytest.fixture
def run(tmp_path):
    """Run the command beside a distribution with the metric of the README."""
    [source] = re.findall(r"```python\n(import numpy.*?class Reach.*?)```", README.read_text(), re.DOTALL)
    [target] = re.findall(r'^reach = "your_package:(\w+)"$', README.read_text(), re.MULTILINE)
    site = tmp_path / "site"
    install(site, "reach", {"your_package": source}, {"reach": f"your_package:{target}"})

    def run(*arguments):
        program = [sys.executable, "-c", "from signdiff_eval.cli import main; main()", *map(str, arguments)]
        paths = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH", "")]))
        return subprocess.run(program, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths})

    run.site = site
    return run


@pytest.fixture
def folders(tmp_path, write_pose, walk):
    references = [walk(9), walk(14)]
    for name, factor in (("ref", 1), ("half", 0.5), ("twice", 2)):
        for index, joints in enumerate(references):
            write_pose(tmp_path / name / f"{index}.pose", joints[0] + factor * (joints - joints[0]))
    return tmp_path


def test_a_metric_of_others_is_scored(run, folders):
    command = ("score", "--ref", folders / "ref", "--hyp", folders / "half")
    done = run(*command, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    scores = json.loads(done.stdout)
    assert scores["reach"]["score"] == pytest.approx(0.5, rel=1e-5)
    assert (scores["reach"]["ceiling"], scores["reach"]["ideal"]) == (1, 1)
    assert scores["reach"]["signature"].startswith("reach|from:first-frame|reach:1.0|n:2|fps:25|")
    # This package's own come first, as ever, and are what they were.
    own = ["dtw_mje", "dtw_pjpe", "dtw_pt", "total_distance", "avg_duration"]
    assert [key for key in scores if "signature" in (scores[key] if isinstance(scores[key], dict) else ())] == [
        *own,
        "reach",
    ]
    assert scores["total_distance"]["score"] == pytest.approx(0.5, rel=1e-5)
    assert "reach:1.0" in run(*command).stdout


def test_a_metric_of_others_is_compared(run, folders):
    page = folders / "page.html"
    systems = ("--sys", folders / "half", "--sys", folders / "twice")
    done = run("compare", "--ref", folders / "ref", *systems, "--samples", 20, "--json", "--html", page)
    assert done.returncode == 0, done.stderr
    reach = json.loads(done.stdout)["systems"]["twice"]["reach"]
    assert reach["score"] == pytest.approx(2, rel=1e-5)
    assert reach["interval"] == pytest.approx([2, 2], rel=1e-5)
    assert reach["difference"]["value"] == pytest.approx(1.5, rel=1e-5)
    assert reach["difference"]["p_randomization"] == 0.5  # two sequences
    assert "<figcaption>reach</figcaption>" in page.read_text()


def test_a_metric_of_others_is_repeated_by_its_signature(run, folders):
    command = ("score", "--ref", folders / "ref", "--hyp", folders / "half", "--json")
    old = run(*command, "--fps", 12.5).stdout
    (folders / "old.json").write_text(old)
    assert run(*command, "--signature", folders / "old.json").stdout == old
    signature = json.loads(old)["reach"]["signature"]
    alone = json.loads(run(*command, "--signature", signature).stdout)
    assert alone["reach"] == json.loads(old)["reach"]
    assert "dtw_mje" not in alone
    other = run(*command, "--signature", signature.replace("reach:1.0", "reach:2.0"))
    assert other.returncode == 1
    assert "reach is 2.0 in it and would be 1.0" in other.stderr
    (run.site / "reach-1.0.dist-info" / "entry_points.txt").unlink()
    gone = run(*command, "--signature", signature)
    assert (gone.returncode, gone.stderr.count("\n")) == (1, 1)
    assert "must name a score that this command computes, but names 'reach'" in gone.stderr


def test_what_fails_is_told_and_breaks_nothing(run, folders):
    entries = {
        **{"absent": "others_absent:Metric", "exits": "others_exits:Metric", "lamp": "json:dumps", "nothing": "json"},
        **{name.lower(): f"others:{name}" for name in ("Fragile", "Endless", "Again")},
        "dtw": "others_absent:DTW",
    }
    install(run.site, "others", {"others": OTHERS, "others_exits": "raise SystemExit('bye')"}, entries)
    done = run("score", "--ref", folders / "ref", "--hyp", folders / "half", "--json")
    assert done.returncode == 0
    told = done.stderr.splitlines()
    assert all(line.startswith("signdiff-eval: warning: the metric ") for line in told)
    for part in (
        "'absent' is left out: ModuleNotFoundError: No module named 'others_absent'",
        "'exits' is left out: SystemExit: bye",
        "'lamp' is left out: it must be a PoseMetric, TextMetric or VideoMetric, but is <function dumps",
        "'nothing' is left out: it must be a PoseMetric",
        "Again is left out: its score 'dtw_mje' is another's",
        "'dtw",
    ):
        assert len([line for line in told if part in line]) >= 1, part
    scores = json.loads(done.stdout)
    assert scores["not_scored"] == {
        "endless": "endless must be a finite number, but is inf, and on the reference inf.",
        "fragile": "KeyError: 'no such joint'",
    }
    assert scores["reach"]["score"] == pytest.approx(0.5, rel=1e-5)
    assert scores["dtw_mje"]["ceiling"] == 0
    compared = run("compare", "--ref", folders / "ref", "--sys", folders / "half", "--sys", folders / "twice", "--json")
    assert compared.returncode == 0, compared.stderr
    assert set(json.loads(compared.stdout)["systems"]["twice"]["not_scored"]) == {"endless", "fragile"}


def test_metrics_of_sentences_and_of_videos_take_part(run, tmp_path):
    av = pytest.importorskip("av")
    install(run.site, "others", {"others": OTHERS}, {"brevity": "others:Brevity", "glare": "others:Glare"})
    for name, text in (("ref", "am abend regen"), ("hyp", "am abend")):
        (tmp_path / f"{name}.txt").write_text(text + "\n")
        (tmp_path / name).mkdir()
        with av.open(str(tmp_path / name / "a.mp4"), "w") as movie:
            stream = movie.add_stream("libx264rgb", rate=25, options={"qp": "0"})
            stream.width = stream.height = 32
            stream.pix_fmt = "rgb24"
            for _ in range(3):
                frame = np.full((32, 32, 3), 200 if name == "ref" else 50, dtype=np.uint8)
                movie.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            movie.mux(stream.encode())
    texts = run("score", "--text", "--ref", tmp_path / "ref.txt", "--hyp", tmp_path / "hyp.txt", "--json")
    assert json.loads(texts.stdout)["brevity"]["score"] == pytest.approx(100 * 8 / 14), texts.stderr
    command = ("score", "--video", "--ref", tmp_path / "ref", "--hyp", tmp_path / "hyp", "--json")
    videos = json.loads(run(*command).stdout)
    assert videos["glare"]["score"] == pytest.approx(50 / 200)
    (tmp_path / "old.json").write_text(json.dumps(videos))
    assert json.loads(run(*command, "--signature", tmp_path / "old.json").stdout) == videos


def test_settings_of_a_metric_of_others_come_from_its_signature(run):
    install(run.site, "others", {"others": OTHERS}, {"brevity": "others:Brevity"})
    code = (
        "from signdiff_eval import Signature; from signdiff_eval.scoring.suites import metric_of;"
        "print(metric_of(Signature('brevity', (('scale', '2.5'),))).percent)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(run.site), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert (done.stdout.strip(), done.stderr) == ("2.5", "")


def test_a_broken_list_of_plug_ins_is_one_line(run, folders):
    (run.site / "reach-1.0.dist-info" / "entry_points.txt").write_text("[signdiff.metrics\nreach")
    done = run("score", "--ref", folders / "ref", "--hyp", folders / "half")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "an entry_points.txt is broken" in done.stderr
