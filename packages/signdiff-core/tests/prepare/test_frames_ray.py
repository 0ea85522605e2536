"""Ray writes the same bytes as the processes of this machine."""

import subprocess
import sys

import pytest

pytest.importorskip("ray")
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("layout", ["folder", "webdataset"])
def test_ray_writes_the_same_bytes(corpus, environment, files_of, layout, tmp_path):
    (corpus / "videos" / "b.mp4").write_bytes(b"")
    for engine in ("local", "ray"):
        arguments = ["prepare-frames", corpus / "videos", corpus / "poses", "-o", tmp_path / engine, "--size", "64"]
        arguments += ["--format", layout, "--shard", "1", "--workers", "2", "--engine", engine]
        command = [sys.executable, "-m", "signdiff_core.cli", *map(str, arguments)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert files_of(tmp_path / "ray") == files_of(tmp_path / "local")
    assert "failures.log" in files_of(tmp_path / "ray")
