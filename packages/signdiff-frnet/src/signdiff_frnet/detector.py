"""FR-Net behind the call that every controlnet-aux detector answers, and made known to controlnet-aux on request."""

import warnings
from dataclasses import asdict
from typing import Any, Literal, Self

from PIL import Image

from signdiff_frnet.contract import UInt8Image, resize_frame, resize_map, target_size, to_array, to_hwc3, wants_array
from signdiff_frnet.ops import frnet
from signdiff_frnet.parameters import DEFAULTS, FRNetParameters, ThresholdMethod


class FRNetDetector:
    """Draws the FR map of a frame: dark strokes along its edges, on white (SignDiff, section 3.4).

    It is called like a detector of controlnet-aux and can stand wherever one of them does, but needs neither that
    package nor torch. Nothing is learned and nothing is stored: one detector can serve several threads.

    Example:
        >>> detector = FRNetDetector.from_pretrained()
        >>> detector(Image.new("RGB", (1280, 720))).size
        (896, 512)
    """

    @classmethod
    def from_pretrained(cls, pretrained_model_or_path: object = None, **kwargs: Any) -> Self:
        """Make a detector as those that have weights are made; nothing is loaded, and all arguments are ignored."""
        return cls()

    def to(self, device: object = None) -> Self:
        """Return this detector: it runs on the CPU, whatever device is named."""
        return self

    def __call__(
        self,
        input_image: Any = None,
        threshold_method: ThresholdMethod = DEFAULTS.threshold_method,
        block_size: int = DEFAULTS.block_size,
        offset: float = DEFAULTS.offset,
        kernel_size: int = DEFAULTS.kernel_size,
        detect_resolution: float = 512,
        image_resolution: float = 512,
        output_type: Literal["pil", "np"] | None = None,
        **kwargs: Any,
    ) -> Any:
        """Draw the FR map of one image.

        Args:
            input_image: a PIL image, or a uint8 array of shape (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA.
                Opacity is laid over white.
            threshold_method: ``"gaussian"`` or ``"mean"``; see :class:`FRNetParameters`, as for the next three.
            block_size: side of the threshold's neighbourhood in pixels; odd, 3 to 255.
            offset: how much darker than its neighbourhood a black pixel is, in grey levels; -255 to 255.
            kernel_size: side of the erosion's square in pixels; odd, 1 to 255.
            detect_resolution: short side, in pixels, of the image in which strokes are looked for; above 32.
                Both sides are rounded to multiples of 64.
            image_resolution: short side of the result, in pixels; above 32; rounded likewise.
            output_type: ``"pil"`` or ``"np"``; by default what came in.
            **kwargs: ignored, as by controlnet-aux, but for two old names: ``img`` is ``input_image``, and
                ``return_pil`` is ``output_type="pil"`` (true) or ``"np"`` (false).

        Returns:
            A PIL image of mode RGB, or an array (H', W', 3) uint8; every value is 0 or 255.

        Raises:
            ValueError: no image, or an argument outside its range.
            InvalidImageError: the image has another dtype, mode or shape, or no pixels.
        """
        if "img" in kwargs:
            warnings.warn("img is deprecated, please use input_image=... instead.", DeprecationWarning, stacklevel=2)
            input_image = kwargs["img"]
        if input_image is None:
            raise ValueError("input_image must be a PIL image or a uint8 array, but is None.")
        as_array = wants_array(output_type, input_image, kwargs)

        frame = resize_frame(to_hwc3(to_array(input_image)), detect_resolution, name="detect_resolution")
        size = target_size(frame.shape[0], frame.shape[1], image_resolution, name="image_resolution")
        binary = frnet(
            frame, threshold_method=threshold_method, block_size=block_size, offset=offset, kernel_size=kernel_size
        )
        fr_map: UInt8Image = to_hwc3(resize_map(binary, size))

        return fr_map if as_array else Image.fromarray(fr_map)


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
