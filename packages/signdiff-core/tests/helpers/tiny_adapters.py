"""Adapters with random weights, for pipelines of the tests."""

import torch
from safetensors.torch import save_file


def ip_adapter(unet, folder):
    """Write random weights of an IP-Adapter for a UNet; return the file's name."""
    torch.manual_seed(1)
    tokens, width = 4, unet.config.cross_attention_dim
    weights = {
        "image_proj.proj.weight": torch.randn(tokens * width, 12),
        "image_proj.proj.bias": torch.randn(tokens * width),
        "image_proj.norm.weight": torch.ones(width),
        "image_proj.norm.bias": torch.zeros(width),
    }
    names = [name for name in unet.attn_processors if name.endswith("attn2.processor")]
    for number, name in enumerate(names):
        hidden = unet.get_submodule(name.removesuffix(".processor")).to_k.out_features
        for part in ("to_k_ip", "to_v_ip"):
            weights[f"ip_adapter.{2 * number + 1}.{part}.weight"] = torch.randn(hidden, width)
    save_file(weights, folder / "ip.safetensors")
    return "ip.safetensors"
