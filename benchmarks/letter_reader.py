"""A reader of letters that is learned and is not MediaPipe: a small network that looks at a square around the hand.

    python benchmarks/letter_reader.py DIR [--minutes 15] [--json]

It is trained on frames of avatars that perform letters of the training words of all twelve alphabets: bodies, skins,
sleeves, shirts, lights and backgrounds as `Signer.sample` draws them, never the neutral body, which is the one that
benchmarks/legibility.py judges, nor two bodies that are kept for the test here. The square is where the pose's own
joints say, at the scale of a frame of 512 pixels. Squares are turned, scaled, shifted, brightened, covered around the
hand, and a little blurred or made coarse by chance; hands are turned a little in space and moved to other places than
those of spelling. What is read shall be the fingers: a network that may answer from a blur does, by outline and arm
(seen: 90% of letters at a blur of 12 pixels). So a quarter of the squares is blurred until fingers can't be told apart,
whole or within the hand, and the network learns to say that it can't read them.

A class is a letter of a language. Of each picture the language is known, in training as in reading: signs of several
alphabets look the same. DIR keeps the squares and the network (``reader.safetensors``, ``reader.json``), and the same
command goes on with what is there. It prints how many letters of the two bodies, of words of the development split, are
read, sharp, as a frame of 256 pixels has them, and blurred by 1 to 6 pixels.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch
from letter_holds import CROP, SIZE, as_word, cut, hand_place, still_letters
from safetensors.torch import load_file, save_file
from scipy.spatial.transform import Rotation
from torch import nn
from torch.nn import functional as nnf
from tqdm import tqdm

from signdiff_core.atomic import replacing
from signdiff_core.avatar import AvatarBody, Signer, body_names, fit, render_frames
from signdiff_core.camera import Camera
from signdiff_core.skeleton import RIGHT_ELBOW, RIGHT_HAND, RIGHT_WRIST
from signdiff_slp.corpora.fingerspelling import items
from signdiff_slp.corpora.languages import choose_languages
from signdiff_slp.corpora.stitch import spell

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

KEPT = ("young woman", "old man")
"""Bodies of the test; the neutral one is in neither."""

EACH = {"train": 16, "dev": 4}
"""How often a letter is shown."""

SAME = 24
"""Squares of one signer."""

MARGIN = 16
"""What a square in training is larger by, on every side, to be turned and shifted in."""

WINDOW = 256
"""Pixels a side that are drawn, of a frame of 512: about where hands are."""

TURNED = np.radians(5.0)
"""How far hands are turned in space, standard deviation about each axis."""

ELSEWHERE = (0.12, 0.03)
"""By how much, at most, hands are moved in normalised units: all of a signer, and each. A letter's place is always the
same in words of one language: by shoulder and face alone, it could be told."""

SOFT, TOO_SOFT = (0.3, 2.5), (5.0, 9.0)
"""Blur, standard deviations in pixels of a frame of 512: of squares whose letter is taught, and of those that are
taught to be unreadable: at 4, an edge is as wide as a finger. A hand is about 100 pixels high."""

NOTHING = "?"
"""What is read where no letter can be."""

WIDTHS = (24, 40, 64, 128)
BATCH = 64


@dataclass(frozen=True, kw_only=True, eq=False)
class Squares:
    """Squares around hands (N, S, S, 3) uint8, and the number of each one's class."""

    pictures: NDArray[np.uint8]
    classes: NDArray[np.int64]


class Network(nn.Module):
    """From squares (B, 3, 112, 112) in [-1, 1] to a score of every class, the last of which is an unreadable hand."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        a, b, c, d = WIDTHS
        self.layers = nn.Sequential(
            nn.PixelUnshuffle(2),
            *_convolution(12, a),
            *_convolution(a, b, stride=2),
            _Residual(b),
            *_convolution(b, c, stride=2),
            _Residual(c),
            *_convolution(c, d, stride=2),
            _Residual(d),
            nn.Flatten(),
            nn.Dropout(0.3),
            nn.Linear(d * (CROP // 16) ** 2, classes),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Score squares."""
        scores: torch.Tensor = self.layers(x)
        return scores


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*_convolution(width, width), *_convolution(width, width)[:2])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nnf.relu(x + self.layers(x))


def _convolution(before: int, after: int, *, stride: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)]


class LetterReader:
    """Reads letters of squares around hands.

    Args:
        network: what scores the classes, and last an unreadable hand.
        classes: the language and the letter of each.
    """

    def __init__(self, network: Network, classes: Sequence[tuple[str, str]]) -> None:
        self.network, self.classes = network.eval(), list(classes)
        self.languages = np.array([language for language, _ in classes])

    def __call__(self, squares: NDArray[np.uint8], language: str) -> list[str]:
        """Read the letters of squares (N, 112, 112, 3) uint8 RGB that are signed in one language; "?" is no letter."""
        own = np.flatnonzero(self.languages == language)
        if not len(own):
            raise ValueError(f"language must be one of {', '.join(np.unique(self.languages))}, but is {language!r}.")
        with torch.inference_mode():
            scores = torch.cat(
                [self.network(_tensor(part)) for part in np.array_split(squares, len(squares) // 64 + 1)]
            )
        names = [*(self.classes[number][1] for number in own), NOTHING]
        return [names[k] for k in scores[:, [*own, len(self.classes)]].argmax(dim=1)]

    @classmethod
    def load(cls, folder: Path) -> LetterReader:
        """Read what `save` wrote."""
        classes = [
            (language, letter) for language, letter in json.loads((folder / "reader.json").read_text())["classes"]
        ]
        network = Network(len(classes) + 1)
        network.load_state_dict(load_file(folder / "reader.safetensors"))
        return cls(network, classes)

    def save(self, folder: Path, **facts: Any) -> None:
        """Write the network and its classes, with facts about it."""
        with replacing(folder / "reader.safetensors") as temporary:
            save_file({name: value.contiguous() for name, value in self.network.state_dict().items()}, temporary)
        with replacing(folder / "reader.json") as temporary:
            temporary.write_text(json.dumps({"classes": self.classes, **facts}, ensure_ascii=False, indent=1))


def all_classes() -> list[tuple[str, str]]:
    """List the still letters of all alphabets: language and letter."""
    return [
        (language.code, letter) for language in choose_languages(["all"]) for letter in still_letters(language.code)
    ]


def examples(language: str, split: str, rng: np.random.Generator) -> list[tuple[str, NDArray[np.float32]]]:
    """Choose letters of a split's texts, each equally often, with the joints (50, 3) in the middle of their holds."""
    found = []
    left = Counter(dict.fromkeys(still_letters(language), EACH[split]))
    chosen = items(languages=[each for each in choose_languages(["all"]) if each.code == language])[split]
    for index in rng.permutation(len(chosen)):
        if any(left[letter] > 0 for letter in set(chosen[index].text)):
            word = as_word(spell(chosen[index].text, language=language), language)
            for letter, frame in zip(word.letters, word.frames, strict=True):
                if left[letter] > 0:
                    left[letter] -= 1
                    found.append((letter, word.joints[frame]))
    return [found[index] for index in rng.permutation(len(found))]


def moved(joints: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Turn right hands of joints (N, 50, 3) about their wrists by chance, and move them elsewhere."""
    made, (far, near) = joints.copy(), ELSEWHERE
    shift = rng.uniform(-far, far, 3)
    for posture in made:
        hand, own = posture[RIGHT_HAND], shift + rng.uniform(-near, near, 3)
        wrist = hand[:1].copy()
        hand[:] = Rotation.from_rotvec(rng.normal(0, TURNED, 3)).apply(hand - wrist) + wrist + own
        posture[RIGHT_WRIST] += own
        posture[RIGHT_ELBOW] += own / 2
    return made


def signers(split: str, rng: np.random.Generator) -> Iterator[Signer]:
    """Draw signers without end, of the bodies of a split."""
    bodies = [name for name in body_names() if name != Signer.neutral().body and (name in KEPT) == (split == "dev")]
    while True:
        if (signer := Signer.sample(rng)).body in bodies:
            yield signer


def squares_of(
    signer: Signer, joints: NDArray[np.float32], *, side: int = CROP + 2 * MARGIN
) -> Iterator[NDArray[np.uint8]]:
    """Draw a signer in postures (N, 50, 3), one at a time, and cut out the squares around the hand."""
    body = AvatarBody.named(signer.body)
    motion = fit(body, joints, smoothing=0)
    whole = Camera()
    places = np.array([hand_place(position, whole) for position in motion.joints])
    corner = np.rint(np.median(places, axis=0)).astype(int) - WINDOW // 2
    neck = np.array(whole.neck) * SIZE - corner
    camera = Camera(scale=whole.scale * SIZE / WINDOW, neck=(neck[0] / WINDOW, neck[1] / WINDOW))
    frames = render_frames(signer, motion, size=WINDOW, camera=camera)
    for frame, (x, y) in zip(frames, places - corner, strict=True):
        yield cut(frame, (int(x), int(y)), side=side)


def draw_squares(folder: Path, split: str, classes: Sequence[tuple[str, str]]) -> Squares:
    """Draw the squares of a split, a file a language; those that were drawn are read."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers, parts = {name: number for number, name in enumerate(classes)}, []
    for language in tqdm(dict.fromkeys(code for code, _ in classes), desc=split, unit="language", disable=None):
        path = folder / f"{language}.npz"
        if not path.exists():
            rng = np.random.default_rng((0, split == "dev", *language.encode()))
            letters, pictures = _drawn(language, split, rng)
            with replacing(path) as temporary, temporary.open("wb") as file:
                np.savez(file, pictures=pictures, letters=letters)
        with np.load(path) as data:
            parts.append((data["pictures"], [numbers[language, letter] for letter in data["letters"].tolist()]))
    return Squares(
        pictures=np.concatenate([pictures for pictures, _ in parts]),
        classes=np.concatenate([found for _, found in parts]),
    )


def _drawn(language: str, split: str, rng: np.random.Generator) -> tuple[list[str], NDArray[np.uint8]]:
    chosen, draws, pictures = examples(language, split, rng), signers(split, rng), []
    for start in range(0, len(chosen), SAME):
        joints = np.stack([posture for _, posture in chosen[start : start + SAME]])
        pictures += squares_of(next(draws), moved(joints, rng))
    return [letter for letter, _ in chosen], np.stack(pictures)


def _tensor(squares: NDArray[np.uint8]) -> torch.Tensor:
    """Bring squares (N, S, S, 3) uint8 to (N, 3, S, S) in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(squares)).permute(0, 3, 1, 2).float() / 127.5 - 1


class Variation:
    """Changes squares by chance, so that a network learns fingers.

    Args:
        generator: what is drawn from.
    """

    def __init__(self, generator: torch.Generator) -> None:
        self._generator = generator

    def __call__(self, x: torch.Tensor, unreadable: int) -> torch.Tensor:
        """Turn, scale, shift and brighten squares (B, 3, 144, 144); (B, 3, 112, 112).

        The first `unreadable` are blurred so much that fingers can't be seen, every second of them within the hand
        alone; of the others, a half is a little blurred or made coarse. In some, all around the hand is covered.
        """
        x = self._light(self._turned(x))
        parts, count = [], len(x)
        for part in x[:unreadable].split(4):
            soft = _blurred(part, self._one(*TOO_SOFT))
            inside = _disc(self._one(34, 56))
            soft[::2] = inside * soft[::2] + (1 - inside) * part[::2]
            parts.append(soft)
        half = unreadable + (count - unreadable) // 2
        for number, part in enumerate(x[unreadable:half].split(8)):
            if number % 2:
                parts.append(_blurred(part, self._one(*SOFT)))
            else:
                small = nnf.interpolate(part, scale_factor=self._one(0.5, 0.8), mode="area")
                parts.append(nnf.interpolate(small, size=(CROP, CROP), mode="bicubic"))
        x = torch.cat([*parts, x[half:]])
        around, covered = _disc(self._one(50, 60)), self._chance(0, 1, count, 1, 1, 1) < 0.3
        x = torch.where(covered, around * x + (1 - around) * self._chance(-1, 1, count, 3, 1, 1), x)
        noise = torch.randn(x.shape, generator=self._generator)
        return x + 0.04 * self._chance(0, 1, count, 1, 1, 1) * noise

    def _turned(self, x: torch.Tensor) -> torch.Tensor:
        count, share = len(x), CROP / x.shape[-1]
        angle, scale, shift = (
            self._chance(-0.26, 0.26, count),
            self._chance(0.85, 1.15, count),
            self._chance(-0.1, 0.1, count, 2),
        )
        cos, sin = share * scale * torch.cos(angle), share * scale * torch.sin(angle)
        turn = torch.stack([cos, -sin, shift[:, 0], sin, cos, shift[:, 1]], dim=1).reshape(count, 2, 3)
        grid = nnf.affine_grid(turn, [count, 3, CROP, CROP], align_corners=False)
        return nnf.grid_sample(x, grid, mode="bicubic", padding_mode="border", align_corners=False)

    def _light(self, x: torch.Tensor) -> torch.Tensor:
        count = len(x)
        contrast = self._chance(0.75, 1.25, count, 1, 1, 1) * self._chance(0.9, 1.1, count, 3, 1, 1)
        return x * contrast + self._chance(-0.2, 0.2, count, 1, 1, 1)

    def _chance(self, low: float, high: float, *shape: int) -> torch.Tensor:
        return low + (high - low) * torch.rand(shape, generator=self._generator)

    def _one(self, low: float, high: float) -> float:
        return float(self._chance(low, high, 1))


def _disc(radius: float) -> torch.Tensor:
    """Mark a disc in the middle of a square, (1, 112, 112), with a soft edge."""
    at = torch.arange(CROP) - (CROP - 1) / 2
    return torch.clamp((radius - torch.hypot(at[:, None], at[None])) / 6 + 0.5, 0, 1)[None]


def _blurred(x: torch.Tensor, sigma: float) -> torch.Tensor:
    steps = torch.arange(-20, 21, dtype=torch.float32)
    weights = torch.exp(-0.5 * (steps / sigma) ** 2)
    weights = (weights / weights.sum()).expand(3, 1, 41)
    x = nnf.conv2d(nnf.pad(x, (20, 20, 0, 0), mode="replicate"), weights[:, :, None, :], groups=3)
    return nnf.conv2d(nnf.pad(x, (0, 0, 20, 20), mode="replicate"), weights[:, :, :, None], groups=3)


def train(
    squares: Squares, classes: Sequence[tuple[str, str]], *, minutes: float, seed: int = 0
) -> tuple[Network, int]:
    """Train a network for some minutes of a core; give it, with averaged weights, and the steps that it took."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    network = Network(len(classes) + 1).to(memory_format=torch.channels_last)
    averaged = torch.optim.swa_utils.AveragedModel(network, avg_fn=_averaged, use_buffers=True)
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=0.05)
    languages, unreadable = np.array([language for language, _ in classes]), BATCH // 4
    foreign = torch.from_numpy(languages[:, None] != languages[None])
    foreign = torch.cat([foreign, torch.zeros(len(classes), 1, dtype=torch.bool)], dim=1)
    vary = Variation(generator)
    start, step = time.process_time(), 0
    with tqdm(unit="step", disable=None) as bar:
        while (gone := (time.process_time() - start) / 60 / minutes) < 1:
            for group in optimizer.param_groups:
                group["lr"] = 2e-3 * min(1, (step + 1) / 50) * (0.01 + 0.99 * (0.5 + 0.5 * np.cos(np.pi * gone)))
            at = torch.randint(len(squares.classes), (BATCH,), generator=generator).numpy()
            truth = torch.from_numpy(squares.classes[at])
            others = foreign[truth]
            truth[:unreadable] = len(classes)
            x = vary(_tensor(squares.pictures[at]), unreadable).contiguous(memory_format=torch.channels_last)
            scores = network(x).masked_fill(others, -1e4)
            # Smoothed by hand, among the letters of the language only.
            likely = nnf.log_softmax(scores, dim=1).masked_fill(others, 0).sum(dim=1) / (~others).sum(dim=1)
            loss = 0.95 * nnf.cross_entropy(scores, truth) - 0.05 * likely.mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            averaged.update_parameters(network)
            step += 1
            bar.update()
            bar.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
    trained: Network = averaged.module
    return trained.to(memory_format=torch.contiguous_format).eval(), step


def _averaged(mean: torch.Tensor, value: torch.Tensor, step: int | torch.Tensor) -> torch.Tensor:
    """Average over the last hundred steps, and over fewer in the beginning."""
    return mean + (value - mean) * max(0.01, 9 / (int(step) + 10))


def blurred(sigma: float, square: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Blur a square by a standard deviation in pixels."""
    return np.asarray(cv2.GaussianBlur(square, (0, 0), sigma))


def coarse(square: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Show a square as half its pixels have it, enlarged again."""
    side = len(square)
    small = cv2.resize(square, (side // 2, side // 2), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (side, side), interpolation=cv2.INTER_CUBIC))


def score(reader: LetterReader, squares: Squares) -> dict[str, dict[str, float]]:
    """Tell how many letters are read, by language and in all: sharp, coarse, and blurred by so many pixels."""
    middle = slice(MARGIN, MARGIN + CROP)
    rows: dict[str, dict[str, float]] = {}
    for name, change in {
        "sharp": np.asarray,
        "coarse": coarse,
        **{f"blur {n}": partial(blurred, n) for n in range(1, 7)},
    }.items():
        right: dict[str, list[bool]] = {}
        for language in dict.fromkeys(code for code, _ in reader.classes):
            own = np.flatnonzero(reader.languages[squares.classes] == language)
            pictures = np.stack([change(picture) for picture in squares.pictures[own][:, middle, middle]])
            letters = [reader.classes[number][1] for number in squares.classes[own]]
            right[language] = [a == b for a, b in zip(reader(pictures, language), letters, strict=True)]
        rows[name] = {language: float(np.mean(values)) for language, values in right.items()}
        rows[name]["all"] = float(np.mean([one for values in right.values() for one in values]))
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("folder", type=Path, help="folder of the squares and the network")
    parser.add_argument("--minutes", type=float, default=15.0, help="of training, of one core (default: 15)")
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")
    options = parser.parse_args(arguments)
    if not options.minutes > 0:
        parser.error(f"--minutes must be above 0, but is {options.minutes}")
    torch.set_num_threads(1)
    options.folder.mkdir(parents=True, exist_ok=True)
    classes = all_classes()
    if not (options.folder / "reader.safetensors").exists():
        squares = draw_squares(options.folder / "train", "train", classes)
        network, steps = train(squares, classes, minutes=options.minutes)
        facts = {"squares": len(squares.classes), "steps": steps, "minutes": options.minutes}
        LetterReader(network, classes).save(options.folder, **facts)
    reader = LetterReader.load(options.folder)
    held_out = draw_squares(options.folder / "dev", "dev", classes)
    rows = score(reader, held_out)
    if options.json:
        print(json.dumps({"squares": len(held_out.classes), **rows}, indent=2))
        return 0
    print(f"letters read, {len(held_out.classes)} squares of {' and '.join(KEPT)}, words of the development split\n")
    print(f"{'':8}" + "".join(f"{name:>10}" for name in rows))
    for language in rows["sharp"]:
        print(f"{language:8}" + "".join(f"{row[language]:>10.1%}" for row in rows.values()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
