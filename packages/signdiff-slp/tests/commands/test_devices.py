"""Devices that are not there."""

import pytest

from signdiff_slp.cli import main

torch = pytest.importorskip("torch")

WRONG = [
    "foo",
    "meta",
    pytest.param("cuda", marks=pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is there")),
]


@pytest.mark.parametrize("device", WRONG)
@pytest.mark.parametrize(
    "command",
    [
        ["sign", "hi", "--model", "nowhere"],  # told before the model is looked for
    ],
)
def test_a_device_that_is_not_there_is_one_line(command, device, tmp_path, capsys):
    assert main([*command, "-o", str(tmp_path / "out.pose"), "--device", device]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "device must be one that PyTorch has here" in error
    assert f"but is {device!r}." in error
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("device", WRONG)
def test_a_device_that_is_not_there_is_refused_by_the_translator(device):
    from signdiff_slp import TextToPose

    with pytest.raises(ValueError, match=rf"device must be one .*, but is '{device}'\."):
        TextToPose.from_pretrained(device=device)
