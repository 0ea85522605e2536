"""``signdiff-slp sign``: a text to a pose, with its speed and its timing."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from signdiff_slp.commands.parser import number


def add_sign(commands: argparse._SubParsersAction[Any]) -> None:
    """Add ``sign`` to a parser."""
    parser = commands.add_parser("sign", help="sign a text")
    parser.add_argument("text", metavar="TEXT", help="what to sign")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FILE", help="pose to write, such as hi.pose"
    )
    parser.add_argument(
        "--model", metavar="NAME_OR_DIR", help="name or folder of a model (default: the bundled speller)"
    )
    parser.add_argument(
        "--signed-language", metavar="CODE", help="one of those that the model knows, such as gsg (default: ase)"
    )
    parser.add_argument("--speed", type=number(), default=1.0, help="2 is twice as fast, 0.5 half as fast (default: 1)")
    parser.add_argument(
        "--timing", action="store_true", help="also write the times of words, to FILE.words.json and FILE.vtt"
    )
    parser.add_argument("--device", default="cpu", help="a torch device (default: cpu)")
    parser.set_defaults(run=_sign)


def _sign(arguments: argparse.Namespace) -> int:
    import warnings

    from signdiff_core import formats
    from signdiff_core.atomic import check_writable, replacing
    from signdiff_core.checks import check_device
    from signdiff_core.provenance import marking
    from signdiff_slp import TextToPose, __version__
    from signdiff_slp.models.progressive.generation import CutWarning
    from signdiff_slp.text_to_pose import TextWarning
    from signdiff_slp.timing import to_json, to_webvtt

    output: Path = arguments.output
    check_writable(output)
    formats.format_for(output, "write")  # before work, and before the mark
    check_device(arguments.device)
    translator = TextToPose.from_pretrained(arguments.model, device=arguments.device)
    with warnings.catch_warnings(record=True) as caught:  # said below, in lines of this command
        warnings.simplefilter("ignore", TextWarning)
        warnings.simplefilter("always", CutWarning)
        [signed] = translator.sign([arguments.text], signed_language=arguments.signed_language, speed=arguments.speed)
    for warning in caught:
        if issubclass(warning.category, CutWarning):
            print(f"signdiff-slp: note: {warning.message}", file=sys.stderr)
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    if signed.coverage.num_unknown:
        print(f"signdiff-slp: note: the model does not know {signed.coverage}", file=sys.stderr)
    with marking(output, f"signdiff-slp {__version__}", protocol="free"):
        formats.write(signed.pose, output)
    fps, num_frames = float(signed.pose.body.fps), len(signed.pose.body.data)
    if arguments.timing:
        if not signed.words:
            print("signdiff-slp: this model does not know when words are signed: one time for all", file=sys.stderr)
        sidecars = {
            ".words.json": to_json(signed.text, signed.words, fps=fps, num_frames=num_frames),
            ".vtt": to_webvtt(signed.text, signed.words, fps=fps, num_frames=num_frames),
        }
        for suffix, content in sidecars.items():
            with replacing(output.with_name(f"{output.stem}{suffix}")) as temporary:
                temporary.write_text(content, encoding="utf-8")
    print(f"{output}: {num_frames} frames, {num_frames / fps:.2f} s")
    return 0
