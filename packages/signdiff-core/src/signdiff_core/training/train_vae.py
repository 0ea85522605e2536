r"""Train the autoencoder of a small pipeline on frames of signers.

accelerate launch -m signdiff_core.training.train_vae --pretrained_model_name_or_path BASE --train_data_dir FRAMES \
    --output_dir OUT

The result, OUT/vae, takes the place of the base's folder vae. --resume_from_checkpoint latest resumes a run
exactly where it was cut off.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from signdiff_core.training.kit.arguments import parse, run
from signdiff_core.training.options import VAEConfig

if TYPE_CHECKING:
    from signdiff_core.training.vae_run import VAERun


def train_vae(config: VAEConfig) -> Path:
    """Train, measure and save an autoencoder: ``output_dir/vae``, beside ``measured.json``.

    Raises OSError where frames or base cannot be read, or ``output_dir`` holds another run, ValueError where frames
    have another form.
    """
    from signdiff_core.training.kit.checkpoints import run_folder
    from signdiff_core.training.kit.run import LOSSES_NAME
    from signdiff_core.training.vae_run import VAERun

    with run_folder(config, ["vae", LOSSES_NAME]) as output:
        training = VAERun(config)
        _train(training)
        training.accelerator.wait_for_everyone()
        if training.is_main:
            _finish(training)
        training.end()
    return output / "vae"


def _train(training: VAERun) -> None:
    """Take the steps that are left."""
    config, step = training.config, int(training.resume()["step"])
    with training.progress(step) as bar:
        while step < training.steps:
            loss = training.optimize(step, training.loss)
            step += 1
            bar.update()
            bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
            training.log(step, {"loss": loss, "lr": training.schedule.get_last_lr()[0]})
            if step % config.checkpointing_steps == 0:
                training.save(step)


def _finish(training: VAERun) -> None:
    """Scale the latents, save, and measure."""
    from signdiff_core.atomic import replacing
    from signdiff_core.training.kit.checkpoints import whole_folder
    from signdiff_core.training.kit.run import timed

    with timed(f"scales the latents, and measures {training.config.num_validation_images} frames at most"):
        vae = training.scaled()
        with whole_folder(training.output / "vae") as folder:
            vae.save_pretrained(folder)
        measured = {"scaling_factor": vae.config.scaling_factor, **training.measure()}
    with replacing(training.output / "measured.json") as temporary:
        temporary.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(measured))


if __name__ == "__main__":
    run(lambda: print(train_vae(parse(VAEConfig, description=__doc__))))
