"""Plug-ins of the four packages, and of a stranger."""

import json

import pytest

BUILT_IN = {
    ("signdiff.translators", "slp", "signdiff-slp"),
    ("signdiff.annotators", "frnet", "signdiff-frnet"),
    ("signdiff.annotators", "frnet-predictor", "signdiff-frnet"),
    ("signdiff.annotators", "canny", "signdiff-core"),
    ("signdiff.annotators", "depth", "signdiff-core"),
    ("signdiff.annotators", "normal", "signdiff-core"),
    ("signdiff.annotators", "openpose", "signdiff-core"),
    ("signdiff.annotators", "softedge", "signdiff-core"),
    ("signdiff.renderers", "avatar", "signdiff-core"),
    ("signdiff.renderers", "diffusion", "signdiff-core"),
    ("signdiff.renderers", "skeleton", "signdiff-core"),
    ("signdiff.pose_formats", "openpose", "signdiff-core"),
    ("signdiff.pose_formats", "pose", "signdiff-core"),
    ("signdiff.pose_formats", "skels", "signdiff-core"),
    ("signdiff.metrics", "dtw", "signdiff-eval"),
    ("signdiff.metrics", "duration", "signdiff-eval"),
    ("signdiff.metrics", "ssim", "signdiff-eval"),
    ("signdiff.metrics", "total_distance", "signdiff-eval"),
}

STRANGER = '''
import numpy as np

class Lamp:
    """Frames that grow lighter."""
    name = "lamp"
    requires = ()
    extra = "stranger"

    def __init__(self, **options):
        self.options = options

    def render(self, pose, *, size=None, seed=0, **options):
        for index in range(pose.body.data.shape[0]):
            yield np.full((size or 64, size or 64, 3), 20 * index, dtype=np.uint8)
'''


@pytest.fixture
def stranger(tmp_path, monkeypatch):
    """A distribution with a renderer that works and one that does not, put on Python's path."""
    site = tmp_path / "site"
    info = site / "stranger-3.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 3.1\n")
    (info / "entry_points.txt").write_text(
        "[signdiff.renderers]\nlamp = stranger_lamp:Lamp\nbroken = stranger_broken:Broken\n"
    )
    (site / "stranger_lamp.py").write_text(STRANGER)
    (site / "stranger_broken.py").write_text("import a_module_that_is_not_there\n")
    monkeypatch.setenv("PYTHONPATH", str(site))


def test_every_built_in_plug_in_is_there_and_loads(run_command):
    found = json.loads(run_command("signdiff", "plugins", "--json").stdout)
    assert {(one["group"], one["name"], one["distribution"]) for one in found} >= BUILT_IN
    assert [one["error"] for one in found if (one["group"], one["name"], one["distribution"]) in BUILT_IN] == [
        None
    ] * len(BUILT_IN)


@pytest.mark.usefixtures("stranger")
def test_a_strangers_plug_in_is_listed_and_a_broken_one_breaks_nothing(run_command):
    done = run_command("signdiff", "plugins", "--json")
    assert done.returncode == 0
    found = {one["name"]: one for one in json.loads(done.stdout)}
    assert found["lamp"]["error"] is None
    assert (found["lamp"]["distribution"], found["lamp"]["version"]) == ("stranger", "3.1")
    assert "a_module_that_is_not_there" in found["broken"]["error"]
    assert found["skeleton"]["error"] is None


@pytest.mark.usefixtures("stranger")
def test_a_strangers_renderer_draws(run_command, tmp_path, wave):
    from signdiff_core import formats
    from signdiff_core.video import read_video

    formats.write(wave, tmp_path / "wave.pose")
    done = run_command("signdiff", "render", "wave.pose", "-o", "lamp.mp4", "--renderer", "lamp", "--size", "64")
    assert (done.returncode, done.stderr) == (0, "")
    frames = list(read_video(tmp_path / "lamp.mp4"))
    assert [frame.shape for frame in frames] == [(64, 64, 3)] * 12
    assert [round(float(frame.mean()) / 20) for frame in frames] == list(range(12))


@pytest.mark.usefixtures("stranger")
def test_a_plug_in_that_fails_to_import_is_one_line(run_command, tmp_path, wave):
    from signdiff_core import formats

    formats.write(wave, tmp_path / "wave.pose")
    done = run_command("signdiff", "render", "wave.pose", "-o", "out.mp4", "--renderer", "broken")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "'broken' of stranger 3.1" in done.stderr
    assert "a_module_that_is_not_there" in done.stderr
    assert not (tmp_path / "out.mp4").exists()


def test_the_annotators_can_be_called(wave):
    import numpy as np

    from signdiff_core import plugins

    frame = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    fr_map = plugins.load("signdiff.annotators", "frnet")()(frame, detect_resolution=64, image_resolution=64)
    assert set(np.unique(fr_map)) <= {0, 255}


def test_evaluation_reads_what_core_writes(run_command, tmp_path, wave):
    from signdiff_core import formats

    for folder in ("ref", "hyp"):
        (tmp_path / folder).mkdir()
        formats.write(wave, tmp_path / folder / "wave.pose")
    done = run_command("signdiff-eval", "score", "--ref", "ref", "--hyp", "hyp", "--json")
    assert done.returncode == 0, done.stderr
    json.loads(done.stdout)
