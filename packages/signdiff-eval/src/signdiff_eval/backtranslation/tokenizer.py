"""Tokenizers that are trained with a translator: characters, or byte-pair pieces in SentencePiece's manner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, get_args

from signdiff_eval.readers.texts import read_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tokenizers import Tokenizer

TokenizerKind = Literal["character", "bpe"]
"""Kinds of tokenizers."""

KINDS: Final[tuple[str, ...]] = get_args(TokenizerKind)

SPECIAL: Final = ("<pad>", "<s>", "</s>", "<unk>")
"""Tokens 0 to 3."""

PAD, BOS, EOS, UNK = range(4)

MAX_BYTES: Final = 2**25
"""Largest tokenizer file that is read."""


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
    """Read a ``tokenizer.json``.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is too large, broken, or has other special tokens.
    """
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
