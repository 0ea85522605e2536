import json
import os
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("torch")

JOB = """
import json, os, sys
import numpy as np
from signdiff_eval.metrics import BLEU, CHRF, DTW, FID, SSIM, WER, Duration, Flicker, TotalDistance

def metrics():
    fid = FID(lambda images: images.reshape(len(images), -1)[:, :3].astype(float))
    return [DTW("mje"), DTW("pjpe"), TotalDistance(), Duration(), BLEU(2), CHRF(), WER(), SSIM(), Flicker(), fid]

def update(metrics, index):
    rng = np.random.default_rng(index)
    poses = [rng.normal(size=(frames, 4, 3)) for frames in rng.integers(3, 9, 2)]
    texts = [" ".join(rng.choice(list("abcd"), size=6)) for _ in range(2)]
    videos = rng.integers(0, 256, (2, 4, 12, 12, 3), dtype=np.uint8)
    for metric, pair in zip(metrics, [poses] * 4 + [texts] * 3 + [videos] * 3, strict=True):
        metric.update(*pair)

def scores(metrics):
    return [metric.compute() for metric in metrics]

PAIRS = 5
if __name__ == "__main__":
    from torch import distributed
    distributed.init_process_group("gloo")
    rank = distributed.get_rank()
    mine = metrics()
    for index in range(PAIRS)[:3] if rank == 0 else range(PAIRS)[3:]:
        update(mine, index)
    whole = [metric.gathered() for metric in mine]
    lone = (WER() if rank else mine[6]).gathered().compute()  # a process that has seen nothing
    try:
        (Duration() if rank else TotalDistance()).gathered()
        refused = ""
    except ValueError as error:
        refused = str(error)
    with open(os.path.join(sys.argv[1], f"{rank}.json"), "w") as file:
        json.dump({"scores": scores(whole), "own": scores(mine), "lone": lone, "refused": refused}, file)
    distributed.destroy_process_group()
"""


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_two_processes_merge_to_the_scores_of_one(tmp_path):
    job = tmp_path / "job.py"
    job.write_text(JOB)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", str(job)]
    done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, check=False, env=dict(os.environ))
    assert done.returncode == 0, done.stderr[-3000:]
    single: dict = {"__name__": "job"}
    exec(compile(JOB, str(job), "exec"), single)
    metrics = single["metrics"]()
    for index in range(single["PAIRS"]):
        single["update"](metrics, index)
    expected = single["scores"](metrics)
    found = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2)]
    for each in found:
        assert each["scores"] == pytest.approx(expected, rel=1e-12, abs=1e-12)
        assert "one signature" in each["refused"]
    assert found[0]["own"] != found[1]["own"]
    assert found[0]["lone"] == found[1]["lone"] == found[0]["own"][6]
    assert not np.allclose(found[0]["own"], expected)
