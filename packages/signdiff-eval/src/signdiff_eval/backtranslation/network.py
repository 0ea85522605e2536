"""The network, transformers' Speech2Text, whose encoder takes any continuous features; and the tokens that it gives.

A tokenizer is trained with a translator: characters, or byte-pair pieces in SentencePiece's manner.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from signdiff_eval.readers.texts import read_text

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TokenizerKind = Literal["character", "bpe"]
"""Kinds of tokenizers."""

KINDS: Final[tuple[str, ...]] = get_args(TokenizerKind)

SPECIAL: Final = ("<pad>", "<s>", "</s>", "<unk>")
"""Tokens 0 to 3."""

PAD, BOS, EOS, UNK = range(4)

MAX_BYTES: Final = 2**25
"""Largest tokenizer file that is read."""

MARGIN: Final = 16
"""Empty frames behind the longest sequence of a batch: more than the convolutions see beyond a sequence's end, so that
what they find there does not depend on the batch."""


def make_config(
    *,
    features: int,
    vocab_size: int,
    d_model: int = 128,
    encoder_layers: int = 3,
    decoder_layers: int = 2,
    heads: int = 4,
    conv_layers: int = 2,
    conv_channels: int = 256,
    dropout: float = 0.1,
    max_tokens: int = 128,
) -> Any:
    """Describe a network, as a `transformers.Speech2TextConfig`.

    ``features`` are the numbers of a frame; the feed-forward layers are four times as wide as ``d_model``; each
    convolution halves the frame rate, and their ``conv_channels`` are even; ``max_tokens`` are those of an output.
    """
    from transformers import Speech2TextConfig

    return Speech2TextConfig(
        vocab_size=vocab_size,
        d_model=d_model,
        encoder_layers=encoder_layers,
        decoder_layers=decoder_layers,
        encoder_attention_heads=heads,
        decoder_attention_heads=heads,
        encoder_ffn_dim=4 * d_model,
        decoder_ffn_dim=4 * d_model,
        num_conv_layers=conv_layers,
        conv_kernel_sizes=(5,) * conv_layers,
        conv_channels=conv_channels,
        input_feat_per_channel=features,
        input_channels=1,
        dropout=dropout,
        pad_token_id=PAD,
        bos_token_id=BOS,
        eos_token_id=EOS,
        decoder_start_token_id=BOS,
        max_source_positions=2048,
        max_target_positions=max_tokens + 2,
    )


def make_network(config: Any) -> Any:
    """Make a `transformers.Speech2TextForConditionalGeneration` with random weights."""
    from transformers import Speech2TextForConditionalGeneration

    return Speech2TextForConditionalGeneration(config)


def collate(sequences: Sequence[NDArray[np.float32]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Put sequences, (T, F) float32 each, into a batch (B, T + `MARGIN`, F) float32, zeros behind the shorter ones.

    Beside them, where they are real: (B, T + `MARGIN`) int64.
    """
    longest = max(map(len, sequences)) + MARGIN
    features = np.zeros((len(sequences), longest, sequences[0].shape[1]), dtype=np.float32)
    mask = np.zeros(features.shape[:2], dtype=np.int64)
    for row, sequence in enumerate(sequences):
        features[row, : len(sequence)] = sequence
        mask[row, : len(sequence)] = 1
    return torch.from_numpy(features), torch.from_numpy(mask)


@torch.inference_mode()
def decode(
    network: Any, sequences: Sequence[NDArray[np.float32]], *, num_beams: int, max_tokens: int, batch_size: int
) -> list[list[int]]:
    """Search for the most likely tokens, without special ones, of each sequence, (T, F) float32; in their order.

    The network is in evaluation mode; one beam is a greedy search; ``batch_size`` sequences are searched together.
    """
    order = sorted(range(len(sequences)), key=lambda index: len(sequences[index]))
    found: list[list[int]] = [[] for _ in sequences]
    device = next(network.parameters()).device
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        features, mask = (part.to(device) for part in collate([sequences[index] for index in chosen]))
        tokens = network.generate(
            features, attention_mask=mask, num_beams=num_beams, max_new_tokens=max_tokens, do_sample=False
        )
        for index, row in zip(chosen, tokens.tolist(), strict=True):
            found[index] = [token for token in row if token not in (PAD, BOS, EOS)]
    return found


def train_tokenizer(texts: Sequence[str], kind: TokenizerKind = "character", *, vocab_size: int = 1000) -> Tokenizer:
    """Train a tokenizer.

    Both kinds write a space as SentencePiece does, so that decoding gives the text back with its spaces.

    Args:
        texts: the training texts.
        kind: ``character``, or ``bpe`` for byte-pair pieces within words.
        vocab_size: tokens in all, at most; for ``bpe`` alone.

    Raises:
        ValueError: an unknown kind, no text, or ``vocab_size`` has no room for the characters.

    Example:
        >>> tokenizer = train_tokenizer(["ab ba"])
        >>> tokenizer.encode("a b").tokens
        ['a', '▁', 'b']
        >>> tokenizer.decode(tokenizer.encode("ba ab").ids)
        'ba ab'
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, but is {kind!r}.")
    characters = sorted({character for text in texts for character in text.replace(" ", "▁")} | {"▁"})
    if len(characters) < 2:
        raise ValueError("texts must hold at least one character, but hold none.")
    vocabulary = {token: index for index, token in enumerate((*SPECIAL, *characters))}
    if kind == "bpe" and vocab_size <= len(vocabulary):
        raise ValueError(f"vocab_size must be above {len(vocabulary)}, the characters, but is {vocab_size}.")
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))  # noqa: S106
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always" if kind == "bpe" else "never")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always" if kind == "bpe" else "never")
    if kind == "bpe":
        trainer = trainers.BpeTrainer(
            vocab_size=vocab_size, special_tokens=list(SPECIAL), initial_alphabet=characters, show_progress=False
        )
        tokenizer.train_from_iterator(texts, trainer)
    else:
        tokenizer.add_special_tokens(list(SPECIAL))
    return tokenizer


def read_tokenizer(path: Path) -> Tokenizer:
    """Read a ``tokenizer.json``; a ValueError if it is too large, broken, or has other special tokens."""
    from tokenizers import Tokenizer

    text = read_text(path, max_bytes=MAX_BYTES)
    try:
        tokenizer = Tokenizer.from_str(text)
    except BaseException as error:
        # The library raises nothing narrower, and where its Rust code gives up, what is no Exception.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise ValueError(f"{path} must be a tokenizer of the tokenizers library, but is not: {error}") from error
    found = tuple(tokenizer.id_to_token(index) for index in range(4))
    if found != SPECIAL:
        raise ValueError(f"{path} must begin with the tokens {SPECIAL}, but begins with {found}.")
    return tokenizer
