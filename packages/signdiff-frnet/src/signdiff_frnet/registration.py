"""Makes FR-Net known to controlnet-aux, when a user asks for it."""

from dataclasses import asdict
from typing import Any

from signdiff_frnet.detector import FRNetDetector
from signdiff_frnet.parameters import FRNetParameters


def register(processor_id: str = "frnet", **parameters: Any) -> None:
    """Let ``controlnet_aux.processor.Processor("frnet")`` work, for the rest of this process.

    Loads controlnet-aux, which takes seconds. Registering again replaces the parameters.

    Args:
        processor_id: the name to register under.
        **parameters: fields of :class:`FRNetParameters`; those left out keep their defaults.

    Raises:
        ImportError: controlnet-aux is not installed.
        TypeError: a parameter has a name that FR-Net does not know.
        ValueError: a parameter lies outside its range, or controlnet-aux knows another detector by this name.
    """
    checked = asdict(FRNetParameters(**parameters))
    # Imported here: it is no dependency of this package, and brings torch.
    from controlnet_aux import processor

    known = processor.MODELS.get(processor_id)
    if known is not None and known["class"] is not FRNetDetector:
        raise ValueError(
            f"processor_id must be a name that controlnet-aux does not use yet, but is {processor_id!r}, "
            f"its {known['class'].__name__}."
        )
    processor.MODELS[processor_id] = {"class": FRNetDetector, "checkpoint": False}
    processor.MODEL_PARAMS[processor_id] = checked
