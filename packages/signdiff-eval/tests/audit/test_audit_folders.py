import json
import subprocess
import sys
import warnings

import numpy as np
import pytest

from signdiff_eval.audit import KINDS, audit
from signdiff_eval.provenance import mark_generated
from signdiff_eval.readers import PoseFormats


@pytest.fixture
def folders(tmp_path, write_pose, walk, rng):
    for name in ("a", "b", "c"):
        write_pose(tmp_path / "ref" / f"{name}.pose", walk(12) + rng.normal(size=(50, 3)))
        write_pose(tmp_path / "good" / f"{name}.pose", walk(10 if name == "b" else 12) + rng.normal(size=(50, 3)))
    return tmp_path


def found(folder, system="good"):
    result = audit(folder / system, folder / "ref", formats=PoseFormats({}))
    return {(finding.kind, finding.file) for finding in result.findings}


def run(*arguments):
    program = "from signdiff_eval.cli import main; main()"
    return subprocess.run([sys.executable, "-c", program, *map(str, arguments)], capture_output=True, text=True)


def test_good_files_are_left_alone(folders):
    assert found(folders) == set()


def test_each_fault_is_told_with_its_file(folders, write_pose, walk, rng):
    still = np.repeat(walk(1) + rng.normal(size=(50, 3)), 12, axis=0)
    write_pose(folders / "good" / "a.pose", still)
    (folders / "good" / "b.pose").write_bytes(b"no pose")
    (folders / "ref" / "c.pose").unlink()
    write_pose(folders / "ref" / "d.pose", walk(3))
    mark_generated(folders / "ref" / "a.pose", "some system 1.0")
    assert found(folders) == {
        ("frozen", "a.pose"),
        ("unreadable", "b.pose"),
        ("unpaired", "c.pose"),
        ("unpaired", "d.pose"),
        ("generated-reference", "reference a.pose"),
    }
    assert {kind for kind, _ in found(folders)} <= KINDS.keys()


def test_timing_that_was_told_is_seen_in_the_lengths(folders, write_pose, walk, rng):
    write_pose(folders / "good" / "b.pose", walk(12) + rng.normal(size=(50, 3)))
    assert found(folders) == {("same-length", "good")}


def test_mixed_rates_in_a_folder_are_found_without_references(folders, write_pose, walk):
    write_pose(folders / "good" / "b.pose", walk(12), fps=30.0)
    result = audit(folders / "good", formats=PoseFormats({}))
    assert [(finding.kind, finding.file) for finding in result.findings] == [("frame-rate", "good")]
    assert "25 (a.pose) and 30 (b.pose)" in result.findings[0].detail


@pytest.mark.parametrize("factor", [1 / 500, 3])
def test_a_folder_in_other_units_is_told_as_that_and_not_as_frozen(folders, write_pose, factor):
    for path in sorted((folders / "good").iterdir()):
        [sequence] = PoseFormats({}).read(path)
        write_pose(path, sequence.joints * factor)
    assert found(folders) == {("scale", f"{name}.pose") for name in "abc"}
    [first, *_] = audit(folders / "good", folders / "ref", formats=PoseFormats({})).findings
    assert "times as large as the reference's" in first.detail
    assert "signdiff convert FILE OUT --normalise" in first.detail


@pytest.mark.sibling
@pytest.mark.realdata
def test_real_skels_are_found_only_when_they_are_scaled(realdata, tmp_path):
    pytest.importorskip("signdiff_core")
    [source, *_] = sorted((realdata / "phoenix14t-skels").glob("**/*.skels"))
    line = source.open().readline().split()
    for name, factor in (("true", 1), ("scaled", 3)):
        values = [value if place % 151 == 150 else f"{float(value) * factor:.5f}" for place, value in enumerate(line)]
        (tmp_path / f"{name}.skels").write_text(" ".join(values) + "\n")
    assert "scale" not in {one.kind for one in audit(tmp_path / "true.skels").findings}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert "scale" in {one.kind for one in audit(tmp_path / "scaled.skels").findings}
        assert "scale" in {one.kind for one in audit(tmp_path / "scaled.skels", tmp_path / "true.skels").findings}


def test_nan_frames_in_a_file(folders, write_pose, walk, rng):
    joints = walk(10) + rng.normal(size=(50, 3))
    joints[4, 7] = np.nan
    confidence = np.ones((10, 50))
    confidence[6] = 0
    write_pose(folders / "good" / "b.pose", joints, confidence=confidence)
    assert found(folders) == {("nan-frames", "b.pose"), ("empty-frames", "b.pose")}


@pytest.mark.sibling
def test_counters_that_are_the_references(tmp_path, rng):
    pytest.importorskip("signdiff_core")
    from signdiff_core.formats import write_skels
    from signdiff_core.skeleton import make_pose

    def poses(lengths):
        for length in lengths:
            joints = np.cumsum(rng.normal(scale=0.02, size=(length, 50, 3)), axis=0) + rng.normal(size=(50, 3))
            joints[:, 1], joints[:, 2], joints[:, 5] = 0, (-1 / 6, 0, 0), (1 / 6, 0, 0)
            yield make_pose(joints, 25.0)

    for folder, lengths in (("ref", (8, 9, 10)), ("hyp", (8, 7, 10))):
        (tmp_path / folder).mkdir()
        write_skels(list(poses(lengths)), tmp_path / folder / "test.skels", variant="pt")
    findings = audit(tmp_path / "hyp", tmp_path / "ref").findings
    assert [(one.kind, one.detail) for one in findings] == [("counter", "in 2 of 3 sequences")]


def test_command(folders, write_pose, walk, rng):
    done = run("audit", folders)
    assert (done.returncode, done.stderr) == (0, "")
    assert "good: 3 files, 3 pairs, 0 findings" in done.stdout
    write_pose(folders / "good" / "b.pose", walk(20) + rng.normal(size=(50, 3)))
    done = run("audit", folders / "good", "--ref", folders / "ref", "--json", "--strict")
    assert (done.returncode, done.stderr) == (1, "")
    told = json.loads(done.stdout)["good"]
    assert told["counts"] == {"longer": 1}
    assert told["findings"][0]["file"] == "b.pose"
    (folders / "nothing").mkdir()
    done = run("audit", folders / "nothing")
    assert done.returncode == 1
    assert done.stderr.startswith("signdiff-eval: error:")


def test_hidden_folders_are_no_systems(folders):
    (folders / ".cache").mkdir()
    (folders / ".cache" / "a.pose").write_bytes(b"no pose")
    done = run("audit", folders, "--json")
    assert done.returncode == 0, done.stderr
    assert ".cache" not in json.loads(done.stdout)
