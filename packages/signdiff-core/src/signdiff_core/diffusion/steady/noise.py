"""The noise that each frame of a video starts from, and is noised by again where a scheduler does so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from diffusers.utils.torch_utils import randn_tensor

from signdiff_core.diffusion.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Sequence


class Noise:
    """Gives each frame its generator and its first latents, whichever chunk it is in.

    Args:
        generator: one for the video; a list with one per frame; or None for torch's own.
        shared: every frame takes the same noise; else each takes its own, which depends on its number alone. A list
            of generators has its own way.
        latents: first latents (1, C, h, w) for all frames or (T, C, h, w) for each, in place of what would be drawn.
        device: where the latents will be.

    Raises:
        ValueError: ``latents`` has another number of dimensions, or a list is empty.
    """

    def __init__(
        self,
        generator: torch.Generator | Sequence[torch.Generator] | None,
        *,
        shared: bool,
        latents: torch.Tensor | None,
        device: torch.device,
    ) -> None:
        if latents is not None and latents.ndim != 4:
            raise ValueError(f"latents must be (1, C, h, w) or (T, C, h, w), but are {tuple(latents.shape)}.")
        if generator is not None and not isinstance(generator, torch.Generator) and not len(generator):
            raise ValueError("generator must be one for all frames or one for each, but the list is empty.")
        self._source = _from_torch(device) if generator is None else generator
        self._given, self._device = latents, device
        self._key = None if shared or not isinstance(self._source, torch.Generator) else _key(self._source)

    @property
    def rows(self) -> list[Rows]:
        """The numbers of latents and generators that were given."""
        rows = [] if self._given is None else [Rows("latents", len(self._given))]
        if isinstance(self._source, torch.Generator):
            return rows
        return [*rows, Rows("generator", len(self._source))]

    def generators(self, numbers: Sequence[int]) -> list[torch.Generator]:
        """Give a fresh generator to each frame; none of those that were given is moved.

        Args:
            numbers: of the frames; negative for a picture that is none.

        Raises:
            ValueError: there are fewer generators than frames.
        """
        return [self._generator(number) for number in numbers]

    def first_latents(
        self, numbers: Sequence[int], generators: list[torch.Generator], shape: tuple[int, ...], dtype: torch.dtype
    ) -> torch.Tensor:
        """Give the latents that frames start from, before a scheduler scales them.

        Args:
            numbers: of the frames.
            generators: theirs, which are moved as diffusers would move them.
            shape: (C, h, w).
            dtype: of the result.

        Returns:
            (len(numbers), C, h, w).

        Raises:
            ValueError: the latents that were given have another shape, or are fewer than the frames.
        """
        if self._given is None:
            size = (len(numbers), *shape)
            drawn: torch.Tensor = randn_tensor(size, generator=generators, device=self._device, dtype=dtype)
            return drawn
        given = self._given.to(self._device, dtype)
        if tuple(given.shape[1:]) != shape:
            expected = ", ".join(map(str, shape))
            raise ValueError(f"latents must have the shape (T, {expected}), but have {tuple(given.shape)}.")
        rows = Rows("latents", len(given))
        return given.expand(len(numbers), *shape) if len(given) == 1 else given[[rows.of(number) for number in numbers]]

    def _generator(self, number: int) -> torch.Generator:
        if isinstance(self._source, torch.Generator):
            twin = torch.Generator(self._source.device)
            if self._key is None:
                return twin.set_state(self._source.get_state())
            words = np.random.SeedSequence([self._key, number + 1]).generate_state(2, np.uint32)
            return twin.manual_seed(int(words[0]) << 31 | int(words[1]) >> 1)
        source = self._source[Rows("generator", len(self._source)).of(number)]
        return torch.Generator(source.device).set_state(source.get_state())


def _from_torch(device: torch.device) -> torch.Generator:
    """Stand in for the generator that torch draws from by default, and move that one on."""
    twin = torch.Generator(device)
    twin.set_state(torch.get_rng_state() if device.type == "cpu" else torch.get_device_module(device).get_rng_state())
    torch.rand(1, device=device)
    return twin


def _key(generator: torch.Generator) -> int:
    twin = torch.Generator(generator.device).set_state(generator.get_state())
    return int(torch.randint(2**62, (1,), generator=twin, device=generator.device))
