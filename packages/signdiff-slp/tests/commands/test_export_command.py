import numpy as np
import pytest

from signdiff_core import formats
from signdiff_core.skeleton import make_pose
from signdiff_slp.cli import main


@pytest.mark.parametrize("rate", [50, 12.5, 25])
def test_exported_poses_last_as_long_as_those_that_were_imported(rate, tmp_path, capsys):
    joints = np.random.default_rng(0).normal(size=(30, 50, 3))
    joints[:, 1], joints[:, 2], joints[:, 5] = 0, (-1 / 6, 0, 0), (1 / 6, 0, 0)
    (tmp_path / "poses").mkdir()
    formats.write(make_pose(joints, 25), tmp_path / "poses" / "clip.pose")
    (tmp_path / "texts.tsv").write_text("clip\thi\ttest\n")
    corpus, exported = tmp_path / "corpus", tmp_path / "exported"
    imports = ["corpus", "poses", str(tmp_path / "poses"), "-o", str(corpus), "--texts", str(tmp_path / "texts.tsv")]
    assert main([*imports, "--fps", str(rate)]) == 0
    assert main(["corpus", "export", str(corpus), "-o", str(exported)]) == 0
    body = formats.read(exported / "clip.pose").body
    assert body.fps == rate
    assert len(body.data) / body.fps == pytest.approx(30 / 25, abs=1 / rate)
    assert f"at {rate} frames per second" in capsys.readouterr().out
