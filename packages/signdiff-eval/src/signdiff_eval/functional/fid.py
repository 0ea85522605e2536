"""Fréchet distance of two sets of features."""

import warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray

from signdiff_eval import _checks


class SmallSampleWarning(UserWarning):
    """Too few images for a covariance of their features."""


def frechet_distance(
    hypothesis_mean: ArrayLike,
    hypothesis_covariance: ArrayLike,
    reference_mean: ArrayLike,
    reference_covariance: ArrayLike,
) -> float:
    """Compute the squared Fréchet distance of two Gaussians (Dowson and Landau 1982; FID of Heusel et al. 2017).

    The squared distance of the means, plus the trace of ``A + B - 2 (A B)^(1/2)``. The trace of the root is the sum of
    the square roots of the eigenvalues of ``A^(1/2) B A^(1/2)``, a symmetric matrix, so nothing turns complex or fails
    where covariances are singular.

    Args:
        hypothesis_mean: (D,).
        hypothesis_covariance: (D, D), symmetric.
        reference_mean: (D,).
        reference_covariance: (D, D).

    Returns:
        At least 0; 0 for equal Gaussians.

    Raises:
        ValueError: shapes that don't fit, or a number that isn't finite.

    Example:
        >>> frechet_distance([0.0, 0.0], [[1.0, 0.0], [0.0, 4.0]], [3.0, 0.0], [[4.0, 0.0], [0.0, 4.0]])
        10.0
    """
    means = [
        _checks.sequence("hypothesis_mean", hypothesis_mean, ndim=1, axes="(D,)"),
        _checks.sequence("reference_mean", reference_mean, ndim=1, axes="(D,)"),
    ]
    covariances = [
        _checks.sequence("hypothesis_covariance", hypothesis_covariance, ndim=2, axes="(D, D)"),
        _checks.sequence("reference_covariance", reference_covariance, ndim=2, axes="(D, D)"),
    ]
    size = len(means[0])
    if len(means[1]) != size or any(covariance.shape != (size, size) for covariance in covariances):
        shapes = ", ".join(str(array.shape) for array in (*means, *covariances))
        raise ValueError(f"means and covariances must be of one size D, but have the shapes {shapes}.")
    difference = means[0] - means[1]
    root = _root(covariances[0])
    eigenvalues = np.linalg.eigvalsh(root @ covariances[1] @ root)
    overlap = np.sqrt(np.maximum(eigenvalues, 0)).sum()
    traces = np.trace(covariances[0]) + np.trace(covariances[1])
    return max(0.0, float(difference @ difference + traces - 2 * overlap))


def fid(hypothesis: ArrayLike, reference: ArrayLike) -> float:
    """Compute the Fréchet distance of two sets of features, as pytorch-fid does.

    Args:
        hypothesis: (N, D) one row of features for each image.
        reference: (M, D).

    Returns:
        At least 0.

    Raises:
        ValueError: fewer than two rows, rows of different length, or a number that isn't finite.

    Warns:
        SmallSampleWarning: no more images than features.

    Example:
        >>> features = np.random.default_rng(0).normal(size=(100, 4))
        >>> round(fid(features + [0.0, 0.0, 3.0, 4.0], features), 6)
        25.0
    """
    moments = []
    sets = []
    for name, features in (("hypothesis", hypothesis), ("reference", reference)):
        rows = _checks.sequence(name, features, ndim=2, axes="(N, D)")
        if len(rows) < 2:
            raise ValueError(f"{name} must have at least two rows, but has one.")
        sets.append(rows)
        moments += [rows.mean(axis=0), np.atleast_2d(np.cov(rows, rowvar=False))]
    _checks.same_frame_shape(*sets)
    warn_if_small(len(sets[0]), len(sets[1]), sets[0].shape[1])
    return frechet_distance(*moments)


def warn_if_small(hypotheses: int, references: int, features: int) -> None:
    """Warn where there are no more images than features: covariances are singular then and the distance is biased."""
    if min(hypotheses, references) <= features:
        warnings.warn(
            f"FID of {hypotheses} hypothesis and {references} reference images: with {features} features each side "
            f"needs at least {features + 1} for a covariance of full rank, and the distance of fewer is too large.",
            SmallSampleWarning,
            stacklevel=3,
        )


def _root(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(covariance)
    root: NDArray[np.float64] = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return root
