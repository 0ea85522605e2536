"""How many letters can be read from a renderer's pixels: on still holds of words that no model was trained on.

    python benchmarks/legibility.py -o RUN [--renderer "NAME [OPTIONS]" ...] [--which steering|last]
        [--signed-languages ase|gsg,ukl|all] [--letter-reader DIR] [--reader PYTHON] [--picture PNG] [--json]

A renderer is named with any options of ``signdiff render``, as one word: ``--renderer "avatar --size 256" "diffusion
--model DIR --steps 4"``. It draws the middle frame of each hold of the reference's poses, and sees the whole clip
(``start`` picks the frame): a body's fit, the pose's smoothing and the camera depend on what is around a frame. Letters
that are movements, such as j and z, are left out. The first row, the ceiling, is what the pose allows: the neutral
avatar at 512 pixels. Other frames are enlarged to that, and renderers of avatars draw this body.

Two readers:

- detector: MediaPipe's hands, each frame by itself (`pixel_reader.py --hands`, in an environment of its own), then the
  nearest of the recorded letters by the joints that it marks (`letter_scores.py`). Of several hands, the one about
  where the pose has it. ``--detector`` names another program that is called in the same way.
- learned: a small network that was trained on avatars of other bodies and knows of no joints (`letter_reader.py`, which
  trains it into DIR). It looks at a square about where the pose has the hand, and reads nothing where fingers can't be
  told apart. It is left out without ``--letter-reader``.

Columns: letters read by each; how many less than the ceiling, in the same words; frames in which the detector finds the
hand; how far its joints are from those that it marks in the ceiling's frame, mean in hand sizes; SSIM with the
ceiling's frame (Wang et al. 2004), around the hand and whole. Intervals are of 2,000 bootstraps over words.

Choices are made on one set of words (``--which steering``); the other (``last``) is looked at once, in the end. RUN
keeps frames and readings, and the same command goes on with what is there: take a new one after a change of a renderer.
"""

from __future__ import annotations

import argparse
import json
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import cv2
import numpy as np
from letter_holds import CROP, SIZE, Performed, Word, chosen_words, cut, hand_place, perform, still_letters
from letter_scores import NearestLetter, Row, Sample, distance, nearest_hand, row_of, shape
from PIL import Image
from tqdm import tqdm

from signdiff_core import plugins
from signdiff_core.atomic import replacing
from signdiff_core.avatar import Motion, Signer, render_frames
from signdiff_core.cli.options import given, rendering, takes
from signdiff_core.cli.parts import Renderer, stamp_of
from signdiff_core.skeleton import LEFT_HAND, make_pose
from signdiff_core.training.regions import hand_boxes
from signdiff_eval.functional import ssim
from signdiff_slp.corpora.languages import choose_languages

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from letter_reader import LetterReader
    from numpy.typing import NDArray

    Frame = NDArray[np.uint8]

FPS: Final = 25.0
CEILING: Final = "avatar, 512 px"
READER: Final = Path(__file__).with_name("pixel_reader.py")
DEFAULTS: Final = ("avatar --size 256", "diffusion")


@dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """A language's holds in a renderer's frames of 512 pixels, and where the detector sees each hand, if it does."""

    frames: list[Frame]
    hands: list[NDArray[np.float64] | None]


class Drawn:
    """A renderer with its options, as words of ``signdiff render``; loaded when it is first used.

    Raises click.UsageError where the words are wrong, UnknownPluginError where there is no such renderer.
    """

    def __init__(self, words: str) -> None:
        self.name = words
        options = _options.main(["--renderer", *shlex.split(words)], standalone_mode=False)
        name, device = options.pop("renderer"), options.pop("device")
        self._renderer = Renderer(name, given(options), device=device)
        self._make, self._render = self._renderer.options["make"], self._renderer.options["render"]
        if takes(self._renderer.factory, "signer"):
            self._make["signer"] = Signer.neutral()
        if takes(self._renderer.factory, "chunk_size"):
            self._make.setdefault("chunk_size", 1)
        self._made: Any = None

    @property
    def made(self) -> Any:
        """The renderer."""
        if self._made is None:
            self._made = self._renderer.factory(**self._make)
        return self._made

    def stamp(self) -> dict[str, str]:
        """Tell what decides the frames, as far as files show it."""
        folder = getattr(self.made, "folder", None)
        return {"words": self.name, "model": "" if folder is None else stamp_of(Path(folder))}

    def __call__(self, word: Word) -> Iterator[Frame]:
        """Draw a word's holds, one frame each."""
        pose = make_pose(word.joints, FPS)
        for frame in word.frames:
            yield next(iter(self.made.render(pose, start=frame, **self._render)))


@click.command()
@rendering
@click.option("--device")
def _options(**options: Any) -> dict[str, Any]:
    return options


def ceiling(performed: Performed, word: Word) -> Iterator[Frame]:
    """Draw the true frames of a word's holds."""
    motion = performed.motion
    chosen = Motion(body=motion.body, turns=motion.turns[list(word.frames)])
    return render_frames(Signer.neutral(), chosen, size=SIZE, camera=performed.camera)


def large(frame: Frame) -> Frame:
    """Enlarge a square frame to 512 pixels, or make it smaller."""
    high, wide = frame.shape[:2]
    if high != wide:
        raise ValueError(f"frames must be square, but are {wide}x{high}.")
    if high == SIZE:
        return frame
    return np.asarray(cv2.resize(frame, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC if high < SIZE else cv2.INTER_AREA))


def frames_of(home: Path, words: Sequence[Word], draw: Any, what: str) -> list[Frame]:
    """Draw the holds of words to numbered pictures, or read those that are there."""
    home.mkdir(parents=True, exist_ok=True)
    first = np.cumsum([0, *(len(word.frames) for word in words)])
    for start, word in zip(tqdm(first[:-1], desc=what, unit="word", disable=None), words, strict=True):
        paths = [home / f"{start + number:06d}.png" for number in range(len(word.frames))]
        if not all(path.exists() for path in paths):
            for path, frame in zip(paths, draw(word), strict=True):
                with replacing(path) as temporary:
                    Image.fromarray(frame).save(temporary, format="PNG")
    return [np.asarray(Image.open(home / f"{number:06d}.png").convert("RGB")) for number in range(first[-1])]


def detect(home: Path, options: argparse.Namespace) -> NDArray[np.float64]:
    """Read pictures with the detector, which has an environment of its own: (N, 2, 21, 2) in pixels."""
    found = home / "hands.npz"
    if not found.exists():
        start = [options.reader] if options.reader else ["uv", "run", "--quiet", "--script"]
        command = [*start, options.detector, home / "%06d.png", found, "--step", 1, "--hands"]
        subprocess.run(list(map(str, command)), check=True, stderr=None if options.debug else subprocess.DEVNULL)
    with np.load(found) as data:
        return np.asarray(data["hands"][..., :2], dtype=np.float64)


def read(
    home: Path, words: Sequence[Word], draw: Any, places: Sequence[tuple[int, int]], options: argparse.Namespace
) -> Reading:
    """Draw the holds of words and look for the hand in each."""
    frames = frames_of(home, words, draw, f"{home.parent.name} {home.name}")
    hands = detect(home, options)
    if len(hands) != len(frames):
        raise ValueError(f"{home} must hold {len(frames)} readings, but holds {len(hands)}; delete its hands.npz.")
    scaled = (hand * (SIZE / len(frame)) for hand, frame in zip(hands, frames, strict=True))
    chosen = [nearest_hand(hand, place, within=CROP / 2) for hand, place in zip(scaled, places, strict=True)]
    return Reading(frames=[large(frame) for frame in frames], hands=chosen)


def right_box(joints: NDArray[np.floating], performed: Performed) -> tuple[int, int, int, int]:
    """Find the rectangle around the right hand of joints (50, 3) in a frame of 512 pixels."""
    alone = np.array(joints)
    alone[LEFT_HAND] = np.nan
    return hand_boxes(alone, SIZE, camera=performed.camera)[0]


class Language:
    """A language's holds, where their hands are, and what is read of them.

    Args:
        words: of one language.
        learned: the learned reader, if there is one.
    """

    def __init__(self, words: Sequence[Word], learned: LetterReader | None) -> None:
        self.words, self.code, self._learned = words, words[0].language, learned
        self._nearest = NearestLetter.of(self.code, still_letters(self.code))
        self.performed = {word.text: perform(word) for word in words}
        self.holds = [(word.text, *hold) for word in words for hold in zip(word.letters, word.frames, strict=True)]
        joints = [self.performed[text].motion.joints[frame] for text, _, frame in self.holds]
        seen = [self.performed[text] for text, _, _ in self.holds]
        self.places = [hand_place(each, one.camera) for each, one in zip(joints, seen, strict=True)]
        self._boxes = [right_box(each, one) for each, one in zip(joints, seen, strict=True)]

    def samples(self, reading: Reading, true: Reading) -> list[Sample]:
        """Read the letters, and compare with the ceiling."""
        learned = [""] * len(self.holds)
        if self._learned is not None:
            learned = self._learned(np.stack(list(self.squares(reading))), self.code)
        rows = zip(reading.frames, reading.hands, true.frames, true.hands, strict=True)
        return [
            Sample(
                language=self.code,
                word=text,
                letter=letter,
                found=hand is not None,
                detector="" if hand is None else self._nearest(hand),
                learned=by_network,
                off=None if hand is None or best is None else float(distance(shape(hand), shape(best))),
                ssim_hand=ssim(frame, truth, box=box),
                ssim=ssim(frame, truth),
            )
            for (text, letter, _), by_network, box, (frame, hand, truth, best) in zip(
                self.holds, learned, self._boxes, rows, strict=True
            )
        ]

    def squares(self, reading: Reading) -> Iterator[Frame]:
        """Cut out the squares around the hand."""
        return (cut(frame, place) for frame, place in zip(reading.frames, self.places, strict=True))


def measure(options: argparse.Namespace) -> tuple[dict[str, list[Sample]], list[Frame]]:
    """Read all letters in all renderers' frames, by renderer, the ceiling first; and strips that show the hands."""
    learned = None
    if options.letter_reader:
        from letter_reader import LetterReader

        learned = LetterReader.load(options.letter_reader)
    renderers = [Drawn(words) for words in options.renderer]
    samples: dict[str, list[Sample]] = {CEILING: [], **{renderer.name: [] for renderer in renderers}}
    strips = []
    for spoken in choose_languages(options.signed_languages.split(",")):
        language = Language(chosen_words(spoken, options.which, options.words, seed=options.seed), learned)
        home = options.output / f"{options.which}-{options.words}-{options.seed}"

        def true_frames(word: Word, known: Language = language) -> Iterator[Frame]:
            return ceiling(known.performed[word.text], word)

        best = read(home / "ceiling" / language.code, language.words, true_frames, language.places, options)
        samples[CEILING] += language.samples(best, best)
        rows = [list(language.squares(best))]
        for renderer in renderers:
            own = home / "-".join(re.findall(r"[\w.]+", renderer.name))
            same(own, renderer)
            made = read(own / language.code, language.words, renderer, language.places, options)
            samples[renderer.name] += language.samples(made, best)
            rows.append(list(language.squares(made)))
        first = sorted({letter: number for number, (_, letter, _) in reversed([*enumerate(language.holds)])}.values())
        strips.append(np.concatenate([np.concatenate([row[number] for number in first], axis=1) for row in rows]))
    return samples, strips


def same(home: Path, renderer: Drawn) -> None:
    """Note what a folder's frames are of; a ``ValueError`` says if they are of another model."""
    note, stamp = home / "renderer.json", renderer.stamp()
    if note.exists() and json.loads(note.read_text()) != stamp:
        raise ValueError(f"{home} must hold frames of {stamp}, but has others; take another folder.")
    home.mkdir(parents=True, exist_ok=True)
    with replacing(note) as temporary:
        temporary.write_text(json.dumps(stamp))


def rows_of(samples: dict[str, list[Sample]]) -> dict[str, dict[str, Row]]:
    """Bring letters to rows: all languages, then each, by renderer."""
    codes = list(dict.fromkeys(each.language for each in samples[CEILING]))
    tables = {"all": dict(samples)} if len(codes) > 1 else {}
    for code in codes:
        tables[code] = {name: [each for each in own if each.language == code] for name, own in samples.items()}
    return {code: {name: row_of(own, table[CEILING]) for name, own in table.items()} for code, table in tables.items()}


def show(title: str, rows: dict[str, Row]) -> None:
    """Print a table, and what is most often misread."""
    readers = list(rows[CEILING].read)
    width = max(len(name) for name in rows) + 2
    heads = [*readers, *(f"{reader}, less" for reader in readers), "hand found", "joints off", "SSIM, hand", "SSIM"]
    print(f"\n{title}: {rows[CEILING].holds} letters\n{'':{width}}" + "".join(f"{head:>25}" for head in heads))
    for name, row in rows.items():
        cells = [*row.read.values(), *row.less.values(), row.found, row.off or "-", row.ssim_hand, row.ssim]
        print(f"{name:{width}}" + "".join(f"{cell!s:>25}" for cell in cells))
    for name, row in rows.items():
        for reader, count in row.wrong.items():
            if count:
                listed = ", ".join(f"{what} ({times})" for what, times in list(count.items())[:8])
                print(f"{name}, {reader}: {listed}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for frames and readings")
    parser.add_argument("--renderer", nargs="*", default=list(DEFAULTS), metavar="WORDS", help=f"default: {DEFAULTS}")
    parser.add_argument("--which", choices=("steering", "last"), default="steering", help="default: steering")
    parser.add_argument("--words", type=int, default=14, help="of each language, 1 to 50 (default: 14)")
    parser.add_argument("--signed-languages", default="ase", help="divided by commas, or 'all' (default: ase)")
    parser.add_argument("--letter-reader", type=Path, metavar="DIR", help="what benchmarks/letter_reader.py trained")
    parser.add_argument("--reader", help="an interpreter with MediaPipe (default: uv makes an environment)")
    parser.add_argument("--detector", type=Path, default=READER, help="the program that it runs (default: ours)")
    parser.add_argument("--seed", type=int, default=0, help="of the corpus that models were trained on (default: 0)")
    parser.add_argument("--picture", type=Path, help="PNG to show hands in: a line a renderer, the ceiling first")
    parser.add_argument("--debug", action="store_true", help="show what the detector logs")
    parser.add_argument("--json", action="store_true", help="print JSON in place of tables")
    options = parser.parse_args(arguments)
    if options.letter_reader is None:
        print("note: the learned reader is left out; --letter-reader names its folder.", file=sys.stderr)
    try:
        samples, strips = measure(options)
    except click.ClickException as error:
        parser.error(error.format_message())
    except plugins.UnknownPluginError as error:
        parser.error(str(error))
    except (OSError, ValueError, plugins.PluginError) as error:
        parser.exit(1, f"{parser.prog}: error: {error}\n")
    if options.picture is not None:
        wide = max(strip.shape[1] for strip in strips)
        grey = [np.pad(strip, ((0, 8), (0, wide - strip.shape[1]), (0, 0)), constant_values=127) for strip in strips]
        Image.fromarray(np.concatenate(grey)).save(options.picture)
    tables = rows_of(samples)
    if options.json:
        plain = {code: {name: row.content() for name, row in rows.items()} for code, rows in tables.items()}
        words = list(dict.fromkeys((each.language, each.word) for each in samples[CEILING]))
        print(json.dumps({"which": options.which, "words": words, "tables": plain}, indent=2, ensure_ascii=False))
        return 0
    for code, rows in tables.items():
        show(f"{code}, words for {'choices' if options.which == 'steering' else 'a last look'}", rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
