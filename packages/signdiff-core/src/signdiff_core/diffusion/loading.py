"""How `SignDiffPipeline` is loaded and saved: as diffusers' pipelines are, but looked over before anything is read."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final, Self

import diffusers
import diffusers.utils.logging
import torch
import transformers.utils.logging
from diffusers import DiffusionPipeline, MultiControlNetModel, StableDiffusionControlNetPipeline

from signdiff_core.diffusion.folder import check_folder, check_there, complete_folder
from signdiff_core.trust import ModelFolderError, check_pipeline_folder, check_weights

_DTYPE_NAMES: Final = ("dtype", "torch_dtype")
"""The names by which diffusers takes a dtype when it loads: the first since 0.40, the second before."""

_GIVEN: Final[ContextVar[Mapping[str, Any] | None]] = ContextVar("given", default=None)
"""Arguments of the `CheckedLoading.from_single_file` that is running: it reads parts from a folder, too."""


class CheckedLoading(StableDiffusionControlNetPipeline):
    """diffusers' ControlNet pipeline, of which only what is safe and whole is loaded."""

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path: str | os.PathLike[str], **kwargs: Any) -> Self:
        """Load a pipeline from a folder or from the Hub; of weights, only safetensors are read.

        Args:
            pretrained_model_name_or_path: folder, or name on the Hub.
            **kwargs: as for diffusers' own ``from_pretrained``.

        Raises:
            OSError: it is neither a folder nor on the Hub, as far as that can be reached.
            signdiff_core.trust.ModelFolderError: it holds what is not safe to load, or not whole.
        """
        options = {"use_safetensors": True} | kwargs
        name = os.fspath(pretrained_model_name_or_path)
        # Of a name on the Hub the files are fetched first, so that they are looked over before one is read.
        folder = name if Path(name).is_dir() else cls._fetched(name, options)
        check_folder(folder, given=options)
        if isinstance(options.get("controlnet"), list | tuple):
            options["controlnet"] = MultiControlNetModel(options["controlnet"])
        try:
            pipe: Self = super().from_pretrained(folder, **options)
        except ModelFolderError:
            raise
        except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
            # What the libraries make of a configuration that is none, or is not that of its weights.
            raise ModelFolderError(
                f"{name} must hold a pipeline that can be loaded, but one of its configurations cannot be used: "
                f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"
            ) from error
        if options.get("device_map") is None:
            _check_whole(name, pipe)
        pipe.register_to_config(_name_or_path=name)
        return pipe

    @classmethod
    def _fetched(cls, name: str, options: dict[str, Any]) -> str:
        """Fetch a pipeline from the Hub, or find it in the cache."""
        check_there(name)
        from huggingface_hub.errors import HFValidationError

        logger = logging.getLogger("diffusers.pipelines.pipeline_utils")
        before = logger.level
        logger.setLevel(logging.ERROR)  # what it warns of is in the error
        try:
            return str(cls.download(name, **options))
        except (OSError, HFValidationError) as error:
            if isinstance(error, OSError) and error.errno is not None:  # of the disk
                raise
            reason = type(error.__cause__ or error.__context__ or error).__name__
            raise OSError(
                f"model must be a pipeline's folder or the name of one on the Hub, but {name} is neither a folder nor "
                f"a model of the Hub that can be reached ({reason})."
            ) from error
        finally:
            logger.setLevel(before)

    @classmethod
    def from_single_file(cls, pretrained_model_link_or_path: str | os.PathLike[str], **kwargs: Any) -> Self:
        """Load a base from one file, as Stable Diffusion 1.5 is shared outside diffusers.

        Args:
            pretrained_model_link_or_path: a ``.safetensors`` file, or a link to one on the Hub.
            **kwargs: as for diffusers' own ``from_single_file``; ``controlnet`` must be among them. The folder
                ``config``, from which tokenizer and configurations are read, is looked over as a pipeline's is.

        Raises:
            ValueError: the file is of another kind or not whole, or ``controlnet`` is not given.
            signdiff_core.trust.ModelFolderError: ``config`` holds what is not safe to load.
        """
        name = os.fspath(pretrained_model_link_or_path)
        if not name.endswith(".safetensors"):
            raise ValueError(f"pretrained_model_link_or_path must be a .safetensors file, but is {name}.")
        if Path(name).is_file():
            check_weights(Path(name))
        if kwargs.get("controlnet") is None:
            raise ValueError(
                f"controlnet must be given, since a single file such as {name} holds none: a ControlNetModel, or what "
                "superimposed() makes of one or of a UNet."
            )
        given = _GIVEN.set({"safety_checker": None, **kwargs})
        try:
            pipe: Self = super().from_single_file(name, **kwargs)
        finally:
            _GIVEN.reset(given)
        return pipe

    @classmethod
    def load_config(cls, pretrained_model_name_or_path: Any, *args: Any, **kwargs: Any) -> Any:
        """Read ``model_index.json``, as diffusers does before it loads any part.

        Raises `signdiff_core.trust.ModelFolderError` where parts are to be loaded from there that are not safe to load.
        """
        given = _GIVEN.get()
        if given is not None and Path(pretrained_model_name_or_path).is_dir():
            check_pipeline_folder(pretrained_model_name_or_path, given=given)
        return super().load_config(pretrained_model_name_or_path, *args, **kwargs)

    def save_pretrained(self, save_directory: str | os.PathLike[str], *args: Any, **kwargs: Any) -> None:
        """Save the pipeline, and beside it ``pipeline.py``, by which ``DiffusionPipeline`` finds this class.

        Args:
            save_directory: folder to write to; ControlNets that an earlier pipeline left there are removed.
            *args: as for diffusers' own ``save_pretrained``.
            **kwargs: likewise.
        """
        super().save_pretrained(str(save_directory), *args, **kwargs)
        complete_folder(save_directory, controlnets=len(getattr(self.controlnet, "nets", [self.controlnet])))

    @classmethod
    def from_pipe(cls, pipeline: DiffusionPipeline, **kwargs: Any) -> Self:
        """Reuse the parts of another pipeline; they keep their dtype, which diffusers' default would not.

        Args:
            pipeline: any Stable Diffusion pipeline.
            **kwargs: parts to add or to replace, such as ``controlnet``.
        """
        if not kwargs.keys() & set(_DTYPE_NAMES):
            kwargs |= dtype_option(pipeline.dtype)
        pipe: Self = super().from_pipe(pipeline, **kwargs)
        return pipe


def dtype_option(dtype: torch.dtype) -> dict[str, torch.dtype]:
    """Give the keyword of a dtype for ``from_pretrained`` and ``from_pipe`` of the installed diffusers.

    Example:
        >>> import torch
        >>> list(dtype_option(torch.float16).values())
        [torch.float16]
    """
    release = tuple(int(number) for number in diffusers.__version__.split(".")[:2])
    return {_DTYPE_NAMES[0] if release >= (0, 40) else _DTYPE_NAMES[1]: dtype}


@contextmanager
def no_progress_bars() -> Iterator[None]:
    """Switch the progress bars of diffusers and transformers off, and back on where they were on."""
    libraries = (diffusers.utils.logging, transformers.utils.logging)
    shown = [library for library in libraries if library.is_progress_bar_enabled()]
    for library in shown:
        library.disable_progress_bar()
    try:
        yield
    finally:
        for library in shown:
            library.enable_progress_bar()


def _check_whole(name: str, pipe: Any) -> None:
    """Raise `signdiff_core.trust.ModelFolderError` for a part without all its weights, which diffusers allows."""
    for part, network in pipe.components.items():
        weights = network.state_dict() if isinstance(network, torch.nn.Module) else {}
        missing = [key for key, value in weights.items() if value.is_meta]
        if missing:
            raise ModelFolderError(f"{name} must hold all weights of its {part}, but lacks {missing[0]}.")
