"""Turn a trained pipeline into the one that comes with the package: half precision, with its defaults of use.

python -m signdiff_core.demo.bundle --pipeline OUT/pipeline
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from signdiff_core.atomic import replacing_folder
from signdiff_core.diffusion.folder import RendererSettings, read_frnet
from signdiff_core.diffusion.renderer import BUNDLED
from signdiff_core.training.kit.arguments import option, parse, run


@dataclass(frozen=True, kw_only=True)
class BundleConfig:
    """What to bundle, and how it is used by default."""

    pipeline: str = option(help="Folder of the trained pipeline, with frnet.json.")
    output_dir: str = option(str(BUNDLED), help="Folder to fill; its MODEL_CARD.md stays.")
    detail_model: str | None = option(None, help="Folder of the network of detail that was trained for it.")
    frnet_source: str | None = option(None, help="Where FR maps come from by default, if it is installed.")
    prompt: str | None = option(None, help="Default prompt. Default: the neutral avatar's caption.")
    steps: int = option(1, help="Default number of denoising steps.")
    guidance_scale: float = option(1.0, help="Default weight of the prompt.")
    retarget: bool = option(True, help="Bring poses to the neutral avatar's body; not for models of real people.")


_PARTS: Final = ("controlnet", "detail_model", "scheduler", "text_encoder", "tokenizer", "unet", "vae")


def bundle(config: BundleConfig) -> dict[str, int]:
    """Write the folder, or leave an older one as it was; gives the bytes of each weight file by its path.

    Raises FileNotFoundError where the source has no ``frnet.json``.
    """
    import torch

    from signdiff_core.avatar import Signer
    from signdiff_core.diffusion.detail import DetailModel
    from signdiff_core.diffusion.frmap import CONFIG_NAME
    from signdiff_core.diffusion.pipeline import SignDiffPipeline

    source, target = Path(config.pipeline), Path(config.output_dir)
    if read_frnet(source) is None:
        raise FileNotFoundError(f"pipeline must hold {CONFIG_NAME}, but {source} has none.")
    pipeline = SignDiffPipeline.from_pretrained(str(source), local_files_only=True)
    if config.detail_model is not None:
        pipeline.register_modules(detail_model=DetailModel.from_pretrained(config.detail_model))
    pipeline.to(dtype=torch.float16)
    prompt = config.prompt or Signer.neutral().prompt
    settings = RendererSettings(
        prompt=prompt,
        steps=config.steps,
        guidance_scale=config.guidance_scale,
        retarget=config.retarget,
        frnet_source=config.frnet_source,
        detail=("hands", "face") if pipeline.detail_model is not None else (),
        include_face=RendererSettings.read(source).include_face,
    )
    with replacing_folder(target) as folder:
        if target.is_dir():
            shutil.copytree(target, folder, ignore=shutil.ignore_patterns(*_PARTS), dirs_exist_ok=True)
        pipeline.save_pretrained(folder)
        for path in folder.rglob("*.json"):
            _forget_origin(path)
        for path in folder.rglob("*.safetensors"):
            path.chmod(0o644)  # safetensors writes files that only their owner can read
        shutil.copyfile(source / CONFIG_NAME, folder / CONFIG_NAME)
        settings.write(folder)
    return {str(path.relative_to(target)): path.stat().st_size for path in sorted(target.rglob("*.safetensors"))}


def _forget_origin(path: Path) -> None:
    """Take out of a configuration where its part was loaded from: a path of the machine that trained it."""
    values = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(values, dict) and values.pop("_name_or_path", None) is not None:
        path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    run(lambda: print(json.dumps(bundle(parse(BundleConfig, description=__doc__)), indent=2)))
