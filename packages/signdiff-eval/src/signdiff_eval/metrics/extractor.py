"""What turns images into features for FID: pytorch-fid's Inception network, a module, or any callable."""

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from signdiff_eval.installed import need
from signdiff_eval.readers.torch_files import check_size, load_tensors

WEIGHTS: Final = "pt_inception-2015-12-05-6726825d.pth"
"""Name of the file of weights that pytorch-fid keeps in torch's cache."""

MAX_BYTES: Final = 2**30
"""Largest file of weights that is read."""

_SIDE: Final = 299


def load_extractor(extractor: Any | None, weights: str | None) -> tuple[Callable[[Any], Any], str]:
    """Make a callable from images to features, and the name that a signature gives it; else pytorch-fid's network.

    That one takes its weights from a file, or else from torch's cache (a FileNotFoundError if there are none, a
    ModuleNotFoundError without pytorch-fid). A ValueError if extractor and weights are given, or the file holds others.
    """
    if extractor is not None:
        if weights is not None:
            raise ValueError("weights must not be given beside an extractor.")
        torch = sys.modules.get("torch")  # a module can't be here without it
        if torch is not None and isinstance(extractor, torch.nn.Module):
            return _of_module(extractor), type(extractor).__name__
        return extractor, str(getattr(extractor, "settings", getattr(extractor, "__name__", type(extractor).__name__)))
    need("fid", "torch", "torchvision", "pytorch_fid", purpose="FID with pytorch-fid's Inception network")
    path = _weights_path(weights)
    check_size(path, MAX_BYTES)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return _of_module(inception(path)), f"pytorch-fid-pool3-{digest}"


def inception(path: Path) -> Any:
    """Build pytorch-fid's network from a file of its weights, in which no code is run; a ValueError for other files.

    It takes (N, 3, H, W) float32 images from 0 to 1 to the (N, 2048) features of its last pooling layer.
    """
    import torch
    from pytorch_fid import inception as parts
    from torch.nn import functional
    from torchvision.models import inception_v3

    network = inception_v3(weights=None, num_classes=1008, aux_logits=False, init_weights=False)
    network.Mixed_5b = parts.FIDInceptionA(192, pool_features=32)
    network.Mixed_5c = parts.FIDInceptionA(256, pool_features=64)
    network.Mixed_5d = parts.FIDInceptionA(288, pool_features=64)
    network.Mixed_6b = parts.FIDInceptionC(768, channels_7x7=128)
    network.Mixed_6c = parts.FIDInceptionC(768, channels_7x7=160)
    network.Mixed_6d = parts.FIDInceptionC(768, channels_7x7=160)
    network.Mixed_6e = parts.FIDInceptionC(768, channels_7x7=192)
    network.Mixed_7b = parts.FIDInceptionE_1(1280)
    network.Mixed_7c = parts.FIDInceptionE_2(2048)
    try:
        network.load_state_dict(
            load_tensors(path, what="a file of the weights of pytorch-fid's network", max_bytes=MAX_BYTES)
        )
    except (LookupError, RuntimeError, TypeError, AttributeError) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(f"{path.name} must hold the weights of pytorch-fid's network, but doesn't: {first}") from error
    network.fc = torch.nn.Identity()
    network.dropout = torch.nn.Identity()
    network.transform_input = False

    class Pool3(torch.nn.Module):
        """Scales images as pytorch-fid does and returns the last pooling layer."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, images: Any) -> Any:
            """Compute (N, 2048) features."""
            images = functional.interpolate(images, size=(_SIDE, _SIDE), mode="bilinear", align_corners=False)
            return self.network(2 * images - 1)

    return Pool3().eval().requires_grad_(False)


def _of_module(module: Any) -> Callable[[NDArray[np.uint8]], NDArray[np.float64]]:
    import torch

    module.eval()
    first = next(iter(module.parameters()), None)
    device = torch.device("cpu") if first is None else first.device

    def extract(images: NDArray[np.uint8]) -> NDArray[np.float64]:
        with torch.inference_mode():
            batch = torch.from_numpy(np.ascontiguousarray(images)).to(device).permute(0, 3, 1, 2).float() / 255
            features: NDArray[np.float64] = module(batch).flatten(1).double().cpu().numpy()
        return features

    return extract


def _weights_path(weights: str | None) -> Path:
    if weights is not None:
        path = Path(weights)
        if not path.is_file():
            raise FileNotFoundError(f"weights must be a file, but {weights} isn't one.")
        return path
    import torch

    path = Path(torch.hub.get_dir()) / "checkpoints" / WEIGHTS
    if not path.is_file():
        raise FileNotFoundError(
            f"FID needs the weights of pytorch-fid's network, but torch's cache holds no {WEIGHTS}: give their path, "
            "or run pytorch-fid once, which downloads them."
        )
    return path
