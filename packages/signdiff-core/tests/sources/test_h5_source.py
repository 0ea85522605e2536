import subprocess
import sys

import numpy as np
import pytest

from signdiff_core.formats import FormatError
from signdiff_core.sources import Source, find_clips, read

h5py = pytest.importorskip("h5py", reason="h5 needs the extra prepare")


@pytest.fixture
def clips(tmp_path):
    numbers = np.random.default_rng(0).uniform(1, 900, (2, 6, 50, 3)).astype(np.float32)
    numbers[..., 2] /= 1000
    numbers[0, 3, 7] = 5, 6, 0
    with h5py.File(tmp_path / "clips.h5", "w") as file:
        file["b"], file["a"] = numbers[0].reshape(6, 150), numbers[1].reshape(6, 150)
    return tmp_path / "clips.h5", {"b": numbers[0], "a": numbers[1]}


def test_every_data_set_is_a_clip(clips):
    path, numbers = clips
    found = find_clips(path)
    assert found == [Source(name=name, kind="h5", path=path) for name in ("a", "b")]
    for source in found:
        people = read(source).people[:, 0]
        present = numbers[source.name][..., 2] > 0
        assert np.array_equal(people[present], numbers[source.name][present])
        assert not people[~present].any()


def test_other_shapes_are_refused(tmp_path):
    with h5py.File(tmp_path / "clips.h5", "w") as file:
        file["narrow"], file["empty"], file["text"] = np.zeros((3, 149)), np.zeros((0, 150)), "text"
        file.create_group("group")
        file.create_dataset("long", shape=(10**9, 150), dtype="f4", chunks=(1, 150))
    messages = {
        "narrow": r"expected a data set of floats \(T, 150\), but found float64 \(3, 149\)",
        "empty": "expected 1 to 100000 frames, but found 0",
        "long": "expected 1 to 100000 frames, but found 1000000000",
        "group": "but found none",
        "text": "expected a data set of floats",
    }
    sources = find_clips(tmp_path)
    assert [source.name for source in sources] == sorted(messages)
    for source in sources:
        with pytest.raises(FormatError, match=messages[source.name]):
            read(source)


def test_data_sets_of_other_files_are_refused(clips):
    path, numbers = clips
    linked = path.with_name("linked.h5")
    with h5py.File(linked, "w") as file:
        file["link"] = h5py.ExternalLink(str(path), "a")
        file.create_dataset("raw", (6, 150), "f4", external=[(str(path), 0, 6 * 150 * 4)])
        layout = h5py.VirtualLayout((6, 150), "f4")
        layout[:] = h5py.VirtualSource(str(path), "a", (6, 150))
        file.create_virtual_dataset("virtual", layout)
        file["own"] = numbers["a"].reshape(6, 150)
        file["soft"] = h5py.SoftLink("/own")
        assert all(file[name].shape == (6, 150) for name in file)  # h5py itself follows all of them
    for source in find_clips(linked):
        if source.name in ("own", "soft"):
            assert len(read(source).people) == 6
        else:
            with pytest.raises(FormatError, match="of this file, but it lies in another"):
                read(source)


@pytest.mark.parametrize("keep", [0, 700])
def test_a_broken_file_is_a_clip_that_cannot_be_read(clips, keep):
    path, _ = clips
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(FormatError, match=r"clips.h5"):
        read(*find_clips(path.parent))


def test_without_h5py_the_extra_is_named(clips):
    path, _ = clips
    code = (
        "import sys, pathlib; sys.modules['h5py'] = None; from signdiff_core.sources import *\n"
        f"try: find_clips(pathlib.Path({str(path)!r}))\n"
        "except ModuleNotFoundError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 'clips.h5: reading it needs h5py: pip install "signdiff-core[prepare]"' in done.stdout


@pytest.mark.realdata
def test_the_demonstration_of_the_lifting_code(realdata):
    (source,) = find_clips(realdata / "lifting" / "demo-sequence.h5")
    golden = np.load(realdata / "lifting" / "golden" / "zelinka_20161025_pocasi.npz")["input2d"].reshape(-1, 50, 3)
    golden[golden[..., 2] == 0] = 0
    assert np.array_equal(read(source).people[:, 0], np.minimum(golden, (np.inf, np.inf, 1)).astype(np.float32))


@pytest.mark.parametrize("value", [1e28, -3e38, np.inf])
def test_numbers_that_no_joint_can_have_are_refused(clips, value):
    path, numbers = clips
    numbers["a"][4, 7, 1] = value
    with h5py.File(path, "r+") as file:
        file["a"][...] = numbers["a"].reshape(6, 150)
    with pytest.raises(FormatError, match=r"clips\.h5, a, frame 4: expected numbers up to 1000000, .* 1 of joint 7 is"):
        read(find_clips(path)[0])


def test_nothing_is_made_up_where_nothing_was_written(tmp_path):
    with h5py.File(tmp_path / "clips.h5", "w") as file:
        file.create_dataset("whole", shape=(40, 150), dtype="f4")
        file.create_dataset("pieces", shape=(40, 150), dtype="f4", chunks=(10, 150))[:10] = 1
    for source, match in zip(find_clips(tmp_path), ("3 of 4 pieces are not there", "1 of 1 pieces"), strict=True):
        with pytest.raises(FormatError, match=match):
            read(source)


def test_a_piece_may_not_be_larger_than_any_clip(tmp_path):
    with h5py.File(tmp_path / "clips.h5", "w") as file:
        file.create_dataset(
            "a", shape=(4, 150), maxshape=(None, 150), dtype="f8", chunks=(500_000, 150), compression="gzip"
        )
    with pytest.raises(FormatError, match="expected pieces of at most 100000 frames"):
        read(find_clips(tmp_path)[0])


def test_damage_is_named_with_the_file(clips):
    path, _ = clips
    whole = path.read_bytes()
    for start in range(0, 2400, 24):
        path.write_bytes(whole[:start] + bytes(byte ^ 0xFF for byte in whole[start : start + 8]) + whole[start + 8 :])
        for name in ("a", "b"):
            people, told = np.zeros(1), str(path)
            try:
                people = read(Source(name=name, kind="h5", path=path)).people
            except FormatError as error:
                told = str(error)
            assert str(path) in told
            assert "\n" not in told
            assert np.abs(people).max() <= 1e6
