import json
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from signdiff_core.trust import ModelFolderError, check_weights
from signdiff_core.trust.files import MAX_HEADER, check_index

WHOLE = save(
    {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.zeros(3, dtype=np.int8), "empty": np.zeros(0, np.int8)},
    {"format": "pt"},
)
"""Three tensors of 24, 3 and 0 bytes."""


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("weights") / "model.safetensors"


def is_read_by_the_library(path):
    try:
        with safe_open(path, framework="numpy") as file:
            for name in file.keys():  # noqa: SIM118
                file.get_tensor(name)
    except SafetensorError:
        return False
    return True


def test_a_whole_file_passes(path):
    path.write_bytes(WHOLE)
    check_weights(path)
    check_weights(str(path))


def test_a_file_cut_anywhere_is_refused(path):
    for length in range(len(WHOLE)):
        path.write_bytes(WHOLE[:length])
        with pytest.raises(ModelFolderError, match=r"model\.safetensors"):
            check_weights(path)


@pytest.mark.parametrize("missing", [1, 3, 26, 27])
def test_cut_weights_are_told_with_both_lengths(path, missing):
    path.write_bytes(WHOLE[:-missing])
    wanted = f"is truncated: it has {len(WHOLE) - missing} bytes, its header promises {len(WHOLE)}."
    with pytest.raises(ModelFolderError, match=wanted):
        check_weights(path)


def test_a_cut_header_is_told_with_both_lengths(path):
    header = struct.unpack("<Q", WHOLE[:8])[0]
    path.write_bytes(WHOLE[:20])
    with pytest.raises(ModelFolderError, match=f"is truncated: it has 20 bytes, its header promises {8 + header}."):
        check_weights(path)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "has only 0 bytes"),
        (WHOLE + b"x", "cannot be read as one"),
        (struct.pack("<Q", MAX_HEADER + 1) + b"{}", f"tell of {MAX_HEADER + 1}"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"),
        (b"\x80\x02}q\x00.", "has only 6 bytes"),
        (b"PK\x03\x04" + b"\x00" * 60, f"tell of {0x04034B50}"),
    ],
    ids=["empty", "too long", "large header", "git lfs", "pickle", "zip"],
)
def test_other_files_are_refused(path, content, told):
    path.write_bytes(content)
    with pytest.raises(ModelFolderError, match=told):
        check_weights(path)


def described(shape=(1,), offsets=(0, 4), dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


@pytest.mark.parametrize(
    "tensors",
    [
        {"a": described(), "b": described()},
        {"a": described(shape=[2])},
        {"a": described(shape=[2**62, 2**62])},
        {"a": described(dtype="F33")},
        {"a": described(offsets=[4, 0])},
    ],
    ids=["overlap", "shape", "overflow", "type", "backwards"],
)
def test_a_header_that_contradicts_itself_is_refused(path, tensors):
    header = json.dumps(tensors).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    with pytest.raises(ModelFolderError, match="cannot be read as one"):
        check_weights(path)


@pytest.mark.parametrize("tensors", [{"a": described(dtype="F\n\x1b[31m")}, {"a\n\x1b[31m": described(shape=[2])}])
def test_what_a_header_says_is_told_in_one_line(path, tensors):
    header = json.dumps(tensors).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    with pytest.raises(ModelFolderError) as caught:
        check_weights(path)
    assert str(caught.value).isprintable()


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        check_weights(tmp_path / "model.safetensors")


def error_of(check, path):
    try:
        check(path)
    except ModelFolderError as error:
        return error
    return None


def judged_as_by_the_library(path, content):
    path.write_bytes(content)
    error = error_of(check_weights, path)
    assert (error is None) == is_read_by_the_library(path)
    assert error is None or str(path) in str(error)


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=300))
def test_random_bytes_give_the_one_error(path, content):
    judged_as_by_the_library(path, content)


@settings(max_examples=100, deadline=None)
@given(header=st.binary(max_size=300), rest=st.binary(max_size=20))
def test_random_headers_give_the_one_error(path, header, rest):
    judged_as_by_the_library(path, struct.pack("<Q", len(header)) + header + rest)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
tensors = st.fixed_dictionaries(
    {},
    optional={
        "dtype": st.sampled_from(["F32", "I8", "?"]) | values,
        "shape": st.lists(st.integers(-1, 4), max_size=3) | values,
        "data_offsets": st.lists(st.integers(-1, 20), min_size=2, max_size=2) | values,
    },
)


@settings(max_examples=150, deadline=None)
@given(header=st.dictionaries(st.text(max_size=5), tensors | values, max_size=3) | values, length=st.integers(0, 24))
def test_random_objects_as_headers_give_the_one_error(path, header, length):
    text = json.dumps(header).encode()
    judged_as_by_the_library(path, struct.pack("<Q", len(text)) + text + bytes(length))


@settings(max_examples=100, deadline=None)
@given(place=st.integers(0, len(WHOLE) - 1), value=st.integers(0, 255))
def test_a_changed_byte_gives_the_one_error_or_none(path, place, value):
    judged_as_by_the_library(path, WHOLE[:place] + bytes([value]) + WHOLE[place + 1 :])


@pytest.fixture
def index(tmp_path):
    (tmp_path / "model-00001-of-00001.safetensors").write_bytes(WHOLE)
    return tmp_path / "model.safetensors.index.json"


def test_an_index_names_files_beside_it(index):
    index.write_text(json.dumps({"metadata": {}, "weight_map": {"a": "model-00001-of-00001.safetensors"}}))
    check_index(index)


@pytest.mark.parametrize(
    ("shard", "told"),
    [
        ("../model.safetensors", "of its own folder"),
        ("/tmp/model.safetensors", "of its own folder"),
        ("part/model.safetensors", "of its own folder"),
        ("pytorch_model.bin", "must name safetensors"),
        ("a" * 252 + ".safetensors", "of its own folder"),
        (7, "has 7 for 'a'"),
        (["model-00001-of-00001.safetensors"], "must name safetensors"),
        ("model-00002-of-00002.safetensors", "model-00002-of-00002.safetensors is missing"),
    ],
)
def test_an_index_that_leads_elsewhere_is_refused(index, shard, told):
    index.write_text(json.dumps({"metadata": {}, "weight_map": {"a": shard}}))
    with pytest.raises(ModelFolderError, match=told):
        check_index(index)


@pytest.mark.parametrize("content", ["[]", "{}", '{"weight_map": []}', "{", "[" * 100_000, '"\udcff"'])
def test_a_broken_index_is_refused(index, content):
    index.write_text(content, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(ModelFolderError, match=r"index\.json must"):
        check_index(index)


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=100) | values.map(lambda value: json.dumps({"weight_map": value}).encode()))
def test_random_indices_give_the_one_error(path, content):
    index = path.with_name("model.safetensors.index.json")
    index.write_bytes(content)
    error = error_of(check_index, index)
    assert error is None or str(index) in str(error)
