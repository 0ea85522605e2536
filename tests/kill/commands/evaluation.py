"""Commands of signdiff-eval."""

from __future__ import annotations

from kill.command import LOGS, Command, module, script

EVAL = [
    Command(
        name="score",
        line=lambda home, out: script(
            "signdiff-eval", "score", "--ref", home / "poses", "--hyp", home / "other", "--json"
        ),
        stdout=True,
        is_quick=True,
    ),
    Command(
        name="audit",
        line=lambda home, out: script("signdiff-eval", "audit", home / "other", "--ref", home / "poses", "--json"),
        stdout=True,
    ),
    Command(
        name="compare --html",
        line=lambda home, out: script(
            *("signdiff-eval", "compare", "--ref", home / "poses", "--sys", f"a={home / 'other'}"),
            *("--sys", f"b={home / 'poses'}", "--samples", "50", "--trials", "50", "--html", out / "report.html"),
        ),
        older="report.html",
        is_quick=True,
    ),
    Command(
        name="compare --json",
        line=lambda home, out: script(
            *("signdiff-eval", "compare", "--ref", home / "poses", "--sys", f"a={home / 'other'}"),
            *("--sys", f"b={home / 'poses'}", "--samples", "50", "--trials", "50", "--json"),
        ),
        stdout=True,
    ),
    Command(
        name="train backtranslation",
        line=lambda home, out: module(
            *("signdiff_eval.training.train_backtranslation", "--train_data", home / "corpus"),
            *("--output_dir", out / "run", "--max_train_steps", "4", "--train_batch_size", "2"),
            *("--checkpointing_steps", "1", "--validation_steps", "2", "--d_model", "16", "--encoder_layers", "1"),
            *("--decoder_layers", "1", "--heads", "2", "--conv_channels", "16", "--report_to", "none"),
            *("--resume_from_checkpoint", "latest"),
        ),
        volatile=LOGS,
    ),
]
