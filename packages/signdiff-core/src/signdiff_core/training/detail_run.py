"""The training of a network of detail as a run: crops of coarse frames beside true ones, and what comes of it.

Coarse frames are what the pipeline makes of each frame's drawing and FR map; they are rendered once, and kept beside
the frames. Crops are a function of the seed and the sample's number in the run, over all processes.
"""

from __future__ import annotations

import hashlib
import json
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
import torch
from diffusers.training_utils import EMAModel
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from tqdm.auto import tqdm

from signdiff_core.atomic import flush_to_disk, replacing
from signdiff_core.diffusion.detail import DetailModel
from signdiff_core.diffusion.folder import RendererSettings, read_frnet
from signdiff_core.diffusion.frmap import FRMapper
from signdiff_core.diffusion.pipeline import SignDiffPipeline
from signdiff_core.prepare.reader import Frames, open_frames
from signdiff_core.training.conditions import NEUTRAL, TRUE, ConditionReader
from signdiff_core.training.kit.batches import ReadAhead, batch_indices, spread
from signdiff_core.training.kit.run import TrainingRun, timed
from signdiff_core.training.kit.state import RunState
from signdiff_core.training.networks import read_weights
from signdiff_core.training.options import DetailConfig
from signdiff_core.training.regions import crop_around, hand_boxes, head_box
from signdiff_core.training.vae_run import reconstruction_loss

_AT_ONCE: Final = 8
"""Frames that are rendered together."""


class Batch(NamedTuple):
    """What one forward pass sees, all on the CPU."""

    sample: Tensor
    """(B, 3, S, S) enlarged crops of coarse frames, in [-1, 1]."""

    control: Tensor
    """(B, 6, S, S) drawings and FR maps, in [0, 1]."""

    truth: Tensor
    """(B, 3, S, S) what is to be seen, in [-1, 1]."""


class DetailRun(TrainingRun[DetailConfig]):
    """Everything that a training run holds.

    Raises OSError where frames or pipeline cannot be read, ValueError where they do not fit each other.
    """

    def __init__(self, config: DetailConfig) -> None:
        super().__init__(config)
        self.pipeline = SignDiffPipeline.from_pretrained(config.pretrained_model_name_or_path)
        if self.pipeline.num_conditions != 2 or hasattr(self.pipeline.controlnet, "nets"):
            raise ValueError(
                "pretrained_model_name_or_path must hold a pipeline with one ControlNet of drawings and FR maps."
            )
        self.coarse = int(self.pipeline.unet.config.sample_size * self.pipeline.vae_scale_factor)
        if config.resolution % self.coarse or config.resolution == self.coarse:
            raise ValueError(
                f"resolution must be a multiple of the pipeline's own, {self.coarse}, but is {config.resolution}."
            )
        mapper = FRMapper(**(read_frnet(Path(config.pretrained_model_name_or_path)) or {}))
        data = open_frames(config.train_data_dir)
        self.frames = self._seen(data, mapper)
        held_out = config.validation_data_dir
        self.held_out = self._seen(open_frames(held_out), mapper) if held_out else self.frames
        self.network = self._network()
        self.pipeline.to("cpu")
        optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=config.learning_rate, betas=(0.9, 0.99), weight_decay=1e-4
        )
        self.averages = EMAModel(self.network.parameters(), decay=config.ema_decay)
        self.begin(
            DetailLoss(self.network, gradient_weight=config.gradient_weight),
            optimizer,
            steps=config.max_train_steps,
            schedule="cosine",
            warmup_steps=config.lr_warmup_steps,
            batch=config.train_batch_size,
            samples=f"crops of {config.crop_size} pixels",
            tracker="train_detail",
        )
        self.averages.to(self.accelerator.device)
        rank, world = self.accelerator.process_index, self.accelerator.num_processes
        make = partial(crop_batch, self.frames, config, rank=rank, world=world, step=self.network.step)
        self.batch = ReadAhead(make, workers=config.dataloader_num_workers)
        self.state = RunState(
            parts={"detail_model": self.network},
            optimizer=self.optimizer,
            averages=self.averages,
            scaler=self.accelerator.scaler,
            extras={"log": self.losses},
            data=data.fingerprint().hex(),
            settings=self.deciding(
                *("resolution", "include_face", "crop_size", "proportion_anywhere", "proportion_no_fr"),
                *("proportion_neutral_fr", "gradient_weight"),
            ),
        )

    def loss(self, micro_step: int) -> Tensor:
        """Compute the loss of a forward pass."""
        batch = Batch(*(each.to(self.accelerator.device) for each in self.batch(micro_step)))
        loss: Tensor = self.model(batch.sample, batch.control, batch.truth)
        return loss

    def averaged(self) -> DetailModel:
        """Give the network of averaged weights, on its device."""
        self.averages.store(self.trained)
        self.averages.copy_to(self.trained)
        network: DetailModel = deepcopy(self.network).eval()
        self.averages.restore(self.trained)
        return network

    def measure(self, network: DetailModel) -> dict[str, float]:
        """Measure on hands and heads of held-out frames: mean PSNR in dB, of the enlarged frames and after the pass."""
        found: dict[str, list[float]] = {name: [] for name in ("hands_before", "hands", "head_before", "head")}
        for index in spread(len(self.held_out), self.config.num_validation_images):
            sample, control, truth = (each[None] for each in self.held_out.whole(index, NEUTRAL))
            device = next(network.parameters()).device
            with torch.inference_mode():
                made = network(sample.to(device), control.to(device)).cpu().clamp(-1, 1)
            joints, size = self.held_out.frames.joints(index), self.config.resolution
            head = head_box(joints, size)
            for name, boxes in (("hands", hand_boxes(joints, size)), ("head", [head] if head else [])):
                for left, top, right, bottom in boxes:
                    for kind, picture in ((f"{name}_before", sample), (name, made)):
                        error = (picture - truth)[..., top:bottom, left:right].square().mean() / 4
                        found[kind].append(-10 * float(error.log10()))
        return {f"psnr_{name}": sum(values) / max(1, len(values)) for name, values in found.items()}

    def _seen(self, frames: Frames, mapper: FRMapper) -> SeenFrames:
        config = self.config
        made = f"coarse frames of {len(frames):,} frames, where they are not kept yet"
        with self.accelerator.main_process_first(), timed(made):
            self.pipeline.to(self.accelerator.device)
            small, large = (
                ConditionReader(
                    frames, vae=self.pipeline.vae, mapper=mapper, resolution=side, include_face=config.include_face
                )
                for side in (self.coarse, config.resolution)
            )
            return SeenFrames(large, coarse_frames(self.pipeline, small, config))

    def _network(self) -> DetailModel:
        config = self.config
        scale = config.resolution // self.coarse
        if config.detail_model_name_or_path is None:
            own: DetailModel = DetailModel(
                block_out_channels=config.block_out_channels, scale=scale, sample_size=config.resolution
            )
            own.train()
            return own
        network: DetailModel = read_weights(
            DetailModel, config.detail_model_name_or_path, option="detail_model_name_or_path"
        )
        if network.config.scale != scale:
            raise ValueError(
                f"detail_model_name_or_path must enlarge {scale} times, but does {network.config.scale} times."
            )
        network.train()
        return network


class DetailLoss(nn.Module):
    """A network together with its loss: one forward call, which data parallelism can wrap."""

    def __init__(self, network: DetailModel, *, gradient_weight: float) -> None:
        super().__init__()
        self.network, self.gradient_weight = network, gradient_weight

    def forward(self, sample: Tensor, control: Tensor, truth: Tensor) -> Tensor:
        """Draw crops, as of `Batch`, and compare."""
        return reconstruction_loss(self.network(sample, control).float(), truth, gradient_weight=self.gradient_weight)


class SeenFrames:
    """Frames beside what a pipeline makes of them: `coarse`, (N, h, w, 3) uint8."""

    def __init__(self, reader: ConditionReader, coarse: NDArray[np.uint8]) -> None:
        self.frames, self.reader, self.coarse = reader.frames, reader, coarse

    def __len__(self) -> int:
        return len(self.coarse)

    def whole(self, index: int, kind: int | None) -> Batch:
        """Give all of a frame of resolution S, without a batch: (3, S, S), (6, S, S), (3, S, S)."""
        side = self.reader.resolution
        large = cv2.resize(self.coarse[index], (side, side), interpolation=cv2.INTER_CUBIC)
        sample, truth = (
            torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1).float() / 127.5 - 1
            for picture in (large, self.frames.image(index, side))
        )
        return Batch(sample, torch.from_numpy(self.reader.control(index, kind)).float() / 255, truth)


def crop_batch(frames: SeenFrames, config: DetailConfig, micro_step: int, *, rank: int, world: int, step: int) -> Batch:
    """Cut the crops of a forward pass; their places are multiples of `step`."""
    batch = micro_step * world + rank
    indices = batch_indices(seed=config.seed, batch=batch, batch_size=config.train_batch_size, length=len(frames))
    crops = []
    for number, index in enumerate(indices, batch * config.train_batch_size):
        rng = np.random.default_rng([config.seed, number])
        draw = rng.random()
        absent = draw < config.proportion_no_fr
        kind = None if absent else NEUTRAL if draw < config.proportion_no_fr + config.proportion_neutral_fr else TRUE
        x, y = _corner(frames.frames.joints(index), config, rng, step)
        cut = np.s_[:, y : y + config.crop_size, x : x + config.crop_size]
        crops.append([each[cut] for each in frames.whole(index, kind)])
    return Batch(*(torch.stack(each) for each in zip(*crops, strict=True)))


def _corner(joints: NDArray[np.float32], config: DetailConfig, rng: np.random.Generator, step: int) -> tuple[int, int]:
    size, side = config.resolution, config.crop_size
    head = head_box(joints, size)
    boxes = [*hand_boxes(joints, size), *hand_boxes(joints, size), *([head] if head else [])]  # hands count twice
    if not boxes or rng.random() < config.proportion_anywhere:
        x, y = (int(value) // step * step for value in rng.integers(0, size - side + 1, size=2))
        return x, y
    left, top, right, bottom = boxes[rng.integers(len(boxes))]
    jitter = (float(rng.uniform(-0.35, 0.35)), float(rng.uniform(-0.35, 0.35)))
    return crop_around(((left + right) / 2, (top + bottom) / 2), side, size, step=step, jitter=jitter)


def coarse_frames(pipeline: SignDiffPipeline, reader: ConditionReader, config: DetailConfig) -> NDArray[np.uint8]:
    """Render what a pipeline makes of frames, or open what is kept beside them: (N, h, w, 3) uint8.

    A rendering that was stopped goes on where it was.
    """
    frames, side, total = reader.frames, reader.resolution, len(reader.frames)
    use = RendererSettings.read(Path(config.pretrained_model_name_or_path))
    digest = hashlib.sha256(frames.fingerprint())
    for part in (pipeline.unet, pipeline.controlnet, pipeline.vae, pipeline.text_encoder):
        for tensor in part.state_dict().values():
            digest.update(tensor.detach().float().cpu().numpy().tobytes())
    facts = [reader._mapper.parameters, side, use.steps, use.guidance_scale, reader.include_face, config.seed]
    digest.update(json.dumps(facts, sort_keys=True).encode())
    kept = frames.root / f"coarse-{digest.hexdigest()[:12]}.npy"
    if not kept.exists():
        partial_, done = kept.with_suffix(".partial.npy"), kept.with_suffix(".partial.json")
        begun = done.exists() and partial_.exists()
        first = int(json.loads(done.read_text())) if begun else 0
        shape = (total, side, side, 3)
        made = np.lib.format.open_memmap(partial_, mode="r+" if begun else "w+", dtype=np.uint8, shape=shape)
        pipeline.set_progress_bar_config(disable=True)
        for start in tqdm(range(first, total, _AT_ONCE), desc="coarse frames", disable=None, mininterval=5):
            rows = range(start, min(start + _AT_ONCE, total))
            made[start : rows.stop] = _rendered(pipeline, reader, rows, use, config.seed)
            if start // _AT_ONCE % 32 == 31:
                made.flush()
                with replacing(done) as temporary:
                    temporary.write_text(str(rows.stop))
        made.flush()
        flush_to_disk(partial_)
        partial_.replace(kept)
        done.unlink(missing_ok=True)
    array: NDArray[np.uint8] = np.load(kept, mmap_mode="r", allow_pickle=False)
    if array.shape != (total, side, side, 3) or array.dtype != np.uint8:
        raise ValueError(f"{kept} must hold {(total, side, side, 3)} uint8, but does not: remove it.")
    return array


def _rendered(
    pipeline: SignDiffPipeline, reader: ConditionReader, rows: range, use: RendererSettings, seed: int
) -> NDArray[np.uint8]:
    made: Any = pipeline(
        [reader.frames.rows[row].text for row in rows],
        image=[Image.fromarray(reader.drawing(row)) for row in rows],
        fr_image=[Image.fromarray(reader.fr_map(row, NEUTRAL)).convert("RGB") for row in rows],
        num_inference_steps=use.steps,
        guidance_scale=use.guidance_scale,
        generator=torch.Generator("cpu").manual_seed(seed),
        output_type="np",
        chunk_size=len(rows),
    )
    frames: NDArray[np.uint8] = np.rint(made.images * 255).astype(np.uint8)
    return frames
