"""A training run's folder and what it carries beside its checkpoints: settings, corpus, tokenizer.

``RUN/checkpoints`` holds ``model.yaml`` and ``step_N`` from fairseq2, and from this package ``tokenizer.json`` (see
`signdiff_slp.tokenizers.saved`), ``corpus.json`` (where the corpus lies, and what it holds) and ``recipe.yaml`` (the
run's settings). Older runs have the first two only, and their settings in ``RUN/config.yaml``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from signdiff_core.wording import one_line

if TYPE_CHECKING:
    import torch

    from signdiff_slp.models.progressive import ProgressiveTransformer
    from signdiff_slp.tokenizers.saved import AnyTokenizer

CHECKPOINTS: Final = "checkpoints"
MODEL: Final = "model.yaml"
SETTINGS: Final = "recipe.yaml"
CORPUS: Final = "corpus.json"
TOKENIZER: Final = "tokenizer.json"

_MAX_FILE_SIZE: Final = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Run:
    """A training run: its folder of checkpoints, and ``step``, the ``step_N`` in it that is meant.

    By default that is the newest, or none where there is none yet; ``newest`` tells whether it was meant as such.
    """

    checkpoints: Path
    step: Path | None
    newest: bool = True

    @property
    def settings_file(self) -> Path:
        """The file with the settings; it need not exist."""
        own = self.checkpoints / SETTINGS
        return own if own.is_file() else self.checkpoints.parent / "config.yaml"

    def read_settings(self) -> dict[str, Any]:
        """Read the settings, none where the run has left none; a ``ValueError`` if the file is broken."""
        if not self.settings_file.is_file():
            return {}
        from signdiff_slp.models.progressive.release import read_yaml

        content = read_yaml(self.settings_file, _MAX_FILE_SIZE)
        if not isinstance(content, dict):
            raise ValueError(f"{self.settings_file} must hold the settings of a run, but does not.")
        return content

    def read_corpus(self) -> dict[str, Any]:
        """Read what the run has noted of its corpus, nothing for older runs; a ``ValueError`` if the file is broken."""
        path = self.checkpoints / CORPUS
        if not path.is_file():
            return {}
        from signdiff_slp.tokenizers.base import read_object

        return read_object(path, _MAX_FILE_SIZE)

    def load_tokenizer(self) -> AnyTokenizer | None:
        """Load the run's tokenizer; none where nothing tells it. A ``ValueError`` says if it is broken or gone."""
        from signdiff_slp.tokenizers.saved import load_tokenizer

        if (self.checkpoints / TOKENIZER).is_file():
            return load_tokenizer(self.checkpoints)
        return self.load_named_tokenizer()

    def load_named_tokenizer(self) -> AnyTokenizer | None:
        """Load the tokenizer that the run's settings name, as `load_tokenizer`; none where they name none."""
        from signdiff_slp.tokenizers.saved import open_tokenizer

        section = self.read_settings().get("tokenizer") or {}
        name = section.get("path") or section.get("name")
        if name is None:
            return None
        family = section.get("family") or "slp_character"
        return open_tokenizer(name, family, settings=section.get("config_overrides") or {})

    def load_model(self) -> ProgressiveTransformer:
        """Load the model of ``step``; an error says if there is no checkpoint yet, or a file is broken."""
        from fairseq2.error import OperationalError, StateDictError
        from fairseq2.model_checkpoint import CorruptModelCheckpointError

        from signdiff_eval.readers.torch_files import check_torch_file
        from signdiff_slp.models.progressive.factory import get_progressive_model_hub, without_progress
        from signdiff_slp.models.progressive.release import read_run_config
        from signdiff_slp.torch_files import BROKEN

        if self.step is None:
            raise FileNotFoundError(f"{self.checkpoints} must hold a checkpoint, but holds none yet.")
        config, weights = read_run_config(self.checkpoints / MODEL), self.step / "model"
        try:
            # Sizes in a checkpoint are believed only where the file has room for them.
            archives = [check_torch_file(file) for file in sorted(weights.rglob("*.pt"))]
            hub = get_progressive_model_hub()
            with without_progress():
                return hub.load_custom_model(weights, config, mmap=all(archives), restrict=True)
        except (*BROKEN, CorruptModelCheckpointError, OperationalError, StateDictError) as error:
            reason = one_line(error.__cause__ or error) or type(error).__name__
            raise ValueError(f"{weights} must hold the weights of {MODEL}, but cannot be read: {reason}") from error

    def load(
        self, *, device: torch.device | str = "cpu", dtype: torch.dtype | None = None
    ) -> tuple[ProgressiveTransformer, AnyTokenizer]:
        """Load the model, in evaluation mode, and its tokenizer; arguments as for a model's folder, errors as above."""
        import torch

        tokenizer = self.load_tokenizer()
        if tokenizer is None:
            raise ValueError(f"{self.checkpoints} must hold a tokenizer, but does not: export it with --tokenizer.")
        model = self.load_model().to(device=device, dtype=dtype or torch.float32)
        model.standardizer.float()  # too fine for half precision
        return model.requires_grad_(False).eval(), tokenizer


def find_run(path: Path) -> Run | None:
    """Find a training run by its folder, its folder ``checkpoints``, or a ``step_N`` in it; none if it is no such."""
    if (path / "model").is_dir() and (path.parent / MODEL).is_file():
        return Run(checkpoints=path.parent, step=path, newest=False)
    for folder in (path, path / CHECKPOINTS):
        if (folder / MODEL).is_file():
            numbers = [int(each.name[5:]) for each in folder.glob("step_*") if each.name[5:].isdecimal()]
            return Run(checkpoints=folder, step=folder / f"step_{max(numbers)}" if numbers else None)
    return None
