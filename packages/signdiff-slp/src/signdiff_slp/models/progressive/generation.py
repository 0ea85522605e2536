"""Decoding: from texts to frames, of which only what comes from the texts is known, and from frames to a pose."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import torch
from fairseq2.nn import BatchLayout, IncrementalStateBag
from torch import Tensor

from signdiff_slp.models.progressive.counter import advance, first_last
from signdiff_slp.models.progressive.model import ProgressiveTransformer
from signdiff_slp.models.progressive.poses import as_joints, with_bone_lengths

if TYPE_CHECKING:
    from pose_format import Pose

_CACHE_INCREMENT: Final = 128
"""The cache grows by as many frames at a time. Each growth copies it: by fairseq2's 16, that is a tenth of the time of
16 texts of 2,000 frames."""


class CutWarning(RuntimeWarning):
    """Poses of the texts at ``places`` end before these do: the model had not come to their end within the limit."""

    def __init__(self, places: Sequence[int], num_texts: int) -> None:
        super().__init__(places, num_texts)
        self.places = tuple(places)
        self.num_texts = num_texts

    def __str__(self) -> str:
        count = f"{len(self.places)} of {self.num_texts} texts were cut"
        return f"{count}: their counter had not reached 1 within the limit of frames."


def _warn(cut: CutWarning) -> None:
    # Above are `generate` and `inference_mode`.
    warnings.warn(cut, stacklevel=4)


@torch.inference_mode()
def generate(
    model: ProgressiveTransformer,
    source_seqs: Tensor,
    source_lens: list[int],
    *,
    max_frames: int | None = None,
    frames_per_step: int = 1,
    speed: float = 1.0,
    use_cache: bool = True,
    on_cut: Callable[[CutWarning], object] = _warn,
) -> list[Tensor]:
    """Sign texts, step by step.

    Decoding starts from the model's rest pose with the counter at 0, feeds the model's own frames back, and stops each
    text by the model's own counter. Texts that are finished leave the batch.

    Args:
        model: the model; it is put in evaluation mode.
        source_seqs: (N, S) int64 tokens.
        source_lens: N numbers of tokens.
        max_frames: gives up after as many frames; by default as many for each source token as the model's
            configuration says, and never more than its ``max_target_len``.
        frames_per_step: how many of the frames that the model predicts at a time are taken; more than 1 need a model
            that was trained with future prediction.
        speed: 2 signs twice as fast, 0.5 half as fast. Where the model predicts the counter's rate, the rate is
            multiplied, and all motion follows the counter; else frames are interpolated afterwards.
        use_cache: keep keys and values between steps. Turning it off changes nothing but the time.
        on_cut: what is done where texts reach ``max_frames`` before their counter reaches 1; by default a warning.

    Returns:
        N tensors (T, 151): normalised coordinates and the counter.

    Raises:
        ValueError: ``frames_per_step`` is not between 1 and what the model predicts, or ``speed`` not between 0.1
            and 10.
    """
    if not 1 <= frames_per_step <= model.config.num_future_frames:
        raise ValueError(
            f"frames_per_step must be between 1 and the {model.config.num_future_frames} frames that the model "
            f"predicts, but is {frames_per_step}."
        )
    if not 0.1 <= speed <= 10:
        raise ValueError(f"speed must be between 0.1 and 10, but is {speed}.")
    model.eval()
    config = model.config
    decoded_speed = speed if config.counter == "rate" else 1.0
    most = config.max_target_len if max_frames is None else min(max_frames, config.max_target_len)
    per_token = config.max_frames_per_token / min(decoded_speed, 1.0)
    limits = [min(math.ceil(num_tokens * per_token), most) for num_tokens in source_lens]

    encoded_layout = BatchLayout.of(source_seqs, source_lens)
    encoded = model.encode(source_seqs, encoded_layout)
    state_bag = IncrementalStateBag(max(limits) + frames_per_step + 1, capacity_increment=_CACHE_INCREMENT)

    rest = model.standardizer(model.standardizer.rest)
    newest = torch.cat([rest, rest.new_zeros(1)]).expand(len(source_lens), 1, -1)
    newest_layout = BatchLayout.of(newest)
    history = newest
    alive = list(range(len(source_lens)))
    outputs: list[list[Tensor]] = [[] for _ in source_lens]
    cut: list[int] = []
    num_frames = 0

    while True:
        if use_cache:
            predicted = model.decode(newest, newest_layout, encoded, encoded_layout, state_bag=state_bag)
            state_bag.increment_step_nr(newest.size(1))
        else:
            predicted = model.decode(history, BatchLayout.of(history), encoded, encoded_layout)
        before = newest[:, -1, -1:]
        # Numbers of frames are too fine for half precision.
        ahead = predicted[:, -1, :frames_per_step].float()
        counters = advance(config.counter, ahead[..., -1], before, config.variant, speed=decoded_speed)
        newest = torch.cat([ahead[..., :-1], counters.unsqueeze(-1)], dim=-1)
        history = history if use_cache else torch.cat([history, newest], dim=1)

        # The one place in a step that waits for a GPU.
        ends = first_last(counters, before).tolist()
        left = [limits[item] - num_frames for item in alive]
        num_frames += frames_per_step
        going = []
        for place, (item, frames) in enumerate(zip(alive, newest, strict=True)):
            outputs[item].append(frames[: min(ends[place], left[place])])
            if ends[place] > min(left[place], frames_per_step):  # not complete
                if left[place] > frames_per_step:
                    going.append(place)
                else:
                    cut.append(item)
        if not going:
            break
        if len(going) < len(alive):
            keep = torch.tensor(going, device=newest.device)
            newest, history, encoded = newest[keep], history[keep], encoded[keep]
            alive = [alive[place] for place in going]
            encoded_layout = BatchLayout.of(encoded, [source_lens[item] for item in alive])
            state_bag.reorder(keep)
        if newest.shape[:2] != (len(newest_layout.seq_lens), newest_layout.width):
            newest_layout = BatchLayout.of(newest)

    stacked = [torch.cat(frames) for frames in outputs]
    signed = [torch.cat([model.standardizer.inverse(x[:, :-1]), x[:, -1:]], dim=-1) for x in stacked]
    if decoded_speed != speed:
        signed = [retimed(frames, speed) for frames in signed]
    if cut:
        on_cut(CutWarning(sorted(cut), len(source_lens)))
    return signed


@torch.inference_mode()
def generate_with_timing(
    model: ProgressiveTransformer, source_seqs: Tensor, source_lens: list[int], frames: Tensor
) -> Tensor:
    """Decode as the published code does: given the true first frame, the true counters, and so the true length.

    Scores of such output say nothing of a system that must do without: it is there to compare with the literature, and
    is marked ``protocol: gt-timing`` wherever it is written.

    Args:
        model: the model; it is put in evaluation mode.
        source_seqs: (N, S) int64 tokens.
        source_lens: N numbers of tokens.
        frames: (N, T, D + 1) the true frames, standardised, with their counters. Of the poses the first alone is read.

    Returns:
        (N, T + 1, D + 1): the true first frame and T predictions, standardised, with predicted counters.
    """
    model.eval()
    config = model.config
    encoded_layout = BatchLayout.of(source_seqs, source_lens)
    encoded = model.encode(source_seqs, encoded_layout)
    num_frames = frames.size(1)
    state_bag = IncrementalStateBag(num_frames + 1, capacity_increment=_CACHE_INCREMENT)
    newest = frames[:, :1].float()
    outputs = [newest]
    for step in range(num_frames):
        given = torch.cat([newest[..., :-1], frames[:, step : step + 1, -1:]], dim=-1)
        predicted = model.decode(given, BatchLayout.of(given), encoded, encoded_layout, state_bag=state_bag)
        state_bag.increment_step_nr()
        ahead = predicted[:, :, 0].float()
        counters = advance(config.counter, ahead[..., -1], given[:, 0, -1:], config.variant)
        newest = torch.cat([ahead[..., :-1], counters.unsqueeze(-1)], dim=-1)
        outputs.append(newest)
    return torch.cat(outputs, dim=1)


def retimed(frames: Tensor, speed: float) -> Tensor:
    """Interpolate frames (T, D) linearly in time: T / speed of them, rounded, at least one.

    The last frame stays the last; of more than one, the first too.

    >>> retimed(torch.tensor([[0.0], [1.0], [2.0], [3.0], [4.0]]), 2.0).flatten().tolist()
    [0.0, 4.0]
    """
    count = max(1, round(len(frames) / speed))
    if count == 1 or len(frames) == 1:
        return frames[-1:].expand(count, -1)
    places = torch.linspace(0, len(frames) - 1, count, device=frames.device, dtype=frames.dtype)
    left = places.long().clamp(max=len(frames) - 2)
    share = (places - left).unsqueeze(1)
    return torch.lerp(frames[left], frames[left + 1], share)


def to_pose(frames: Tensor, model: ProgressiveTransformer, *, constant_bones: bool | None = None) -> Pose:
    """Make a pose of decoded frames (T, D + 1), as `generate` returns them, at the model's frame rate.

    ``constant_bones`` puts every limb on its median length in the training corpus; by default as the model says.
    """
    skeleton = model.standardizer.skeleton
    joints = as_joints(frames[:, :-1])
    if model.config.constant_bones if constant_bones is None else constant_bones:
        joints = with_bone_lengths(joints, model.standardizer.bone_lengths.float(), skeleton)
    return skeleton.make_pose(joints.cpu().numpy(), model.config.fps)
