import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from signdiff_slp.models.progressive import generate
from signdiff_slp.models.progressive.release import load_release, read_run_config, save_release
from signdiff_slp.tokenizers import CharacterTokenizer


@pytest.fixture
def release(make_model, sign_steadily, tmp_path):
    model = sign_steadily(make_model(), 12)
    save_release(tmp_path / "release", model, CharacterTokenizer(" abcdefghijklmnopqrstuvwxyz"))
    return tmp_path / "release", model


def test_what_is_saved_is_loaded(release):
    folder, model = release
    loaded, tokenizer = load_release(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors", "tokenizer.json"]
    assert tokenizer.characters == tuple(" abcdefghijklmnopqrstuvwxyz")
    assert not loaded.training
    assert loaded.config == model.config
    seqs = torch.tensor([[2, 5, 6, 3]])
    assert torch.equal(generate(loaded, seqs, [4])[0], generate(model, seqs, [4])[0])


def test_half_precision_still_counts(make_model, sign_steadily, tmp_path):
    model = sign_steadily(make_model(), 100)
    save_release(tmp_path, model, CharacterTokenizer(" abcdefghijklmnopqrstuvwxyz"))
    loaded, _ = load_release(tmp_path, dtype=torch.bfloat16)
    assert loaded.final_proj.weight.dtype == torch.bfloat16
    seqs = torch.tensor([[2, 5, 6, 3]])
    [expected], [frames] = generate(model, seqs, [4]), generate(loaded, seqs, [4])
    assert len(frames) == len(expected) == 100
    assert (frames - expected).abs().max() < 0.2


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_missing_file(release, name):
    (release[0] / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"has no {name}"):
        load_release(release[0])


def test_broken_weights(release):
    (release[0] / "model.safetensors").write_bytes(b"\xff" * 100)
    with pytest.raises(ValueError, match="must be a safetensors file"):
        load_release(release[0])


def test_truncated_weights(release):
    path = release[0] / "model.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    told = f"is truncated: it has {len(whole) - 1} bytes, its header promises {len(whole)}"
    with pytest.raises(ValueError, match=told):
        load_release(release[0])


def test_pickled_weights_are_no_weights(release):
    path = release[0] / "model.safetensors"
    path.rename(path.with_suffix(".pt"))
    with pytest.raises(FileNotFoundError, match=r"has no model\.safetensors"):
        load_release(release[0])


def test_weights_of_another_shape(release):
    path = release[0] / "model.safetensors"
    weights = load_file(path)
    weights["final_proj.bias"] = torch.zeros(7)
    save_file(weights, path)
    with pytest.raises(ValueError, match=r"'final_proj.bias' should have the shape \[151\] and has \[7\]"):
        load_release(release[0])


def test_weights_that_lack_a_name(release):
    path = release[0] / "model.safetensors"
    weights = load_file(path)
    del weights["standardizer.rest"]
    save_file(weights, path)
    with pytest.raises(ValueError, match=r"'standardizer.rest' should have the shape \[150\] and has None"):
        load_release(release[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_dim": 1 << 30}, "at most 500000000 parameters"),
        ({"num_heads": 5}, "`model_dim` must be a multiple"),
        ({"secret": 1}, "'secret': 1, which is not a setting"),
        ({"model_dim": "16"}, "'model_dim': '16', which is not a setting"),
        ({"model_family": "llama"}, "family 'slp_progressive'"),
    ],
)
def test_a_configuration_that_is_wrong(release, change, message):
    path = release[0] / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ValueError, match=message):
        load_release(release[0])


def test_files_that_are_too_large_or_no_json(release):
    path = release[0] / "config.json"
    path.write_text(" " * (1 << 17))
    with pytest.raises(ValueError, match="at most 65536 bytes"):
        load_release(release[0])
    for content in ("{", '{"model_dim": ' + "1" * 5000 + "}"):
        path.write_text(content)
        with pytest.raises(ValueError, match=rf"{path} must be JSON"):
            load_release(release[0])


def test_a_tokenizer_that_does_not_fit(release):
    (release[0] / "tokenizer.json").write_text(json.dumps({"characters": ["a"]}))
    with pytest.raises(ValueError, match="31 tokens of the model, but has 5"):
        load_release(release[0])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: [", "must be YAML"),
        ("a: b\n  c: d\n", "must be YAML"),
        ("a: \0", "must be YAML"),
        (f"a: {'1' * 5000}", "must be YAML"),
        ("[" * 5000, "must be YAML"),
        ("model_family: x", "section model_config"),
        (f"model_family: slp_progressive\nmodel_config: {{vocab_size: 0x{'f' * 5000}}}", "of very many digits"),
        (f"model_family: slp_progressive\nmodel_config: {{variant: {[1] * 5000}}}", "which is not a setting"),
    ],
)
def test_a_run_configuration_that_is_wrong(tmp_path, content, message):
    path = tmp_path / "model.yaml"
    path.write_text(content)
    with pytest.raises(ValueError, match=message) as caught:
        read_run_config(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"max_source_len": 1 << 40}, "from 1 to 65536 as max_source_len, but holds 1099511627776"),
        ({"max_target_len": -1}, "as max_target_len"),
        ({"num_heads": 0}, "from 1 to 2147483648 as num_heads, but holds 0"),
        ({"num_encoder_layers": -1}, "as num_encoder_layers"),
        ({"num_future_frames": 1 << 30}, "at most 500000000 parameters"),
        ({"pad_idx": 1000}, "pad_idx below its vocab_size, but has 1000"),
        ({"dropout_p": 2.0}, "from 0 to 1 as dropout_p, but holds 2.0"),
        ({"fps": float("nan")}, "as fps, but holds nan"),
        ({"model_dim": True}, "'model_dim': True, which is not a setting"),
    ],
)
def test_numbers_that_no_model_has_are_refused_by_name(release, change, message):
    path = release[0] / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ValueError, match=rf"{path} .*{message}"):
        load_release(release[0])


def test_json_that_is_nested_too_deep(release):
    for name in ("config.json", "tokenizer.json"):
        whole = (release[0] / name).read_bytes()
        (release[0] / name).write_bytes(b"[" * 60_000)
        with pytest.raises(ValueError, match=rf"{name} must be JSON, but is nested too deep"):
            load_release(release[0])
        (release[0] / name).write_bytes(whole)
