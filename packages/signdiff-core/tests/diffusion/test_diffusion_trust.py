"""Folders of real pipelines: those that are fine pass and load, those with a fault are refused before they load."""

import hashlib
import os
import pickle
import shutil
from pathlib import Path

import pytest
from model_folders import change

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from diffusers import ControlNetModel, MultiControlNetModel, StableDiffusionControlNetPipeline  # noqa: E402
from torch.serialization import get_unsafe_globals_in_checkpoint  # noqa: E402

from signdiff_core.diffusion import SignDiffPipeline  # noqa: E402
from signdiff_core.diffusion.renderer import BUNDLED  # noqa: E402
from signdiff_core.trust import ModelFolderError, check_model_folder, check_pipeline_folder  # noqa: E402


@pytest.fixture
def pipe(parts, one_net):
    return SignDiffPipeline(**parts, controlnet=one_net)


@pytest.fixture
def folder(pipe, tmp_path):
    pipe.save_pretrained(tmp_path / "pipeline")
    return tmp_path / "pipeline"


def weights(pipeline):
    parts = [part for part in pipeline.components.values() if isinstance(part, torch.nn.Module)]
    return [value for part in parts for value in part.state_dict().values()]


def passes_and_loads(folder, pipe, **options):
    check_pipeline_folder(folder, given=options)
    loaded = SignDiffPipeline.from_pretrained(folder, **options)
    pairs = zip(weights(loaded), weights(pipe), strict=True)
    assert all(torch.equal(left, right.to(left.dtype)) for left, right in pairs)


def cache_snapshot(folder, cache):
    """Lay a folder out as ``snapshot_download`` does: every file a link to a blob that is named after its content."""
    repository = cache / "models--owner--pipeline"
    snapshot = repository / "snapshots" / ("0" * 40)
    (repository / "blobs").mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(snapshot.name)
    for path in (path for path in folder.rglob("*") if path.is_file()):
        link = snapshot / path.relative_to(folder)
        link.parent.mkdir(parents=True, exist_ok=True)
        blob = hashlib.sha256(path.read_bytes()).hexdigest()
        shutil.copyfile(path, repository / "blobs" / blob)
        link.symlink_to(Path(*[".."] * (len(link.relative_to(repository).parts) - 1), "blobs", blob))
    return snapshot


def test_a_saved_pipeline_passes(folder, pipe):
    passes_and_loads(folder, pipe)


def test_the_bundled_pipeline_passes():
    check_pipeline_folder(BUNDLED)


def test_sharded_weights_pass(pipe, tmp_path):
    pipe.save_pretrained(tmp_path, max_shard_size="20KB")
    assert len(list(tmp_path.glob("unet/*.safetensors"))) > 1
    assert len(list(tmp_path.glob("text_encoder/*.safetensors"))) > 1
    passes_and_loads(tmp_path, pipe)


def test_a_variant_passes(pipe, tmp_path):
    pipe.save_pretrained(tmp_path, variant="fp16")
    assert [path.name for path in tmp_path.glob("unet/*.safetensors")] == ["diffusion_pytorch_model.fp16.safetensors"]
    passes_and_loads(tmp_path, pipe, variant="fp16")


def test_a_sharded_variant_passes(pipe, tmp_path):
    pipe.save_pretrained(tmp_path, variant="fp16", max_shard_size="20KB")
    passes_and_loads(tmp_path, pipe, variant="fp16")


def test_two_controlnets_pass(parts, one_net, other_net, tmp_path):
    pipe = SignDiffPipeline(**parts, controlnet=MultiControlNetModel([one_net, other_net]))
    pipe.save_pretrained(tmp_path)
    passes_and_loads(tmp_path, pipe)


def test_a_snapshot_of_the_cache_passes(folder, pipe, tmp_path):
    snapshot = cache_snapshot(folder, tmp_path / "hub")
    passes_and_loads(snapshot, pipe)
    passes_and_loads(Path(f"{snapshot}/../{snapshot.name}"), pipe)
    check_model_folder(snapshot / "unet")


def test_a_link_to_a_folder_passes(folder, pipe, tmp_path):
    (tmp_path / "link").symlink_to(folder)
    passes_and_loads(tmp_path / "link", pipe)


def test_parts_that_are_given_are_not_looked_at(folder, pipe, unet):
    (folder / "unet" / "config.json").write_text("{")
    with pytest.raises(ModelFolderError, match=r"unet/config\.json must be JSON"):
        check_pipeline_folder(folder)
    passes_and_loads(folder, pipe, unet=unet)


def test_names_of_origin_are_information(folder, pipe):
    for path in folder.rglob("*config.json"):
        change(path, _name_or_path="/nowhere/else", name_or_path="nowhere/else")
    change(folder / "model_index.json", _name_or_path="/nowhere/else")
    passes_and_loads(folder, pipe)


class MakesFolder:
    """Its pickle makes a folder when it is read."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def test_pickled_weights_are_refused_and_not_read(folder, tmp_path):
    marker = tmp_path / "ran"
    path = folder / "unet" / "diffusion_pytorch_model.bin"
    path.with_suffix(".safetensors").unlink()
    torch.save({"conv_in.weight": MakesFolder(marker)}, path)
    assert get_unsafe_globals_in_checkpoint(path) == [f"{os.name}.mkdir"]  # so it is of the kind that harms
    with pytest.raises(ModelFolderError, match=r"unet must hold its weights as safetensors, but has only diffusion_py"):
        check_pipeline_folder(folder)
    with pytest.raises((ValueError, OSError)):
        SignDiffPipeline.from_pretrained(folder)
    assert not marker.exists()


def test_a_pickle_under_a_safe_name_is_refused(folder, tmp_path):
    marker = tmp_path / "ran"
    (folder / "text_encoder" / "model.safetensors").write_bytes(pickle.dumps(MakesFolder(marker)))
    with pytest.raises(ModelFolderError, match=r"text_encoder/model\.safetensors must be a safetensors file"):
        check_pipeline_folder(folder)
    assert not marker.exists()


def truncate(folder):
    path = folder / "unet" / "diffusion_pytorch_model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def truncate_shard(folder):
    unet = StableDiffusionControlNetPipeline.from_pretrained(folder).unet
    (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    unet.save_pretrained(folder / "unet", max_shard_size="20KB")
    path = sorted(folder.glob("unet/*-00002-*.safetensors"))[0]
    path.write_bytes(path.read_bytes()[:-1])


def shard_elsewhere(folder):
    path = folder / "unet" / "diffusion_pytorch_model.safetensors"
    path.rename(folder.parent / "elsewhere.safetensors")
    weight_map = dict.fromkeys(("conv_in.weight", "conv_in.bias"), "../../elsewhere.safetensors")
    change(path.with_name(f"{path.name}.index.json"), metadata={}, weight_map=weight_map)


def part_is_a_link(folder):
    shutil.move(folder / "unet", folder.parent / "unet")
    (folder / "unet").symlink_to(folder.parent / "unet")


def file_is_a_link(folder):
    shutil.move(folder / "tokenizer" / "tokenizer_config.json", folder.parent / "settings.json")
    (folder / "tokenizer" / "tokenizer_config.json").symlink_to("../../settings.json")


def index_is_a_link(folder):
    shutil.move(folder / "model_index.json", folder.parent / "index.json")
    (folder / "model_index.json").symlink_to("../index.json")


def part_is_missing(folder):
    shutil.rmtree(folder / "vae")


def second_controlnet(folder):
    change(folder / "model_index.json", controlnet=["diffusers", "MultiControlNetModel"])
    shutil.copytree(folder / "controlnet", folder / "controlnet_1")
    path = folder / "controlnet_1" / "diffusion_pytorch_model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])


def settings_are_huge(folder):
    with (folder / "renderer.json").open("wb") as file:
        file.truncate(1 << 40)  # takes no room on the disk, and would not fit into memory


FAULTS = [
    (truncate, r"diffusion_pytorch_model\.safetensors must be a whole safetensors file, but is truncated: it has \d+"),
    (truncate_shard, r"-00002-of-\d+\.safetensors must be a whole safetensors file, but is truncated"),
    (second_controlnet, r"controlnet_1/diffusion_pytorch_model\.safetensors must be a whole"),
    (shard_elsewhere, r"must name safetensors files of its own folder, but has '\.\./\.\./elsewhere\.safetensors'"),
    (part_is_a_link, r"unet must lie in the model's folder, but is a link to"),
    (file_is_a_link, r"tokenizer_config\.json must lie in the model's folder, but is a link to"),
    (index_is_a_link, r"model_index\.json must lie in the model's folder, but is a link to"),
    (settings_are_huge, r"renderer\.json must have at most \d+ bytes, but has 1099511627776"),
    (part_is_missing, r"must hold the folder 'vae', as its model_index\.json says"),
]


@pytest.mark.parametrize(("fault", "told"), FAULTS, ids=[fault.__name__ for fault, _ in FAULTS])
def test_faults_of_files_are_refused(folder, fault, told):
    check_pipeline_folder(folder)
    fault(folder)
    with pytest.raises(ModelFolderError, match=told):
        check_pipeline_folder(folder)
    with pytest.raises(ModelFolderError, match=told):
        SignDiffPipeline.from_pretrained(folder)


def test_a_name_on_the_hub_is_fetched_looked_over_and_loaded(folder, pipe, tmp_path):
    snapshot = cache_snapshot(folder, tmp_path / "hub")
    options = {"cache_dir": str(tmp_path / "hub"), "local_files_only": True}
    loaded = SignDiffPipeline.from_pretrained("owner/pipeline", **options)
    assert loaded.name_or_path == "owner/pipeline"
    assert all(torch.equal(*pair) for pair in zip(weights(loaded), weights(pipe), strict=True))
    blob = (snapshot / "unet" / "diffusion_pytorch_model.safetensors").resolve()
    blob.write_bytes(blob.read_bytes()[:-1])
    with pytest.raises(ModelFolderError, match="truncated"):
        SignDiffPipeline.from_pretrained("owner/pipeline", **options)


def test_one_file_must_be_safetensors_and_whole(folder, one_net, tmp_path):
    with pytest.raises(ValueError, match=r"must be a \.safetensors file, but is"):
        SignDiffPipeline.from_single_file(tmp_path / "base.ckpt", controlnet=one_net)
    weights = (folder / "unet" / "diffusion_pytorch_model.safetensors").read_bytes()
    (tmp_path / "base.safetensors").write_bytes(weights[:-1])
    with pytest.raises(ModelFolderError, match="truncated"):
        SignDiffPipeline.from_single_file(tmp_path / "base.safetensors", controlnet=one_net)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"../other": ["diffusers", "UNet2DConditionModel"]}, "has the part '../other'"),
        ({"/etc": ["diffusers", "UNet2DConditionModel"]}, "has the part '/etc'"),
        ({"unet": ["diffusers"]}, "must give library and class of 'unet'"),
        ({"unet": ["diffusers", 7]}, "must give library and class of 'unet'"),
        ({"unet": ["payload", "Own"]}, "takes it from 'payload'"),
        ({"unet": ["os", "system"]}, "takes it from 'os'"),
        (
            {"text_encoder": ["transformers", "T5EncoderModel"]},
            "must have CLIPTextModel of transformers as 'text_encoder', but",
        ),
        ({"text_encoder": ["transformers", "AutoModel"]}, "has 'AutoModel' of transformers"),
        ({"unet": ["transformers", "UNet2DConditionModel"]}, "has 'UNet2DConditionModel' of transformers"),
        ({"vae": ["diffusers", "UNet2DConditionModel"]}, "must have AutoencoderKL or .* as 'vae'"),
        ({"scheduler": ["diffusers", "AutoencoderKL"]}, "must have a scheduler of diffusers as 'scheduler'"),
        ({"scheduler": ["diffusers", "FlaxDDIMScheduler"]}, "has 'FlaxDDIMScheduler'"),
        ({"scheduler": ["diffusers", "NoScheduler"]}, "has 'NoScheduler'"),
        ({"safety_checker": ["stable_diffusion", "StableDiffusionPipeline"]}, "has 'StableDiffusionPipeline'"),
        ({"another": ["diffusers", "UNet2DConditionModel"]}, "must have one of the parts .* as 'another'"),
        ({"quantization_config": {"quant_method": "mxfp4"}}, "as quantization_config"),
        ({"unet": ["diffusers.models", "UNet2DConditionModel"]}, "takes it from 'diffusers.models'"),
        ({"unet": ["diffusers", "StableDiffusionPipeline"]}, "has 'StableDiffusionPipeline'"),
        ({"unet": ["diffusers", "OnnxRuntimeModel"]}, "has 'OnnxRuntimeModel'"),
        ({"feature_extractor": ["transformers", "CLIPProcessor"]}, "has 'CLIPProcessor'"),
        ({"_class_name": ["pipeline", "Own"]}, "no pipeline class of its own"),
    ],
)
def test_indices_that_lead_elsewhere_are_refused(folder, values, told):
    change(folder / "model_index.json", **values)
    with pytest.raises(ModelFolderError, match=told):
        check_pipeline_folder(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_broken_index_is_refused(folder, content):
    (folder / "model_index.json").write_bytes(content)
    with pytest.raises(ModelFolderError, match=r"model_index\.json must"):
        check_pipeline_folder(folder)


@pytest.mark.parametrize("processor", ["CLIPImageProcessor", "CLIPImageProcessorFast", "CLIPFeatureExtractor"])
def test_processors_of_images_are_no_others(folder, processor):
    (folder / "feature_extractor").mkdir()
    change(folder / "model_index.json", feature_extractor=["transformers", processor])
    check_pipeline_folder(folder)


def test_the_safety_checker_of_stable_diffusion_is_known(folder):
    change(folder / "model_index.json", safety_checker=["stable_diffusion", "StableDiffusionSafetyChecker"])
    with pytest.raises(ModelFolderError, match="must hold the folder 'safety_checker'"):
        check_pipeline_folder(folder)
    check_pipeline_folder(folder, given={"safety_checker": None})


CODE = [
    ("None.py", {}),
    ("own.py", {"_class_name": ["own", "Own"]}),
    ("unet/diffusers.py", {}),
    ("unet/own.py", {"unet": ["own", "Own"]}),
]
"""Files that releases of diffusers run by themselves, and what ``model_index.json`` says then."""


@pytest.mark.parametrize(("name", "values"), CODE)
def test_code_is_refused_without_trust(folder, name, values):
    (folder / name).write_text("raise AssertionError")
    change(folder / "model_index.json", **values)
    with pytest.raises(ModelFolderError, match=r"unless trust_remote_code|trust_remote_code=True|it is code"):
        check_pipeline_folder(folder)
    check_pipeline_folder(folder, given={"trust_remote_code": True})


def test_a_library_is_refused_even_for_a_part_that_is_given(folder, unet):
    """diffusers imports it all the same, to compare the part's class with the one named."""
    change(folder / "model_index.json", unet=["payload", "Own"])
    with pytest.raises(ModelFolderError, match="takes it from 'payload'"):
        check_pipeline_folder(folder, given={"unet": unet})


@pytest.mark.parametrize("value", [False, None])
def test_other_weights_cannot_be_asked_for(folder, value):
    with pytest.raises(ValueError, match=f"use_safetensors must be True, .* but is {value}"):
        check_pipeline_folder(folder, given={"use_safetensors": value})


@pytest.mark.parametrize("name", ["custom_pipeline", "dduf_file"])
def test_code_must_be_asked_for_with_trust(folder, name):
    with pytest.raises(ValueError, match=f"{name} must be given with trust_remote_code=True"):
        check_pipeline_folder(folder, given={name: str(folder)})
    check_pipeline_folder(folder, given={name: str(folder), "trust_remote_code": True})


def test_a_folder_without_a_pipeline_is_an_os_error(tmp_path):
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(FileNotFoundError, match=r"must hold a pipeline, but has no model_index\.json"):
            check_pipeline_folder(path)


def test_the_folder_of_one_network(one_net, tmp_path):
    one_net.save_pretrained(tmp_path)
    check_model_folder(tmp_path)
    loaded = ControlNetModel.from_pretrained(tmp_path, use_safetensors=True)
    assert torch.equal(loaded.conv_in.weight, one_net.conv_in.weight)
    one_net.save_pretrained(tmp_path / "other", safe_serialization=False)
    with pytest.raises(ModelFolderError, match=r"has only diffusion_pytorch_model\.bin"):
        check_model_folder(tmp_path / "other")


def test_arguments_of_a_tokenizers_class_are_refused(folder):
    """Its first two are paths."""
    change(folder / "tokenizer" / "tokenizer_config.json", init_inputs=["/etc/hostname", "/etc/hostname"])
    with pytest.raises(ModelFolderError, match=r"has \['/etc/hostname', '/etc/hostname'\] as init_inputs"):
        SignDiffPipeline.from_pretrained(folder)


def test_the_text_encoder_is_stable_diffusions(folder):
    """The one with a projection, which Stable Diffusion XL has beside it, gives no states of tokens."""
    change(folder / "model_index.json", text_encoder=["transformers", "CLIPTextModelWithProjection"])
    with pytest.raises(ModelFolderError, match="must have CLIPTextModel of transformers as 'text_encoder', but has"):
        SignDiffPipeline.from_pretrained(folder)
