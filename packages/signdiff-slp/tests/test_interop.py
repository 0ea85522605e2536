"""A converted checkpoint puts out what the published code put out."""

import os
import re
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from safetensors import safe_open  # noqa: E402

from signdiff_slp import TextToPose  # noqa: E402
from signdiff_slp.interop import convert, main  # noqa: E402
from signdiff_slp.models.progressive import generate_with_timing  # noqa: E402


@pytest.fixture(params=["base", "just_counter", "future_prediction"])
def golden(realdata, request):
    with safe_open(realdata / "goldens" / f"pt_reference_{request.param}.safetensors", "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return tensors, file.metadata()


@pytest.fixture
def converted(golden):
    tensors, settings = golden
    state = {name.removeprefix("sd."): value for name, value in tensors.items() if name.startswith("sd.")}
    return convert(state, num_heads=int(settings["heads"]))


@pytest.mark.realdata
def test_it_is_numerically_the_published_model(golden, converted):
    tensors, settings = golden
    source, lengths, frames = (tensors[f"io.{name}"] for name in ("src", "src_lengths", "trg_input"))
    assert converted.config.num_future_frames == max(int(settings["future_prediction"]), 1)
    assert torch.allclose(converted.decoder_frontend.pos_encoder.codes[:4], tensors["io.pe_first_4"], atol=1e-6)
    output = converted.teacher_forced(source, lengths, frames)
    assert (output - tensors["io.output"]).abs().max() < 1e-5
    for item, length in enumerate(lengths.tolist()):
        alone = converted.teacher_forced(
            source[item : item + 1, :length], lengths[item : item + 1], frames[item : item + 1]
        )
        assert (alone[0] - tensors["io.output"][item]).abs().max() < 1e-5


@pytest.mark.realdata
def test_decoding_with_told_timing_is_the_published_protocol(realdata):
    with safe_open(realdata / "goldens" / "pt_reference_base.safetensors", "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    model = convert({name[3:]: value for name, value in tensors.items() if name.startswith("sd.")}, num_heads=4)
    lengths = tensors["io.src_lengths"].tolist()
    made = generate_with_timing(model, tensors["io.src"], lengths, tensors["io.trg_input"])
    assert (made - tensors["io.greedy_gt_timing"]).abs().max() < 1e-5


def published_state(*, dim=16, ff=32, vocabulary=8, layers=1, frame=151, outputs=151):
    """A state dict with the names and shapes of the published code, and random values."""
    shapes = {"src_embed.lut.weight": (vocabulary, dim), "trg_embed.weight": (dim, frame), "trg_embed.bias": (dim,)}
    shapes |= {"decoder.output_layer.weight": (outputs, dim)}
    for part, attentions, norms in (
        ("encoder", ["src_src_att"], ["layer_norm"]),
        ("decoder", ["trg_trg_att", "src_trg_att"], ["x_layer_norm", "dec_layer_norm"]),
    ):
        norm_names = [f"{part}.layer_norm"]
        for layer in range(layers):
            start = f"{part}.layers.{layer}"
            for attention in attentions:
                for name in ("k", "v", "q", "output"):
                    shapes[f"{start}.{attention}.{name}_layer.weight"] = (dim, dim)
                    shapes[f"{start}.{attention}.{name}_layer.bias"] = (dim,)
            norm_names += [f"{start}.{norm}" for norm in (*norms, "feed_forward.layer_norm")]
            for number, sizes in ((0, (ff, dim)), (3, (dim, ff))):
                shapes[f"{start}.feed_forward.pwff_layer.{number}.weight"] = sizes
                shapes[f"{start}.feed_forward.pwff_layer.{number}.bias"] = sizes[:1]
        for name in norm_names:
            shapes |= {f"{name}.weight": (dim,), f"{name}.bias": (dim,)}
    generator = torch.Generator().manual_seed(0)
    return {name: 0.3 * torch.randn(shape, generator=generator) for name, shape in shapes.items()}


@pytest.fixture
def vocabulary(tmp_path):
    path = tmp_path / "src_vocab.txt"
    path.write_text("<unk>\n<pad>\n<s>\n</s>\nregen\nund\nwind\nschnee\n")
    return path


def test_the_command_writes_a_model_that_signs(tmp_path, vocabulary, capsys):
    torch.save({"model_state": published_state(), "steps": 7}, tmp_path / "best.ckpt")
    arguments = [str(tmp_path / "best.ckpt"), "-o", str(tmp_path / "model"), "--vocabulary", str(vocabulary)]
    assert main(arguments) == 0
    translator = TextToPose.from_pretrained(tmp_path / "model")
    assert translator.tokenizer.create_encoder()("regen und wind").tolist() == [4, 5, 6, 3]
    state = published_state()
    assert torch.equal(translator.model.encoder_frontend.embed.weight, state["src_embed.lut.weight"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        [pose] = translator(["regen und hagel"])  # the last is unknown
    assert pose.body.data.shape[1:] == (1, 50, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("trg_embed.bias"), "1 parameters differ; 'decoder_frontend.proj.bias'"),
        (lambda state: state.update(extra=torch.zeros(2)), "'extra' should have the shape None"),
        (lambda state: state.pop("src_embed.lut.weight"), "matrix 'src_embed.lut.weight'"),
        (lambda state: state.update({"decoder.output_layer.weight": torch.zeros(150, 16)}), "but has 150"),
        (
            lambda state: state.update({"src_embed.lut.weight": torch.zeros(1, 10**6)}),
            "their sizes contradict each other",
        ),
        (lambda state: state.update({"src_embed.lut.weight": torch.zeros(0, 10**12)}), "their sizes contradict"),
    ],
)
def test_what_is_no_model_of_that_code(change, message):
    state = published_state()
    change(state)
    with pytest.raises(ValueError, match=re.escape(message)):
        convert(state, num_heads=4)


class Harmful:
    def __reduce__(self):
        return os.mkdir, ("executed",)


def test_the_published_score_is_a_numpy_scalar(tmp_path, vocabulary, capsys):
    torch.save({"model_state": published_state(), "best_ckpt_score": np.float64(12.3)}, tmp_path / "best.ckpt")
    arguments = [str(tmp_path / "best.ckpt"), "-o", str(tmp_path / "model"), "--vocabulary", str(vocabulary)]
    assert main(arguments) == 0, capsys.readouterr().err


def test_a_vocabulary_of_another_model_is_refused(tmp_path, vocabulary, capsys):
    torch.save({"model_state": published_state(vocabulary=9)}, tmp_path / "best.ckpt")
    assert main([str(tmp_path / "best.ckpt"), "-o", str(tmp_path / "model"), "--vocabulary", str(vocabulary)]) == 1
    expected = f"vocabulary {vocabulary} must have the 9 tokens of the model, but has 8."
    assert expected in capsys.readouterr().err
    assert not (tmp_path / "model").exists()


def test_a_model_needs_its_vocabulary(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["best.ckpt", "-o", "model"])
    assert stop.value.code == 2
    assert "the following arguments are required: --vocabulary" in capsys.readouterr().err


def test_nothing_in_a_checkpoint_is_executed(tmp_path, vocabulary, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    torch.save({"model_state": published_state(), "optimizer": Harmful()}, "bad.ckpt")
    assert main(["bad.ckpt", "-o", "model", "--vocabulary", str(vocabulary)]) == 1
    assert "must be a checkpoint of tensors" in capsys.readouterr().err
    (tmp_path / "none.ckpt").write_bytes(b"nothing")
    assert main(["none.ckpt", "-o", "model", "--vocabulary", str(vocabulary)]) == 1
    assert not (tmp_path / "executed").exists()
    assert not (tmp_path / "model").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells when the signal has its handler")
def test_sigterm_is_one_line_and_leaves_nothing(tmp_path):
    line = [sys.executable, "-m", "signdiff_slp.interop", "best.ckpt", "-o", "model", "--vocabulary", "words.txt"]
    with subprocess.Popen(line, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        handled = "0"
        while not int(handled, 16) >> (signal.SIGTERM - 1) & 1:
            assert process.poll() is None
            (handled,) = re.findall(r"SigCgt:\s*(\w+)", Path(f"/proc/{process.pid}/status").read_text())
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 143
    assert told == "signdiff_slp.interop: terminated; nothing half-written was left, run it again.\n"
    assert list(tmp_path.iterdir()) == []
