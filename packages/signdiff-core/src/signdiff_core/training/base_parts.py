"""The parts of a base, read from a folder or the hub; of weights, only safetensors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from diffusers import AutoencoderKL, ConfigMixin, DDIMScheduler, DDPMScheduler, UNet2DConditionModel
from safetensors import SafetensorError
from transformers import CLIPTextModel, CLIPTokenizer

from signdiff_core.trust import check_model_folder

if TYPE_CHECKING:
    from signdiff_core.training.controlnet_config import ControlNetConfig

Part = TypeVar("Part")

_PARTS: Final = ("tokenizer", "text_encoder", "unet", "vae", "scheduler")


class BaseParts:
    """Reads a base's parts, each when it is asked for.

    Args:
        config: names the base, and what takes the place of its parts.

    Raises:
        ValueError: it is a folder without these parts, or a file.
    """

    def __init__(self, config: ControlNetConfig) -> None:
        self.config, self.name = config, config.pretrained_model_name_or_path
        given = {"tokenizer": config.tokenizer_name, "vae": config.vae_model_name_or_path}
        path = Path(self.name)
        if path.is_file():
            raise ValueError(
                f"pretrained_model_name_or_path must be a folder or a hub name, but {path} is a file: save it as a "
                "folder with StableDiffusionPipeline.from_single_file(...).save_pretrained(...)."
            )
        missing = [part for part in _PARTS if not given.get(part) and not (path / part).is_dir()]
        if path.is_dir() and missing:
            raise ValueError(f"pretrained_model_name_or_path must hold {', '.join(_PARTS)}, but lacks {missing[0]}.")

    def tokenizer(self) -> CLIPTokenizer:
        """Read the tokenizer."""
        if self.config.tokenizer_name:
            check_local(self.config.tokenizer_name)
            return CLIPTokenizer.from_pretrained(self.config.tokenizer_name, cache_dir=self.config.cache_dir)
        return self._part(CLIPTokenizer, "tokenizer")

    def text_encoder(self) -> CLIPTextModel:
        """Read the text encoder."""
        return self._part(CLIPTextModel, "text_encoder", weights=True)

    def unet(self) -> UNet2DConditionModel:
        """Read the UNet."""
        return self._part(UNet2DConditionModel, "unet", weights=True)

    def vae(self) -> AutoencoderKL:
        """Read the autoencoder."""
        if self.config.vae_model_name_or_path:
            return read_weights(AutoencoderKL, self.config.vae_model_name_or_path, cache_dir=self.config.cache_dir)
        return self._part(AutoencoderKL, "vae", weights=True)

    def scheduler(self) -> DDPMScheduler:
        """Read the noise levels, and what is predicted."""
        check_local(self.name, "scheduler")
        found: DDPMScheduler = DDPMScheduler.from_config(
            DDIMScheduler.load_config(
                self.name, subfolder="scheduler", revision=self.config.revision, cache_dir=self.config.cache_dir
            )
        )
        return found

    def _part(self, kind: Any, subfolder: str, *, weights: bool = False) -> Any:
        options: dict[str, Any] = {
            "subfolder": subfolder,
            "revision": self.config.revision,
            "cache_dir": self.config.cache_dir,
        }
        if not weights:
            check_local(self.name, subfolder)
            return kind.from_pretrained(self.name, **options)
        return read_weights(kind, self.name, variant=self.config.variant, **options)


def read_weights(kind: type[Part], name: str, **options: Any) -> Part:
    """Read a network, from safetensors.

    Args:
        kind: its class.
        name: folder or hub name.
        **options: as for ``from_pretrained``.

    Raises:
        OSError: it is not there.
        ValueError: it is damaged, or holds more than data.
    """
    check_local(name, options.get("subfolder"))
    try:
        network: Part = kind.from_pretrained(name, use_safetensors=True, **options)  # type: ignore[attr-defined]
    except SafetensorError as error:
        place = "/".join(filter(None, (name, options.get("subfolder"))))
        raise ValueError(f"{place} must hold whole weights, but they are damaged: {error}.") from error
    if isinstance(network, ConfigMixin) and Path(name).exists():
        network.register_to_config(_name_or_path=Path(name).resolve().name)  # what is saved tells no one's folders
    return network


def check_local(name: str, subfolder: str | None = None) -> None:
    """Make sure that reading a part runs nothing, if it lies in a folder; see `signdiff_core.trust`.

    Args:
        name: folder or hub name.
        subfolder: where the part is in it.

    Raises:
        signdiff_core.trust.ModelFolderError: it holds what is not safe, or not whole.
    """
    folder = Path(name, subfolder or "")
    if folder.is_dir():
        check_model_folder(folder, root=name)
