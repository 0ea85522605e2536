"""``signdiff generate``, ``signdiff translate`` and ``signdiff render``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from signdiff_core.cli.debug import debug_option
from signdiff_core.cli.files import existing, no_unfinished_video, output_file, told_of
from signdiff_core.cli.options import FiniteRange, given

if TYPE_CHECKING:
    from collections.abc import Callable

    from signdiff_core.cli.flow import Renderer, Translator

_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


def _text(command: Callable[..., Any]) -> Callable[..., Any]:
    for decorate in (
        click.option("--device", help="Where to run the models, such as cpu or cuda.  [default: the best there is]"),
        click.option(
            "--signed-language", metavar="CODE", help="Such as gsg, for translators of several.  [default: ase]"
        ),
        click.option("--translator-model", metavar="NAME|DIR", help="Model of the translator.  [default: bundled]"),
        click.option("--translator", default="slp", show_default=True, help="Plug-in that turns text into a pose."),
        click.argument("text"),
    ):
        command = decorate(command)
    return command


def _rendering(command: Callable[..., Any]) -> Callable[..., Any]:
    for decorate in (
        click.option(
            "--frnet-source",
            metavar="NAME|VIDEO",
            help="Where FR maps come from: predictor, avatar, two-pass, none, or a video of somebody in these poses.  "
            "[default: the renderer's]",
        ),
        click.option(
            "--cache-interval",
            type=click.IntRange(1, 1000),
            help="Run the whole networks in every so many steps only: faster, and less exact.  [default: 1]",
        ),
        click.option(
            "--overlap", type=click.IntRange(0, 1000), help="Frames that batches share, to be steadier.  [default: 0]"
        ),
        click.option(
            "--anchor",
            metavar="first|PICTURE",
            help="Let all frames look at the first one, or at a picture of the signer, to be steadier.",
        ),
        click.option(
            "--chunk-size", type=click.IntRange(1, 1000), help="Frames in a batch.  [default: the renderer's]"
        ),
        click.option(
            "--guidance-scale", type=FiniteRange(0, 1_000_000), help="Weight of the prompt.  [default: the renderer's]"
        ),
        click.option("--dtype", help="Number format of the model, such as float16.  [default: the renderer's]"),
        click.option("--prompt", help="Words that describe the signer.  [default: the renderer's]"),
        click.option("--size", type=click.IntRange(16, 4096), help="Side of the frames.  [default: the renderer's]"),
        click.option("--steps", type=click.IntRange(1, 1000), help="Denoising steps.  [default: the renderer's]"),
        click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Random seed."),
        click.option("--model", metavar="NAME|DIR", help="Model of the renderer.  [default: bundled]"),
        click.option(
            "--renderer",
            default="diffusion",
            show_default=True,
            help="Plug-in that draws: diffusion, avatar, skeleton.",
        ),
    ):
        command = decorate(command)
    return command


def _to_video(command: Callable[..., Any]) -> Callable[..., Any]:
    for decorate in (
        click.option(
            "--resume/--restart",
            default=None,
            help="Go on after the last frame that an interrupted run of the same command left, or throw those away.",
        ),
        click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The .mp4 file to write."),
    ):
        command = decorate(command)
    return command


def _text_of(text: str) -> str:
    if not text.strip():
        raise click.BadParameter(
            "expected a text, but it is empty.", ctx=click.get_current_context(), param_hint="TEXT"
        )
    return text


def _even(size: int | None) -> None:
    if size is not None and size % 2:
        raise click.BadParameter(
            f"expected an even number, as video needs, but it is {size}.",
            ctx=click.get_current_context(),
            param_hint="--size",
        )


def _device_has_a_taker(device: str | None, *parts: Renderer | Translator) -> None:
    if device is not None and not any(part.takes_device for part in parts):
        raise click.UsageError("--device is not an option of what was chosen", ctx=click.get_current_context())


def _translator(name: str, model: str | None, device: str | None, signed_language: str | None) -> Translator:
    from signdiff_core.cli.flow import Translator

    translator = Translator(name, model=model, device=device, signed_language=signed_language)
    if signed_language is not None and not translator.takes_language:
        message = f"--signed-language is not an option of the translator {name!r}"
        raise click.UsageError(message, ctx=click.get_current_context())
    return translator


@click.command()
@_text
@_to_video
@_rendering
@click.option(
    "--pose",
    "pose_path",
    type=click.Path(path_type=Path),
    help="A .pose file to keep the pose in, too; a mark FILE.json beside it says that it is generated.",
)
@_json
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
    from signdiff_core.cli.flow import Renderer
    from signdiff_core.cli.results import tell_video

    text = _text_of(text)
    _even(options["size"])
    output_file(output, ".mp4", "--output")
    no_unfinished_video(output, resume)
    if pose_path is not None:
        output_file(pose_path, ".pose", "--pose")
    to_video = Renderer(renderer, given(options), device=device)
    to_pose = _translator(translator, translator_model, device, signed_language)
    _device_has_a_taker(device, to_pose, to_video)
    pose = to_pose(text)
    if pose_path is not None:
        to_pose.write(pose, pose_path)
    info = to_video(pose, output, resume=resume)
    tell_video(output, info, as_json=as_json, renderer=renderer, seed=options["seed"])


@click.command()
@_text
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The .pose file to write.")
@_json
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
    from signdiff_core.cli.results import tell_pose

    text = _text_of(text)
    output_file(output, ".pose", "--output")
    to_pose = _translator(translator, translator_model, device, signed_language)
    _device_has_a_taker(device, to_pose)
    pose = to_pose(text)
    to_pose.write(pose, output)
    tell_pose(output, pose, as_json=as_json)


@click.command(short_help="Turn a pose into a video of a signer.")
@click.argument("source", metavar="IN", type=click.Path(path_type=Path), callback=existing)
@_to_video
@_rendering
@click.option("--device", help="Where to run the model, such as cpu or cuda.  [default: the best there is]")
@click.option("--index", type=click.IntRange(0), help="Which sequence, from 0, in a file that holds several.")
@_json
@debug_option
def render(
    source: Path,
    output: Path,
    resume: bool | None,
    renderer: str,
    device: str | None,
    index: int | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Turn the pose in IN (any format that convert reads) into a video of a signer."""
    from signdiff_core.cli.convert import read_pose
    from signdiff_core.cli.flow import Renderer
    from signdiff_core.cli.results import tell_video
    from signdiff_core.formats.coordinates import visible

    _even(options["size"])
    output_file(output, ".mp4", "--output")
    no_unfinished_video(output, resume)
    to_video = Renderer(renderer, given(options), device=device)
    _device_has_a_taker(device, to_video)
    pose = read_pose(source, None, {"index": index})
    with told_of(source):
        pose = visible(pose)
    info = to_video(pose, output, resume=resume)
    tell_video(output, info, as_json=as_json, renderer=renderer, seed=options["seed"])
