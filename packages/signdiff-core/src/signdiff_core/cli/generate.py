"""``signdiff generate`` and ``signdiff translate``: from text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from signdiff_core.cli.options import (
    check_device_is_taken,
    check_video,
    debug_option,
    given,
    joined,
    json_option,
    misused,
    output_file,
    rendering,
    to_video,
    wrong,
)
from signdiff_core.cli.output import print_pose, print_video

if TYPE_CHECKING:  # which imports NumPy: --help does without it
    from signdiff_core.cli.parts import Translator


_text = joined(
    click.argument("text"),
    click.option("--translator", default="slp", show_default=True, help="Plug-in that turns text into a pose."),
    click.option("--translator-model", metavar="NAME|DIR", help="Model of the translator.  [default: bundled]"),
    click.option(
        "--signed-language",
        metavar="CODE",
        help="Signed language, such as gsg, if the translator knows several.  [default: ase]",
    ),
    click.option("--device", help="Where to run the models, such as cpu or cuda.  [default: the best there is]"),
)


@click.command()
@_text
@to_video
@rendering
@click.option(
    "--pose",
    "pose_path",
    type=click.Path(path_type=Path),
    help="A .pose file in which to keep the pose as well; a mark FILE.json beside it says that it is generated.",
)
@json_option
@debug_option
def generate(
    text: str,
    translator: str,
    translator_model: str | None,
    signed_language: str | None,
    device: str | None,
    output: Path,
    resume: bool | None,
    renderer: str,
    pose_path: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Turn TEXT into a video of a signer."""
    from signdiff_core.cli.parts import Renderer

    text = _checked(text)
    check_video(output, options, resume)
    if options["framing"] == "recorded":
        raise wrong("must not be 'recorded' for a text, of which there is no picture.", "--framing")
    if pose_path is not None:
        output_file(pose_path, ".pose", "--pose")
    draw = Renderer(renderer, given(options), device=device)
    to_pose = _translator(translator, translator_model, device, signed_language)
    check_device_is_taken(device, to_pose.takes_device, draw.takes_device)
    pose = to_pose(text)
    if pose_path is not None:
        to_pose.write(pose, pose_path)
    info = draw(pose, output, resume=resume)
    print_video(output, info, as_json=as_json, renderer=renderer, seed=options["seed"])


@click.command()
@_text
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The .pose file to write.")
@json_option
@debug_option
def translate(
    text: str,
    translator: str,
    translator_model: str | None,
    signed_language: str | None,
    device: str | None,
    output: Path,
    as_json: bool,
) -> None:
    """Turn TEXT into a pose; OUTPUT.json beside it marks it as generated."""
    text = _checked(text)
    output_file(output, ".pose", "--output")
    to_pose = _translator(translator, translator_model, device, signed_language)
    check_device_is_taken(device, to_pose.takes_device)
    pose = to_pose(text)
    to_pose.write(pose, output)
    print_pose(output, pose, as_json=as_json)


def _checked(text: str) -> str:
    if not text.strip():
        raise wrong("must be a text, but is empty.", "TEXT")
    return text


def _translator(name: str, model: str | None, device: str | None, signed_language: str | None) -> Translator:
    from signdiff_core.cli.parts import Translator

    translator = Translator(name, model=model, device=device, signed_language=signed_language)
    if signed_language is not None and not translator.takes_language:
        raise misused(f"--signed-language is not an option of the translator {name!r}")
    return translator
