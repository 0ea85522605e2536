"""Text in, poses out: the translator ``slp``."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, final

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from signdiff_core.checks import check_device
from signdiff_slp.models.progressive import ProgressiveTransformer, generate
from signdiff_slp.models.progressive.generation import to_pose
from signdiff_slp.models.progressive.release import load_release
from signdiff_slp.runs import find_run
from signdiff_slp.text import Coverage, cover, into_pieces, shown, spellable
from signdiff_slp.timing import Signed, TimedWord, time_words
from signdiff_slp.tokenizers.character import CharacterTokenizer
from signdiff_slp.tokenizers.saved import AnyTokenizer

if TYPE_CHECKING:
    from pose_format import Pose

BUNDLED: Final = Path(str(files("signdiff_slp"))) / "bundled" / "fingerspelling"
"""The folder of the model that comes with the package."""

DEFAULT: Final = "ase"
"""The signed language that is spelled unless another is asked for: American Sign Language."""


class TextWarning(UserWarning):
    """A part of a text is lost: the model knows no token for it."""


@final
class TextToPose:
    """Signs texts.

    The bundled model spells them letter by letter, with the alphabet of American Sign Language or of one of eleven
    others; it does not translate. Texts that are longer than the model has learned are signed in pieces of whole words,
    and the hand rests between them.

    Args:
        model: a progressive transformer.
        tokenizer: encodes texts for it: a `CharacterTokenizer` spells; with any other, texts are taken as they are, and
            words that it does not know become its token for unknown ones, with a `TextWarning` that names them.

    Example:
        >>> translator = TextToPose.from_pretrained()
        >>> [pose] = translator(["hi"])
        >>> pose.body.fps, pose.body.data.shape[1:]
        (25.0, (1, 50, 3))
        >>> [pose] = translator(["grüß dich"], signed_language="gsg")
    """

    def __init__(self, model: ProgressiveTransformer, tokenizer: AnyTokenizer) -> None:
        self.model = model
        self.tokenizer = tokenizer

    @classmethod
    def from_pretrained(
        cls,
        name_or_dir: str | Path | None = None,
        *,
        device: torch.device | str = "cpu",
        dtype: torch.dtype | None = None,
    ) -> Self:
        """Load a model.

        Args:
            name_or_dir: a folder that `signdiff_slp.export` wrote, that of a training run (its newest checkpoint, or a
                ``step_N`` in it), or the name of a fairseq2 asset. By default the bundled model.
            device: where the model is put.
            dtype: type of its parameters; by default float32.

        Returns:
            The translator.

        Raises:
            FileNotFoundError: the folder lacks a file.
            ValueError: a file is broken, there is neither a folder nor an asset of that name, or no such device here.
        """
        check_device(device)
        folder = BUNDLED if name_or_dir is None else Path(name_or_dir)
        run = find_run(folder) if name_or_dir is not None else None
        if run is not None:
            return cls(*run.load(device=device, dtype=dtype))
        if folder.is_dir() or name_or_dir is None:
            return cls(*load_release(folder, device=device, dtype=dtype))
        return cls._from_asset(str(name_or_dir), torch.device(device), dtype)

    @classmethod
    def _from_asset(cls, name: str, device: torch.device, dtype: torch.dtype | None) -> Self:
        from fairseq2.assets import AssetCardError
        from fairseq2.data.tokenizers import TokenizerNotKnownError
        from fairseq2.models import ModelNotKnownError

        from signdiff_slp.models.progressive import get_progressive_model_hub
        from signdiff_slp.models.progressive.factory import without_progress
        from signdiff_slp.tokenizers.character import get_character_tokenizer_hub

        try:
            with without_progress():
                model = get_progressive_model_hub().load_model(name, device=device, dtype=dtype or torch.float32)
            tokenizer = get_character_tokenizer_hub().load_tokenizer(name)
        except (ModelNotKnownError, TokenizerNotKnownError, AssetCardError) as ex:
            raise ValueError(
                f"name_or_dir must be a folder or a fairseq2 asset of a progressive transformer, but is {name!r}: {ex}"
            ) from ex
        return cls(model.requires_grad_(False).eval(), tokenizer)

    @property
    def signed_languages(self) -> tuple[str, ...]:
        """Codes (ISO 639-3) of the signed languages that a model of several spells, the first by default."""
        tags = self.tokenizer.tags if isinstance(self.tokenizer, CharacterTokenizer) else ()
        codes = sorted(tag.strip("<>") for tag in tags)
        return (*(code for code in codes if code == DEFAULT), *(code for code in codes if code != DEFAULT))

    def __call__(
        self,
        texts: Sequence[str],
        *,
        signed_language: str | None = None,
        speed: float = 1.0,
        frames_per_step: int = 1,
    ) -> list[Pose]:
        """Sign texts.

        Args:
            texts: what to sign. What a speller does with digits and punctuation is in `signdiff_slp.text`.
            signed_language: one of ``signed_languages``, for a model that has several; by default the first.
            speed: 2 signs twice as fast, 0.5 half as fast.
            frames_per_step: frames that are taken at a time from a model with future prediction.

        Returns:
            A pose for each text: of the model's skeleton (the 50 joints, see `signdiff_core.skeleton`) at its frame
            rate. The same text gives the same pose.

        Raises:
            TypeError: ``texts`` is a single string.
            ValueError: a text is empty, too long, holds what cannot be spelled, or nothing but unknown words; the model
                does not know the signed language; or as for `generate`. Of several texts, the message tells which.
        """
        options = {"signed_language": signed_language, "speed": speed, "frames_per_step": frames_per_step}
        return [signed.pose for signed in self.sign(texts, **options)]  # type: ignore[arg-type]

    def sign(
        self,
        texts: Sequence[str],
        *,
        signed_language: str | None = None,
        speed: float = 1.0,
        frames_per_step: int = 1,
    ) -> list[Signed]:
        """Sign texts, and tell when their words are signed: arguments and errors as for a call."""
        if isinstance(texts, str):
            raise TypeError(f"texts must be a sequence of strings, but is the string {shown(texts)}.")
        if not texts:
            return []
        tag = self._tag(signed_language)
        encoder = self.tokenizer.create_encoder()
        prefix = f"{tag} " if tag else ""
        pieces, sources, coverages = [], [], []
        for index, text in enumerate(texts):
            try:
                pieces.append(self._pieces(text, tag))
                sources.append([self._encoded(piece, encoder(prefix + piece)) for piece in pieces[-1]])
                coverages.append(self._cover(text, " ".join(pieces[-1])))
            except ValueError as error:
                if len(texts) > 1:
                    raise ValueError(f"texts[{index}]: {error}") from error
                raise
        flat = [source for text in sources for source in text]
        seqs = pad_sequence(flat, batch_first=True, padding_value=self.model.config.pad_idx).to(self._device)
        lens = [len(source) for source in flat]
        frames = iter(generate(self.model, seqs, lens, speed=speed, frames_per_step=frames_per_step))
        signed = []
        for text, cut, source, coverage in zip(texts, pieces, sources, coverages, strict=True):
            parts = list(zip([prefix + piece for piece in cut], source, frames, strict=False))
            words = tuple(self._timed(parts))
            pose = to_pose(torch.cat([each for _, _, each in parts]), self.model)
            signed.append(Signed(text, pose, words, coverage))
        return signed

    def _tag(self, signed_language: str | None) -> str:
        known = self.signed_languages
        if signed_language is None:
            return f"<{known[0]}>" if known else ""
        if signed_language not in known:
            listed = ", ".join(known) or "none, for the model knows a single one"
            raise ValueError(f"signed_language must be one of {listed}, but is {shown(signed_language)}.")
        return f"<{signed_language}>"

    def _timed(self, parts: list[tuple[str, Tensor, Tensor]]) -> Iterator[TimedWord]:
        start = 0
        for piece, source, frames in parts:
            spans = self.tokenizer.word_spans(piece)
            yield from time_words(self.model, source.to(self._device), frames[:, -1], spans, first_frame=start)
            start += len(frames)

    def _pieces(self, text: str, tag: str) -> list[str]:
        if not isinstance(self.tokenizer, CharacterTokenizer):
            if not text.split():
                raise ValueError(f"text must hold at least one word, but is {shown(text)}.")
            return [" ".join(text.split())]
        # Two more tokens begin and end a piece, and one is its tag.
        limit = self.model.config.max_piece_len - 2 - bool(tag)
        letters = self.tokenizer.alphabets.get(tag, "")
        return into_pieces(spellable(text, letters, english=tag in ("", f"<{DEFAULT}>")), limit)

    def _cover(self, text: str, piece: str) -> Coverage:
        coverage = cover(self.tokenizer, [piece])
        if coverage.lost:
            raise ValueError(f"text must hold a word that the model knows, but {shown(text)} does not: {coverage}.")
        if coverage.num_unknown:
            warnings.warn(f"the model does not know {coverage}, of {shown(text)}", TextWarning, stacklevel=3)
        return coverage

    @property
    def _device(self) -> torch.device:
        return self.model.standardizer.mean.device

    def _encoded(self, text: str, tokens: Tensor) -> Tensor:
        limit = self.model.config.max_source_len
        if not isinstance(self.tokenizer, CharacterTokenizer):
            if len(tokens) > limit:
                raise ValueError(f"text must have at most {limit} tokens, but {shown(text)} has {len(tokens)}.")
            return tokens
        unk_idx = self.tokenizer.vocab_info.unk_idx
        if unk_idx is not None and bool((tokens == unk_idx).any()):
            raise ValueError(f"text must hold characters that the model knows, but {shown(text)} holds others.")
        if len(tokens) > limit:
            others = len(tokens) - len(text)  # that begin, end, and tag it
            raise ValueError(f"words must have at most {limit - others} letters, but {shown(text)} has {len(text)}.")
        return tokens
