"""What a back translator sees of a pose: a vector of numbers for each frame."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from signdiff_eval import _checks

MIN_STD: Final = 1e-4
"""Coordinates that vary less, in units of the files, are left out of the features as constant."""


@dataclass(frozen=True, kw_only=True)
class PoseFeatures:
    """Standardised joint positions, and on request their velocities.

    Attributes:
        fps: frame rate at which the translator was trained.
        joints: joints of a frame.
        axes: coordinates of a joint.
        mean: (joints * axes) mean of each coordinate in the training set, in units of the files.
        std: likewise, its standard deviation; 0 for those that are constant and left at 0.
        velocity: append the change from the frame before, divided by ``velocity_std``.
        velocity_std: (joints * axes) standard deviation of that change; empty without velocity.
        skeleton: names of the joints where the training files had any.

    Example:
        >>> features = PoseFeatures.fit([np.array([[[0.0, 1.0]], [[2.0, 1.0]]])], fps=25.0)
        >>> features(np.array([[[2.0, 1.0]], [[0.0, 5.0]]])).tolist()
        [[1.0, 0.0], [-1.0, 0.0]]
    """

    fps: float
    joints: int
    axes: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    velocity: bool = False
    velocity_std: tuple[float, ...] = ()
    skeleton: tuple[str, ...] = ()

    @classmethod
    def fit(
        cls,
        sequences: Iterable[NDArray[np.floating[Any]]],
        *,
        fps: float,
        velocity: bool = False,
        skeleton: tuple[str, ...] = (),
    ) -> Self:
        """Measure a training set.

        Args:
            sequences: (T, J, C) each, at least one; NaN where a joint is absent.
            fps: their frame rate.
            velocity: whether the features hold velocities.
            skeleton: names of the J joints.

        Raises:
            ValueError: there is none, or they differ in J or C.
        """
        shape: tuple[int, ...] | None = None
        sums: Any = None
        for sequence in sequences:
            if shape is None:
                shape = sequence.shape[1:]
                sums = np.zeros((6, shape[0] * shape[1]))
            if sequence.shape[1:] != shape:
                raise ValueError(f"sequences must all have frames of shape {shape}, but one has {sequence.shape[1:]}.")
            flat = sequence.reshape(len(sequence), -1).astype(np.float64)
            steps = np.diff(flat, axis=0)
            for row, values in ((0, flat), (3, steps)):
                sums[row] += np.isfinite(values).sum(axis=0)
                sums[row + 1] += np.nansum(values, axis=0)
                sums[row + 2] += np.nansum(values**2, axis=0)
        if shape is None:
            raise ValueError("sequences must hold at least one, but hold none.")
        (mean, std), (_, speed) = (_moments(*sums[row : row + 3]) for row in (0, 3))
        return cls(
            fps=fps,
            joints=shape[0],
            axes=shape[1],
            mean=tuple(mean.tolist()),
            std=tuple(std.tolist()),
            velocity=velocity,
            velocity_std=tuple(speed.tolist()) if velocity else (),
            skeleton=skeleton,
        )

    @property
    def size(self) -> int:
        """Numbers of a frame."""
        return self.joints * self.axes * (2 if self.velocity else 1)

    def __call__(self, joints: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Turn positions into features.

        Args:
            joints: (T, J, C) in the units of the training files, at `fps`; NaN where a joint is absent throughout.

        Returns:
            (T, `size`) float32; 0 where a joint is absent.

        Raises:
            ValueError: another shape, no frame, or a masked value.
        """
        _checks.unmasked("joints", joints)
        if joints.ndim != 3 or joints.shape[1:] != (self.joints, self.axes) or not len(joints):
            raise ValueError(
                f"joints must have the shape (T, {self.joints}, {self.axes}) that the translator was trained on, "
                f"with at least one frame, but has {joints.shape}."
            )
        flat = joints.reshape(len(joints), -1).astype(np.float64)
        parts = [_divided(flat - np.array(self.mean), np.array(self.std))]
        if self.velocity:
            parts.append(_divided(np.diff(flat, axis=0, prepend=flat[:1]), np.array(self.velocity_std)))
        return np.concatenate(parts, axis=1).astype(np.float32)

    def to_dict(self) -> dict[str, Any]:
        """Turn into what JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Read back what `to_dict` made; a ValueError if values are missing, or contradict each other."""
        try:
            lists = {name: tuple(values[name]) for name in ("mean", "std", "velocity_std", "skeleton")}
            features = cls(
                fps=float(values["fps"]),
                joints=int(values["joints"]),
                axes=int(values["axes"]),
                velocity=bool(values["velocity"]),
                **lists,
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"features must hold what PoseFeatures has, but lack or garble {error}.") from error
        wanted = features.joints * features.axes
        lengths = (len(features.mean), len(features.std), len(features.velocity_std) if features.velocity else wanted)
        if lengths != (wanted, wanted, wanted):
            raise ValueError(f"features must have {wanted} means and deviations, but have {lengths}.")
        return features


def _moments(
    count: NDArray[np.float64], total: NDArray[np.float64], squares: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    count = np.maximum(count, 1)
    mean = total / count
    std = np.sqrt(np.maximum(squares / count - mean**2, 0))
    return mean, np.where(std < MIN_STD, 0.0, std)


def _divided(values: NDArray[np.float64], std: NDArray[np.float64]) -> NDArray[np.float64]:
    result = np.divide(values, std, out=np.zeros_like(values), where=std > 0)
    return np.nan_to_num(result, nan=0.0)
