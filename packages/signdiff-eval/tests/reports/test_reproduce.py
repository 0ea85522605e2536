import json
import subprocess
import sys

import pytest

from signdiff_eval import Signature
from signdiff_eval.metrics import DTW, TotalDistance
from signdiff_eval.reports.reproduce import read_signatures


def run(*arguments):
    program = "from signdiff_eval.cli import main; main()"
    return subprocess.run([sys.executable, "-c", program, *map(str, arguments)], capture_output=True, text=True)


@pytest.fixture
def folders(tmp_path, write_pose, walk):
    for name in ("a", "b"):
        write_pose(tmp_path / "ref" / f"{name}.pose", walk(16))
        write_pose(tmp_path / "hyp" / f"{name}.pose", walk(14))
    return ["--ref", tmp_path / "ref", "--hyp", tmp_path / "hyp"]


def test_an_old_report_comes_out_again(folders, tmp_path):
    old = run("score", *folders, "--fps", 12.5, "--protocol", "gt-timing", "--json")
    assert old.returncode == 0, old.stderr
    (tmp_path / "old.json").write_text(old.stdout)
    again = run("score", *folders, "--signature", tmp_path / "old.json", "--json")
    assert (again.stdout, again.stderr) == (old.stdout, "")
    one = json.loads(old.stdout)["dtw_pt"]
    single = run("score", *folders, "--signature", one["signature"], "--json")
    assert json.loads(single.stdout)["dtw_pt"] == one
    assert "dtw_mje" not in json.loads(single.stdout)


def test_another_corpus_is_not_taken_for_the_old_one(folders, tmp_path):
    old = run("score", *folders, "--json")
    (tmp_path / "old.json").write_text(old.stdout)
    for side in ("ref", "hyp"):
        (tmp_path / side / "b.pose").unlink()
    done = run("score", *folders, "--signature", tmp_path / "old.json")
    assert (done.returncode, done.stdout) == (1, "")
    assert "n is 2 in it and 1 here" in done.stderr


def test_frame_rate_and_signature_contradict_each_other(folders):
    done = run("score", *folders, "--fps", 5, "--signature", "x|version:1")
    assert done.returncode == 2


SIGNATURE = Signature("dtw_pt", (("align", "exact"), ("cost", "l1"), ("mean", "pair"), ("bos", "none")))
SHARED = {"n": "2", "fps": "25", "units": "file", "absent": "linear", "protocol": "free"}


def with_(signature=SIGNATURE, **changes):
    return str(signature.extended(**{**SHARED, **changes}))


def test_settings_are_understood():
    drop = Signature("dtw_pt", (("align", "exact"), ("cost", "l1"), ("mean", "pair"), ("bos", "drop")))
    wrists = Signature("total_distance", (("joints", "4,7"), ("mean", "corpus")))
    old = read_signatures(
        [with_(drop, fps="12.5", protocol="gt-timing"), with_(wrists, fps="12.5", protocol="gt-timing")]
    )
    assert (old.fps, old.protocol, old.video, old.needs_texts) == (12.5, "gt-timing", False, False)
    first, second = old.metrics()
    assert (first.drop_bos, second.joints) == (True, (4, 7))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "at least one score"),
        (["nothing"], "must be a signature or a report's file"),
        ([with_().replace("version:", "version:99.")], "install signdiff-eval==99."),
        ([with_().replace("align:exact", "align:fast")], "align is fast in it and would be exact"),
        ([with_(), with_(fps="12.5")], "must all tell one fps"),
        ([with_(fps="fast")], "tell the frame rate"),
        ([with_(fps="nan")], "tell the frame rate"),
        ([with_(fps="1e300")], "tell the frame rate"),
        ([with_(TotalDistance().signature).replace("joints:all", "joints:1,-x")], "joints by their numbers"),
        ([with_(protocol="other")], "free or gt-timing"),
        ([with_(Signature("beauty"))], "names 'beauty'"),
        ([with_(Signature("dtw_fast"))], "DTW variant"),
    ],
)
def test_what_cannot_be_reproduced_is_an_error(given, message):
    with pytest.raises(ValueError, match=message):
        read_signatures(given)


@pytest.mark.parametrize("nested", ["[" * 900 + "]" * 900, "[" * 100_000, '{"a":' * 900 + "1" + "}" * 900])
def test_a_report_that_nests_deep_is_one_error(tmp_path, nested):
    path = tmp_path / "old.json"
    path.write_text(nested)
    with pytest.raises(ValueError, match=r"old\.json must (hold signatures|be a JSON report)"):
        read_signatures([str(path)])


def test_signatures_are_found_in_order_at_any_depth(tmp_path):
    signatures = [with_(DTW(variant).signature) for variant in ("pt", "mje", "pjpe")]
    content = {"a": [{"signature": signatures[0]}, {"b": {"signature": signatures[1]}}], "signature": signatures[2]}
    path = tmp_path / "old.json"
    path.write_text("\ufeff" + json.dumps(content), encoding="utf-8")
    assert [one.name for one in read_signatures([str(path)]).signatures] == ["dtw_pjpe", "dtw_pt", "dtw_mje"]


@pytest.mark.parametrize("signature", ["nothing", with_(protocol="other"), with_(fps="x" * 5000)])
def test_what_is_wrong_in_a_report_names_its_file(tmp_path, signature):
    path = tmp_path / "old.json"
    path.write_text(json.dumps({"a": {"signature": signature}}))
    with pytest.raises(ValueError, match=r"old\.json: ") as caught:
        read_signatures([str(path)])
    assert len(str(caught.value)) < 700
