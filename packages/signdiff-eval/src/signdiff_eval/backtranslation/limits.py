"""What a translator's configuration may ask for: a network that its weights fill, and no code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from signdiff_eval.backtranslation.features import PoseFeatures

MAX_POSITIONS: Final = 1 << 16
"""Most positions of an encoder or a decoder."""

MAX_BEAMS: Final = 1 << 10
"""Widest beam search."""

MAX_NUMBER: Final = 1e6
"""Largest mean or deviation of a coordinate."""

_NAMES: Final = ("auto_map", "backbone", "quantization_config", "trust_remote_code")
"""Keys under which transformers loads more than a folder's own weights."""

_SIZES: Final = (
    "conv_channels",
    "d_model",
    "decoder_ffn_dim",
    "decoder_layers",
    "encoder_ffn_dim",
    "encoder_layers",
    "input_channels",
    "input_feat_per_channel",
    "max_source_positions",
    "max_target_positions",
    "num_conv_layers",
    "vocab_size",
)


def check_config(config: Mapping[str, Any], *, values: int) -> None:
    """Make sure, before memory is taken, that a configuration is of no larger a network than its weights.

    Args:
        config: fields of a `transformers.Speech2TextConfig`.
        values: numbers in the weights.

    Raises:
        ValueError: a size is missing or is no positive integer, or the network is larger; or the configuration names
            code on the Hub, which transformers would fetch.
    """
    for name in _SIZES:
        if type(config.get(name)) is not int or config[name] < 1:
            raise ValueError(f"{name} must be a positive integer, but is {config.get(name)!r}.")
    for name, value in config.items():
        if "_implementation" in name and ("/" in str(value) or "flash" in str(value)):
            raise ValueError(f"{name} must be one that transformers brings, but is {value!r}.")
        if name in _NAMES and value:
            raise ValueError(
                f"{name} must not be there, since it names what is loaded from elsewhere, but is {value!r}."
            )
    for name in ("max_source_positions", "max_target_positions"):
        if config[name] > MAX_POSITIONS:
            raise ValueError(f"{name} must be at most {MAX_POSITIONS}, but is {config[name]}.")
    needed = _parameters(config)
    if needed > values:
        raise ValueError(f"the network must have at most the {values} parameters of its weights, but has {needed}.")


def checked_count(name: str, value: object, most: int) -> int:
    """Give a count that is within its bounds.

    Raises:
        ValueError: it is none, below 1 or above ``most``.
    """
    if type(value) is not int or not 1 <= value <= most:
        raise ValueError(f"{name} must be an integer from 1 to {most}, but is {value!r}.")
    return value


def check_features(features: PoseFeatures) -> None:
    """Make sure that what turns joints into features are numbers that coordinates can have.

    Raises:
        ValueError: they are not.
    """
    checked_count("joints", features.joints, MAX_POSITIONS)
    checked_count("axes", features.axes, 3)
    if not 0 < features.fps <= 1000:
        raise ValueError(f"fps must be above 0 and at most 1000, but is {features.fps}.")
    for name, lowest in (("mean", -MAX_NUMBER), ("std", 0), ("velocity_std", 0)):
        for value in getattr(features, name):
            if type(value) not in (int, float) or not lowest <= value <= MAX_NUMBER:
                raise ValueError(f"{name} must be numbers from {lowest:g} to {MAX_NUMBER:g}, but has {value!r}.")


def _parameters(config: Mapping[str, Any]) -> int:
    """Count the parameters of the matrices and the convolutions."""
    width, channels, kernels = config["d_model"], config["conv_channels"], config.get("conv_kernel_sizes")
    if not isinstance(kernels, list) or not all(type(size) is int and size > 0 for size in kernels):
        raise ValueError(f"conv_kernel_sizes must be a list of positive integers, but is {kernels!r}.")
    encoder = config["encoder_layers"] * (4 * width + 2 * config["encoder_ffn_dim"])
    decoder = config["decoder_layers"] * (8 * width + 2 * config["decoder_ffn_dim"])
    count: int = width * (encoder + decoder + config["vocab_size"])
    incoming = config["input_feat_per_channel"] * config["input_channels"]
    for number, size in enumerate(kernels, start=1):
        outgoing = channels if number < len(kernels) else 2 * width
        count += incoming * outgoing * size
        incoming = channels // 2
    return count
