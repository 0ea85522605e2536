import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("safetensors")

from signdiff_eval.backtranslation import BackTranslator, PoseFeatures, load_translator, train_tokenizer  # noqa: E402
from signdiff_eval.backtranslation.files import Translation, save  # noqa: E402
from signdiff_eval.backtranslation.network import collate, decode, make_config, make_network  # noqa: E402
from signdiff_eval.backtranslation.translator import BUNDLED  # noqa: E402
from signdiff_eval.readers import sequence_of  # noqa: E402


@pytest.fixture
def sequences(rng):
    return [rng.normal(size=(frames, 5, 3)) for frames in (30, 9, 17)]


@pytest.fixture
def translator(sequences):
    torch.manual_seed(3)
    features = PoseFeatures.fit(sequences, fps=25.0)
    tokenizer = train_tokenizer(["hello world"])
    options = {"d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "heads": 2, "conv_channels": 16}
    network = make_network(
        make_config(features=features.size, vocab_size=tokenizer.get_vocab_size(), max_tokens=12, **options)
    )
    network.half().float()  # as it will be stored
    details = Translation(
        name="tiny", features=features, trained_on="ab" * 32, num_beams=2, max_tokens=12, scores={"cer": 3.0}
    )
    return BackTranslator(network.eval(), tokenizer, details)


@pytest.fixture
def folder(translator, tmp_path):
    save(tmp_path / "made", translator.network, translator.tokenizer, translator.details, card="# Card\n")
    return tmp_path / "made"


def test_saved_and_loaded_it_reads_the_same(translator, folder, sequences):
    loaded = BackTranslator.from_pretrained(folder)
    assert loaded(sequences) == translator(sequences)
    assert loaded.details == translator.details
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()[:12]
    assert loaded.settings == (("translator", "tiny"), ("weights", digest), ("trained_on", "ab" * 6), ("beams", "2"))
    save(folder, loaded.network, loaded.tokenizer, loaded.details, card="")  # again, in its place
    assert hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()[:12] == digest
    assert sorted(path.name for path in folder.parent.iterdir()) == ["made"]


def test_the_batch_has_no_part_in_the_text(translator, sequences):
    features = [translator.details.features(joints) for joints in sequences]
    alone = [decode(translator.network, [one], num_beams=2, max_tokens=12, batch_size=1)[0] for one in features]
    assert decode(translator.network, features, num_beams=2, max_tokens=12, batch_size=3) == alone
    both = [translator.network.model.encoder(*collate(part))[0] for part in ([features[1]], features[:2])]
    assert torch.allclose(both[0][0, :3], both[1][1, :3], atol=1e-5)


def test_poses_arrays_and_other_frame_rates(translator, sequences, make_pose):
    smooth = [np.linspace(0, 1, 41)[:, None, None] * joints[:1] + joints[1:2] for joints in sequences]
    twice = [sequence_of(make_pose(joints, fps=50.0), "p") for joints in smooth]
    expected = translator([joints[::2].astype(np.float32) for joints in smooth])
    assert translator([make_pose(joints[::2]) for joints in smooth]) == expected
    assert translator(twice) == expected
    assert translator([]) == []


def test_wrong_poses(translator, sequences):
    with pytest.raises(ValueError, match=r"must have the shape \(T, 5, 3\)"):
        translator([np.zeros((4, 6, 3))])
    with pytest.raises(ValueError, match="at least one frame"):
        translator([np.zeros((0, 5, 3))])
    with pytest.raises(TypeError, match="single array"):
        translator(sequences[0])


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("model.safetensors", lambda data: data[:-1] + b"x", "must have the SHA-256"),
        ("tokenizer.json", lambda data: b"{}", "must be a tokenizer"),
        ("config.json", lambda data: data.replace(b'"vocab_size": 12', b'"vocab_size": 13'), "must have 15 features"),
        ("translator.json", lambda data: b"[]", "must hold a JSON object"),
        ("translator.json", lambda data: data.replace(b'"fps"', b'"pfs"'), "lack or garble"),
        ("translator.json", lambda data: data.replace(b"signdiff-back", b"other"), "must be of the format"),
    ],
)
def test_broken_folders(folder, name, change, message):
    content = (folder / name).read_bytes()
    assert change(content) != content
    (folder / name).write_bytes(change(content))
    with pytest.raises(ValueError, match=message):
        BackTranslator.from_pretrained(folder)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"d_model": 1 << 20}, "at most the [0-9]+ parameters of its weights, but has [0-9]{12}"),
        ({"encoder_layers": 1 << 40}, "at most the [0-9]+ parameters"),
        ({"conv_kernel_sizes": [5, 1 << 40]}, "at most the [0-9]+ parameters"),
        ({"max_source_positions": 1 << 40}, "max_source_positions must be at most 65536"),
        ({"decoder_layers": "2"}, "decoder_layers must be a positive integer, but is '2'"),
        ({"conv_kernel_sizes": None}, "conv_kernel_sizes must be a list"),
        ({"_attn_implementation_internal": "owner/kernel"}, "must be one that transformers brings, but is 'owner/ker"),
        ({"_attn_implementation": {"": "owner/kernel"}}, "must be one that transformers brings"),
        ({"activation_function": "none"}, r"must fit config\.json, but"),
        ({"encoder_attention_heads": 0}, r"must fit config\.json, but"),
        ({"pad_token_id": 10**9}, r"must fit config\.json, but"),
        ({"torch_dtype": "none"}, r"config\.json must fit"),
    ],
)
def test_configurations_that_ask_for_too_much_or_for_code(folder, values, message):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))
    with pytest.raises(ValueError, match=message):
        BackTranslator.from_pretrained(folder)


WRONG = [
    ("translator.json", b"[" * 100_000, "nested too deep"),
    ("config.json", b'{"a":' * 100_000, "nested too deep"),
    ("tokenizer.json", b"[" * 100_000, "must be a tokenizer"),
    ("translator.json", b"\xff\xfe", "must be UTF-8"),
    ("tokenizer.json", b"\xff\xfe", "must be UTF-8"),
    ("translator.json", {"num_beams": 10**12}, "num_beams must be an integer from 1 to 1024, but is 1000000000000"),
    ("translator.json", {"max_tokens": -1}, "max_tokens must be an integer from 1"),
    ("translator.json", {"scores": 3}, "must"),
    ("translator.json", {"features": {"mean": float("nan")}}, "mean must be numbers from -1e\\+06"),
    ("translator.json", {"features": {"std": -1.0}}, "std must be numbers from 0"),
    ("translator.json", {"features": {"std": "x"}}, "std must be numbers from 0"),
    ("translator.json", {"features": {"fps": float("inf")}}, "fps must be above 0 and at most 1000"),
    ("config.json", {"auto_map": {"AutoModel": "own.Own"}}, "auto_map must not be there"),
    ("config.json", {"trust_remote_code": True}, "trust_remote_code must not be there"),
    ("config.json", {"_attn_implementation": "flash_attention_2"}, "must be one that transformers brings"),
]


@pytest.mark.parametrize(("name", "change", "message"), WRONG)
def test_each_error_is_one_line_with_the_folder(folder, name, change, message):
    path = folder / name
    if isinstance(change, dict):
        content = json.loads(path.read_text())
        for key, value in change.items():
            if key == "features":
                [(inner, one)] = value.items()
                content[key][inner] = [one] * len(content[key][inner]) if inner != "fps" else one
            else:
                content[key] = value
        change = json.dumps(content).encode()
    path.write_bytes(change)
    with pytest.raises(ValueError, match=message) as raised:
        BackTranslator.from_pretrained(folder)
    assert str(folder) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_truncated_and_pickled_weights(folder):
    path = folder / "model.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(ValueError, match="must have the SHA-256"):
        BackTranslator.from_pretrained(folder)
    described = json.loads((folder / "translator.json").read_text())
    described["sha256"] = hashlib.sha256(whole[:-1]).hexdigest()
    (folder / "translator.json").write_text(json.dumps(described))
    with pytest.raises(ValueError, match="not fully covered"):
        BackTranslator.from_pretrained(folder)
    path.rename(path.with_name("pytorch_model.bin"))
    with pytest.raises(FileNotFoundError, match=r"lacks model\.safetensors"):
        BackTranslator.from_pretrained(folder)


def test_missing_and_foreign_folders(folder, translator, tmp_path):
    (folder / "tokenizer.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"lacks tokenizer\.json"):
        BackTranslator.from_pretrained(folder)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.txt").touch()
    with pytest.raises(FileExistsError, match="other files"):
        save(tmp_path / "thesis", translator.network, translator.tokenizer, translator.details, card="")


def test_weights_are_half_precision_safetensors(folder):
    from safetensors import safe_open

    with safe_open(folder / "model.safetensors", "pt") as file:
        assert {file.get_tensor(name).dtype for name in file.keys()} == {torch.float16}  # noqa: SIM118
    assert json.loads((folder / "translator.json").read_text())["scores"] == {"cer": 3.0}


def test_plug_ins(folder):
    assert load_translator(str(folder)).settings[0] == ("translator", "tiny")
    assert load_translator("builtins:repr")([1]) == "[1]"
    with pytest.raises(ValueError, match="'bundled', a folder or 'module:name'"):
        load_translator("nowhere")
    with pytest.raises(ValueError, match="can be called"):
        load_translator("math:pi")


def test_the_bundled_translator_is_small_described_and_reads_something():
    files = {path.name: path.stat().st_size for path in BUNDLED.iterdir()}
    assert sum(files.values()) < 15e6
    card = (BUNDLED / "README.md").read_text()
    for heading in ("Its ceiling", "Data", "Training", "Limits", "Responsible use", "Licence"):
        assert f"## {heading}" in card
    translator = BackTranslator.from_pretrained()
    assert f"{100 - translator.details.scores['cer']:.2f}%" in card
    assert translator.details.trained_on in card
    digest = hashlib.sha256((BUNDLED / "model.safetensors").read_bytes()).hexdigest()
    assert dict(translator.settings)["weights"] == digest[:12]
    (text,) = load_translator("bundled")([np.zeros((30, 50, 3))])
    assert isinstance(text, str)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("", ""),
        ("import absent_module_of_mine", "needs the module absent_module_of_mine, which is neither installed nor in"),
        ("1 / 0", "can't be loaded: ZeroDivisionError"),
        ("read = 3", "must name something that can be called"),
    ],
)
def test_a_translator_of_the_working_folder(tmp_path, write_pose, module, message):
    (tmp_path / "mine.py").write_text(f"{module}\n" if module else "def read(poses): return ['hello'] * len(poses)\n")
    write_pose(tmp_path / "ref" / "a.pose", np.random.default_rng(0).normal(size=(4, 5, 3)))
    (tmp_path / "texts.txt").write_text("hello\n")
    program = "import sys; sys.path.pop(0); from signdiff_eval.cli import main; main()"
    command = ["score", "--ref", "ref", "--hyp", "ref", "--texts", "texts.txt", "--translator", "mine:read", "--json"]
    done = subprocess.run([sys.executable, "-c", program, *command], cwd=tmp_path, capture_output=True, text=True)
    if message:
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
        assert message in done.stderr
    else:
        assert json.loads(done.stdout)["wer"]["score"] == 0, done.stderr
