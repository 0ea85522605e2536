"""The classes that the parts of a Stable Diffusion pipeline with ControlNets have; no others are loaded."""

from __future__ import annotations

from typing import Final

CLASSES: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "unet": {"diffusers": ("UNet2DConditionModel",)},
    "controlnet": {"diffusers": ("ControlNetModel", "MultiControlNetModel")},
    "vae": {
        "diffusers": ("AutoencoderKL", "AutoencoderTiny", "AsymmetricAutoencoderKL", "ConsistencyDecoderVAE"),
    },
    "text_encoder": {"transformers": ("CLIPTextModel",)},
    "tokenizer": {"transformers": ("CLIPTokenizer", "CLIPTokenizerFast")},
    "image_encoder": {"transformers": ("CLIPVisionModelWithProjection", "CLIPVisionModel")},
    "feature_extractor": {
        "transformers": (
            "CLIPImageProcessor",
            "CLIPImageProcessorFast",
            "CLIPImageProcessorPil",
            "CLIPFeatureExtractor",
        )
    },
    "safety_checker": {"stable_diffusion": ("StableDiffusionSafetyChecker",)},
    "scheduler": {"diffusers": ()},
}
"""The classes of each part, by the library that ``model_index.json`` names; ``stable_diffusion`` is a module of
diffusers. Schedulers are let in by their base class, and with a part goes each name that any release of diffusers or
transformers gave its class. None of them reads another file than those of its own folder."""

LIBRARIES: Final = tuple(sorted({library for kinds in CLASSES.values() for library in kinds}))
"""Where parts come from. diffusers would import any other module of this name, also from the current folder."""


def expected(part: str, library: str, kind: str) -> str | None:
    """Tell what a part must be, if it is not.

    Args:
        part: its name.
        library: the library that ``model_index.json`` names.
        kind: the class that it names.

    Returns:
        None if the class is one of the part's; else words for a message.

    Example:
        >>> expected("unet", "diffusers", "UNet2DConditionModel")
        >>> expected("text_encoder", "transformers", "DPTForDepthEstimation")
        'CLIPTextModel of transformers'
    """
    if part not in CLASSES:
        return f"one of the parts {', '.join(sorted(CLASSES))}"
    if part == "scheduler":
        return None if library == "diffusers" and _is_scheduler(kind) else "a scheduler of diffusers"
    if kind in CLASSES[part].get(library, ()):
        return None
    [(home, kinds)] = CLASSES[part].items()
    return f"{' or '.join(kinds)} of {home}"


def _is_scheduler(kind: str) -> bool:
    if not kind.endswith("Scheduler") or kind.startswith("Flax"):
        return False
    try:
        import diffusers
    except ImportError:  # then nothing can be loaded either
        return True
    found = getattr(diffusers, kind, None)
    return isinstance(found, type) and issubclass(found, diffusers.SchedulerMixin)
