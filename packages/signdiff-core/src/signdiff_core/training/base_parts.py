"""The parts of a base, read from a folder or the hub; of weights, only safetensors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from diffusers import AutoencoderKL, ConfigMixin, DDIMScheduler, DDPMScheduler, UNet2DConditionModel
from safetensors import SafetensorError
from transformers import CLIPTextModel, CLIPTokenizer

from signdiff_core.diffusion.adapters import fetch
from signdiff_core.trust import check_model_folder
from signdiff_core.wording import one_line

if TYPE_CHECKING:
    from signdiff_core.training.options import ControlNetConfig

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
            folder = checked(self.config.tokenizer_name, cache_dir=self.config.cache_dir)
            return CLIPTokenizer.from_pretrained(folder)
        return CLIPTokenizer.from_pretrained(self._folder("tokenizer"))

    def text_encoder(self) -> CLIPTextModel:
        """Read the text encoder."""
        return self._part(CLIPTextModel, "text_encoder")

    def unet(self) -> UNet2DConditionModel:
        """Read the UNet."""
        return self._part(UNet2DConditionModel, "unet")

    def vae(self) -> AutoencoderKL:
        """Read the autoencoder."""
        if self.config.vae_model_name_or_path:
            return read_weights(AutoencoderKL, self.config.vae_model_name_or_path, cache_dir=self.config.cache_dir)
        return self._part(AutoencoderKL, "vae")

    def scheduler(self) -> DDPMScheduler:
        """Read the noise levels, and what is predicted."""
        found: DDPMScheduler = DDPMScheduler.from_config(DDIMScheduler.load_config(self._folder("scheduler")))
        return found

    def _part(self, kind: Any, subfolder: str) -> Any:
        return read_weights(kind, self.name, subfolder, variant=self.config.variant, **self._hub())

    def _folder(self, subfolder: str) -> Path:
        return checked(self.name, subfolder, **self._hub())

    def _hub(self) -> dict[str, Any]:
        return {"revision": self.config.revision, "cache_dir": self.config.cache_dir}


def read_weights(
    kind: type[Part], name: str, subfolder: str = "", *, variant: str | None = None, **options: Any
) -> Part:
    """Read a network, from safetensors.

    Args:
        kind: its class.
        name: folder or hub name.
        subfolder: where the part is in it.
        variant: of the weights.
        **options: ``revision`` and ``cache_dir``, for the Hub.

    Raises:
        OSError: it is not there.
        ValueError: it is damaged, or holds more than data.
    """
    folder = checked(name, subfolder, variant=variant, **options)
    try:
        network: Part = kind.from_pretrained(  # type: ignore[attr-defined]
            folder, use_safetensors=True, variant=variant
        )
    except SafetensorError as error:
        raise ValueError(f"{folder} must hold whole weights, but they are damaged: {one_line(error)}.") from error
    if isinstance(network, ConfigMixin):
        # What is saved tells no one's folders.
        network.register_to_config(_name_or_path=Path(name).resolve().name if Path(name).exists() else name)
    return network


def checked(name: str, subfolder: str = "", **options: Any) -> Path:
    """Find a part's folder, of the Hub in its cache, and make sure that reading it runs nothing.

    Args:
        name: folder or hub name.
        subfolder: where the part is in it.
        **options: ``revision``, ``cache_dir`` and ``variant``, for the Hub.

    Returns:
        The part's folder.

    Raises:
        OSError: it is not there.
        signdiff_core.trust.ModelFolderError: it holds what is not safe, or not whole.
    """
    root = Path(name)
    if not root.is_dir():
        root = fetch(name, subfolder, **{key: value for key, value in options.items() if value is not None})
    folder = root / subfolder
    if not folder.is_dir():
        raise OSError(f"{name} must hold the folder {subfolder}, but does not.")
    check_model_folder(folder, root=root)
    return folder
