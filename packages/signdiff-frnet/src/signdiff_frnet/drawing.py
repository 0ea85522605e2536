"""How the command draws a frame: at which size, with which parameters, and what stands beside it."""

from dataclasses import asdict, dataclass

import cv2
import numpy as np

from signdiff_frnet.contract import UInt8Image, to_hwc3
from signdiff_frnet.ops import frnet
from signdiff_frnet.parameters import FRNetParameters
from signdiff_frnet.sizes import resize_frame, resize_map, target_size


@dataclass(frozen=True, kw_only=True)
class FrameDrawer:
    """Draws the maps of frames, each on its own."""

    parameters: FRNetParameters

    detect_resolution: int | None
    """Short side of the image in which strokes are looked for, in pixels; None for the frame's own size."""

    image_resolution: int | None
    """Short side of the map, in pixels; None for the frame's own size."""

    scale_sizes: bool = False
    """Whether the parameters are meant for 512 pixels and are scaled to the image in which strokes are looked for."""

    side_by_side: bool = False
    """Whether the frame is put to the left of its map."""

    def __call__(self, frame: UInt8Image) -> UInt8Image:
        """Draw a map.

        Args:
            frame: (H, W, 3) RGB or (H, W, 4) RGBA, uint8.

        Returns:
            (H', W', 3) uint8, twice as wide with the frame at its side.

        Raises:
            ValueError: the frame would grow beyond all bounds.
        """
        frame = to_hwc3(frame)
        seen = frame if self.detect_resolution is None else resize_frame(frame, self.detect_resolution)
        height, width = frame.shape[:2]
        if self.image_resolution is not None:
            height, width = target_size(seen.shape[0], seen.shape[1], self.image_resolution)
        parameters = self.parameters.for_resolution(min(seen.shape[:2])) if self.scale_sizes else self.parameters
        fr_map = to_hwc3(resize_map(frnet(seen, **asdict(parameters)), (height, width)))
        if not self.side_by_side:
            return fr_map
        if frame.shape != fr_map.shape:
            frame = np.asarray(cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        return np.hstack([frame, fr_map])
