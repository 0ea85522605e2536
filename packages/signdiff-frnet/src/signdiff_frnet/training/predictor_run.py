"""The training of a predictor as a run: data, network, and what it says of held-out samples."""

import json
from dataclasses import asdict
from functools import partial
from typing import Any, Final

import torch

from signdiff_core.training.kit.batches import ReadAhead
from signdiff_core.training.kit.run import TrainingRun, timed
from signdiff_core.training.kit.state import RunState
from signdiff_frnet.training.batches import Batches
from signdiff_frnet.training.config import DECIDING, PredictorTrainingConfig
from signdiff_frnet.training.network import StrokeLoss, StrokeUNet
from signdiff_frnet.training.scores import Validation, picture, validate
from signdiff_frnet.training.sources import fingerprint, open_sources
from signdiff_frnet.writing import replacing

SETTINGS_NAME: Final = "training.json"
"""File of a run's folder that holds its options."""

WEIGHTS_NAME: Final = "network/model.safetensors"
"""File of a checkpoint that holds the network."""


class PredictorRun(TrainingRun[PredictorTrainingConfig]):
    """Everything that a run holds; a LookupError if the data need a plug-in that is not installed."""

    def __init__(self, config: PredictorTrainingConfig) -> None:
        super().__init__(config)
        train, held_out = open_sources(config)
        self.batches, self.held_out = Batches(train, config), Batches(held_out, config)
        network: Any = StrokeUNet(config.block_out_channels)
        self.network: StrokeUNet = network.to(memory_format=torch.channels_last)
        self.begin(
            StrokeLoss(self.network, dice_weight=config.dice_weight, hand_weight=config.hand_weight),
            torch.optim.AdamW(
                self.network.parameters(), lr=config.learning_rate, weight_decay=config.adam_weight_decay
            ),
            steps=config.max_train_steps,
            schedule=config.schedule,
            warmup_steps=config.lr_warmup_steps,
            batch=config.train_batch_size,
            samples=f"samples of {config.resolutions[0]} pixels",
            tracker="signdiff-frnet",
        )
        self.state = RunState(
            parts={"network": self.network},
            optimizer=self.optimizer,
            scaler=self.accelerator.scaler,
            settings={
                "block_out_channels": ",".join(map(str, config.block_out_channels)),
                **config.frnet,
                **self.deciding(*DECIDING),
            },
            data=fingerprint(train),
            extras={"log": self.losses},
        )
        make = partial(self.batches, rank=self.accelerator.process_index, world=self.accelerator.num_processes)
        self._batch = ReadAhead(make, workers=config.dataloader_num_workers)

    def resume(self) -> dict[str, float]:
        """Restore the checkpoint, if any, then keep the run's options beside it."""
        progress = super().resume()
        if self.is_main:
            with replacing(self.output / SETTINGS_NAME) as temporary:
                temporary.write_text(json.dumps(asdict(self.config), indent=2) + "\n", encoding="utf-8")
        return progress

    def loss(self, micro_step: int) -> torch.Tensor:
        """Compute the loss of a forward pass."""
        batch, device = self._batch(micro_step), self.accelerator.device
        conditions: Any = batch.conditions
        conditions = conditions.to(device, memory_format=torch.channels_last)
        loss: torch.Tensor = self.model(conditions, batch.strokes.to(device))
        return loss

    def validate(self, name: str) -> Validation:
        """Score held-out samples, and picture some of them in ``validation/<name>.png``."""
        options: dict[str, Any] = {"samples": self.config.num_validation_samples, "device": self.accelerator.device}
        self.network.eval()
        with timed(f"validation {name}: scores {self.config.num_validation_samples} samples at most"):
            picture(self.network, self.held_out, self.output / "validation" / f"{name}.png", **options)
            scores = validate(self.network, self.held_out, **options)
        self.network.train()
        return scores

    def end(self) -> None:
        """End the threads that read ahead, and the trackers."""
        self._batch.close()
        super().end()
