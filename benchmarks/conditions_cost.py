"""What two conditions cost: one ControlNet that looks at both (superimposed), or one each (MultiControlNet).

    python benchmarks/conditions_cost.py [--device cpu] [--dtype float32] [--size 256] [--batch 1] [--rounds 3] [--json]
    python benchmarks/conditions_cost.py --recipes --device cuda --dtype bfloat16

Networks of Stable Diffusion 1.5's shapes with random weights. Rows: parameters that are trained, and floating point
operations of a denoising step, both counted; then time and peak memory of a denoising step, and of a training step
(forward, backward and AdamW of the ControlNets; the UNet is locked, and held in --dtype under autocast, the trained
weights in float32). Every measurement is made in a process of its own: memory is what torch has allocated at most on a
GPU, and the growth of the process on a CPU, both with the weights. The fastest round counts. Ratios are
MultiControlNet's numbers over the superimposed form's.

--recipes tells the peak memory of a training step of the superimposed form instead, by batch size, with and without
gradient checkpointing, at 512x512.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import torch
from diffusers import ControlNetModel, MultiControlNetModel, UNet2DConditionModel
from diffusers.utils import logging
from torch.utils.flop_counter import FlopCounterMode

from signdiff_core.diffusion import superimposed

if TYPE_CHECKING:
    from collections.abc import Callable

logging.set_verbosity_error()  # no word on modules that could stay in float32: there are none

SD15 = {"sample_size": 64, "cross_attention_dim": 768}
FORMS = ("superimposed", "MultiControlNet")
TOKENS, LATENT = 77, 8
RECIPES = [(batch, checkpointing) for batch in (1, 2, 4, 8) for checkpointing in (True, False)]


class Networks:
    """A locked UNet and what conditions it.

    Args:
        form: one of `FORMS`.
        device: where the weights are; "meta" to count without computing.
        dtype: of the UNet, and of the ControlNets unless they are trained.
        trained: hold the ControlNets in float32, with gradients.
    """

    def __init__(self, form: str, *, device: str, dtype: torch.dtype, trained: bool = False) -> None:
        with torch.device(device):
            self.unet = UNet2DConditionModel(**SD15).to(dtype).eval().requires_grad_(False)
            if form == "superimposed":
                self.control: Any = superimposed(self.unet)
            else:
                self.control = MultiControlNetModel([ControlNetModel.from_unet(self.unet) for _ in range(2)])
        self.control.to(torch.float32 if trained else dtype).train(trained).requires_grad_(trained)
        self.many, self.device, self.dtype = form != "superimposed", device, dtype

    def __call__(self, batch: int, size: int) -> torch.Tensor:
        """Predict the noise of random latents."""

        def noise(*shape: int) -> torch.Tensor:
            return torch.randn(shape, device=self.device, dtype=self.dtype)

        latents, text = noise(batch, 4, size // LATENT, size // LATENT), noise(batch, TOKENS, 768)
        timesteps = torch.full((batch,), 500, device=self.device)
        if self.many:
            condition: Any = [noise(batch, 3, size, size) for _ in range(2)]
            down, mid = self.control(latents, timesteps, text, condition, [1.0, 1.0], return_dict=False)
        else:
            condition = noise(batch, 6, size, size)
            down, mid = self.control(latents, timesteps, text, condition, return_dict=False)
        prediction: torch.Tensor = self.unet(
            latents, timesteps, text, down_block_additional_residuals=down, mid_block_additional_residual=mid
        ).sample
        return prediction


def count(form: str, *, batch: int, size: int) -> dict[str, float]:
    """Count parameters and operations, without memory or time."""
    networks = Networks(form, device="meta", dtype=torch.float32)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        networks(batch, size)
    parameters = sum(weights.numel() for weights in networks.control.parameters())
    return {"parameters": parameters, "flops": counter.get_total_flops()}


def measure(form: str, kind: str, options: argparse.Namespace, *, checkpointing: bool = False) -> dict[str, float]:
    """Time steps in this process, and tell its peak memory in bytes."""
    torch.backends.cuda.matmul.allow_tf32 = True
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    dtype, training = getattr(torch, options.dtype), kind == "training"
    networks = Networks(form, device=options.device, dtype=dtype, trained=training)
    if training and checkpointing:
        for net in networks.control.nets if networks.many else [networks.control]:
            net.enable_gradient_checkpointing()
    step = _training_step(networks, options) if training else _denoising_step(networks, options)
    seconds = []
    for _ in range(options.rounds + 1):  # the first warms up
        start = time.perf_counter()
        step()
        if options.device == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    if options.device == "cuda":
        memory = torch.cuda.max_memory_allocated()
    else:
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    return {"seconds": min(seconds[1:]), "bytes": memory}


def _denoising_step(networks: Networks, options: argparse.Namespace) -> Callable[[], object]:
    @torch.no_grad()
    def step() -> object:
        return networks(options.batch, options.size)

    return step


def _training_step(networks: Networks, options: argparse.Namespace) -> Callable[[], object]:
    optimizer = torch.optim.AdamW(networks.control.parameters(), lr=1e-5)

    def step() -> None:
        with torch.autocast(options.device, networks.dtype, enabled=networks.dtype != torch.float32):
            loss = networks(options.batch, options.size).float().square().mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def apart(form: str, kind: str, options: argparse.Namespace, **changes: Any) -> dict[str, float]:
    """Measure in a process of its own."""
    settings = {**vars(options), **changes, "alone": f"{form}/{kind}"}
    done = subprocess.run([sys.executable, __file__, "--alone", json.dumps(settings)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: dict[str, float] = json.loads(done.stdout)
    return found


def compare(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Make the rows of the table."""
    rows = []
    counted = {form: count(form, batch=options.batch, size=options.size) for form in FORMS}
    for name, key, scale in (("trained parameters, million", "parameters", 1e6), ("TFLOP a step", "flops", 1e12)):
        rows.append({"what": name, **{form: counted[form][key] / scale for form in FORMS}})
    for kind in ("denoising", "training"):
        measured = {form: apart(form, kind, options) for form in FORMS}
        for name, key, scale in (("seconds", "seconds", 1), ("peak memory, GiB", "bytes", 2**30)):
            rows.append({"what": f"{kind} step, {name}", **{form: measured[form][key] / scale for form in FORMS}})
    return [{**row, "ratio": row[FORMS[1]] / row[FORMS[0]]} for row in rows]


def recipes(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure training steps of the superimposed form; on a GPU in this process, which saves starting many."""
    rows = []
    for batch, checkpointing in RECIPES:
        changes = {"batch": batch, "size": 512, "checkpointing": checkpointing}
        if options.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
            settings = argparse.Namespace(**{**vars(options), **changes})
            found = measure(FORMS[0], "training", settings, checkpointing=checkpointing)
            torch.cuda.empty_cache()
        else:
            found = apart(FORMS[0], "training", options, **changes)
        name = f"batch {batch}, {'gradient checkpointing' if checkpointing else 'plain'}"
        rows.append({"what": name, "seconds": found["seconds"], "peak memory, GiB": found["bytes"] / 2**30})
    return rows


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--dtype", choices=("float32", "bfloat16", "float16"), default="float32")
    parser.add_argument("--size", type=int, default=256, help="side of the frames in pixels (default: 256)")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--recipes", action="store_true", help="peak memory of training, by recipe")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        settings = argparse.Namespace(**json.loads(options.alone))
        form, kind = settings.alone.split("/")
        checkpointing = getattr(settings, "checkpointing", False)
        print(json.dumps(measure(form, kind, settings, checkpointing=checkpointing)))
        return
    rows = recipes(options) if options.recipes else compare(options)
    name = torch.cuda.get_device_name() if options.device == "cuda" else "CPU"
    if options.json:
        print(json.dumps({"device": name, "dtype": options.dtype, "rows": rows}, indent=2))
        return
    print(
        f"{name}, {options.dtype}"
        + ("" if options.recipes else f", {options.size}x{options.size}, batch {options.batch}")
    )
    columns = list(rows[0])[1:]
    print(f"{'':34}" + "".join(f"{column:>18}" for column in columns))
    for row in rows:
        print(f"{row['what']:34}" + "".join(f"{row[column]:18.3f}" for column in columns))


if __name__ == "__main__":
    main()
