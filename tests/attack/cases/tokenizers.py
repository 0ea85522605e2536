"""Tokenizers of signdiff-slp, and checkpoints of other projects."""

from __future__ import annotations

import json
from pathlib import Path

from attack.case import Case, check, check_numbers


def characters(folder: Path) -> None:
    """Characters and tags."""
    content = {
        "tokenizer_family": "slp_character",
        "config": {"lowercase": True, "default_tag": "<ase>"},
        "characters": list(" abcdeö"),
        "tags": ["<ase>", "<gsg>"],
        "alphabets": ["<ase> abc", "<gsg> abcö"],
    }
    (folder / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")


def words(folder: Path) -> None:
    """Words."""
    content = {"tokenizer_family": "slp_word", "config": {"lowercase": False}, "words": ["guten", "tag", "heute"]}
    (folder / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")


def pieces(folder: Path) -> None:
    """A model of SentencePiece."""
    import io

    import sentencepiece

    model = io.BytesIO()
    texts = ["guten tag", "heute regen", "morgen sonne im süden", "wie geht es dir"] * 5
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_writer=model,
        vocab_size=40,
        num_threads=1,
        minloglevel=2,
        **{"pad_id": 0, "unk_id": 1, "bos_id": 2, "eos_id": 3, "hard_vocab_limit": False},
    )
    (folder / "tokenizer.model").write_bytes(model.getvalue())
    content = {"tokenizer_family": "slp_sentencepiece", "config": {"begin": True, "end": True}}
    (folder / "tokenizer.json").write_text(json.dumps(content))


def read_tokenizer(folder: Path) -> None:
    """Read it, and have a text there and back."""
    from signdiff_slp.tokenizers.saved import load_tokenizer

    tokenizer = load_tokenizer(folder)
    size = tokenizer.vocab_info.size
    tokens = tokenizer.create_encoder()("guten tag")
    check(size > 0 and int(tokens.min()) >= 0 and int(tokens.max()) < size, f"tokens beyond the {size} that there are")
    check(isinstance(tokenizer.create_decoder()(tokens), str), "no text")


def vocabulary(folder: Path) -> None:
    """A vocabulary as the published code's."""
    (folder / "src_vocab.txt").write_text("<unk>\n<pad>\n<s>\n</s>\nguten\ntag\nheute\nsüden\n", encoding="utf-8")


def read_vocabulary(folder: Path) -> None:
    """Read it."""
    from signdiff_slp.tokenizers.saved import open_tokenizer

    tokenizer = open_tokenizer(folder / "src_vocab.txt", "slp_word")
    tokens = tokenizer.create_encoder()("guten tag")
    check(int(tokens.max()) < tokenizer.vocab_info.size, "a token beyond those that there are")


def published(folder: Path) -> None:
    """A checkpoint with the names of Progressive Transformers, as torch saves it."""
    import torch

    torch.manual_seed(0)
    torch.save({"model_state": _state(), "steps": 12, "best_ckpt_score": 12.3}, folder / "best.ckpt")


def old_published(folder: Path) -> None:
    """The same as torch saved it before version 1.6."""
    import torch

    torch.manual_seed(0)
    torch.save({"model_state": _state()}, folder / "best.ckpt", _use_new_zipfile_serialization=False)


def read_published(folder: Path) -> None:
    """Convert it."""
    from signdiff_slp.interop import convert, read_checkpoint

    path = folder / "best.ckpt"
    state = read_checkpoint(path)
    try:
        model = convert(state, num_heads=2)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error  # the state dict is given without its file's name
    for name, weights in model.state_dict().items():
        check_numbers(name, weights)


def _state() -> dict[str, object]:
    import torch

    dim, inner = 4, 8
    shapes: dict[str, tuple[int, ...]] = {
        "src_embed.lut.weight": (8, dim),
        "trg_embed.weight": (dim, 151),
        "trg_embed.bias": (dim,),
        "decoder.output_layer.weight": (151, dim),
    }
    parts = (
        ("encoder", ["src_src_att"], ["layer_norm"]),
        ("decoder", ["trg_trg_att", "src_trg_att"], ["x_layer_norm", "dec_layer_norm"]),
    )
    for part, attentions, norms in parts:
        layer = f"{part}.layers.0"
        for projection in [f"{layer}.{one}.{name}_layer" for one in attentions for name in ("k", "v", "q", "output")]:
            shapes |= {f"{projection}.weight": (dim, dim), f"{projection}.bias": (dim,)}
        for norm in (f"{part}.layer_norm", *(f"{layer}.{one}" for one in (*norms, "feed_forward.layer_norm"))):
            shapes |= {f"{norm}.weight": (dim,), f"{norm}.bias": (dim,)}
        for number, sizes in ((0, (inner, dim)), (3, (dim, inner))):
            linear = f"{layer}.feed_forward.pwff_layer.{number}"
            shapes |= {f"{linear}.weight": sizes, f"{linear}.bias": sizes[:1]}
    return {name: torch.randn(shape) for name, shape in shapes.items()}


CASES = (
    Case(name="tokenizer", seeds=(characters, words, pieces), read=read_tokenizer, weight=5),
    Case(name="vocabulary", seeds=(vocabulary,), read=read_vocabulary, weight=2),
    Case(name="interop", seeds=(published, old_published), read=read_published, weight=3),
)
