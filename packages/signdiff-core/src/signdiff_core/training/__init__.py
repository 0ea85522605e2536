"""Training the renderer: an autoencoder, and the ControlNet, each a command.

The modules' configurations import nothing heavy, so that ``--help`` answers at once.
"""

from signdiff_core.training.options import ControlNetConfig, VAEConfig

__all__ = ["ControlNetConfig", "VAEConfig"]
