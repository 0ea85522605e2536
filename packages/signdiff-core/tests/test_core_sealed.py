"""Files that show whether they are as they were stored."""

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from signdiff_core.sealed import read_sealed, write_sealed

ARRAYS = {"joints": np.arange(12, dtype=np.float32).reshape(2, 6), "rows": np.array([[1, 2]])}
TOLD = {"name": "süß", "left_out": {"body": 3}, "seconds": 0.1, "empty": None}


@pytest.fixture
def path(tmp_path):
    write_sealed(tmp_path / "part.safetensors", ARRAYS, TOLD)
    return tmp_path / "part.safetensors"


def test_what_is_stored_is_read(path, tmp_path):
    arrays, told = read_sealed(path)
    assert told == TOLD
    assert all(np.array_equal(arrays[name], ARRAYS[name]) for name in ARRAYS)
    assert np.array_equal(load_file(path)["joints"], ARRAYS["joints"])  # any reader of safetensors reads it
    write_sealed(tmp_path / "again", ARRAYS, TOLD)
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_every_changed_byte_is_noticed_or_changes_nothing(path):
    content, messages = path.read_bytes(), []
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        try:
            arrays, told = read_sealed(path)
        except ValueError as error:
            messages.append(str(error))
        else:
            assert told == TOLD
            assert all(np.array_equal(arrays[name], ARRAYS[name]) for name in ARRAYS)
    assert len(messages) > 0.9 * len(content)
    assert all("part.safetensors" in message for message in messages)
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match=r"part\.safetensors"):
            read_sealed(path)


def test_a_file_of_something_else_is_refused(path):
    save_file(ARRAYS, path)
    with pytest.raises(ValueError, match=r"part\.safetensors must be as it was stored, but is damaged: remove it"):
        read_sealed(path)
