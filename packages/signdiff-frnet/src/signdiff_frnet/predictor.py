"""FR maps without a frame: predicted from a pose drawing, by a small network under OpenCV, without torch."""

from dataclasses import asdict
from pathlib import Path
from threading import Lock
from typing import Any, Literal, Self

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from signdiff_frnet.contract import (
    LARGEST,
    InvalidImageError,
    UInt8Image,
    resize_frame,
    resize_map,
    target_size,
    to_array,
    to_hwc3,
    wants_array,
)
from signdiff_frnet.onnx_files import read_graph, write_graph
from signdiff_frnet.onnx_shapes import check_shapes
from signdiff_frnet.predictor_files import MODEL_NAME, PredictorSettings, find_folder, read_folder

MULTIPLE = 64


def read_network(model: bytes) -> cv2.dnn.Net:
    """Let OpenCV read the content of a ``.onnx`` file, unless it is damaged or no predictor's: a ValueError."""
    graph = read_graph(model)
    check_shapes(graph)
    network = cv2.dnn.readNetFromONNX(np.frombuffer(write_graph(graph), dtype=np.uint8))
    # Winograd's convolutions are half as fast again, but round probabilities to 2e-5; without them it is 5e-6.
    network.enableWinograd(False)
    return network


class FRNetPredictor:
    """Predicts the FR map of a frame that does not exist yet, from the OpenPose drawing of its pose.

    It is called like a detector of controlnet-aux, and can take an FR map of the signer as a reference beside each
    drawing. One predictor can serve several threads; they take turns.

    Args:
        settings: what the network was trained for.
        model: the network as ONNX, from (B, 4, H, W) float32 to (B, 1, H, W); see `predict`.

    Raises:
        ValueError: ``model`` is no such network, is damaged, or has other operations than those that training exports.
    """

    def __init__(self, settings: PredictorSettings, model: bytes) -> None:
        self.settings = settings
        try:
            self._network = read_network(model)
        except ValueError as error:
            raise ValueError(f"model must be an ONNX network of a predictor, but {error}.") from error
        except cv2.error as error:
            reason = " ".join(str(error).split())[:200]
            raise ValueError(f"model must be an ONNX network, but OpenCV can't read it ({reason}).") from error
        self._lock = Lock()

    @classmethod
    def from_pretrained(cls, pretrained_model_or_path: str | Path | None = None, **kwargs: Any) -> Self:
        """Load a predictor.

        Args:
            pretrained_model_or_path: a folder with ``config.json`` and ``model.onnx``; the name of a repository on the
                Hugging Face Hub that holds them (this needs ``huggingface_hub``); by default the bundled predictor.
                The network is parsed only if its size and SHA-256 are those that ``config.json`` lists.
            **kwargs: ``revision``, ``cache_dir``, ``token`` and ``local_files_only`` go to the Hub; others are ignored.

        Raises:
            ValueError: there is no predictor of this name, or a file is not what it should be.
        """
        folder = find_folder(pretrained_model_or_path, **kwargs)
        settings, model = read_folder(folder)
        try:
            return cls(settings, model)
        except ValueError as error:
            problem = f"in {folder}, {MODEL_NAME} is wrong: {error}"
            raise ValueError(f"pretrained_model_or_path must be a predictor's folder, but {problem}") from error

    @property
    def frnet_parameters(self) -> dict[str, Any]:
        """The detector's arguments that draw the maps which this predictor was trained for."""
        return asdict(self.settings.parameters) | {"detect_resolution": self.settings.detect_resolution}

    def to(self, device: object = None) -> Self:
        """Return this predictor: it runs on the CPU, whatever device is named."""
        return self

    def __call__(
        self,
        input_image: Any = None,
        reference: Any = None,
        detect_resolution: float | None = None,
        image_resolution: float = 512,
        output_type: Literal["pil", "np"] | None = None,
        threshold: float | None = None,
        **kwargs: Any,
    ) -> Any:
        """Predict the FR map of one drawing.

        Args:
            input_image: an OpenPose drawing on black: a PIL image, or a uint8 array of shape (H, W, 3) RGB (or another
                that the detectors take).
            reference: an FR map of the same signer in any pose, of any size: 0 on its strokes, 255 elsewhere.
            detect_resolution: short side, in pixels, at which the network looks at the drawing; above 32. Both sides
                are rounded to multiples of 64. By default that of the network's training.
            image_resolution: short side of the result, in pixels; above 32; rounded likewise.
            output_type: ``"pil"`` or ``"np"``; by default what came in.
            threshold: probability from which a pixel is a stroke, between 0 and 1; by default the network's own.
            **kwargs: ignored, as by controlnet-aux, but for ``return_pil``, the old name of ``output_type``.

        Returns:
            A PIL image of mode RGB, or an array (H', W', 3) uint8; 0 on the strokes, 255 elsewhere.

        Raises:
            ValueError: no image, or an argument outside its range.
            InvalidImageError: an image has another dtype, mode or shape, or no pixels.
        """
        if input_image is None:
            raise ValueError("input_image must be a PIL image or a uint8 array, but is None.")
        as_array = wants_array(output_type, input_image, kwargs)
        limit = self.settings.threshold if threshold is None else _checked_threshold(threshold)
        resolution = self.settings.resolution if detect_resolution is None else detect_resolution
        drawing = resize_frame(to_hwc3(to_array(input_image)), resolution, name="detect_resolution")
        size = target_size(drawing.shape[0], drawing.shape[1], image_resolution, name="image_resolution")
        references = None if reference is None else _read_reference(reference, drawing.shape[:2])
        probability = self.predict(drawing[None], references)[0]
        binary = np.where(probability >= limit, np.uint8(0), np.uint8(255))
        fr_map: UInt8Image = to_hwc3(resize_map(binary, size))
        return fr_map if as_array else Image.fromarray(fr_map)

    def predict(self, drawings: UInt8Image, references: UInt8Image | None = None) -> NDArray[np.float32]:
        """Predict how likely each pixel lies on a stroke.

        Args:
            drawings: (N, H, W, 3) uint8 RGB, OpenPose drawings on black; H and W are multiples of 64.
            references: (N, H, W) uint8, or (H, W) for all drawings: FR maps of the signers, 0 on the strokes, 255
                elsewhere; a map of zeros stands for none.

        Returns:
            (N, H, W) float32, from 0 to 1.

        Raises:
            ValueError: an argument has another dtype or shape.
        """
        _check_drawings(drawings)
        maps = np.zeros(drawings.shape[:3], np.uint8) if references is None else _spread(references, drawings.shape[:3])
        probabilities = np.empty(drawings.shape[:3], dtype=np.float32)
        blob = np.empty((1, 4, *drawings.shape[1:3]), dtype=np.float32)
        for number, (drawing, reference) in enumerate(zip(drawings, maps, strict=True)):
            blob[0, :3] = drawing.transpose(2, 0, 1)
            blob[0, 3] = reference
            blob /= 255.0
            with self._lock:
                self._network.setInput(blob)
                probabilities[number] = self._network.forward()[0, 0]
        return probabilities


def _check_drawings(drawings: object) -> None:
    if not isinstance(drawings, np.ndarray) or drawings.dtype != np.uint8:
        kind = drawings.dtype if isinstance(drawings, np.ndarray) else type(drawings).__name__
        raise ValueError(f"drawings must be a uint8 array, but is {kind}.")
    shape = drawings.shape
    fits = drawings.ndim == 4 and shape[3] == 3 and all(side and side % MULTIPLE == 0 for side in shape[1:3])
    if not fits or shape[1] * shape[2] > LARGEST:
        raise ValueError(
            f"drawings must have the shape (N, H, W, 3) with H and W multiples of {MULTIPLE} and at most {LARGEST} "
            f"pixels, but has {shape}."
        )


def _spread(references: object, shape: tuple[int, ...]) -> UInt8Image:
    if not isinstance(references, np.ndarray) or references.dtype != np.uint8:
        kind = references.dtype if isinstance(references, np.ndarray) else type(references).__name__
        raise ValueError(f"references must be a uint8 array, but is {kind}.")
    if references.shape not in (shape, shape[1:]):
        raise ValueError(f"references must have the shape {shape} or {shape[1:]}, but has {references.shape}.")
    return np.broadcast_to(references, shape)


def _read_reference(reference: object, size: tuple[int, ...]) -> UInt8Image:
    try:
        array = to_hwc3(to_array(reference))
    except InvalidImageError as error:
        raise InvalidImageError(str(error).replace("input_image", "reference")) from None
    # Anything between, of an antialiased file, counts by its side: networks were trained on two values.
    binary = np.where(array.mean(axis=2) < 128, np.uint8(0), np.uint8(255))
    return resize_map(binary, (size[0], size[1]))


def _checked_threshold(threshold: object) -> float:
    if not isinstance(threshold, int | float | np.floating) or not 0 < float(threshold) < 1:
        raise ValueError(f"threshold must be a number between 0 and 1, but is {threshold!r}.")
    return float(threshold)
