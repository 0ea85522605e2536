"""The model card that goes with a trained back translator."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from signdiff_eval.training.config import BackTranslationConfig
    from signdiff_eval.training.examples import Example
    from signdiff_eval.training.scores import Ceiling

_TEXT = """\
---
license: apache-2.0
tags: [sign-language, back-translation, evaluation]
library_name: signdiff-eval
---
# Back translator `{name}`

Reads signing from poses, to score systems that sign: text comes out, and BLEU, chrF, ROUGE, WER and the character
error rate compare it with what was to be signed. A Speech2Text transformer of {parameters:,} parameters, float16.

```python
from signdiff_eval.backtranslation import BackTranslator

translator = BackTranslator.from_pretrained("FOLDER")
texts = translator(poses)  # pose_format.Pose, or arrays (T, {joints}, {axes}) at {fps:g} frames per second
```

## Its ceiling
On {count} held-out ground-truth poses ({frames} frames), with a beam of {beams}. No system can be expected to score
better; a score of this translator is worth nothing without these numbers beside it.

| | |
|---|---|
| characters right (100 - character error rate) | {right:.2f}% |
| word error rate | {wer:.2f}% |
| texts without an error | {exact:.2f}% |
| BLEU-4, untokenised | {bleu4:.2f} |
| chrF | {chrf:.2f} |

{overlap} of these {count} texts occur in the training set, too.

## Data
{examples} ground-truth poses of `{train}`, {left_out} longer ones left out; nothing that a system generated: files that
carry a generator's mark are refused. SHA-256 of the training set:
`{trained_on}`.

Coordinates are expected in the units of the training files, which are standardised by their means and deviations.

## Training
{steps} steps of {samples} poses; the step with the lowest character error rate on {validation} validation poses was
step {best}. The command:

```
{command}
```

## Limits
- It knows the signers, the skeleton, the camera and the vocabulary of its training data.
- It is a reader trained on clean poses, not a Deaf person: what it can read need not be good signing, and good signing
  may be beyond it. Let fluent signers judge before anything is called intelligible.
- Don't train systems on its output, or it on theirs.

Licence: Apache-2.0.
"""


@dataclass(frozen=True, kw_only=True)
class CardFacts:
    """What a card says beyond the options of the run."""

    parameters: int
    """How many numbers the network has."""

    ceiling: Ceiling
    """Scores of the test poses."""

    train: Sequence[Example]
    """The training set."""

    test: Sequence[Example]
    """The test poses."""

    validation: int
    """How many poses chose the best step."""

    left_out: int
    """Training poses that were too long."""

    trained_on: str
    """SHA-256 of the training set."""

    best: int
    """The best step."""

    steps: int
    """Steps that were taken."""

    processes: int
    """How many trained together."""

    fps: float
    """The frame rate."""


def model_card(config: BackTranslationConfig, facts: CardFacts) -> str:
    """Write a model card.

    Folders are named by their last part only: a card should say nothing of the machine that it was written on.

    Args:
        config: the run's options.
        facts: what came of it.

    Returns:
        Markdown with the metadata that the Hugging Face Hub reads.
    """
    known = {example.text for example in facts.train}
    scores = facts.ceiling.numbers()
    return _TEXT.format(
        name=config.name,
        parameters=facts.parameters,
        joints=facts.train[0].joints.shape[1],
        axes=facts.train[0].joints.shape[2],
        fps=facts.fps,
        count=len(facts.test),
        frames=sum(len(example.joints) for example in facts.test),
        beams=config.num_beams,
        right=100 - scores.pop("cer"),
        overlap=sum(example.text in known for example in facts.test),
        examples=len(facts.train),
        train=Path(config.train_data).name,
        left_out=facts.left_out,
        trained_on=facts.trained_on,
        steps=facts.steps,
        samples=config.train_batch_size * config.gradient_accumulation_steps * facts.processes,
        validation=facts.validation,
        best=facts.best,
        command=_command(config, facts.processes),
        **scores,
    )


def _command(config: BackTranslationConfig, processes: int) -> str:
    # accelerate's own launcher starts a single process on CPUs; torchrun starts as many as it is told, anywhere.
    launch = f"torchrun --standalone --nproc_per_node {processes}" if processes > 1 else "accelerate launch"
    parts = [f"{launch} -m signdiff_eval.training.train_backtranslation"]
    for field in fields(config):
        value = getattr(config, field.name)
        if value == field.default or field.name in ("resume_from_checkpoint", "overwrite_output_dir"):
            continue
        if field.name.endswith(("_dir", "_data", "_texts")):
            value = Path(value).name
        parts.append(f"    --{field.name} {shlex.quote(str(value))}")
    return " \\\n".join(parts)
