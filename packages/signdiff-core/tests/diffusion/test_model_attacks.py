"""Attacks that run code of a model's folder where diffusers loads it, and run none here.

Each is tried on diffusers itself first: what does not run there proves nothing.
"""

import contextlib
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

import transformers  # noqa: E402
from diffusers import StableDiffusionControlNetPipeline  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from tiny_adapters import ip_adapter  # noqa: E402

from signdiff_core import formats  # noqa: E402
from signdiff_core.cli import run  # noqa: E402
from signdiff_core.diffusion import SignDiffPipeline  # noqa: E402
from signdiff_core.diffusion.renderer import BUNDLED  # noqa: E402
from signdiff_core.skeleton import make_pose  # noqa: E402
from signdiff_core.trust import ModelFolderError  # noqa: E402

HANDS_NAMES_ON = int(transformers.__version__.split(".")[0]) < 5
"""Later releases of transformers load no backbone by name."""


@pytest.fixture(autouse=True)
def own_modules(monkeypatch, tmp_path):
    """Code that is run is copied to a folder of this test, and forgotten after it."""
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith(("transformers_modules", "payload", "megatron")):
            del sys.modules[name]


@pytest.fixture
def marker(tmp_path):
    return tmp_path / "ran"


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(BUNDLED, tmp_path / "pipeline")
    return tmp_path / "pipeline"


@pytest.fixture
def other(tmp_path, marker):
    """A folder of another model, with code."""
    root = tmp_path / "other"
    root.mkdir()
    classes = dict.fromkeys(("AutoConfig", "AutoBackbone", "AutoModelForKeypointDetection"), "own.Own")
    write(root / "config.json", {"model_type": "own", "auto_map": classes})
    (root / "own.py").write_text(
        f"open({str(marker)!r}, 'w').close()\n"
        "from transformers import PretrainedConfig\n"
        "class Own(PretrainedConfig):\n"
        "    model_type = 'own'\n"
    )
    return root


def write(path, content):
    path.write_text(json.dumps(content))


def change(path, **values):
    write(path, json.loads(path.read_text()) | values)


def text_encoder(folder, kind, config):
    change(folder / "model_index.json", text_encoder=["transformers", kind])
    write(folder / "text_encoder" / "config.json", config)


def pretrained_backbone(folder, other):
    config = {"model_type": "dpt", "backbone": str(other), "use_pretrained_backbone": True}
    text_encoder(folder, "DPTForDepthEstimation", config | {"backbone_kwargs": {"trust_remote_code": True}})


def new_backbone(folder, other):
    config = {"model_type": "dpt", "backbone": str(other), "use_pretrained_backbone": False}
    text_encoder(folder, "DPTForDepthEstimation", config | {"backbone_kwargs": {"trust_remote_code": True}})


def keypoint_detector(folder, other):
    detector = {"_name_or_path": str(other), "model_type": "own"}
    config = {"model_type": "lightglue", "trust_remote_code": True, "keypoint_detector_config": detector}
    text_encoder(folder, "LightGlueForKeypointMatching", config)


def beside_the_part(folder, other):
    """diffusers takes ``unet/NAME.py`` for the library NAME."""
    change(folder / "model_index.json", unet=["payload", "Own"])
    shutil.copy(other / "own.py", folder / "unet" / "payload.py")


def library(folder, other):
    """A module of the folder that the program runs in."""
    change(folder / "model_index.json", unet=["payload", "Own"])
    shutil.copy(other / "own.py", folder.parent / "payload.py")
    sys.path.insert(0, str(folder.parent))


def generate(folder, other):
    """transformers runs this file for any model that can generate."""
    from transformers import GPT2Config, GPT2LMHeadModel

    model = GPT2LMHeadModel(GPT2Config(n_embd=4, n_layer=1, n_head=1, vocab_size=8, n_positions=4))
    model.save_pretrained(folder / "text_encoder")
    change(folder / "model_index.json", text_encoder=["transformers", "GPT2LMHeadModel"])
    (folder / "text_encoder" / "custom_generate").mkdir()
    source = (other / "own.py").read_text() + "def generate(*args, **kwargs): ...\n"
    (folder / "text_encoder" / "custom_generate" / "generate.py").write_text(source)


FOLDERS = [pretrained_backbone, new_backbone, keypoint_detector, library, generate]


def stock(folder):
    with contextlib.suppress(Exception):
        StableDiffusionControlNetPipeline.from_pretrained(folder, local_files_only=True)


@pytest.mark.skipif(not HANDS_NAMES_ON, reason="this transformers follows none of these names")
@pytest.mark.parametrize("attack", FOLDERS)
def test_the_attacks_run_where_nothing_is_checked(folder, other, marker, attack):
    attack(folder, other)
    stock(folder)
    assert marker.exists()


@pytest.mark.parametrize("attack", [*FOLDERS, beside_the_part])
def test_a_pipeline_runs_none(folder, other, marker, attack):
    attack(folder, other)
    with pytest.raises(ModelFolderError, match=r"'(text_encoder|unet)'|it is code"):
        SignDiffPipeline.from_pretrained(folder)
    assert not marker.exists()


def test_the_command_runs_none(folder, other, marker, tmp_path, capfd):
    pretrained_backbone(folder, other)
    joints = np.random.default_rng(0).normal(0, 0.1, size=(2, 50, 3))
    formats.write(make_pose(joints, 25), tmp_path / "hi.pose")
    arguments = ["render", str(tmp_path / "hi.pose"), "-o", str(tmp_path / "hi.mp4"), "--model", str(folder)]
    assert run(arguments) == 1
    assert "'text_encoder', but has 'DPTForDepthEstimation'" in capfd.readouterr().err
    assert not marker.exists()


@pytest.mark.parametrize("trusted", [False, True])
def test_a_backbone_in_a_part_of_the_right_class_is_refused(folder, other, trusted):
    """No class on the list follows it; if a release makes one do so, it is refused all the same."""
    change(folder / "text_encoder" / "config.json", backbone=str(other), backbone_kwargs={"trust_remote_code": True})
    if trusted:
        SignDiffPipeline.from_pretrained(folder, trust_remote_code=True)
    else:
        with pytest.raises(ModelFolderError, match=r"text_encoder/config\.json must not name what is loaded from else"):
            SignDiffPipeline.from_pretrained(folder)


def single_file(tmp_path):
    save_file({"model.diffusion_model.input_blocks.0.0.weight": torch.zeros(1)}, tmp_path / "base.safetensors")
    return str(tmp_path / "base.safetensors")


@pytest.mark.parametrize("attack", [pretrained_backbone, library])
@pytest.mark.parametrize("checked", [False, True])
def test_the_configuration_of_a_single_file_runs_none(folder, other, marker, tmp_path, parts, one_net, attack, checked):
    attack(folder, other)
    weights = folder / "text_encoder" / "model.safetensors"
    shutil.copy(weights, weights.with_name("diffusion_pytorch_model.safetensors"))
    options = {"config": str(folder), "controlnet": one_net, "vae": parts["vae"], "scheduler": parts["scheduler"]}
    options |= {"text_encoder": parts["text_encoder"]} if attack is library else {"unet": parts["unet"]}
    if checked:
        with pytest.raises(ModelFolderError, match=r"'(text_encoder|unet)'"):
            SignDiffPipeline.from_single_file(single_file(tmp_path), **options)
        assert not marker.exists()
    elif HANDS_NAMES_ON:
        with contextlib.suppress(Exception):
            StableDiffusionControlNetPipeline.from_single_file(single_file(tmp_path), **options)
        assert marker.exists()


def test_parts_of_the_hubs_cache_run_none(folder, other, marker, tmp_path, one_net):
    """A snapshot in the cache is looked over as any folder is."""
    pretrained_backbone(folder, other)
    snapshot = tmp_path / "hub" / "models--owner--pipeline" / "snapshots" / ("0" * 40)
    shutil.copytree(folder, snapshot)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text(snapshot.name)
    options = {"cache_dir": str(tmp_path / "hub"), "local_files_only": True}
    with pytest.raises(ModelFolderError, match="'text_encoder', but has 'DPTForDepthEstimation'"):
        SignDiffPipeline.from_pretrained("owner/pipeline", **options)
    with pytest.raises(ModelFolderError, match="'text_encoder', but has 'DPTForDepthEstimation'"):
        SignDiffPipeline.from_single_file(
            single_file(tmp_path), config="owner/pipeline", controlnet=one_net, cache_dir=str(tmp_path / "hub")
        )
    assert not marker.exists()


def lora(unet, path, **settings):
    """Write a LoRA with settings of peft."""
    weights = {}
    for name, module in unet.named_modules():
        if name.endswith(("to_q", "to_v")):
            weights[f"unet.{name}.lora_A.weight"] = torch.zeros(2, module.in_features)
            weights[f"unet.{name}.lora_B.weight"] = torch.zeros(module.out_features, 2)
    content = {
        f"unet.{key}": value
        for key, value in {
            "r": 2,
            "target_modules": ["to_q", "to_v"],
            "rank_pattern": {},
            "alpha_pattern": {},
            **settings,
        }.items()
    }
    save_file(weights, path, metadata={"format": "pt", "lora_adapter_metadata": json.dumps(content)})


def test_a_lora_imports_no_module(pipe, tmp_path, marker, monkeypatch):
    pytest.importorskip("peft")
    (tmp_path / "megatron").mkdir()
    (tmp_path / "megatron" / "__init__.py").touch()
    (tmp_path / "megatron" / "core.py").write_text(f"open({str(marker)!r}, 'w').close()")
    monkeypatch.syspath_prepend(tmp_path)
    lora(pipe.unet, tmp_path / "lora.safetensors", megatron_config={"a": 1}, megatron_core="megatron.core")
    with pytest.raises(ModelFolderError, match=r"The metadata of .*has \{'a': 1\} as unet\.megatron_config"):
        pipe.load_lora_weights(tmp_path, weight_name="lora.safetensors")
    assert not marker.exists()
    unchecked = StableDiffusionControlNetPipeline(**pipe.components)
    with contextlib.suppress(Exception):
        unchecked.load_lora_weights(tmp_path, weight_name="lora.safetensors")
    assert marker.exists()


def test_a_lora_with_its_usual_settings_passes(pipe, tmp_path):
    pytest.importorskip("peft")
    lora(pipe.unet, tmp_path / "lora.safetensors", megatron_config=None, megatron_core="megatron.core")
    pipe.load_lora_weights(tmp_path, weight_name="lora.safetensors")
    assert pipe.get_active_adapters() == ["default_0"]


class WritesMarker:
    """Its pickle makes a file when it is read."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


LOADS = [
    ("load_textual_inversion", {}, {}),
    ("load_lora_weights", {}, {}),
    ("load_ip_adapter", {"subfolder": ""}, {"image_encoder_folder": None}),
]


@pytest.mark.parametrize(("method", "place", "options"), LOADS)
def test_pickled_adapters_are_refused_by_name(pipe, tmp_path, marker, method, place, options):
    torch.save({"a": WritesMarker(marker)}, tmp_path / "adapter.bin")
    with pytest.raises(ModelFolderError, match=r"must be loaded from a \.safetensors file, but adapter\.bin is none"):
        getattr(pipe, method)(tmp_path, **place, weight_name="adapter.bin", **options)
    with pytest.raises(OSError, match="Unable to load weights"):
        getattr(pipe, method)(str(tmp_path), **place, weight_name="adapter.bin", use_safetensors=False, **options)
    assert not marker.exists()


def test_a_pickled_textual_inversion_can_be_asked_for(pipe, tmp_path):
    torch.save({"<pickled>": torch.full((32,), 2.0)}, tmp_path / "learned_embeds.bin")
    with pytest.raises((ModelFolderError, OSError)):
        pipe.load_textual_inversion(str(tmp_path))
    pipe.load_textual_inversion(str(tmp_path), weight_name="learned_embeds.bin", use_safetensors=False)
    assert "<pickled>" in pipe.tokenizer.get_vocab()


@pytest.mark.parametrize(("method", "place", "options"), LOADS)
def test_damaged_adapters_are_told(pipe, tmp_path, method, place, options):
    save_file({"a": torch.zeros(4)}, tmp_path / "adapter.safetensors")
    content = (tmp_path / "adapter.safetensors").read_bytes()
    (tmp_path / "adapter.safetensors").write_bytes(content[:-1])
    with pytest.raises(ModelFolderError, match=r"adapter\.safetensors must be a whole safetensors file, but is trunc"):
        getattr(pipe, method)(tmp_path, **place, weight_name="adapter.safetensors", **options)


def image_encoder(folder):
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    sizes = {"hidden_size": 16, "intermediate_size": 16, "projection_dim": 12, "num_hidden_layers": 1}
    config = CLIPVisionConfig(**sizes, num_attention_heads=2, image_size=32, patch_size=16)
    CLIPVisionModelWithProjection(config).save_pretrained(folder)


@pytest.mark.parametrize("inner", ["image_encoder", "models/image_encoder"])
def test_the_image_encoder_of_an_ip_adapter_is_looked_over(pipe, tmp_path, inner):
    (tmp_path / "models").mkdir()
    name = ip_adapter(pipe.unet, tmp_path / "models")
    image_encoder(tmp_path / "models" / "image_encoder")
    pipe.load_ip_adapter(tmp_path, subfolder="models", weight_name=name, image_encoder_folder=inner)
    assert pipe.image_encoder.config.projection_dim == 12
    pipe.unload_ip_adapter()
    change(tmp_path / "models" / "image_encoder" / "config.json", _attn_implementation="owner/kernel")
    with pytest.raises(ModelFolderError, match=r"image_encoder/config\.json must not name .* 'owner/kernel'"):
        pipe.load_ip_adapter(tmp_path, subfolder="models", weight_name=name, image_encoder_folder=inner)


def test_the_image_encoder_of_the_hubs_cache_is_looked_over(pipe, tmp_path):
    snapshot = tmp_path / "hub" / "models--owner--adapter" / "snapshots" / ("0" * 40)
    (snapshot / "models").mkdir(parents=True)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text(snapshot.name)
    name = ip_adapter(pipe.unet, snapshot / "models")
    image_encoder(snapshot / "models" / "image_encoder")
    options = {"subfolder": "models", "weight_name": name, "cache_dir": str(tmp_path / "hub")}
    pipe.load_ip_adapter("owner/adapter", **options)
    assert pipe.image_encoder.config.projection_dim == 12
    pipe.unload_ip_adapter()
    write(snapshot / "models" / "image_encoder" / "adapter_config.json", {"base_model_name_or_path": str(Path.cwd())})
    with pytest.raises(ModelFolderError, match=r"adapter_config\.json must not be there"):
        pipe.load_ip_adapter("owner/adapter", **options)
