import json
import math

import pytest

from signdiff_slp.cli import main
from signdiff_slp.commands.curves import read_curves


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    (folder / "metrics/valid").mkdir(parents=True)
    train = [{"Step": 50 * n, "Data Epoch": n // 2 + n % 2, "Pose Loss": 1 / n} for n in (1, 2, 3, 4)]
    free = [{"Step": 100, "DTW-MJE / Frozen": 0.8}, {"Step": 200, "DTW-MJE / Frozen": 0.4}]
    for name, rows in (("train", train), ("valid/free", free)):
        (folder / f"metrics/{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_steps_become_epochs(run):
    curves = read_curves(run)
    assert curves.epochs == [0.5, 1, 1.5, 2]
    assert (curves.validated, curves.dtw) == ([1, 2], [0.8, 0.4])


def test_a_picture_is_drawn(run, tmp_path, capsys):
    pytest.importorskip("matplotlib", reason="needs signdiff-slp[plot]")
    for name in ("curves.png", "curves.svg"):
        assert main(["curves", str(run), str(run), "-o", str(tmp_path / name)]) == 0
        assert (tmp_path / name).stat().st_size > 1000
    assert "0.400 at best" in capsys.readouterr().out
    assert main(["curves", str(run), "-o", str(tmp_path / "curves.what")]) == 1
    assert "must be a picture of the kinds" in capsys.readouterr().err


def test_no_label_is_cut(run, tmp_path, monkeypatch):
    figure = pytest.importorskip("matplotlib.figure", reason="needs signdiff-slp[plot]")
    drawn = []
    save = figure.Figure.savefig
    monkeypatch.setattr(
        figure.Figure, "savefig", lambda self, *rest, **more: (drawn.append(self), save(self, *rest, **more))
    )
    assert main(["curves", str(run), "-o", str(tmp_path / "curves.png")]) == 0
    [picture] = drawn
    for axes in picture.axes:
        for label in (axes.xaxis.label, axes.yaxis.label):
            box = label.get_window_extent()
            assert box.x0 >= 0
            assert box.y0 >= 0
            assert box.x1 <= picture.bbox.x1
            assert box.y1 <= picture.bbox.y1


def test_runs_are_compared_by_what_they_share(run, tmp_path, capsys):
    pytest.importorskip("matplotlib", reason="needs signdiff-slp[plot]")
    new = tmp_path / "new"
    (new / "metrics").mkdir(parents=True)
    row = {"Step": 10, "Data Epoch": 1, "Pose Loss": 0.25, "Comparable Pose Loss": 0.5}
    (new / "metrics/train.jsonl").write_text(json.dumps(row) + "\n")
    assert read_curves(new).comparable == [0.5]
    assert read_curves(run).comparable == []
    assert main(["curves", str(new), "-o", str(tmp_path / "a.png")]) == 0
    assert "comparable loss 0.5" in capsys.readouterr().out
    assert main(["curves", str(new), str(run), "-o", str(tmp_path / "a.png")]) == 0
    assert capsys.readouterr().out.count(" loss 0.25") == 2


def test_what_is_no_run(run, tmp_path, capsys):
    assert main(["curves", str(tmp_path), "-o", str(tmp_path / "a.png")]) == 2
    assert "must be the folder of a training run" in capsys.readouterr().err
    (run / "metrics/train.jsonl").write_text('{"Step": 1}\n')
    assert main(["curves", str(run), "-o", str(tmp_path / "a.png")]) == 1
    assert "must hold numbers named Data Epoch, Pose Loss, Step" in capsys.readouterr().err
    (run / "metrics/train.jsonl").write_text("{")
    assert main(["curves", str(run), "-o", str(tmp_path / "a.png")]) == 1
    assert "can't be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[" * 100_000, "train.jsonl must hold a JSON object a line"),
        ('{"Step": 1e30, "Data Epoch": 1, "Pose Loss": 1}', "train.jsonl:2 must have 'Step' from 0 to"),
        ('{"Step": NaN, "Data Epoch": 1, "Pose Loss": 1}', "train.jsonl:2 must have 'Step' from 0 to"),
        ('{"Step": 1, "Data Epoch": "", "Pose Loss": 1}', "train.jsonl:2 must hold numbers"),
        ('{"Step": 1, "Data Epoch": 1, "Pose Loss": 1' + 400 * "0" + "}", "train.jsonl:2 must hold numbers"),
        (
            '{"Step": 1, "Data Epoch": 1, "Pose Loss": 1, "Comparable Pose Loss": "low"}',
            "train.jsonl:2 must hold numbers",
        ),
    ],
)
def test_a_damaged_log_is_one_line(run, line, message):
    log = run / "metrics/train.jsonl"
    log.write_text(log.read_text().splitlines()[0] + f"\n{line}\n")
    with pytest.raises(ValueError, match=message):
        read_curves(run)


def test_a_run_that_has_gone_astray_has_curves(run):
    log = run / "metrics/train.jsonl"
    log.write_text(log.read_text() + '{"Step": 250, "Data Epoch": 3, "Pose Loss": NaN}\n')
    assert math.isnan(read_curves(run).loss[-1])
