"""Devices and names of data are checked before any work."""

import subprocess
import sys

import pytest

from signdiff_core.checks import check_device, check_name, inside

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("name", ["cpu", "cpu:0", torch.device("cpu")])
def test_a_device_that_is_there_is_taken(name):
    check_device(name)


@pytest.mark.parametrize(
    "name", ["foo", "", "meta", "cuda:99", "cuda:-1", "cuda:99999999999999999999", "xla", "hpu", 1.5]
)
def test_another_is_refused_with_those_that_are_there(name):
    with pytest.raises(ValueError, match=r"^device must be one that PyTorch has here \(cpu.*\), but is '.*'\.$"):
        check_device(name)


@pytest.mark.skipif(torch.cuda.is_available(), reason="cuda is there")
@pytest.mark.parametrize("name", ["cuda", "cuda:0", torch.device("cuda"), 0])
def test_cuda_is_refused_where_there_is_none(name):
    with pytest.raises(ValueError, match="device must be one that PyTorch has here"):
        check_device(name)


def test_the_module_loads_no_torch():
    code = "import sys, signdiff_core.checks as d; d.check_device('cpu'); sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize("name", ["clip", "test/15December_2010", "a.b/c d/ü", ".hidden", "..a/b..", "x" * 200])
def test_names_lie_in_the_folder(tmp_path, name):
    path = inside(tmp_path, name, ".pose")
    assert path == tmp_path / f"{name}.pose"
    assert path.resolve().is_relative_to(tmp_path.resolve())


@pytest.mark.parametrize(
    "name",
    ["", "/", "/etc/x", "..", "../x", "a/../../x", "a/..", "a//b", "./a", "a/", "a\\..\\b", "a\0b", "ü" * 101, 3],
)
def test_names_that_do_not_are_refused(name):
    with pytest.raises(ValueError, match=r"^row 7: name must (be a path inside a folder|have at most 200 bytes)"):
        check_name(name, "row 7: name")
