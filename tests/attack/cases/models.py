"""Folders of models: a stranger's, so that nothing in them may run, hang or end the process."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from functools import cache
from pathlib import Path

import numpy as np

from attack.case import Case, Tree, check, check_numbers


def text_to_pose(folder: Path) -> None:
    """A tiny model of signdiff-slp."""
    import torch

    from signdiff_slp.models.progressive import ProgressiveConfig, create_model
    from signdiff_slp.models.progressive.release import save_release
    from signdiff_slp.tokenizers import CharacterTokenizer

    torch.manual_seed(0)
    tokenizer = CharacterTokenizer(list(" abcdefgh"))
    sizes = {"model_dim": 8, "num_heads": 2, "ffn_inner_dim": 8, "num_encoder_layers": 1, "num_decoder_layers": 1}
    config = ProgressiveConfig(vocab_size=tokenizer.vocab_info.size, variant="fairseq2", **sizes)
    save_release(folder, create_model(config), tokenizer)


def read_text_to_pose(folder: Path) -> None:
    """Load it with signdiff-slp."""
    from signdiff_slp import TextToPose

    model = TextToPose.from_pretrained(folder)
    tokens = model.tokenizer.create_encoder()("abc")
    check(int(tokens.max()) < model.model.config.vocab_size, "a token that the model does not know")


def run(folder: Path) -> None:
    """A tiny run of signdiff-slp, as the recipe ``train`` leaves it."""
    import torch
    import yaml

    from signdiff_slp.models.progressive.release import load_release
    from signdiff_slp.tokenizers.saved import save_tokenizer

    text_to_pose(folder)
    model, tokenizer = load_release(folder)
    for path in folder.iterdir():
        path.unlink()
    checkpoints = folder / "checkpoints"
    weights = checkpoints / "step_4" / "model" / "pp_00" / "tp_00" / "sdp_00.pt"
    weights.parent.mkdir(parents=True)
    torch.save(model.state_dict(), weights)
    save_tokenizer(checkpoints, tokenizer)
    described = {"model_family": "slp_progressive", "model_config": asdict(model.config)}
    (checkpoints / "model.yaml").write_text(yaml.safe_dump({"name": "checkpoint", **described}))
    settings = {"dataset": {"config_overrides": {"data_dir": "corpus"}}, "regime": {"num_steps": 4}}
    (checkpoints / "recipe.yaml").write_text(yaml.safe_dump(settings))
    (checkpoints / "corpus.json").write_text(json.dumps({"data_dir": "corpus", "splits": {"train": "ab" * 32}}))


def read_run(folder: Path) -> None:
    """Load it with signdiff-slp, with what it says of itself."""
    from signdiff_slp.runs import find_run

    run = find_run(folder)
    for told in (run.read_settings(), run.read_corpus()) if run is not None else ():
        check(isinstance(told, dict), f"a run that says {told!r:.100}")
    read_text_to_pose(folder)


def back_translator(folder: Path) -> None:
    """A tiny back translator of signdiff-eval."""
    import torch

    from signdiff_eval.backtranslation import PoseFeatures, train_tokenizer
    from signdiff_eval.backtranslation.files import Translation, save
    from signdiff_eval.backtranslation.network import make_config, make_network

    torch.manual_seed(0)
    features = PoseFeatures.fit([np.random.default_rng(0).normal(size=(30, 3, 3))], fps=25.0)
    tokenizer = train_tokenizer(["hello world"])
    sizes = {"d_model": 8, "encoder_layers": 1, "decoder_layers": 1, "heads": 2, "conv_channels": 8}
    network = make_network(
        make_config(features=features.size, vocab_size=tokenizer.get_vocab_size(), max_tokens=6, **sizes)
    )
    details = Translation(
        name="tiny", features=features, trained_on="ab" * 32, num_beams=1, max_tokens=6, scores={"cer": 3.0}
    )
    save(folder / "model", network, tokenizer, details, card="# Card\n")


def read_back_translator(folder: Path) -> None:
    """Load it with signdiff-eval, and have it read a movement of two frames."""
    from signdiff_eval.backtranslation import BackTranslator

    translator = BackTranslator.from_pretrained(folder / "model")
    features = translator.details.features
    check_numbers("means", features.mean)
    check_numbers("deviations", features.std)
    check(0 < features.fps <= 1000, f"{features.fps} frames per second")


def with_checksums(tree: Tree) -> Tree:
    """Write the SHA-256 and the size of weights into the files that name them."""
    resealed = dict(tree)
    for name, content in tree.items():
        described = json_object(content) if name.endswith(".json") else None
        home = name.rpartition("/")[0]
        beside = {other.rpartition("/")[2]: data for other, data in tree.items() if other.rpartition("/")[0] == home}
        if described is None:
            continue
        if isinstance(described.get("sha256"), str) and "model.safetensors" in beside:
            described["sha256"] = hashlib.sha256(beside["model.safetensors"]).hexdigest()
        files = described.get("files")
        for file, facts in files.items() if isinstance(files, dict) else ():
            if isinstance(facts, dict) and file in beside:
                facts["size"], facts["sha256"] = len(beside[file]), hashlib.sha256(beside[file]).hexdigest()
        resealed[name] = json.dumps(described).encode("utf-8", "surrogatepass")
    return resealed


def json_object(content: bytes) -> dict[str, object] | None:
    """Read a JSON object, if it is one."""
    try:
        read = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) else None


def predictor(folder: Path) -> None:
    """A tiny predictor of FR maps."""
    import torch

    from signdiff_frnet.training.network import StrokeUNet
    from signdiff_frnet.training.save import to_onnx

    torch.manual_seed(0)
    content = to_onnx(StrokeUNet((4, 4, 4, 4, 4)).eval())
    frnet = {"threshold_method": "gaussian", "block_size": 11, "offset": 10.0, "kernel_size": 5}
    config = {
        "format": "signdiff-frnet-predictor",
        "format_version": 1,
        "resolution": 64,
        "threshold": 0.5,
        "frnet": {**frnet, "detect_resolution": 512},
        "files": {"model.onnx": {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}},
    }
    (folder / "model.onnx").write_bytes(content)
    (folder / "config.json").write_text(json.dumps(config))


def read_predictor(folder: Path) -> None:
    """Load it with signdiff-frnet, and have it predict a small map."""
    from signdiff_frnet import FRNetPredictor

    made = FRNetPredictor.from_pretrained(folder).predict(np.zeros((1, 64, 64, 3), np.uint8))
    check(made.shape == (1, 64, 64), f"a map of the shape {made.shape}")


def pipeline(folder: Path) -> None:
    """A tiny pipeline of diffusers' own classes."""
    from signdiff_core.diffusion import SignDiffPipeline, superimposed

    parts, nets = _parts()
    SignDiffPipeline(**parts, controlnet=superimposed(*nets)).save_pretrained(folder)
    (folder / "frnet.json").write_text(json.dumps({"block_size": 11, "offset": 10.0, "kernel_size": 5}))
    (folder / "renderer.json").write_text(json.dumps({"prompt": "a signer", "steps": 1, "guidance_scale": 1.0}))


def check_pipeline(folder: Path) -> None:
    """Look it over with signdiff-core."""
    from signdiff_core.trust import check_pipeline_folder

    check_pipeline_folder(folder)


def load_pipeline(folder: Path) -> None:
    """Load it with signdiff-core, with all that it says about its use."""
    from signdiff_core.diffusion.folder import RendererSettings
    from signdiff_core.diffusion.renderer import DiffusionRenderer

    settings = RendererSettings.read(folder)
    check(type(settings.steps) is int and 0 < settings.steps <= 1000, f"{settings.steps!r} steps")
    check(isinstance(settings.prompt, str), f"a prompt {settings.prompt!r}")
    check_numbers("guidance", settings.guidance_scale)
    pipe = DiffusionRenderer(model=folder).pipeline
    check(pipe.num_conditions in (1, 2), f"{pipe.num_conditions} conditions")


@cache
def _parts() -> tuple[dict[str, object], tuple[object, object]]:
    import tempfile

    import torch
    from diffusers import AutoencoderKL, ControlNetModel, DDIMScheduler, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    from signdiff_core.demo.make_base import learn_merges, write_vocabulary

    with tempfile.TemporaryDirectory() as home:
        write_vocabulary(Path(home), learn_merges(["a signer"]))
        tokenizer = CLIPTokenizer(f"{home}/vocab.json", f"{home}/merges.txt", model_max_length=8)
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(4, 8),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=8,
        attention_head_dim=4,
        norm_num_groups=2,
    )
    vae = AutoencoderKL(
        block_out_channels=(4, 4),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        norm_num_groups=2,
    )
    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = CLIPTextConfig(vocab_size=len(tokenizer), max_position_embeddings=8, bos_token_id=0, eos_token_id=1, **sizes)
    nets = [ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(4, 8)) for _ in range(2)]
    parts = {
        "vae": vae,
        "text_encoder": CLIPTextModel(text),
        "tokenizer": tokenizer,
        "unet": unet,
        "scheduler": DDIMScheduler(),
        "safety_checker": None,
        "feature_extractor": None,
        "requires_safety_checker": False,
    }
    return parts, (nets[0], nets[1])


CASES = (
    Case(name="text-to-pose", seeds=(text_to_pose,), read=read_text_to_pose, weight=1.5),
    Case(name="run", seeds=(run,), read=read_run, weight=1.5),
    Case(
        name="back-translator", seeds=(back_translator,), read=read_back_translator, reseal=with_checksums, weight=1.5
    ),
    Case(name="predictor", seeds=(predictor,), read=read_predictor, reseal=with_checksums, weight=2),
    Case(name="pipeline-check", seeds=(pipeline,), read=check_pipeline, weight=2),
    Case(
        name="pipeline",
        seeds=(pipeline,),
        read=load_pipeline,
        aimed=(".json", ".safetensors", ".txt"),
        weight=0.2,
        seconds=30,
    ),
)
