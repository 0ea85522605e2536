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


def test_mixed_evidence_is_never_guessed(tmp_path):
    joints = np.zeros((2, 150))
    (tmp_path / "a.skels").write_text(line(joints, [0.5, 1]))
    with pytest.raises(FormatError, match=r"expected the variant 'pt'.* or 'prompt2sign'.*, but"):
        formats.read(tmp_path / "a.skels")
    (tmp_path / "a.skels").write_text(line(joints, [0.3, 0.4]))
    with pytest.raises(FormatError, match=r"counter runs from 0\.3 to 0\.4 in 2 frames"):
        formats.read(tmp_path / "a.skels")


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
        ({}, "holds 3 sequences"),
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
        ("", "holds 0 sequences"),
        ("\n", "line 1: expected frames of 151 numbers, but found 0"),
        ("1 2 3\n", "line 1: expected frames of 151 numbers, but found 3"),
        ("x " * 151, "line 1: expected numbers"),
        ("0 " * 150 + "nan", "line 1, frame 0: expected finite numbers, but value 150 is nan"),
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
