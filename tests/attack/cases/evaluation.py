"""What signdiff-eval reads beside poses and films: files of the SLRTP challenge, marks, reports."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from attack import samples
from attack.case import Case, check, check_numbers


def challenge(folder: Path) -> None:
    """A file of the challenge: poses and texts, as torch saves it."""
    import torch

    torch.manual_seed(0)
    clips = {f"clip-{n}": {"name": f"clip-{n}", "text": "guten tag", "poses_3d": torch.rand(3, 178, 3)} for n in "12"}
    torch.save(clips, folder / "test.pt")


def predictions(folder: Path) -> None:
    """A file of the challenge: poses alone, one of them half as precise."""
    import torch

    torch.manual_seed(0)
    torch.save({"clip-1": torch.rand(3, 178, 3), "clip-2": torch.rand(3, 178, 3).half()}, folder / "test.pt")


def read_challenge(folder: Path) -> None:
    """Read its poses."""
    from signdiff_eval.readers import PoseFormats

    for sequence in PoseFormats().read(folder / "test.pt"):
        check(bool(sequence.clip), "a clip without a name")
        check(sequence.joints.shape[1:] == (178, 3), f"shape {sequence.joints.shape}")
        check_numbers("coordinates", sequence.joints, absent=True)


def read_challenge_texts(folder: Path) -> None:
    """Read its texts."""
    from signdiff_eval.readers import read_slrtp_texts

    check(all(isinstance(text, str) for text in read_slrtp_texts(folder / "test.pt").values()), "no text")


def mark(folder: Path) -> None:
    """The mark of a system's output."""
    (folder / "clip.pose").write_bytes(b"")
    (folder / "clip.pose.json").write_text(json.dumps({"generator": "some system 1.0", "protocol": "free"}))
    (folder / "generator.json").write_text(json.dumps({"generator": "some system 1.0"}))


def read_mark(folder: Path) -> None:
    """Read it."""
    from signdiff_eval.provenance import generator_of, protocol_of

    for path in (folder / "clip.pose", folder / "other.pose", folder):
        generator = generator_of(path)
        check(generator is None or generator.strip() != "", "a system without a name")
        check(protocol_of(path) in (None, "free", "gt-timing"), "an unknown protocol")


def report(folder: Path) -> None:
    """A report of scores of a film."""
    from signdiff_eval.readers import Pair
    from signdiff_eval.reports.tables import to_dict
    from signdiff_eval.scoring.videos import score_videos

    samples.film(folder / "film.mp4")
    pair = Pair("film", folder / "film.mp4", folder / "film.mp4")
    (folder / "report.json").write_text(json.dumps(to_dict(score_videos([pair]))))
    pair.reference.unlink()


def read_report(folder: Path) -> None:
    """Read its signatures."""
    from signdiff_eval.reports.reproduce import read_signatures

    old = read_signatures([str(folder / "report.json")])
    check(len(old.metrics()) == len(old.signatures) > 0, "no metric")
    check_numbers("frame rate", np.nan_to_num(old.fps, nan=-1e9))


CASES = (
    Case(name="slrtp", seeds=(challenge, predictions), read=read_challenge, weight=4),
    Case(name="slrtp-texts", seeds=(challenge,), read=read_challenge_texts, weight=1),
    Case(name="marks", seeds=(mark,), read=read_mark, weight=3),
    Case(name="report", seeds=(report,), read=read_report, weight=3),
)
