"""What a translator's configuration may ask for: a network that its weights fill, and no code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_POSITIONS: Final = 1 << 16
"""Most positions of an encoder or a decoder."""

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
        if "_implementation" in name and "/" in str(value):
            raise ValueError(f"{name} must be one that transformers brings, but is {value!r}.")
    for name in ("max_source_positions", "max_target_positions"):
        if config[name] > MAX_POSITIONS:
            raise ValueError(f"{name} must be at most {MAX_POSITIONS}, but is {config[name]}.")
    needed = _parameters(config)
    if needed > values:
        raise ValueError(f"the network must have at most the {values} parameters of its weights, but has {needed}.")


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
