"""What is loaded beside a pipeline, a stranger's too: LoRAs and textual inversions, as safetensors."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from attack.case import Case, check
from attack.cases.models import pipeline

TOKEN = "<signer>"


def lora(folder: Path) -> None:
    """A LoRA of one layer of the UNet."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    layer = "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q"
    weights = {f"{layer}.lora_A.weight": torch.randn(2, 8), f"{layer}.lora_B.weight": torch.randn(8, 2)}
    save_file(weights, folder / "lora.safetensors", metadata={"format": "pt"})


def read_lora(folder: Path) -> None:
    """Read its weights, as a pipeline does before it takes them."""
    import torch

    from signdiff_core.diffusion import SignDiffPipeline

    found, *_ = SignDiffPipeline.lora_state_dict(folder, weight_name="lora.safetensors")
    check(all(isinstance(value, torch.Tensor) for value in found.values()), "a weight that is no tensor")


def inversion(folder: Path) -> None:
    """The embedding of a token."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    save_file({TOKEN: torch.randn(1, 8)}, folder / "token.safetensors")


def read_inversion(folder: Path) -> None:
    """Load it into a tiny pipeline, and take it out again."""
    pipe = _pipeline()
    known = len(pipe.tokenizer)  # type: ignore[attr-defined]
    try:
        pipe.load_textual_inversion(str(folder / "token.safetensors"))  # type: ignore[attr-defined]
        check(len(pipe.tokenizer) > known, "no token was added")  # type: ignore[attr-defined]
    except BaseException:
        _pipeline.cache_clear()
        raise
    pipe.unload_textual_inversion()  # type: ignore[attr-defined]


@cache
def _pipeline() -> object:
    import tempfile

    from signdiff_core.diffusion import SignDiffPipeline

    with tempfile.TemporaryDirectory() as home:
        pipeline(Path(home))
        return SignDiffPipeline.from_pretrained(home)


CASES = (
    Case(name="lora", seeds=(lora,), read=read_lora, weight=2),
    Case(name="textual-inversion", seeds=(inversion,), read=read_inversion, weight=0.3),
)
