"""Training the renderer: the base pipeline, its autoencoder, and the ControlNet, each a command.

The modules' configurations import nothing heavy, so that ``--help`` answers at once.
"""

from signdiff_core.training.base_config import BaseConfig
from signdiff_core.training.controlnet_config import ControlNetConfig
from signdiff_core.training.vae_config import VAEConfig

__all__ = ["BaseConfig", "ControlNetConfig", "VAEConfig"]
