"""Corpora and their tables, as signdiff-slp and signdiff-eval read them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from attack import samples
from attack.case import Case, check, check_numbers
from attack.cases.poses import skels

TEXTS = ("guten morgen", "wie geht es dir", "heute regen im süden")


def corpus(folder: Path) -> None:
    """A corpus of three clips: a table, and their poses in a NumPy array."""
    poses = np.concatenate([samples.joints(frames).reshape(frames, 150) for frames in (4, 5, 6)])
    np.save(folder / "train.poses.npy", poses.astype(np.float32))
    starts, counts = (0, 4, 9), (4, 5, 6)
    rows = [f"clip-{n}\t{starts[n]}\t{counts[n]}\t{TEXTS[n]}\n" for n in range(3)]
    (folder / "train.tsv").write_text("".join(rows), encoding="utf-8")


def spelled_corpus(folder: Path) -> None:
    """The same with the places of letters."""
    corpus(folder)
    rows = [{"name": f"clip-{n}", "holds": [["a", 0, 2], ["b", 2, 4]]} for n in range(3)]
    (folder / "train.holds.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def read_manifest(folder: Path) -> None:
    """Read it as training does."""
    from fairseq2.device import CPU
    from fairseq2.gang import FakeGang, create_parallel_gangs

    import signdiff_slp  # noqa: F401 (before fairseq2: it loads a library that this needs)
    from signdiff_slp.datasets.files import open_poses
    from signdiff_slp.datasets.text_pose import TextPoseDataset

    examples = TextPoseDataset(folder).read_examples("train", create_parallel_gangs(FakeGang(CPU), tp_size=1))
    poses = open_poses(folder, "train", 150)
    for example in examples:
        piece = poses[example.offset : example.offset + example.num_frames]
        check(len(piece) == example.num_frames > 0, "fewer frames than the table says")
        check_numbers("poses", piece)
        check(bool(example.id), "an example without a name")


def read_split(folder: Path) -> None:
    """Read it item by item."""
    from signdiff_slp.corpora.read import read_split

    for example in read_split(folder, "train"):
        check(example.joints.shape[1:] == (50, 3) and len(example.joints) > 0, f"shape {example.joints.shape}")
        check_numbers("joints", example.joints)
        check(
            all(0 <= hold.start < hold.end <= len(example.joints) for hold in example.holds), "a hold beyond the clip"
        )


def read_examples(folder: Path) -> None:
    """Read it with signdiff-eval, as a back translator's training does."""
    from signdiff_eval.training.examples import read_examples

    for example in read_examples(folder, formats=_no_formats()):
        check(len(example.joints) > 0, "an example without frames")
        check_numbers("joints", example.joints, absent=True)


def table(folder: Path) -> None:
    """A table of names, texts and splits, and poses for it."""
    (folder / "poses").mkdir()
    for name in ("one", "two"):
        (folder / "poses" / f"{name}.pose").write_bytes(b"")
    (folder / "table.tsv").write_text("one\tguten tag\ttrain\ntwo.pose\tauf Wiedersehen\tdev\n", encoding="utf-8")
    (folder / "poses" / "one.txt").write_text("guten tag\n")


def read_listing(folder: Path) -> None:
    """Read it as ``signdiff-slp corpus`` does."""
    from signdiff_slp.corpora.pose_corpus import list_beside, list_table

    poses = folder / "poses"
    for source in [*list_table(poses, folder / "table.tsv"), *list_beside(poses)]:
        check(source.name != "", "a clip without a name")
        check(all(path.resolve().is_relative_to(folder.resolve()) for path in source.paths), f"{source.paths} outside")


def texts(folder: Path) -> None:
    """Texts in the three forms that ``signdiff-slp prepare`` takes."""
    (folder / "texts.csv").write_text('id,text\none,"guten tag, du"\ntwo,heute\n', encoding="utf-8")
    (folder / "texts.tsv").write_text("one\tguten tag\ntwo\theute\n", encoding="utf-8")
    (folder / "dev.text").write_text("guten tag\nheute\n", encoding="utf-8")
    (folder / "dev.files").write_text("dev/one\ndev/two\n", encoding="utf-8")


def read_texts(folder: Path) -> None:
    """Read them with signdiff-slp."""
    from signdiff_slp.prepare.plan import read_texts

    for name in ("texts.csv", "texts.tsv", "dev.text"):
        check_texts(read_texts(folder / name))


def sentences(folder: Path) -> None:
    """A table of sentences as How2Sign's."""
    head = "VIDEO_ID\tVIDEO_NAME\tSENTENCE_ID\tSENTENCE_NAME\tSTART_REALIGNED\tEND_REALIGNED\tSENTENCE\n"
    rows = [
        f"v{n}\tv{n}-5-rgb_front\tv{n}_{n}\tv{n}_{n}-5-rgb_front\t{n}.2\t{n + 1}.5\t{TEXTS[n]}.\n" for n in range(3)
    ]
    (folder / "how2sign.tsv").write_text(head + "".join(rows), encoding="utf-8")


def read_sentences(folder: Path) -> None:
    """Read it with signdiff-slp, and with signdiff-core as captions."""
    from signdiff_core.prepare.gather import read_captions
    from signdiff_slp.prepare.checks.table import read_table

    for sentence in read_table(folder / "how2sign.tsv"):
        check_numbers("times", [sentence.start, sentence.end], most=1e9, absent=True)
    check_texts(read_captions(folder / "how2sign.tsv"))


def published(folder: Path) -> None:
    """A split as PHOENIX14T's in the layout of Progressive Transformers."""
    skels(folder)
    (folder / "clips.skels").rename(folder / "train.skels")
    (folder / "clips.files").rename(folder / "train.files")
    (folder / "train.text").write_text("guten tag\nheute\n", encoding="utf-8")


def import_published(folder: Path) -> None:
    """Import it."""
    from signdiff_slp.corpora.skels_corpus import import_skels
    from signdiff_slp.datasets.files import open_poses

    output = folder.parent / "out"
    import_skels(folder, output)
    check_numbers("joints", open_poses(output, "train"))


def named_texts(folder: Path) -> None:
    """Sentences by name, in order, and of a challenge."""
    (folder / "named.txt").write_text("one\tguten tag\ntwo\theute\n", encoding="utf-8")
    (folder / "lines.txt").write_text("guten tag\nheute\n", encoding="utf-8")


def read_named_texts(folder: Path) -> None:
    """Read them with signdiff-eval."""
    from signdiff_eval.readers import read_lines
    from signdiff_eval.readers.texts import read_texts

    for name in ("named.txt", "lines.txt"):
        check(len(read_texts(folder / name, ["one", "two"])) == 2, "another number of texts than names")
    check(len(read_lines(folder / "lines.txt")) > 0, "no line")


def check_texts(found: dict[str, str]) -> None:
    """Make sure that every text has a name."""
    for name, text in found.items():
        check(bool(name.strip()), f"a text of the name {name!r}")
        check(isinstance(text, str), "no text")


def _no_formats() -> object:
    from signdiff_eval.readers import PoseFormats

    return PoseFormats({})


CASES = (
    Case(
        name="manifest",
        seeds=(corpus,),
        read=read_manifest,
        refuses=("signdiff_slp.datasets.files:CorpusError", OSError),
        weight=4,
    ),
    Case(name="split", seeds=(corpus, spelled_corpus), read=read_split, weight=4),
    Case(name="eval-corpus", seeds=(corpus,), read=read_examples, weight=4),
    Case(name="listing", seeds=(table,), read=read_listing, weight=2),
    Case(name="texts", seeds=(texts,), read=read_texts, weight=3),
    Case(name="how2sign-table", seeds=(sentences,), read=read_sentences, weight=3),
    Case(name="skels-corpus", seeds=(published,), read=import_published, weight=2),
    Case(name="eval-texts", seeds=(named_texts,), read=read_named_texts, weight=3),
)
