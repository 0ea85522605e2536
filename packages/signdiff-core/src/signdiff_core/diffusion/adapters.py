"""What is loaded beside a pipeline: textual inversions, LoRAs, IP-Adapters; as safetensors, unless asked otherwise."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, safe_open
from transformers import CLIPVisionModelWithProjection

from signdiff_core.diffusion.folder import check_there
from signdiff_core.diffusion.loading import CheckedLoading, dtype_option
from signdiff_core.trust import ModelFolderError, check_model_folder, check_weights
from signdiff_core.trust.configs import check_content
from signdiff_core.wording import one_line

_HUB: Final = ("cache_dir", "force_download", "local_files_only", "proxies", "revision", "token")


class CheckedAdapters(CheckedLoading):
    """A pipeline whose adapters, too, are looked over first.

    With ``use_safetensors=False``, other files are read by torch with ``weights_only=True``, which runs nothing.
    """

    def load_textual_inversion(
        self, pretrained_model_name_or_path: Any, token: Any = None, *args: Any, **kwargs: Any
    ) -> None:
        """Load embeddings of tokens with diffusers' own arguments; files are ``.safetensors``.

        Raises `signdiff_core.trust.ModelFolderError` where one is of another format, is damaged, or does not fit.
        """
        kwargs = {"use_safetensors": True} | kwargs
        names = _listed(pretrained_model_name_or_path)
        for one in names:
            path = _check_file(one, kwargs)
            if path is not None and token is None:
                _check_token(path)
        try:
            super().load_textual_inversion(pretrained_model_name_or_path, token, *args, **kwargs)
        except (ValueError, IndexError, RuntimeError) as error:
            files = ", ".join(str(one) for one in names if isinstance(one, str | os.PathLike))
            if not files or isinstance(error, ModelFolderError):
                raise
            raise ModelFolderError(
                f"{files} must hold an embedding for this pipeline, but: {one_line(error)}"
            ) from error

    def load_lora_weights(self, pretrained_model_name_or_path_or_dict: Any, *args: Any, **kwargs: Any) -> None:
        """Load a LoRA with diffusers' own arguments; files are ``.safetensors``.

        Raises FileNotFoundError where there is no such file, `signdiff_core.trust.ModelFolderError` where it is of
        another format, is damaged, or does not fit.
        """
        name = pretrained_model_name_or_path_or_dict
        with _naming(name, kwargs, "a LoRA") if find_spec("peft") else nullcontext():
            super().load_lora_weights(name, *args, **kwargs)

    @classmethod
    def lora_state_dict(cls, pretrained_model_name_or_path_or_dict: Any, **kwargs: Any) -> Any:
        """Read the weights of a LoRA, which `load_lora_weights` does first; it raises likewise."""
        kwargs = {"use_safetensors": True} | kwargs
        _check_file(pretrained_model_name_or_path_or_dict, kwargs)
        try:
            found = super().lora_state_dict(pretrained_model_name_or_path_or_dict, **kwargs)
        except SafetensorError as error:
            raise ModelFolderError(
                f"{pretrained_model_name_or_path_or_dict} must be whole safetensors, but is damaged: {one_line(error)}."
            ) from error
        if kwargs.get("return_lora_metadata"):
            check_content(f"The metadata of {pretrained_model_name_or_path_or_dict}", found[-1])
        return found

    def load_ip_adapter(
        self,
        pretrained_model_name_or_path_or_dict: Any,
        subfolder: str | list[str],
        weight_name: str | list[str],
        image_encoder_folder: str | None = "image_encoder",
        **kwargs: Any,
    ) -> None:
        """Load an IP-Adapter, and its image encoder if the pipeline has none.

        Arguments are diffusers' own; files are ``.safetensors``. Raises `signdiff_core.trust.ModelFolderError` where a
        file is of another format or damaged, or the image encoder's folder holds what is not safe to load.
        """
        use_safetensors = kwargs.pop("use_safetensors", True)
        names = _listed(pretrained_model_name_or_path_or_dict)
        folders, files = _listed(subfolder), _listed(weight_name)
        for number, file in enumerate(files):
            options = {"use_safetensors": use_safetensors, "weight_name": file}
            _check_file(_nth(names, number), options | {"subfolder": _nth(folders, number)})
        missing = getattr(self, "image_encoder", None) is None and not isinstance(names[0], dict)
        if missing and image_encoder_folder is not None:
            inner = image_encoder_folder if "/" in image_encoder_folder else f"{folders[0]}/{image_encoder_folder}"
            self.register_modules(image_encoder=self._image_encoder(names[0], inner.strip("/"), kwargs))
        with _naming(names[0], {"subfolder": folders[0], "weight_name": files[0]}, "an IP-Adapter"):
            super().load_ip_adapter(
                pretrained_model_name_or_path_or_dict, subfolder, weight_name, image_encoder_folder, **kwargs
            )

    def prepare_ip_adapter_image_embeds(
        self,
        ip_adapter_image: Any,
        ip_adapter_image_embeds: list[torch.Tensor] | None,
        device: torch.device,
        num_images_per_prompt: int,
        do_classifier_free_guidance: bool,
    ) -> list[torch.Tensor]:
        """Encode pictures of the signer, as diffusers does; embeddings that are one for each frame stay as they are."""
        rows = num_images_per_prompt * (2 if do_classifier_free_guidance else 1)
        given = ip_adapter_image_embeds
        if given is not None and num_images_per_prompt > 1 and all(len(part) == rows for part in given):
            return [part.to(device) for part in given]
        made: list[torch.Tensor] = super().prepare_ip_adapter_image_embeds(
            ip_adapter_image, given, device, num_images_per_prompt, do_classifier_free_guidance
        )
        return made

    def _image_encoder(self, name: Any, folder: str, options: dict[str, Any]) -> CLIPVisionModelWithProjection:
        root = Path(name)
        if not root.is_dir():
            root = fetch(str(name), folder, **{key: options[key] for key in _HUB if key in options})
        if not (root / folder).is_dir():
            raise ModelFolderError(
                f"{name} must hold an image encoder in {folder}, but there is no such folder: give another "
                "image_encoder_folder, or None where the pipeline needs none."
            )
        check_model_folder(root / folder, root=root)
        encoder = CLIPVisionModelWithProjection.from_pretrained(
            root / folder, use_safetensors=True, **dtype_option(self.dtype)
        )
        return encoder.to(self.device)


def fetch(name: str, folder: str, *, variant: str | None = None, **options: Any) -> Path:
    """Fetch a part's folder of a repository, or find it in the cache: texts, and weights as safetensors.

    ``folder`` is empty for the repository itself; options are those of ``huggingface_hub.snapshot_download``. Returns
    the folder of the snapshot. Raises OSError where it is neither on the Hub nor in the cache.
    """
    from huggingface_hub import snapshot_download

    ends = ("", "-*") if variant is None else (f".{variant}", f".{variant}-*", f"-*.{variant}")
    weights = [f"{stem}{end}.safetensors" for stem in ("model", "diffusion_pytorch_model") for end in ends]
    patterns = [f"{folder}/{one}".lstrip("/") for one in ("*.json", "*.txt", "*.model", *weights)]
    return Path(snapshot_download(name, allow_patterns=patterns, **options))


def _check_file(name: Any, options: dict[str, Any]) -> Path | None:
    """Make sure that an adapter is safetensors, as far as its name and the file on the disk, if any, tell."""
    if not isinstance(name, str | os.PathLike) or options.get("use_safetensors") is False:
        return None
    check_there(name)
    path, file = _path_of(name, options), options.get("weight_name")
    shown = path if path.is_file() or file is None else Path(file)
    if (path.is_file() or file is not None) and shown.suffix != ".safetensors":
        raise ModelFolderError(
            f"{name} must be loaded from a .safetensors file, but {shown.name} is none; where there is no other, set "
            "use_safetensors=False, and torch reads it with weights_only=True."
        )
    if not path.is_file():
        return None
    check_weights(path)
    return path


def _path_of(name: Any, options: dict[str, Any]) -> Path:
    """Name the file that diffusers reads, where it lies in a folder; else what was given."""
    path = Path(name)
    return path / (options.get("subfolder") or "") / (options.get("weight_name") or "") if path.is_dir() else path


@contextmanager
def _naming(name: Any, options: dict[str, Any], what: str) -> Iterator[None]:
    """Name the file in what the libraries say of weights that are no adapter for this pipeline."""
    options = dict(options)
    try:
        yield
    except (AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        if not isinstance(name, str | os.PathLike) or isinstance(error, ModelFolderError):
            raise
        path = _path_of(name, options)
        raise ModelFolderError(f"{path} must hold {what} for this pipeline, but: {one_line(error)}") from error


def _check_token(path: Path) -> None:
    """Make sure that an embedding's own token is one: for an empty one, diffusers writes over all embeddings."""
    with safe_open(path, framework="numpy") as file:
        names = list(file.keys())
    if len(names) == 1 and not names[0].strip():
        raise ModelFolderError(f"{path} must name the token of its embedding, but names {names[0]!r}: give token.")


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def _nth(values: list[Any], number: int) -> Any:
    """Give one of several values, or the only one, as diffusers does."""
    return values[min(number, len(values) - 1)]
