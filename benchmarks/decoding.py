"""How fast text becomes frames: against a decoder that re-runs all frames so far at each step, as published.

    python benchmarks/decoding.py [--frames 300] [--batches 1 16] [--rounds 5] [--peer_rounds 2] [--threads 1] [--json]
    python benchmarks/decoding.py --lengths 250 500 1000 2000 [--batches 1 16] [--rounds 3]
    python benchmarks/decoding.py --device cuda

The base model (512 dimensions, two encoder and two decoder layers) with random weights. The peer is a plain PyTorch
transformer, written after the published code of Progressive Transformers: embedding, sinusoids, pre-norm layers, matrix
products with a softmax between them, and at each step the decoder and its output layer once more for the whole prefix.
`signdiff_slp.interop.convert` copies the peer's weights into our model, which decodes with
`signdiff_slp.models.progressive.generate`. Texts have 10 to 40 tokens, padded to the longest. The counter's weights are
so small that no text ends by itself. Each way takes its turn, and its fastest round counts; ratios are the peer's time
over ours, and the last column is the largest difference of any value from the peer's. The row with chunks is a model
with future prediction that takes 10 frames a step: another model, whose values are not compared.

Seconds of one thread are the processor's, which other processes disturb less; of more, or of a GPU, the clock's.

--lengths tells how our time grows with the number of frames instead, and the exponent of a fitted power of it: 1 is
linear. Attention reads the cache of all frames so far, so that a step's own time grows too: little beside the weights
for one text, much for 16 texts of 2,000 frames.
"""

from __future__ import annotations

import argparse
import json
import math
import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Callable

    from signdiff_slp.models.progressive import ProgressiveTransformer

DIM, HEADS, INNER, LAYERS, VOCABULARY, POSE = 512, 4, 2048, 2, 3000, 150
PAD, MAX_LEN, CHUNK = 1, 2048, 10


class PlainAttention(nn.Module):
    """Attention of several heads, written out."""

    def __init__(self) -> None:
        super().__init__()
        self.q_layer, self.k_layer, self.v_layer, self.output_layer = (nn.Linear(DIM, DIM) for _ in range(4))

    def forward(self, queries: Tensor, keys: Tensor, mask: Tensor, padding: Tensor | None = None) -> Tensor:
        """Read from ``keys``; ``mask`` is True where a query may look, ``padding`` where its result is used."""

        def heads(values: Tensor) -> Tensor:
            return values.view(len(values), -1, HEADS, DIM // HEADS).transpose(1, 2)

        q, k, v = heads(self.q_layer(queries)), heads(self.k_layer(keys)), heads(self.v_layer(keys))
        scores = torch.matmul(q / math.sqrt(DIM // HEADS), k.transpose(2, 3))
        weights = scores.masked_fill(~mask.unsqueeze(1), -torch.inf).softmax(dim=-1)
        if padding is not None:
            weights = weights.masked_fill(~padding.unsqueeze(1), 0.0)
        read = torch.matmul(weights, v).transpose(1, 2).contiguous().view(len(queries), -1, DIM)
        return self.output_layer(read)


class PlainFeedForward(nn.Module):
    """Two linear layers after a layer norm, with the way around them."""

    def __init__(self) -> None:
        super().__init__()
        self.layer_norm = nn.LayerNorm(DIM, eps=1e-6)
        # Dropouts keep the published numbering of the layers.
        self.pwff_layer = nn.Sequential(nn.Linear(DIM, INNER), nn.ReLU(), nn.Dropout(0.0), nn.Linear(INNER, DIM))

    def forward(self, seqs: Tensor) -> Tensor:
        """Transform each vector."""
        return self.pwff_layer(self.layer_norm(seqs)) + seqs


class PlainEncoderLayer(nn.Module):
    """One layer of the encoder."""

    def __init__(self) -> None:
        super().__init__()
        self.layer_norm = nn.LayerNorm(DIM, eps=1e-6)
        self.src_src_att = PlainAttention()
        self.feed_forward = PlainFeedForward()

    def forward(self, seqs: Tensor, mask: Tensor) -> Tensor:
        """Attend to the text, then transform."""
        normed = self.layer_norm(seqs)
        return self.feed_forward(self.src_src_att(normed, normed, mask) + seqs)


class PlainDecoderLayer(nn.Module):
    """One layer of the decoder."""

    def __init__(self) -> None:
        super().__init__()
        self.trg_trg_att, self.src_trg_att = PlainAttention(), PlainAttention()
        self.feed_forward = PlainFeedForward()
        self.x_layer_norm, self.dec_layer_norm = nn.LayerNorm(DIM, eps=1e-6), nn.LayerNorm(DIM, eps=1e-6)

    def forward(
        self, seqs: Tensor, encoded: Tensor, source_mask: Tensor, causal: Tensor, padding: Tensor | None
    ) -> Tensor:
        """Attend to the frames so far, then to the text, then transform."""
        normed = self.x_layer_norm(seqs)
        seqs = self.trg_trg_att(normed, normed, causal, padding) + seqs
        seqs = self.src_trg_att(self.dec_layer_norm(seqs), encoded, source_mask) + seqs
        return self.feed_forward(seqs)


class PlainTransformer(nn.Module):
    """The base model in plain PyTorch; parameters have their published names.

    Args:
        num_future_frames: how many frames a step predicts.
    """

    codes: Tensor

    def __init__(self, num_future_frames: int = 1) -> None:
        super().__init__()
        self.src_embed = nn.ModuleDict({"lut": nn.Embedding(VOCABULARY, DIM, padding_idx=PAD)})
        self.trg_embed = nn.Linear(POSE + 1, DIM)
        self.encoder, self.decoder = nn.Module(), nn.Module()
        self.encoder.layers = nn.ModuleList(PlainEncoderLayer() for _ in range(LAYERS))
        self.decoder.layers = nn.ModuleList(PlainDecoderLayer() for _ in range(LAYERS))
        self.encoder.layer_norm, self.decoder.layer_norm = nn.LayerNorm(DIM, eps=1e-6), nn.LayerNorm(DIM, eps=1e-6)
        self.decoder.output_layer = nn.Linear(DIM, num_future_frames * POSE + 1, bias=False)
        with torch.no_grad():
            # A counter that stays near 0, and at 0 in chunks, which go on with ten times its last step.
            self.decoder.output_layer.weight[-1] *= 0.01 if num_future_frames == 1 else 0.0
        angles = torch.arange(MAX_LEN)[:, None] * torch.exp(torch.arange(0, DIM, 2) * (-math.log(10000.0) / DIM))
        codes = torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)
        self.register_buffer("codes", codes, persistent=False)

    def encode(self, source: Tensor, source_mask: Tensor) -> Tensor:
        """Encode (N, S) tokens with their (N, 1, S) mask."""
        seqs = self.src_embed["lut"](source) + self.codes[: source.size(1)]
        for layer in self.encoder.layers:
            seqs = layer(seqs, source_mask)
        return self.encoder.layer_norm(seqs)

    def decode(self, frames: Tensor, encoded: Tensor, source_mask: Tensor, padding: Tensor | None = None) -> Tensor:
        """Predict what follows each of (N, T, 151) frames; ``padding`` (N, T, T) is True for real frames."""
        length = frames.size(1)
        causal = torch.from_numpy(np.triu(np.ones((1, length, length)), k=1) == 0).to(frames.device)
        seqs = self.trg_embed(frames) + self.codes[:length]
        for layer in self.decoder.layers:
            seqs = layer(seqs, encoded, source_mask, causal, padding)
        return self.decoder.output_layer(self.decoder.layer_norm(seqs))

    @torch.no_grad()
    def generate(self, source: Tensor, source_mask: Tensor, num_frames: int) -> Tensor:
        """Decode (N, num_frames, 151) from zeros, with the whole prefix at each step."""
        encoded = self.encode(source, source_mask)
        frames = encoded.new_zeros(len(source), 1, POSE + 1)
        for _ in range(num_frames):
            predicted = self.decode(frames, encoded, source_mask)
            frames = torch.cat([frames, predicted[:, -1:]], dim=1)
        return frames[:, 1:]


def texts(batch: int, device: str) -> tuple[Tensor, list[int]]:
    """Make random texts of 10 to 40 tokens; of 40 where there is but one."""
    rng = np.random.default_rng(0)
    lens = [40, *rng.integers(10, 41, size=batch - 1).tolist()]
    source = torch.full((batch, 40), PAD)
    for row, length in enumerate(lens):
        source[row, :length] = torch.from_numpy(rng.integers(4, VOCABULARY, size=length))
    return source.to(device), lens


def networks(device: str, num_future_frames: int = 1) -> tuple[PlainTransformer, ProgressiveTransformer]:
    """Make the peer, and our model with its weights."""
    from signdiff_slp.interop import convert

    torch.manual_seed(0)
    plain = PlainTransformer(num_future_frames)
    ours = convert(plain.state_dict(), num_heads=HEADS, max_len=MAX_LEN).to(device)
    ours.config.max_frames_per_token = MAX_LEN
    return plain.to(device).eval(), ours


def decode(model: ProgressiveTransformer, source: Tensor, lens: list[int], num_frames: int, chunk: int = 1) -> Tensor:
    """Decode (N, num_frames, 151) with our model."""
    from signdiff_slp.models.progressive import generate

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # all texts are cut
        return torch.stack(generate(model, source, lens, max_frames=num_frames, frames_per_step=chunk))


def timed(way: Callable[[], Tensor], options: argparse.Namespace) -> tuple[float, Tensor]:
    """Run once; returns seconds and the result."""
    alone = options.device == "cpu" and options.threads == 1
    clock = time.process_time if alone else time.perf_counter
    start = clock()
    result = way()
    if options.device == "cuda":
        torch.cuda.synchronize()
    return clock() - start, result


def compare(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Time both decoders, in turn, and compare what they return."""
    device, frames = options.device, options.frames
    plain, ours = networks(device)
    _, future = networks(device, CHUNK)
    rows = []
    for batch in options.batches:
        source, lens = texts(batch, device)
        mask = (source != PAD).unsqueeze(1)
        ways: dict[str, Callable[[], Tensor]] = {
            "plain PyTorch, whole prefix each step": lambda s=source, m=mask: plain.generate(s, m, frames),
            "signdiff-slp": lambda s=source, n=lens: decode(ours, s, n, frames),
            f"signdiff-slp, chunks of {CHUNK} frames": lambda s=source, n=lens: decode(future, s, n, frames, CHUNK),
        }
        peer = next(iter(ways))
        plain.generate(source, mask, 20)  # both warm up
        decode(ours, source, lens, 20)
        seconds, results = dict.fromkeys(ways, math.inf), {}
        for turn in range(options.rounds):
            for name, way in ways.items():
                if name == peer and turn >= options.peer_rounds:
                    continue
                took, results[name] = timed(way, options)
                seconds[name] = min(seconds[name], took)
        for name in ways:
            compared = name == "signdiff-slp"
            difference = float((results[name] - results[peer]).abs().max()) if compared else None
            ratio = seconds[peer] / seconds[name]
            rows.append(
                {"batch": batch, "way": name, "seconds": seconds[name], "ratio": ratio, "difference": difference}
            )
    return rows


def grow(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Time our decoder by length."""
    _, ours = networks(options.device)
    rows = []
    for batch in options.batches:
        source, lens = texts(batch, options.device)
        decode(ours, source, lens, 20)
        seconds = dict.fromkeys(options.lengths, math.inf)
        for _ in range(options.rounds):
            for frames in options.lengths:
                took, _ = timed(lambda s=source, n=lens, f=frames: decode(ours, s, n, f), options)
                seconds[frames] = min(seconds[frames], took)
        exponent = float(np.polyfit(np.log(options.lengths), np.log(list(seconds.values())), 1)[0])
        rows += [
            {"batch": batch, "frames": frames, "seconds": took, "ms_per_frame": 1000 * took / frames, "fit": exponent}
            for frames, took in seconds.items()
        ]
    return rows


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--lengths", type=int, nargs="+", help="time by length instead")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peer_rounds", type=int, default=2, help="the peer's rounds, which take long")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--threads", type=int, default=1, help="of torch; more wait for each other on a busy machine")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rows = grow(options) if options.lengths else compare(options)
    name = (
        torch.cuda.get_device_name()
        if options.device == "cuda"
        else f"CPU, {options.threads} thread{'s' * (options.threads > 1)}"
    )
    if options.json:
        print(json.dumps({"device": name, "rows": rows}, indent=2))
    elif options.lengths:
        print(f"{name}; our decoder\n{'batch':>5}{'frames':>8}{'seconds':>10}{'ms a frame':>12}{'exponent':>10}")
        for row in rows:
            numbers = f"{row['batch']:5}{row['frames']:8}{row['seconds']:10.2f}{row['ms_per_frame']:12.2f}"
            print(f"{numbers}{row['fit']:10.2f}")
    else:
        print(f"{name}; {options.frames} frames\n{'batch':>5}  {'way':40}{'seconds':>9}{'ratio':>9}{'difference':>12}")
        for row in rows:
            difference = "-" if row["difference"] is None else f"{row['difference']:.0e}"
            print(f"{row['batch']:5}  {row['way']:40}{row['seconds']:9.2f}{row['ratio']:8.1f}x{difference:>12}")


if __name__ == "__main__":
    main()
