"""``signdiff generate``, ``signdiff translate`` and ``signdiff render``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from signdiff_core.cli.estimate import check_unfinished, estimator_option, is_video, posed
from signdiff_core.cli.options import (
    Command,
    FiniteRange,
    check_sides,
    debug_option,
    existing,
    framing,
    given,
    json_option,
    misused,
    output_file,
    output_frames,
    reading_options,
    wrong,
)
from signdiff_core.cli.output import naming, print_pose, print_video

if TYPE_CHECKING:  # which imports NumPy: --help does without it
    from signdiff_core.cli.parts import Renderer, Translator


def _options(*options: Callable[[Any], Any]) -> Callable[[Command], Command]:
    """Join options to one decorator; the help lists them in this order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


_text = _options(
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

_to_video = _options(
    click.option(
        "-o",
        "--output",
        type=click.Path(path_type=Path),
        required=True,
        help="What to write: .mp4, .webm, .gif, .webp, or a folder of PNG.",
    ),
    click.option(
        "--resume/--restart",
        default=None,
        help="Resume after the last frame that an interrupted run of the same command left, or discard its frames.",
    ),
)

_rendering = _options(
    click.option(
        "--renderer", default="diffusion", show_default=True, help="Plug-in that draws: diffusion, avatar, skeleton."
    ),
    click.option("--model", metavar="NAME|DIR", help="Model of the renderer.  [default: bundled]"),
    click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Random seed."),
    click.option("--steps", type=click.IntRange(1, 1000), help="Denoising steps.  [default: the renderer's]"),
    click.option("--size", type=click.IntRange(16, 4096), help="Side of square frames.  [default: the renderer's]"),
    click.option("--width", type=click.IntRange(16, 4096), help="Width of the frames, with --height."),
    click.option("--height", type=click.IntRange(16, 4096), help="Height of the frames, with --width."),
    click.option(
        "--framing",
        callback=framing,
        metavar="NAME|SCALE,X,Y",
        help="What the frames show: 'signing space' (head and hands of all frames), 'recorded' (what the source "
        "picture shows), or a camera, by its scale and the place of the neck.  [default: signing space]",
    ),
    click.option(
        "--background",
        metavar="transparent|COLOUR|PICTURE",
        help="What lies behind the avatar: nothing, a colour (navy, #102030) or a picture.  [default: its own]",
    ),
    click.option(
        "--missing",
        type=click.Choice(["hold", "hide"]),
        help="What becomes of joints that are absent for longer than a quarter of a second.  [default: hold]",
    ),
    click.option("--prompt", help="Words that describe the signer.  [default: the renderer's]"),
    click.option("--dtype", help="Number format of the model, such as float16.  [default: the renderer's]"),
    click.option(
        "--guidance-scale", type=FiniteRange(0, 1_000_000), help="Weight of the prompt.  [default: the renderer's]"
    ),
    click.option("--chunk-size", type=click.IntRange(1, 1000), help="Frames in a batch.  [default: the renderer's]"),
    click.option(
        "--cache-interval",
        type=click.IntRange(1, 1000),
        help="Run the whole networks only once in so many steps: faster, and less exact.  [default: 1]",
    ),
    click.option(
        "--frnet-source",
        metavar="NAME|VIDEO",
        help="Where FR maps come from: predictor, avatar, two-pass, none, or a video of somebody in the same poses.  "
        "[default: the renderer's]",
    ),
)


@click.command()
@_text
@_to_video
@_rendering
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
    text = _checked(text)
    _check_video(output, options, resume)
    if options["framing"] == "recorded":
        raise wrong("must not be 'recorded' for a text, of which there is no picture.", "--framing")
    if pose_path is not None:
        output_file(pose_path, ".pose", "--pose")
    to_video = _renderer(renderer, options, device)
    to_pose = _translator(translator, translator_model, device, signed_language)
    _check_device_is_taken(device, to_pose, to_video)
    pose = to_pose(text)
    if pose_path is not None:
        to_pose.write(pose, pose_path)
    info = to_video(pose, output, resume=resume)
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
    _check_device_is_taken(device, to_pose)
    pose = to_pose(text)
    to_pose.write(pose, output)
    print_pose(output, pose, as_json=as_json)


@click.command(short_help="Turn a pose, or a video of somebody who signs, into a video of a signer.")
@click.argument("source", metavar="IN", type=click.Path(path_type=Path), callback=existing)
@_to_video
@_rendering
@click.option("--device", help="Where to run the model, such as cpu or cuda.  [default: the best there is]")
@click.option("--index", type=click.IntRange(0), help="Which clip, from 0, in a file that holds several.")
@estimator_option
@reading_options
@click.option(
    "--beside",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="VIDEO",
    help="The pose's source: that, the pose's drawing and the signer are shown side by side, with the source's sound.",
)
@json_option
@debug_option
def render(
    source: Path,
    output: Path,
    resume: bool | None,
    renderer: str,
    device: str | None,
    index: int | None,
    estimator: str,
    fps: float | None,
    person: int | None,
    picture: tuple[int, int] | None,
    beside: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Turn the pose in IN (any format that convert reads) into a video of a signer.

    IN may be a video of somebody who signs: their pose is estimated first, and another signer signs it.
    """
    from signdiff_core.cli.parts import read_pose
    from signdiff_core.formats.coordinates import visible
    from signdiff_core.framing import recorded_camera
    from signdiff_core.video.outputs import RESUMED

    # What is written at once is not resumed, but the poses of a video that were found are.
    resume_frames = None if is_video(source) and output.suffix.lower() not in RESUMED else resume
    width, height = _check_video(output, options, resume_frames) or (1, 1)
    if beside is not None and options["background"] == "transparent":
        raise misused("--background transparent is not for --beside: a row of pictures is opaque")
    is_recorded = options["framing"] == "recorded"
    to_video = _renderer(renderer, options, device)
    _check_device_is_taken(device, to_video)
    if is_video(source):
        check_unfinished(output, resume)
    with posed(source, output, estimator, resume=resume) as path:
        pose = read_pose(path, None, {"index": index}, fps=fps, person=person, size=picture)
        with naming(source):
            if is_recorded:  # now: once normalised, the pose tells nothing of its picture
                to_video.set("framing", recorded_camera(pose, width=width, height=height))
            pose = visible(pose)
        info = to_video(pose, output, resume=resume_frames, beside=beside)
    print_video(output, info, as_json=as_json, renderer=renderer, seed=options["seed"])


def _checked(text: str) -> str:
    if not text.strip():
        raise wrong("must be a text, but is empty.", "TEXT")
    return text


def _check_video(output: Path, options: dict[str, Any], resume: bool | None) -> tuple[int, int] | None:
    """Check the video that will be written, and that nothing is discarded unless the user says so.

    Give width and height of its frames, None where the renderer chooses a square.
    """
    from signdiff_core.video.outputs import EVEN, RESUMED, unfinished

    suffix = output_frames(output, "--output", background=options["background"])
    sides = check_sides(options["size"], options["width"], options["height"], even=suffix in EVEN)
    if resume and suffix not in RESUMED:
        raise misused(
            f"--resume is not for {suffix}, which is written at once: only .mp4 and folders of PNG are resumed"
        )
    if resume is None and (frames := unfinished(output)):
        raise misused(
            f"an interrupted command left {frames:,} frames ({output.with_name(f'{output.stem}.partial{suffix}')}): "
            f"give --resume to continue after them, or --restart to discard them"
        )
    return sides


def _renderer(name: str, options: dict[str, Any], device: str | None) -> Renderer:
    from signdiff_core.cli.parts import Renderer

    return Renderer(name, given(options), device=device)


def _translator(name: str, model: str | None, device: str | None, signed_language: str | None) -> Translator:
    from signdiff_core.cli.parts import Translator

    translator = Translator(name, model=model, device=device, signed_language=signed_language)
    if signed_language is not None and not translator.takes_language:
        raise misused(f"--signed-language is not an option of the translator {name!r}")
    return translator


def _check_device_is_taken(device: str | None, *parts: Renderer | Translator) -> None:
    if device is not None and not any(part.takes_device for part in parts):
        raise misused("--device is not an option of what was chosen")
