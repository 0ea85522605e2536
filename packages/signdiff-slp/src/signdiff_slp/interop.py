"""Checkpoints of the published Progressive Transformers code, as models of this package.

``python -m signdiff_slp.interop CHECKPOINT -o DIR --heads 4 --vocabulary src_vocab.txt`` reads ``model_state`` of the
checkpoint (nothing in it is executed; see `signdiff_slp.torch_files`) and writes a folder that
``TextToPose.from_pretrained`` loads. The model then puts out the same numbers.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from signdiff_slp.commands.parser import CommandParser, number, run_command, whole
from signdiff_slp.torch_files import read_checkpoint

if TYPE_CHECKING:
    from torch import Tensor

    from signdiff_slp.models.progressive import ProgressiveTransformer

__all__ = ["PAD_IDX", "convert", "main", "read_checkpoint"]

PAD_IDX: Final = 1
"""The published code's index of the token that pads."""

_NAMES: Final = (
    (r"^src_embed\.lut\.", "encoder_frontend.embed."),
    (r"^trg_embed\.", "decoder_frontend.proj."),
    (r"^decoder\.output_layer\.", "final_proj."),
    (r"\.(src_src_att|trg_trg_att)\.", ".self_attn."),
    (r"\.src_trg_att\.", ".encoder_decoder_attn."),
    (r"\.(q|k|v|output)_layer\.", r".\1_proj."),
    (r"\.feed_forward\.layer_norm\.", ".ffn_layer_norm."),
    (r"\.feed_forward\.pwff_layer\.0\.", ".ffn.inner_proj."),
    (r"\.feed_forward\.pwff_layer\.3\.", ".ffn.output_proj."),
    (r"^(encoder\.layers\.\d+)\.layer_norm\.", r"\1.self_attn_layer_norm."),
    (r"\.x_layer_norm\.", ".self_attn_layer_norm."),
    (r"\.dec_layer_norm\.", ".encoder_decoder_attn_layer_norm."),
)


def convert(
    state_dict: Mapping[str, Tensor], *, num_heads: int, fps: float = 25.0, max_len: int = 2048
) -> ProgressiveTransformer:
    """Make a model of a state dict of the published code; its sizes are read off the shapes.

    Args:
        state_dict: parameters by their published names; of 150 values a frame and a counter.
        num_heads: attention heads, which no shape tells.
        fps: frame rate of the poses that it was trained on.
        max_len: most tokens and frames; its positions are computed, so that any number does.

    Returns:
        The model, in evaluation mode. Its standardiser is off, its rest pose and bone lengths are 0: what these are is
        not in the checkpoint.

    Raises:
        ValueError: a parameter is missing, unknown, or of another shape.
    """
    import torch

    from signdiff_slp.models.progressive import create_single_model

    config = _config(state_dict, num_heads=num_heads, fps=fps, max_len=max_len)
    model = create_single_model(config, torch.device("cpu"))
    renamed = {_renamed(name): value for name, value in state_dict.items() if not name.endswith(".pe")}
    kept = {name: value for name, value in model.state_dict().items() if name.startswith("standardizer.")}
    wanted = {name: tuple(value.shape) for name, value in model.state_dict().items() if name not in kept}
    found = {name: tuple(value.shape) for name, value in renamed.items()}
    if differing := sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name)):
        name = differing[0]
        raise ValueError(
            f"state_dict must hold a model of the published code, but {len(differing)} parameters differ; {name!r} "
            f"should have the shape {wanted.get(name)} and has {found.get(name)}."
        )
    model.load_state_dict({**renamed, **kept})
    return model.requires_grad_(False).eval()


def _config(state_dict: Mapping[str, Tensor], *, num_heads: int, fps: float, max_len: int) -> Any:
    from signdiff_slp.models.progressive import ProgressiveConfig

    def shape(name: str) -> tuple[int, int]:
        if name not in state_dict or state_dict[name].ndim != 2:
            raise ValueError(f"state_dict must hold the matrix {name!r}, but does not.")
        rows, columns = state_dict[name].shape
        return rows, columns

    vocab_size, model_dim = shape("src_embed.lut.weight")
    outputs, _ = shape("decoder.output_layer.weight")
    pose_dim = ProgressiveConfig.pose_dim
    if outputs % pose_dim != 1:
        raise ValueError(
            f"decoder.output_layer.weight must have a row for each of {pose_dim} values of a frame, or of several, and "
            f"one for the counter, but has {outputs}."
        )
    config = ProgressiveConfig(
        model_dim=model_dim,
        vocab_size=vocab_size,
        pad_idx=PAD_IDX,
        fps=fps,
        num_future_frames=outputs // pose_dim,
        just_counter=shape("trg_embed.weight")[1] == 1,
        standardize=False,
        max_source_len=max_len,
        max_piece_len=max_len,
        max_target_len=max_len,
        num_encoder_layers=_layers(state_dict, "encoder"),
        num_decoder_layers=_layers(state_dict, "decoder"),
        num_heads=num_heads,
        ffn_inner_dim=shape("encoder.layers.0.feed_forward.pwff_layer.0.weight")[0],
    )
    if _least_values(config) > sum(value.numel() for value in state_dict.values()):
        raise ValueError("state_dict must hold matrices of one model, but their sizes contradict each other.")
    if (result := config.validate()).has_error():
        raise ValueError(f"state_dict must be of a model that can be built, but is not: {result}")
    return config


def _least_values(config: Any) -> int:
    """Values of the matrices of a model, which is not made before they are there."""
    attention, feed_forward = 4 * config.model_dim**2, 2 * config.model_dim * config.ffn_inner_dim
    encoder = config.num_encoder_layers * (attention + feed_forward)
    decoder = config.num_decoder_layers * (2 * attention + feed_forward)
    return int(config.vocab_size * config.model_dim + encoder + decoder)


def _layers(state_dict: Mapping[str, Tensor], part: str) -> int:
    return len({name.split(".")[2] for name in state_dict if name.startswith(f"{part}.layers.")})


def _renamed(name: str) -> str:
    for pattern, ours in _NAMES:
        name = re.sub(pattern, ours, name)
    return name


def _run(known: argparse.Namespace) -> None:
    from signdiff_slp.models.progressive.release import check_vocabulary, save_release
    from signdiff_slp.tokenizers.saved import open_tokenizer

    tokenizer = open_tokenizer(known.vocabulary, "slp_word")
    state_dict = read_checkpoint(known.checkpoint)
    try:
        model = convert(state_dict, num_heads=known.heads, fps=known.fps)
    except ValueError as error:
        raise ValueError(f"{known.checkpoint}: {error}") from error
    check_vocabulary(tokenizer, model.config, what=f"vocabulary {known.vocabulary}")
    if known.corpus is not None:
        from signdiff_slp.recipes.train.recipe import fit_standardizer

        fit_standardizer(model.standardizer, known.corpus, "train")
    save_release(known.output, model, tokenizer)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = CommandParser(
        prog="python -m signdiff_slp.interop",
        description="Convert a checkpoint of the published Progressive Transformers code.",
    )
    parser.add_argument("checkpoint", type=Path, help="its .ckpt file, or a file with the state dict")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder to write")
    parser.add_argument(
        "--heads", type=whole(1), default=4, help="attention heads, as in its configuration (default: 4)"
    )
    parser.add_argument(
        "--fps", type=number(above=0), default=25.0, help="frame rate of its training poses (default: 25)"
    )
    parser.add_argument(
        "--corpus", type=Path, metavar="DIR", help="training corpus, whose mean first pose decoding starts from"
    )
    parser.add_argument(
        "--vocabulary",
        type=Path,
        required=True,
        metavar="FILE",
        help="its src_vocab.txt, which is put beside the model",
    )
    parser.add_argument("--debug", action="store_true", help="show where an error came from")
    known = parser.parse_args(arguments)
    return run_command(
        parser, lambda: _run(known), kept="nothing half-written was left, run it again", debug=known.debug
    )


if __name__ == "__main__":
    sys.exit(main())
