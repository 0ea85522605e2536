"""FR maps of tensors, on whatever device they are; equal to OpenCV's bit for bit. Needs torch (extra ``[torch]``).

The mean method and the small Gaussian kernels (up to 9) are arithmetic on whole numbers. The larger Gaussian kernels
are sums of floats in OpenCV, whose last bits depend on the order in which a processor adds. Where that could turn a
pixel (about two in a million on real frames), OpenCV itself is asked: about the few rows around such a pixel.
"""

from importlib.util import find_spec

if find_spec("torch") is None:
    raise ModuleNotFoundError('FR maps of tensors need torch: pip install "signdiff-frnet[torch]".', name="torch")

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from signdiff_frnet.contract import InvalidImageError
from signdiff_frnet.ops import check_shape, threshold_locally
from signdiff_frnet.parameters import DEFAULTS, FRNetParameters, ThresholdMethod

_ROWS_AT_A_TIME = 256


def annotate_tensor(
    frames: Tensor,
    *,
    threshold_method: ThresholdMethod = DEFAULTS.threshold_method,
    block_size: int = DEFAULTS.block_size,
    offset: float = DEFAULTS.offset,
    kernel_size: int = DEFAULTS.kernel_size,
) -> Tensor:
    """Draw the FR maps of frames where they are, on a GPU for example; equal to :func:`frnet`'s, bit for bit.

    No gradient flows through it: a threshold has none.

    Args:
        frames: (N, H, W, 3) RGB uint8, on any device, of any strides; N may be 0. Give (N, 3, H, W) as
            ``frames.permute(0, 2, 3, 1)``, which copies nothing.
        threshold_method: ``"gaussian"`` or ``"mean"``; see :class:`FRNetParameters`, as for the others.
        block_size: side of the threshold's neighbourhood in pixels; odd, 3 to 255.
        offset: how much darker than its neighbourhood a black pixel is, in grey levels; -255 to 255.
        kernel_size: side of the erosion's square in pixels; odd, 1 to 255.

    Returns:
        (N, H, W) uint8 on the same device: 0 on the strokes, 255 elsewhere.

    Raises:
        ValueError: a parameter lies outside its range.
        InvalidImageError: ``frames`` is no uint8 tensor, has another shape, or its frames have no pixels.

    Example:
        >>> annotate_tensor(torch.full((2, 48, 64, 3), 200, dtype=torch.uint8)).shape
        torch.Size([2, 48, 64])
    """
    parameters = FRNetParameters(
        threshold_method=threshold_method, block_size=block_size, offset=offset, kernel_size=kernel_size
    )
    if not isinstance(frames, Tensor) or frames.dtype != torch.uint8:
        form = f"a tensor of dtype {frames.dtype}" if isinstance(frames, Tensor) else type(frames).__name__
        raise InvalidImageError(f"frames must be a uint8 tensor, but is {form}.")
    check_shape(frames.shape)

    maps = frames.new_empty(frames.shape[:3])
    for frame, fr_map in zip(frames, maps, strict=True):  # one at a time: the sums of one frame fit a cache
        fr_map.copy_(_erode(_is_white(_to_grey(frame), parameters), int(parameters.kernel_size)))
    return maps


def _to_grey(frame: Tensor) -> Tensor:
    """OpenCV's whole-number weights for red, green and blue: (H, W, 3) uint8 to (H, W) float32, whole numbers."""
    red, green, blue = frame.to(torch.int32).unbind(-1)
    return ((9798 * red + 19235 * green + 3735 * blue + (1 << 14)) >> 15).to(torch.float32)


def _is_white(grey: Tensor, parameters: FRNetParameters) -> Tensor:
    """OpenCV's adaptive threshold: (H, W) float32 to (H, W) bool."""
    weights, uncertainty = _weights(parameters)
    size = len(weights)
    scale = 1.0 / size**2 if parameters.threshold_method == "mean" else 1.0
    edge = size // 2
    padded = functional.pad(grey[None, None], (edge, edge, edge, edge), mode="replicate")[0, 0]
    mean = _weighed(_weighed(padded, weights, 1), weights, 0) * scale
    drop = float(np.ceil(float(parameters.offset)))
    white = grey > mean.round() - drop
    if uncertainty:
        # White or black hangs on the mean's rounding only where one rounding makes it so and the other doesn't.
        doubtful = (grey > (mean - uncertainty).round() - drop) != (grey > (mean + uncertainty).round() - drop)
        _ask_opencv(grey, white, doubtful, parameters)
    return white


def _weights(parameters: FRNetParameters) -> tuple[list[float], float]:
    """The weights along one axis, and by how much the means here and in OpenCV may differ at most."""
    size = int(parameters.block_size)
    rounding = float(np.finfo(np.float32).eps) * 255
    if parameters.threshold_method == "mean":
        # Below 2**24 the sum is exact in both, and no odd area divides it to a half; only the division rounds.
        least_distance = 0.5 / size**2
        return [1.0] * size, 2 * rounding if 2 * rounding >= least_distance else 0.0
    weights = cv2.getGaussianKernel(size, 0, cv2.CV_32F).ravel()
    if (weights * 256 == np.rint(weights * 256)).all():
        return weights.tolist(), 0.0  # all sums are multiples of 2**-16 below 256: exact in single precision
    # Each of 2 * size products and additions rounds by half an epsilon at most, in both.
    return weights.tolist(), 2 * (size + 1) * rounding


def _weighed(image: Tensor, weights: list[float], axis: int) -> Tensor:
    # Written as sums and not as a convolution, which GPUs are free to round to half of single precision.
    length = image.shape[axis] - len(weights) + 1
    total = image.narrow(axis, 0, length) * weights[0]
    for start, weight in enumerate(weights[1:], 1):
        total.add_(image.narrow(axis, start, length), alpha=weight)
    return total


def _ask_opencv(grey: Tensor, white: Tensor, doubtful: Tensor, parameters: FRNetParameters) -> None:
    """Overwrite the rows of ``white`` that hold a doubtful pixel by OpenCV's."""
    edge = parameters.block_size // 2
    around = torch.arange(-edge, edge + 1, device=grey.device)
    doubtful_rows = doubtful.any(dim=1).nonzero()[:, 0]
    for start in range(0, len(doubtful_rows), _ROWS_AT_A_TIME):
        rows = doubtful_rows[start : start + _ROWS_AT_A_TIME]
        # Each doubtful row in the middle of its neighbours, one band below the other.
        bands = grey[(rows[:, None] + around).clamp_(0, len(grey) - 1).flatten()]
        thresholded = threshold_locally(bands.to(torch.uint8).cpu().numpy(), parameters)
        white[rows] = torch.from_numpy(thresholded[edge :: 2 * edge + 1] > 0).to(white.device)


def _erode(white: Tensor, kernel_size: int) -> Tensor:
    """(H, W) bool to (H, W) uint8; what lies beyond the border erodes nothing."""
    black = (~white).to(torch.float32)[None, None]
    for window in ((1, kernel_size), (kernel_size, 1)):
        black = functional.max_pool2d(black, window, stride=1, padding=(window[0] // 2, window[1] // 2))
    return torch.where(black[0, 0] > 0, 0, 255).to(torch.uint8)
