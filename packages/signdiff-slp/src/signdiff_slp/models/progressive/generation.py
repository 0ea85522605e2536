"""Free decoding: from a text alone to frames, with nothing of the truth."""

from __future__ import annotations

import warnings

import torch
from fairseq2.nn import BatchLayout, IncrementalStateBag
from torch import Tensor

from signdiff_slp.models.progressive.counter import advance, is_last
from signdiff_slp.models.progressive.model import ProgressiveTransformer


@torch.inference_mode()
def generate(
    model: ProgressiveTransformer,
    source_seqs: Tensor,
    source_lens: list[int],
    *,
    max_frames: int | None = None,
    use_cache: bool = True,
) -> list[Tensor]:
    """Sign texts, frame by frame.

    Decoding starts from the model's rest pose with the counter at 0, feeds the model's own frames back, and stops each
    text by the model's own counter. Texts that are finished leave the batch.

    Args:
        model: the model; it is put in evaluation mode.
        source_seqs: (N, S) int64 tokens.
        source_lens: N numbers of tokens.
        max_frames: gives up after as many frames; by default as many for each source token as the model's
            configuration says, and never more than its ``max_target_len``.
        use_cache: keep keys and values between steps. Turning it off changes nothing but the time.

    Returns:
        N tensors (T, 151): normalised coordinates and the counter. A text that reached ``max_frames`` before its
        counter reached 1 comes with a `RuntimeWarning`.
    """
    model.eval()
    config = model.config
    device = source_seqs.device
    limits = torch.tensor(source_lens, device=device) * config.max_frames_per_token
    limits = limits.clamp(max=config.max_target_len if max_frames is None else min(max_frames, config.max_target_len))

    encoded_layout = BatchLayout.of(source_seqs, source_lens)
    encoded = model.encode(source_seqs, encoded_layout)
    state_bag = IncrementalStateBag(max_num_steps=int(limits.max()) + 1)

    rest = model.standardizer(model.standardizer.rest)
    frame = torch.cat([rest, rest.new_zeros(1)]).expand(len(source_lens), 1, -1)
    history = frame
    alive = torch.arange(len(source_lens), device=device)
    outputs: list[list[Tensor]] = [[] for _ in source_lens]
    num_cut = 0

    for step in range(1, int(limits.max()) + 1):
        if use_cache:
            predicted = model.decode(frame, BatchLayout.of(frame), encoded, encoded_layout, state_bag=state_bag)
            state_bag.increment_step_nr()
        else:
            predicted = model.decode(history, BatchLayout.of(history), encoded, encoded_layout)[:, -1:]
        predicted = predicted.float()
        before = frame[..., -1:]
        counter = advance(config.counter, predicted[:, :, 0, -1:], before)
        frame = torch.cat([predicted[:, :, 0, :-1], counter], dim=-1)
        history = history if use_cache else torch.cat([history, frame], dim=1)

        for item, value in zip(alive.tolist(), frame[:, 0], strict=True):
            outputs[item].append(value)
        complete = is_last(counter.flatten(), before.flatten())
        cut = ~complete & (limits[alive] <= step)
        num_cut += int(cut.sum())
        done = complete | cut
        if bool(done.all()):
            break
        if bool(done.any()):
            keep = (~done).nonzero().flatten()
            alive, frame, history, encoded = alive[keep], frame[keep], history[keep], encoded[keep]
            lens = [source_lens[item] for item in alive.tolist()]
            encoded_layout = BatchLayout.of(encoded, lens)
            state_bag.reorder(keep)

    if num_cut:
        warnings.warn(
            f"{num_cut} of {len(source_lens)} texts were cut: their counter had not reached 1 within the limit of "
            f"frames.",
            RuntimeWarning,
            stacklevel=2,
        )
    stacked = [torch.stack(frames) for frames in outputs]
    return [torch.cat([model.standardizer.inverse(x[:, :-1]), x[:, -1:]], dim=-1) for x in stacked]
