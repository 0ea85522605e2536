"""What batch and computational optimisation give: a training step on ragged batches, here and in the plain form.

    python benchmarks/batch_optimisation.py [--examples 2000] [--steps 6] [--rounds 2] [--threads 1] [--json]
    python benchmarks/batch_optimisation.py --device cuda

Forward, loss, backward and AdamW of the base model, on made-up examples of 40 to 400 frames (log-normal, most about
150) with a token for each 12 frames. Two ways to make batches: 16 examples as they come, padded to the longest; and
`TextPoseDataset`, which puts similar lengths together, as many as keep to the mean number of real frames of the former.
Three ways to compute:

- plain: the network of benchmarks/decoding.py; masks, also one of all pairs of frames, put together in Python loops;
  predictions and targets multiplied by the loss mask, and a mean over all of them, padding included.
- masks at once: the same network; masks by one comparison each, and a loss of real frames alone, in place.
- signdiff-slp: our network on fairseq2, with its `Criterion`: fused attention, and masks from the lengths.

Each pair runs in a process of its own, in turns; its fastest round counts. A row has seconds for 1,000 real frames, the
peak of memory over all steps (what torch has allocated at most on a GPU, the growth of the process on a CPU; with
weights and optimizer), both ratios to the first row, and the share of padding. Seconds of one thread are the
processor's, which other processes disturb less. The time of the masks alone comes last.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from decoding import HEADS, MAX_LEN, PAD, POSE, VOCABULARY, PlainTransformer
from torch import Tensor

import signdiff_slp  # noqa: F401  # before fairseq2, which needs the library that this preloads

if TYPE_CHECKING:
    from collections.abc import Callable

BATCH, SHORTEST, LONGEST, FRAMES_PER_TOKEN = 16, 40, 400, 12
FORMS = ("plain", "masks at once", "signdiff-slp")
BATCHES = ("as they come", "by length")


def draw(count: int) -> list[int]:
    """Draw numbers of frames."""
    drawn = np.random.default_rng(0).lognormal(math.log(150), 0.5, size=4 * count)
    return drawn[(drawn >= SHORTEST) & (drawn <= LONGEST)][:count].astype(int).tolist()


def by_length(lens: list[int], max_num_frames: int) -> list[list[int]]:
    """Make one epoch of batches of a corpus of these lengths with `TextPoseDataset`."""
    from fairseq2.device import CPU
    from fairseq2.gang import create_fake_gangs

    from signdiff_slp.datasets.text_pose import TextPoseDataset
    from signdiff_slp.tokenizers import CharacterTokenizer

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        offsets = np.cumsum([0, *lens])
        lines = [f"{row}\t{offsets[row]}\t{frames}\ta\n" for row, frames in enumerate(lens)]
        (folder / "train.tsv").write_text("".join(lines), encoding="utf-8")
        np.save(folder / "train.poses.npy", np.zeros((offsets[-1], POSE), np.float32))
        reader = TextPoseDataset(folder).create_reader(
            "train",
            CharacterTokenizer("a"),
            create_fake_gangs(CPU),
            max_num_frames=max_num_frames,
            max_seq_len=LONGEST,
            shuffle=True,
        )
        return [batch.pose_lens for [batch] in reader]


def padding(batches: list[list[int]]) -> float:
    """Tell the share of frames that are padding."""
    return 1.0 - sum(map(sum, batches)) / sum(len(lens) * max(lens) for lens in batches)


class Examples:
    """A padded batch of random texts and poses.

    Args:
        lens: numbers of frames.
        device: where it is.
    """

    def __init__(self, lens: list[int], device: str) -> None:
        generator = torch.Generator().manual_seed(sum(lens))
        self.pose_lens = lens
        self.source_lens = [math.ceil(frames / FRAMES_PER_TOKEN) for frames in lens]
        self.source = torch.full((len(lens), max(self.source_lens)), PAD)
        self.poses = torch.zeros(len(lens), max(lens), POSE)
        for row, (tokens, frames) in enumerate(zip(self.source_lens, lens, strict=True)):
            self.source[row, :tokens] = torch.randint(4, VOCABULARY, (tokens,), generator=generator)
            self.poses[row, :frames] = torch.randn(frames, POSE, generator=generator)
        self.source, self.poses = self.source.to(device), self.poses.to(device)


def looped_masks(examples: Examples) -> tuple[Tensor, Tensor, Tensor]:
    """Build the masks of texts (N, 1, S), frames (N, T) and attention between frames (N, T, T) by concatenation."""
    device = examples.poses.device

    def rows(lens: list[int], width: int) -> list[Tensor]:
        def ones_then_zeros(length: int) -> Tensor:
            real = torch.ones(length, dtype=torch.bool, device=device)
            return torch.cat([real, torch.zeros(width - length, dtype=torch.bool, device=device)])

        return [ones_then_zeros(length) for length in lens]

    tokens, frames = examples.source.size(1), examples.poses.size(1)
    source_mask = torch.zeros(0, tokens, dtype=torch.bool, device=device)
    for row in rows(examples.source_lens, tokens):
        source_mask = torch.cat([source_mask, row.unsqueeze(0)])
    mask = torch.zeros(0, frames, dtype=torch.bool, device=device)
    square = torch.zeros(0, frames, frames, dtype=torch.bool, device=device)
    for row in rows(examples.pose_lens, frames):
        mask = torch.cat([mask, row.unsqueeze(0)])
        square = torch.cat([square, row.view(1, -1, 1).expand(1, frames, frames)])
    return source_mask.unsqueeze(1), mask, square


def masks_at_once(examples: Examples) -> tuple[Tensor, Tensor, None]:
    """Build the masks of texts and frames by one comparison each. No real frame looks at later ones, or at padding."""
    device = examples.poses.device
    lens = torch.tensor(examples.pose_lens, device=device)
    places = torch.arange(examples.poses.size(1), device=device)
    return (examples.source != PAD).unsqueeze(1), places < lens.unsqueeze(1), None


def plain_loss(network: PlainTransformer, examples: Examples, *, at_once: bool) -> Tensor:
    """Compute the loss of the plain network, with the masks built in either way."""
    source_mask, mask, square = masks_at_once(examples) if at_once else looped_masks(examples)
    counts = torch.tensor(examples.pose_lens, device=mask.device).unsqueeze(1)
    counters = torch.arange(1, mask.size(1) + 1, device=mask.device) / counts
    targets = torch.cat([examples.poses, counters.unsqueeze(-1)], dim=-1)
    inputs = torch.cat([torch.zeros_like(targets[:, :1]), targets[:, :-1]], dim=1)
    predicted = network.decode(inputs, network.encode(examples.source, source_mask), source_mask, square)
    if at_once:
        return (predicted[mask] - targets[mask]).square_().mean()
    loss_mask = mask.unsqueeze(-1).expand_as(targets)
    return torch.nn.functional.mse_loss(predicted * loss_mask, targets * loss_mask)


def losses(form: str, device: str) -> tuple[torch.nn.Module, Callable[[Examples], Tensor]]:
    """Make the network of a form, and what computes its loss."""
    torch.manual_seed(0)
    network = PlainTransformer()
    if form != "signdiff-slp":
        network.to(device).train()
        return network, lambda examples: plain_loss(network, examples, at_once=form == "masks at once")

    from signdiff_slp.datasets.text_pose import TextPoseBatch
    from signdiff_slp.interop import convert
    from signdiff_slp.recipes.train.criterion import Criterion, LossConfig

    model = convert(network.state_dict(), num_heads=HEADS, max_len=MAX_LEN).to(device).requires_grad_(True).train()
    criterion = Criterion(model, model, LossConfig())

    def loss(examples: Examples) -> Tensor:
        ids = [""] * len(examples.pose_lens)
        lens = examples.source_lens, examples.pose_lens
        found = criterion(TextPoseBatch(ids, examples.source, lens[0], examples.poses, lens[1]))
        return found.total / found.num_targets

    return model, loss


def measure(form: str, batches: list[list[int]], options: argparse.Namespace) -> dict[str, float]:
    """Train a step on each batch in this process; returns seconds, those of the masks, and the peak in bytes."""
    cuda = options.device == "cuda"
    clock = time.process_time if not cuda and options.threads == 1 else time.perf_counter
    if form == "signdiff-slp":
        import signdiff_slp.interop
        import signdiff_slp.recipes.train.criterion  # noqa: F401  # imports are not the step's memory
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    network, loss = losses(form, options.device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)

    def seconds(way: Callable[[], object]) -> float:
        start = clock()
        way()
        if cuda:
            torch.cuda.synchronize()
        return clock() - start

    def step(examples: Examples) -> None:
        loss(examples).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    step(Examples(batches[0], options.device))  # warms up
    total = masks = 0.0
    for lens in batches:
        examples = Examples(lens, options.device)
        total += seconds(lambda e=examples: step(e))
        if form != "signdiff-slp":
            build = masks_at_once if form == "masks at once" else looped_masks
            masks += seconds(lambda e=examples, b=build: b(e))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    return {"seconds": total, "masks": masks, "bytes": torch.cuda.max_memory_allocated() if cuda else peak}


def apart(form: str, batches: list[list[int]], options: argparse.Namespace) -> dict[str, float]:
    """Measure in a process of its own."""
    settings = json.dumps({"form": form, "batches": batches, "options": vars(options)})
    done = subprocess.run([sys.executable, __file__, "--alone"], input=settings, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: dict[str, float] = json.loads(done.stdout)
    return found


def compare(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Make the rows of the table."""
    lens = draw(options.examples)
    epochs = {BATCHES[0]: [lens[start : start + BATCH] for start in range(0, len(lens), BATCH)]}
    budget = math.ceil(BATCH * sum(lens) / len(lens) / LONGEST) * LONGEST
    epochs[BATCHES[1]] = by_length(lens, budget)
    # A sample of the epoch; the longest example is in both, as it makes the peak.
    samples = {}
    for name, batches in epochs.items():
        with_longest = max(batches, key=lambda batch: (max(batch), len(batch)))
        samples[name] = [with_longest, *(batch for batch in batches if batch is not with_longest)][: options.steps]
    pairs = [(form, name) for form in FORMS for name in BATCHES]
    found: dict[tuple[str, str], list[dict[str, float]]] = {pair: [] for pair in pairs}
    for _ in range(options.rounds):
        for form, name in pairs:
            found[form, name].append(apart(form, samples[name], options))
    rows = []
    for form, name in pairs:
        fastest = min(found[form, name], key=lambda each: each["seconds"])
        frames = sum(map(sum, samples[name])) / 1000
        rows.append(
            {
                "form": form,
                "batches": name,
                "seconds": fastest["seconds"] / frames,
                "MiB": min(each["bytes"] for each in found[form, name]) / 2**20,
                "padding": padding(epochs[name]),
                "masks": fastest["masks"] / frames,
            }
        )
    for row in rows:
        row |= {"faster": rows[0]["seconds"] / row["seconds"], "smaller": rows[0]["MiB"] / row["MiB"]}
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=2000)
    parser.add_argument("--steps", type=int, default=6, help="batches of the epoch that are trained on")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--threads", type=int, default=1, help="of torch; more wait for each other on a busy machine")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        settings = json.load(sys.stdin)
        options = argparse.Namespace(**settings["options"])
        torch.set_num_threads(options.threads)
        print(json.dumps(measure(settings["form"], settings["batches"], options)))
        return
    rows = compare(options)
    name = (
        torch.cuda.get_device_name()
        if options.device == "cuda"
        else f"CPU, {options.threads} thread{'s' * (options.threads > 1)}"
    )
    if options.json:
        print(json.dumps({"device": name, "rows": rows}, indent=2))
        return
    print(f"{name}; {options.steps} steps")
    print(f"{'form':15}{'batches':15}{'padding':>8}{'s/1000 frames':>15}{'ratio':>8}{'MiB':>8}{'ratio':>8}{'masks':>9}")
    for row in rows:
        words = f"{row['form']:15}{row['batches']:15}{row['padding']:7.0%} {row['seconds']:15.2f}{row['faster']:7.2f}x"
        masks = "-" if row["form"] == "signdiff-slp" else f"{row['masks']:.4f}"
        print(f"{words}{row['MiB']:8.0f}{row['smaller']:7.2f}x{masks:>9}")


if __name__ == "__main__":
    main()
