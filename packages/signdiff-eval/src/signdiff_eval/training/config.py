"""Options of a back translator's training."""

from dataclasses import dataclass
from typing import Final, Literal

from signdiff_core.training.kit.arguments import RunConfig, check_numbers, option

DECIDING: Final = ("tokenizer", "velocity", "dropout", "label_smoothing", "ctc_weight", "noise", "time_stretch")
"""Options that, beside the network's sizes, decide data or loss, and stay as they are in a run."""


@dataclass(frozen=True, kw_only=True)
class BackTranslationConfig(RunConfig):
    """What ``accelerate launch -m signdiff_eval.training.train_backtranslation`` takes.

    Raises:
        ValueError: a value lies outside its range.
    """

    train_data: str = option(
        help="Ground-truth poses: a file of a registered format, a folder of such files, or a corpus: a folder with "
        "SPLIT.tsv (name, first frame, frames, text) and SPLIT.poses.npy (frames, 50 * 3)."
    )
    train_texts: str | None = option(
        None, help="Text file of the poses: one line each in the order of their names, or lines 'name<TAB>text'."
    )
    validation_data: str | None = option(None, help="Held-out poses; by default the validation_split of the corpus.")
    validation_texts: str | None = option(None, help="Texts of validation_data.")
    test_data: str | None = option(
        None,
        help="Poses for the ceiling in the model card; by default the corpus' test_split, or else the validation data.",
    )
    test_texts: str | None = option(None, help="Texts of test_data.")
    test_names: str = option("*", help="Pattern of the names of those that count, such as *-word-*.")
    train_split: str = option("train", help="Split of a corpus to train on.")
    validation_split: str = option("dev", help="Split of a corpus to choose the best step by.")
    test_split: str = option("test", help="Split of a corpus for the ceiling.")
    fps: float | None = option(None, help="Frame rate to work at; by default that of the first training file.")
    max_train_samples: int | None = option(None, help="Train on this many poses only.")
    max_frames: int = option(600, help="Leave out training poses of more frames.")
    name: str = option("backtranslation", help="What signatures call the translator.")
    tokenizer: Literal["character", "bpe"] = option("character", help="Single characters, or byte-pair pieces.")
    vocab_size: int = option(1000, help="Tokens of bpe, at most.")
    velocity: bool = option(False, help="Give the network velocities beside positions.")
    d_model: int = option(128, help="Width of the network.")
    encoder_layers: int = option(3, help="Layers over the frames.")
    decoder_layers: int = option(2, help="Layers over the tokens.")
    heads: int = option(4, help="Heads of the attention.")
    conv_layers: int = option(2, help="Convolutions before; each halves the frame rate.")
    conv_channels: int = option(256, help="Channels of the convolutions.")
    dropout: float = option(0.1, help="Dropout of the network.")
    label_smoothing: float = option(0.1, help="Share of the target that is spread over all tokens.")
    ctc_weight: float = option(
        0.3,
        help="Weight of a CTC loss on the encoder beside cross-entropy; it teaches the "
        "alignment and is left out of the translator.",
    )
    noise: float = option(0.02, help="Noise on the features, as a share of their deviation, at most.")
    time_stretch: float = option(0.2, help="Largest change of tempo, as a share.")
    train_batch_size: int = option(32, help="Poses of a batch, per process.")
    max_train_steps: int = option(6000, help="Optimizer steps.")
    learning_rate: float = option(1e-3, help="Peak learning rate.")
    lr_scheduler: Literal["cosine", "linear", "constant"] = option(
        "cosine", help="How the learning rate falls after the warm-up."
    )
    lr_warmup_steps: int = option(300, help="Steps of linear warm-up.")
    adam_weight_decay: float = option(1e-2, help="Weight decay of AdamW.")
    validation_steps: int = option(250, help="Steps between scores of held-out poses (greedy search).")
    num_validation_samples: int = option(200, help="Held-out poses that are scored, at most.")
    early_stopping_patience: int = option(8, help="Stop after this many scores without an improvement; 0 for never.")
    num_beams: int = option(4, help="Width of the beam search for the ceiling and afterwards.")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_numbers(
            self,
            positive=(
                *("max_frames", "vocab_size", "d_model", "encoder_layers", "decoder_layers", "heads", "conv_layers"),
                *("conv_channels", "train_batch_size", "max_train_steps", "learning_rate", "validation_steps"),
                *("num_validation_samples", "num_beams", "fps"),
            ),
            not_negative=(*("ctc_weight", "noise", "lr_warmup_steps", "adam_weight_decay", "early_stopping_patience"),),
            below_one=("dropout", "label_smoothing", "time_stretch"),
        )
        if self.d_model % self.heads or self.d_model % 2:
            raise ValueError(f"d_model must be even and a multiple of heads, but is {self.d_model} of {self.heads}.")
        if self.conv_channels % 2:
            raise ValueError(f"conv_channels must be even, but is {self.conv_channels}.")
        if not self.name or "|" in self.name:
            raise ValueError(f"name must be without '|' and not empty, but is {self.name!r}.")

    @property
    def schedule(self) -> str:
        """Transformers' name of the learning rate's schedule."""
        return "constant_with_warmup" if self.lr_scheduler == "constant" else self.lr_scheduler
