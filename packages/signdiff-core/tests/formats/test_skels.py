import re
import tracemalloc

import numpy as np
import pytest

from signdiff_core import formats
from signdiff_core.formats import FormatError
from signdiff_core.skeleton import joints_of, make_pose


def line(joints, counter):
    """A line of a .skels file: values (T, 150) and counters (T,)."""
    return " ".join(f"{' '.join(f'{v:.5f}' for v in row)} {c:.5f}" for row, c in zip(joints, counter, strict=True))


@pytest.fixture
def pt(tmp_path):
    """A file of the variant pt, by hand: two frames, right shoulder at +x, wrist 0.2 towards the viewer."""
    joints = np.zeros((2, 50, 3))
    joints[:, 2], joints[:, 5], joints[:, 4] = (1 / 6, 0, 0), (-1 / 6, 0, 0), (0.3, 0.1, 0.2)
    path = tmp_path / "a.skels"
    path.write_text(line(joints.reshape(2, 150), [0, 0.5]) + "\n")
    return path


@pytest.fixture
def prompt2sign(tmp_path):
    """A file of the variant prompt2sign, by hand: lifted values / 9, neck at (0.1, 0.2, 0.05), joint 20 absent."""
    lifted = np.zeros((2, 50, 3))
    lifted[:, 2], lifted[:, 5], lifted[:, 4] = (-1, 0, 0), (1, 0, 0), (-1.8, 0.6, 1.2)
    values = (lifted + np.array([0.9, 1.8, 0.45])) / 9
    values[:, 20] = 0.016
    path = tmp_path / "b.skels"
    path.write_text(line(values.reshape(2, 150), [0.5, 1]) + "\n")
    return path


def test_pt_becomes_our_convention(pt):
    joints, confidence = joints_of(formats.read(pt))
    assert joints[0, 2].tolist() == pytest.approx([-1 / 6, 0, 0], abs=1e-5)
    assert joints[0, 4].tolist() == pytest.approx([-0.3, 0.1, -0.2])
    assert (confidence == 1).all()


def test_prompt2sign_becomes_our_convention(prompt2sign):
    joints, confidence = joints_of(formats.read(prompt2sign))
    assert joints[0, 2].tolist() == pytest.approx([-1 / 6, 0, 0], abs=1e-4)
    assert joints[0, 4].tolist() == pytest.approx([-0.3, 0.1, -0.2], abs=1e-4)
    assert (confidence[:, 20] == 0).all()
    assert confidence.sum() == 2 * 49


def test_contradictions_name_the_evidence(pt, prompt2sign):
    with pytest.raises(
        FormatError, match=r"a\.skels, line 1: .*'prompt2sign'.*counter runs from 0 to 0\.5 .*neck lies at \(0, 0, 0\)"
    ):
        formats.read(pt, variant="prompt2sign")
    with pytest.raises(
        FormatError, match=r"b\.skels, line 1: .*'pt'.*counter runs from 0\.5 to 1 .*neck lies at \(0\.1, 0\.2, 0\.05\)"
    ):
        formats.read(prompt2sign, variant="pt")


def test_mixed_evidence_is_never_guessed(prompt2sign):
    values = np.array(prompt2sign.read_text().split(), float).reshape(2, 151)[:, :150]
    prompt2sign.write_text(line(values, [0, 0.5]))
    with pytest.raises(FormatError, match=r"expected the variant 'pt'.* or 'prompt2sign'.*, but.*--variant"):
        formats.read(prompt2sign)
    prompt2sign.write_text(line(values, [0.3, 0.4]))
    with pytest.raises(FormatError, match=r"counter runs from 0\.3 to 0\.4 in 2 frames"):
        formats.read(prompt2sign)


@pytest.mark.parametrize(("variant", "tolerance"), [("pt", 5.1e-6), ("prompt2sign", 5e-5)])
def test_pose_survives_the_file(pose, tmp_path, variant, tolerance):
    formats.write(pose, tmp_path / "a.skels", variant=variant)
    back = formats.read(tmp_path / "a.skels", variant=variant)
    assert np.abs(back.body.data - pose.body.data).max() < tolerance


def test_counters_and_mirror_on_disk(pose, tmp_path):
    formats.write(pose, tmp_path / "a.skels")
    values = np.array((tmp_path / "a.skels").read_text().split(), float).reshape(4, 151)
    assert values[:, 150].tolist() == [0, 0.25, 0.5, 0.75]
    assert (values[:, 3:6] == 0).all()
    assert (values[:, 6] > 0).all()
    formats.write(pose, tmp_path / "b.skels", variant="prompt2sign")
    values = np.array((tmp_path / "b.skels").read_text().split(), float).reshape(4, 151)
    assert values[:, 150].tolist() == [0.25, 0.5, 0.75, 1]
    assert (values[:, 6] < values[:, 15]).all()


def test_absent_joints(pose, tmp_path):
    confidence = np.ones((4, 50))
    confidence[1:3, 10] = 0
    holed = make_pose(np.asarray(pose.body.data[:, 0]), 25, confidence=confidence)
    with pytest.raises(FormatError, match="joint 10 is absent in frame 1, and 1 more"):
        formats.write(holed, tmp_path / "a.skels")
    assert list(tmp_path.iterdir()) == []
    formats.write(holed, tmp_path / "a.skels", variant="prompt2sign")
    assert np.array_equal(joints_of(formats.read(tmp_path / "a.skels"))[1], confidence)


def test_neck_away_from_the_origin_is_refused(pose, tmp_path):
    moved = make_pose(np.asarray(pose.body.data[:, 0]) + 0.1, 25)
    with pytest.raises(FormatError, match="neck at the origin"):
        formats.write(moved, tmp_path / "a.skels")


def test_many_sequences_and_their_names(pose, tmp_path):
    longer = make_pose(np.repeat(np.asarray(pose.body.data[:, 0]), 2, axis=0), 25)
    formats.write_skels([pose, longer, pose], tmp_path / "a.skels", names=["x/one", "x/two", "x/three"])
    assert (tmp_path / "a.files").read_text() == "x/one\nx/two\nx/three\n"
    found = dict(formats.iter_skels(tmp_path / "a.skels"))
    assert {name: len(one.body.data) for name, one in found.items()} == {"x/one": 4, "x/two": 8, "x/three": 4}
    assert len(formats.read(tmp_path / "a.skels", index=1).body.data) == 8
    assert len(formats.read(tmp_path / "a.skels", clip="x/two", fps=50).body.data) == 8
    for options, match in [
        ({}, "holds 3 clips"),
        ({"index": 3}, "index from 0 to 2"),
        ({"clip": "x/four"}, "named 'x/four'"),
        ({"index": 0, "clip": "x/one"}, "both are given"),
    ]:
        with pytest.raises(FormatError, match=match):
            formats.read(tmp_path / "a.skels", **options)


def test_format_offers_every_sequence(pose, tmp_path):
    formats.write_skels([pose, pose], tmp_path / "a.skels")
    names = [name for name, _ in formats.format_for(tmp_path / "a.skels", "read").read_all(tmp_path / "a.skels")]
    assert names == ["0", "1"]


def test_names_and_lines_must_match(pose, tmp_path):
    with pytest.raises(FormatError, match="a name for each of 1 poses, but there are 2"):
        formats.write_skels([pose], tmp_path / "a.skels", names=["one", "two"])
    assert list(tmp_path.iterdir()) == []
    formats.write_skels([pose], tmp_path / "a.skels", names=["one"])
    (tmp_path / "a.files").write_text("one\ntwo\n")
    with pytest.raises(FormatError, match=r"as many lines as its \.files has, 2"):
        list(formats.iter_skels(tmp_path / "a.skels"))


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("", "holds 0 clips"),
        ("\n", "line 1: expected frames of 151 numbers, but found 0"),
        ("1 2 3\n", "line 1: expected frames of 151 numbers, but found 3"),
        ("x " * 151, "line 1: expected numbers"),
        ("0 " * 150 + "nan", "line 1, frame 0: expected finite numbers up to 1000000, but the counter is nan"),
        ("0 " * 31 + "1e28 " + "0 " * 119, "line 1, frame 0: expected finite .*, but y of joint 10 is 1e[+]28"),
        ("0 " * 151 * 2 + "-3e38 " + "0 " * 150, "line 1, frame 2: .* x of joint 0 is -3e[+]38"),
    ],
)
def test_broken_files_name_the_place(tmp_path, content, match):
    (tmp_path / "a.skels").write_text(content)
    with pytest.raises(FormatError, match=match):
        formats.read(tmp_path / "a.skels")


@pytest.mark.realdata
@pytest.mark.parametrize("split", ["dev", "train"])
def test_real_files_come_back_to_the_byte(realdata, tmp_path, split):
    source = realdata / "phoenix14t-skels" / f"{split}.skels"
    names, poses = zip(*formats.iter_skels(source, variant="pt"), strict=True)
    formats.write_skels(poses, tmp_path / "a.skels", names=names)
    assert (tmp_path / "a.skels").read_bytes() == source.read_bytes()
    assert (tmp_path / "a.files").read_text() == source.with_suffix(".files").read_text()
    for one in poses:
        joints, _ = joints_of(one)
        assert joints[:, 2, 0].mean() < 0 < joints[:, 5, 0].mean()
        # Hands are held before the body.
        assert joints[:, [4, 7], 2].mean() < 0


def test_broken_sequences_can_be_passed_over(pt):
    good = pt.read_text()
    pt.write_text(good + good.replace("0.10000", "nan", 1) + good)
    broken = []
    names = [name for name, _ in formats.iter_skels(pt, on_broken=lambda *found: broken.append(found))]
    assert names == ["0", "2"]
    assert [name for name, _ in broken] == ["1"]
    assert "line 2, frame 0" in str(broken[0][1])
    with pytest.raises(FormatError, match="line 2, frame 0"):
        list(formats.iter_skels(pt))


def sequence(T=7, decimals=5, *, scale=1.0, neck=0.0, counter=lambda t, T: t / T):
    """A line of the variant pt, by hand: shoulders 1/3 apart times ``scale``, the neck ``neck`` off in x."""
    joints = np.random.default_rng(T).normal(size=(T, 50, 3)) * 0.1
    joints[:, 1], joints[:, 2], joints[:, 5] = (0, 0, 0), (1 / 6, 0.01, 0), (-1 / 6, 0.01, 0)
    joints *= scale
    joints[:, 1, 0] = neck
    rows = zip(joints.reshape(T, 150), range(T), strict=True)
    return " ".join(f"{' '.join(f'{v:.7f}' for v in row)} {counter(t, T):.{decimals}f}" for row, t in rows) + "\n"


@pytest.mark.parametrize(
    ("made", "warning"),
    [
        (sequence(neck=1e-6), None),
        (sequence(neck=1e-4), None),
        (sequence(neck=5e-3), None),
        (sequence(decimals=3), None),
        (sequence(counter=lambda t, T: t / T + 0.01 * t), "the counter of 1 of 1 clips is off, first in line 1"),
        (sequence(counter=lambda t, T: (t + 1) / T), r"as of \(t \+ 1\) / T"),
        (sequence(counter=lambda t, T: t / (T - 1)), r"as of t / \(T - 1\)"),
        (sequence(counter=lambda t, T: 0), "the counter of 1 of 1"),
        (sequence(scale=3), "the scale of 1 of 1 .* the shoulders are 1 apart, not 1/3"),
    ],
)
def test_what_a_system_puts_out_is_read(tmp_path, made, warning, recwarn):
    path = tmp_path / "predictions.skels"
    path.write_text(made)
    [(_, pose)] = formats.iter_skels(path)
    values = np.array(made.split(), float).reshape(-1, 151)[:, :150].reshape(-1, 50, 3)
    assert np.allclose(joints_of(pose)[0], values * [-1, 1, -1], atol=1e-6)
    messages = [str(found.message) for found in recwarn]
    assert len(messages) == (0 if warning is None else 1)
    if warning is not None:
        assert re.search(warning, messages[0])
        assert "\n" not in messages[0]


@pytest.mark.parametrize(
    ("made", "match"),
    [
        (sequence(counter=lambda t, T: t / T + 1e-3), r"runs from 0\.001 to 0\.85814 in 7 frames, and is"),
        (sequence(counter=lambda t, T: (t + 1) / T), r"as of \(t \+ 1\) / T, and is .*--ignore-counter"),
        (sequence(counter=lambda t, T: t / (T - 1)), r"as of t / \(T - 1\)"),
        (sequence(neck=5e-3), r"the neck lies at \(0\.005, 0, 0\), not at the origin: normalise"),
        (sequence(scale=3), r"the shoulders are 1 apart, not 1/3: normalise \(--normalise\)"),
        (sequence(scale=1 / 500), r"the shoulders are 0\.000666\d apart"),
    ],
)
def test_a_corpus_is_held_to_the_convention(tmp_path, made, match):
    path = tmp_path / "train.skels"
    path.write_text(sequence() + made)
    broken = []
    kept = list(formats.iter_skels(path, corpus=True, on_broken=lambda *found: broken.append(found)))
    assert [name for name, _ in kept] == ["0"]
    assert re.search(rf"train\.skels, line 2: expected .*{match}", str(broken[0][1]))


@pytest.mark.parametrize("decimals", [2, 3, 4, 6, 12])
@pytest.mark.parametrize("cut", [False, True])
def test_counters_have_the_decimals_that_they_have(tmp_path, decimals, cut):
    unit = 10.0**-decimals
    counter = (lambda t, T: np.floor(t / T / unit) * unit) if cut else (lambda t, T: t / T)
    (tmp_path / "a.skels").write_text(sequence(T=23, decimals=decimals, counter=counter))
    assert len(list(formats.iter_skels(tmp_path / "a.skels", corpus=True))) == 1


def test_any_counter_can_be_ignored(tmp_path, recwarn):
    (tmp_path / "a.skels").write_text(
        sequence(counter=lambda t, T: 0) + sequence(counter=lambda t, T: t / (T - 1)) + sequence(decimals=0)
    )
    assert len(list(formats.iter_skels(tmp_path / "a.skels", corpus=True, ignore_counter=True))) == 3
    assert not recwarn


@pytest.mark.parametrize("scale", [3, 1 / 500, 200])
def test_units_can_be_set_right(tmp_path, scale, recwarn):
    (tmp_path / "a.skels").write_text(sequence(scale=scale))
    (tmp_path / "b.skels").write_text(sequence())
    [(_, scaled)] = formats.iter_skels(tmp_path / "a.skels", corpus=True, normalise=True)
    [(_, usual)] = formats.iter_skels(tmp_path / "b.skels", corpus=True, normalise=True)
    # Seven decimals of a five hundredth.
    assert np.allclose(scaled.body.data, usual.body.data, atol=3e-4)
    assert not recwarn


def test_neck_that_is_nearly_the_origin_is_written_as_the_origin(pose, tmp_path):
    moved = make_pose(np.asarray(pose.body.data[:, 0]) + 1e-4, 25)
    formats.write(moved, tmp_path / "a.skels")
    assert np.abs(formats.read(tmp_path / "a.skels").body.data - pose.body.data).max() < 5.1e-6


def test_names_in_another_encoding_are_named(pose, tmp_path):
    formats.write_skels([pose, pose], tmp_path / "a.skels", names=["one", "two"])
    (tmp_path / "a.files").write_bytes("\ufeffeins\nzwölf\n".encode("utf-8-sig")[3:])
    assert [name for name, _ in formats.iter_skels(tmp_path / "a.skels")] == ["eins", "zwölf"]
    (tmp_path / "a.files").write_bytes("eins\nzwölf\n".encode("latin-1"))
    with pytest.raises(FormatError, match=r"a\.files, line 2: expected text in UTF-8, but byte 3 is 0xf6"):
        list(formats.iter_skels(tmp_path / "a.skels"))


def test_one_long_line_takes_no_more_room_than_its_numbers(tmp_path):
    (tmp_path / "a.skels").write_bytes(b"0 " * (151 * 150_000))
    tracemalloc.start()
    with pytest.raises(FormatError, match="at most 120000 frames"):
        formats.read(tmp_path / "a.skels")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 400 << 20
