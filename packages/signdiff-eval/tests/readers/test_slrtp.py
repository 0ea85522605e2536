import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from signdiff_eval.readers import PoseFormats, SLRTPFormat, channels_of, read_slrtp_texts, slrtp, wrists_of

torch = pytest.importorskip("torch")


@pytest.fixture
def joints(rng):
    return rng.normal(size=(7, 178, 3)).astype(np.float32)


@pytest.fixture
def save(tmp_path):
    def write(content, name="dev.pt", **options):
        torch.save(content, tmp_path / name, **options)
        return tmp_path / name

    return write


def truth(joints, text="hallo"):
    entry = {"name": "a", "text": text, "gloss": "HALLO", "poses_3d": torch.from_numpy(joints), "speaker": "S1"}
    return {"a": entry, "b": {**entry, "poses_3d": torch.from_numpy(joints[:3])}}


def test_reads_the_challenge_s_files_and_predictions(save, joints):
    prediction = {name: entry["poses_3d"] for name, entry in truth(joints).items()}
    for path in (save(truth(joints)), save(prediction, "prediction.pt"), save(prediction, "old.pt", **OLD)):
        assert PoseFormats({"slrtp": SLRTPFormat()}).matches(path)
        first, second = PoseFormats({"slrtp": SLRTPFormat()}).read(path)
        assert (first.clip, second.clip) == ("a", "b")
        assert first.fps == 25
        assert (first.joints == joints).all()
        assert len(second.joints) == 3


OLD = {"_use_new_zipfile_serialization": False}


def test_is_known_without_any_plug_in(save, joints):
    assert PoseFormats().matches(save(truth(joints)))


def test_joints_have_the_challenge_s_order(save, joints):
    [sequence, _] = PoseFormats({"slrtp": SLRTPFormat(fps=12.5)}).read(save(truth(joints)))
    assert sequence.fps == 12.5
    assert wrists_of(sequence.skeleton) == (5, 2)
    channels = channels_of(sequence.skeleton)
    assert channels == {
        "body": list(range(8)),
        "right_hand": list(range(8, 29)),
        "left_hand": list(range(29, 50)),
        "face": list(range(50, 178)),
    }


def test_a_nan_is_an_absent_joint(save, joints):
    joints[2, 4] = np.nan
    [sequence, _] = PoseFormats({"slrtp": SLRTPFormat()}).read(save(truth(joints)))
    assert sequence.absent == 1
    assert sequence.joints[2, 4] == pytest.approx((joints[1, 4] + joints[3, 4]) / 2, rel=1e-6)


def test_texts(save, joints):
    assert read_slrtp_texts(save(truth(joints, "guten abend"))) == {"a": "guten abend", "b": "guten abend"}
    with pytest.raises(ValueError, match="holds none for a"):
        read_slrtp_texts(save({"a": torch.from_numpy(joints)}))


class Harm:
    def __reduce__(self):
        return (print, ("this must never be printed",))


@pytest.mark.parametrize("options", [{}, OLD])
def test_runs_nothing_that_a_file_holds(save, joints, capfd, options):
    path = save({"a": Harm()}, **options)
    with pytest.raises(ValueError, match=r"dev\.pt must be a \.pt file of tensors and texts"):
        list(SLRTPFormat().read_all(path))
    assert "must never" not in capfd.readouterr().out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "must hold a dictionary from names to poses, but holds list"),
        ({}, "must hold a dictionary"),
        ({"a": 3}, r"tensor of the shape \(T, 178, 3\).*a is int"),
        ({"a": torch.zeros(4, 50, 3)}, r"\(T, 178, 3\).*a has \(4, 50, 3\)"),
        ({"a": torch.zeros(0, 178, 3)}, r"a has \(0, 178, 3\)"),
        ({"a": torch.zeros(1, 1, 1).expand(200_000, 178, 3)}, r"a has \(200000, 178, 3\)"),
    ],
)
def test_refuses_other_content(save, content, message):
    with pytest.raises(ValueError, match=message):
        list(SLRTPFormat().read_all(save(content)))


@pytest.mark.parametrize("keep", [0, 20, -30])
def test_a_broken_file_is_one_clear_error(save, joints, keep):
    path = save(truth(joints))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"dev\.pt must be a \.pt file"):
        list(SLRTPFormat().read_all(path))


def test_what_unpacks_to_more_than_the_cap_is_refused_before(save, tmp_path, monkeypatch):
    monkeypatch.setattr(slrtp, "MAX_BYTES", 100_000)
    path = tmp_path / "bomb.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb/data.pkl", b"\0" * 10_000_000)
    assert path.stat().st_size < 100_000
    with pytest.raises(ValueError, match="at most 100000 bytes, but holds 10000000"):
        list(SLRTPFormat().read_all(path))


def test_predictions_in_another_order_are_paired_by_key(save, joints, tmp_path):
    keys = ["b", "c", "a"]
    truths = {key: {"text": key, "poses_3d": torch.from_numpy(joints * (place + 1))} for place, key in enumerate(keys)}
    made = {key: truths[key]["poses_3d"].clone() for key in sorted(keys)}
    paths = save(truths), save(made, "prediction.pt")
    program = "from signdiff_eval.cli import main; main()"
    command = ["score", "--slrtp", "--ref", str(paths[0]), "--hyp", str(paths[1]), "--json"]
    done = subprocess.run([sys.executable, "-c", program, *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["dtw_mje"]["score"], told["slrtp2025"]["total_distance"]) == (0, 1)
    del made["c"]
    command[5] = str(save(made, "prediction.pt"))
    done = subprocess.run([sys.executable, "-c", program, *command], capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"{paths[0]} and {paths[1]} must hold the same sequences, but" in done.stderr
    assert "the hypothesis lacks 1 of 3: c." in done.stderr


def test_a_tensor_of_more_values_than_the_file_has_is_refused(save, joints, tmp_path):
    shown = torch.from_numpy(joints[:1]).expand(5_000, 178, 3)
    with pytest.raises(ValueError, match=r"dev\.pt must hold all values of a, but holds fewer than its shape has"):
        list(SLRTPFormat().read_all(save({"a": shown})))
    one = torch.from_numpy(joints)
    many = {f"clip {number}": one for number in range(1000)}
    with pytest.raises(ValueError, match=r"dev\.pt must hold all values of its tensors, but has no room for so many"):
        list(SLRTPFormat().read_all(save(many)))


@pytest.mark.parametrize("options", [{}, OLD])
def test_an_archive_is_checked_before_torch_sees_it(save, joints, options):
    path = save({"a": torch.from_numpy(joints)}, **options)
    data = bytearray(path.read_bytes())
    if options:  # the number of values of the storage, which torch would fetch memory for
        place = data.index(b"cpu") + 3
        start = next(i for i in range(place, place + 40) if data[i : i + 1] in b"JM")
        data[start : start + (5 if data[start : start + 1] == b"J" else 3)] = b"J" + (2**31 - 1).to_bytes(4, "little")
    else:
        data[data.index(joints.tobytes()) + 5] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(ValueError, match=r"dev\.pt must be a \.pt file .* (damaged|larger than the file)"):
        list(SLRTPFormat().read_all(path))


@pytest.mark.parametrize("value", [1e28, -2e6])
def test_coordinates_are_bounded(save, joints, value):
    joints[3, 5, 1] = value
    path = save({"a": torch.from_numpy(joints[:2]), "b": torch.from_numpy(joints)})
    with pytest.raises(ValueError, match=r"dev\.pt, b, must have coordinates up to 1e\+06, but in frame 3 joint 5 has"):
        PoseFormats({"slrtp": SLRTPFormat()}).read(path)
