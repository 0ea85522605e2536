"""What the autoencoder is trained for: the pixels, their edges, and a tame latent space."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from diffusers import AutoencoderKL
    from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution


def reconstruction_loss(made: Tensor, truth: Tensor, *, gradient_weight: float) -> Tensor:
    """Mean absolute error of pixels, and of the differences between neighbouring pixels.

    Args:
        made: (B, 3, H, W) reconstruction.
        truth: (B, 3, H, W) frames in [-1, 1].
        gradient_weight: weight of the differences; they keep edges (fingers) sharp.

    Returns:
        Scalar.

    Example:
        >>> from torch import zeros
        >>> flat = zeros(1, 3, 4, 4)
        >>> reconstruction_loss(flat + 0.5, flat, gradient_weight=1.0).item()
        0.5
    """
    error = made - truth
    across = error.diff(dim=-1).abs().mean()
    down = error.diff(dim=-2).abs().mean()
    return functional.l1_loss(made, truth) + gradient_weight * (across + down)


def kl_loss(posterior: DiagonalGaussianDistribution) -> Tensor:
    """KL divergence of the posterior from a standard normal, averaged over the latent's values; scalar."""
    mean, logvar = posterior.mean, posterior.logvar
    divergence: Tensor = 0.5 * (mean.square() + logvar.exp() - 1.0 - logvar).mean()
    return divergence


class VAELoss(nn.Module):
    """An autoencoder together with its loss: one forward call, which data parallelism can wrap.

    Args:
        vae: the autoencoder to train.
        gradient_weight: see `reconstruction_loss`.
        kl_weight: weight of `kl_loss`.
    """

    def __init__(self, vae: AutoencoderKL, *, gradient_weight: float, kl_weight: float) -> None:
        super().__init__()
        self.vae, self.gradient_weight, self.kl_weight = vae, gradient_weight, kl_weight

    def forward(self, truth: Tensor, noise: Tensor) -> Tensor:
        """Encode, sample, decode and compare.

        Args:
            truth: (B, 3, H, W) frames in [-1, 1].
            noise: (B, C, h, w) standard normal, which takes the latents from their posterior.

        Returns:
            Scalar.
        """
        posterior = self.vae.encode(truth).latent_dist
        made = self.vae.decode(posterior.mean + posterior.std * noise).sample
        pixels = reconstruction_loss(made.float(), truth, gradient_weight=self.gradient_weight)
        loss: Tensor = pixels + self.kl_weight * kl_loss(posterior)
        return loss
