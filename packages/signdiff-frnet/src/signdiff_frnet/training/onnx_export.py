"""The trained network as ONNX, in operations that OpenCV reads, at sizes that are chosen when it is used."""

from __future__ import annotations

import logging
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from signdiff_frnet.predictor import read_network
from signdiff_frnet.training.network import INPUT_CHANNELS, StrokeProbability

if TYPE_CHECKING:
    from signdiff_frnet.training.network import StrokeUNet

OPSET: Final = 13
CLOSE: Final = 1e-5
_SIZES: Final = ((64, 64), (128, 192))


def to_onnx(network: StrokeUNet) -> bytes:
    """Export a network together with its logistic function, and compare it with torch.

    The file names 64x64 pixels, but nothing in it depends on a size: there are only convolutions, sums and repeated
    pixels, and OpenCV works out all shapes from the input. Free axes in their place would be read by OpenCV as 1.

    Args:
        network: gives logits; it is left as it is.

    Returns:
        The content of a ``.onnx`` file: input (1, 4, H, W), output (1, 1, H, W), H and W multiples of 64.

    Raises:
        RuntimeError: under OpenCV the export gives other values than the network.
        ImportError: the library ``onnx`` is not installed.
    """
    import onnx

    twin = StrokeProbability(network).eval().to("cpu", torch.float32)
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as home:
        path = Path(home, "model.onnx")
        # The exporter that OpenCV can read from is the one that torch calls legacy.
        warnings.simplefilter("ignore", DeprecationWarning)
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        torch.onnx.export(
            twin,
            (torch.zeros(1, INPUT_CHANNELS, 64, 64),),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=["conditions"],
            output_names=["strokes"],
        )
        content = path.read_bytes()
    onnx.checker.check_model(onnx.load_from_string(content))
    _compare(twin, content)
    return content


@torch.inference_mode()
def _compare(twin: StrokeProbability, content: bytes) -> None:
    read = read_network(content)
    generator = torch.Generator().manual_seed(0)
    for size in _SIZES:
        conditions = _like_a_drawing(size, generator)
        read.setInput(conditions.numpy())
        difference = float(np.abs(read.forward() - twin(conditions).numpy()).max())
        if not difference < CLOSE:
            raise RuntimeError(f"the export must equal the network to {CLOSE}, but at {size} differs by {difference}.")


def _like_a_drawing(size: tuple[int, int], generator: torch.Generator) -> torch.Tensor:
    """Make coloured bars on black, and black bars on white: on noise, logits of 100 hide the rounding of 32 bits."""
    conditions = torch.zeros(1, INPUT_CHANNELS, *size)
    conditions[:, -1] = 1
    for number in range(8):
        top, left = (int(torch.randint(0, side - 24, (1,), generator=generator)) for side in size)
        bar = (slice(top, top + 2 + 3 * number), slice(left, left + 24 - 3 * number))
        conditions[0, :-1, *bar] = torch.rand(3, 1, 1, generator=generator)
        conditions[0, -1, *bar[::-1]] = 0
    return conditions
