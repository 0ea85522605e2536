"""What several commands take: options, paths that are checked before any work, and options of plug-ins."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from signdiff_core.atomic import check_writable

Command = TypeVar("Command", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


class FiniteRange(click.FloatRange):
    """A range of numbers; NaN, which is neither above nor below any number, lies in none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read a number that is finite and in the range."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number


def _picture(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """Read the size of a picture (a click callback)."""
    width, _, height = (value or "2x2").lower().partition("x")
    if not all(side.isdecimal() and 2 <= int(side) <= 65535 for side in (width, height)):
        wanted = f"must be WIDTHxHEIGHT, such as 1280x720, but is {value!r}."
        raise click.BadParameter(wanted, ctx=context, param=parameter)
    return None if value is None else (int(width), int(height))


def joined(*options: Callable[[Any], Any]) -> Callable[[Command], Command]:
    """Join options to one decorator; the help lists them in this order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _framing(context: click.Context, parameter: click.Parameter, value: str | None) -> Any:
    """Read a framing (a click callback): ``signing space``, ``recorded``, or a camera as ``SCALE,X,Y``."""
    if value is None or value in ("signing space", "recorded"):
        return value
    try:
        scale, x, y = (float(part) for part in value.split(","))
    except ValueError as error:
        raise click.BadParameter(
            f"must be 'signing space', 'recorded' or SCALE,X,Y, but is {value!r}.", ctx=context, param=parameter
        ) from error
    return scale, x, y


def map_names(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """Read names of maps (a click callback): ``openpose,depth``."""
    return None if value is None else tuple(name.strip() for name in value.split(","))


def _parts(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """Read parts of a signer (a click callback): ``hands,face``, or ``none``."""
    return None if value is None else tuple(name.strip() for name in value.split(",") if name.strip() != "none")


def debug_option(command: Command) -> Command:
    """Add ``--debug``, which every command takes, to a command."""

    def remember(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
        if value:
            context.meta["signdiff.debug"] = True

    return click.option(
        "--debug",
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=remember,
        help="Show the traceback of an error, and every warning.",
    )(command)


reading_options = joined(
    click.option("--fps", type=FiniteRange(0, 1000, min_open=True), help="Frames per second, if IN does not say."),
    click.option(
        "--person",
        type=click.IntRange(1),
        help="Which of several people in IN: 1 for the most likely signer, 2 for the next.  [default: 1]",
    ),
    click.option(
        "--picture",
        metavar="WIDTHxHEIGHT",
        callback=_picture,
        help="Size in pixels of the picture that IN was found in, if IN does not say, such as 1280x720.",
    ),
)
"""What `signdiff_core.sources.read_pose` takes, for files that do not tell."""


to_video = joined(
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
"""The video to write."""

_sides_and_camera = joined(
    click.option("--size", type=click.IntRange(16, 4096), help="Side of square frames.  [default: the renderer's]"),
    click.option("--width", type=click.IntRange(16, 4096), help="Width of the frames, with --height."),
    click.option("--height", type=click.IntRange(16, 4096), help="Height of the frames, with --width."),
    click.option(
        "--framing",
        callback=_framing,
        metavar="NAME|SCALE,X,Y",
        help="What the frames show: 'signing space' (head and hands of all frames), 'recorded' (what the source "
        "picture shows), or a camera, by its scale and the place of the neck.  [default: signing space]",
    ),
)

_missing = click.option(
    "--missing",
    type=click.Choice(["hold", "hide"]),
    help="What becomes of joints that are absent for longer than a quarter of a second.  [default: hold]",
)

rendering_of_poses = joined(_sides_and_camera, _missing)
"""What frames of a pose show, whoever draws them."""

rendering = joined(
    click.option(
        "--renderer", default="diffusion", show_default=True, help="Plug-in that draws: diffusion, avatar, skeleton."
    ),
    click.option("--model", metavar="NAME|DIR", help="Model of the renderer.  [default: bundled]"),
    click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Random seed."),
    click.option("--steps", type=click.IntRange(1, 1000), help="Denoising steps.  [default: the renderer's]"),
    _sides_and_camera,
    click.option(
        "--background",
        metavar="transparent|COLOUR|PICTURE",
        help="What lies behind the avatar: nothing, a colour (navy, #102030) or a picture.  [default: its own]",
    ),
    _missing,
    click.option("--prompt", help="Words that describe the signer.  [default: the renderer's]"),
    click.option(
        "--include-face/--no-include-face",
        default=None,
        help="Have the model draw eyes, ears and face where the pose has them.  [default: as it was trained]",
    ),
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
    click.option(
        "--control-maps",
        metavar="NAME,...",
        callback=map_names,
        help="Which maps of the pose the model's ControlNets take, in their order, as draw makes them: "
        "openpose,depth and so on.  [default: the model's]",
    ),
    click.option(
        "--detail",
        metavar="hands,face|none",
        callback=_parts,
        help="What is drawn a second time, in detail.  [default: what the model was trained for]",
    ),
    click.option(
        "--detail-scale",
        type=click.IntRange(1, 8),
        help="How much larger than in the frame, where the model has no network of detail.  [default: 2]",
    ),
    click.option(
        "--detail-strength",
        type=FiniteRange(0, 1),
        help="How far that goes: 0 changes nothing.  [default: 1 with a network of detail, else 0.4]",
    ),
)
"""How frames are drawn."""


def existing(context: click.Context, parameter: click.Parameter, value: Path) -> Path:
    """Refuse a path where nothing is (a click callback)."""
    if not value.exists():
        raise click.BadParameter(
            f"must be a pose file or folder, but {str(value)!r} does not exist.", ctx=context, param=parameter
        )
    return value


def check_sides(
    size: int | None, width: int | None, height: int | None, *, even: bool = True
) -> tuple[int, int] | None:
    """Check the sides of frames, which are even where a video is made: width and height, None if none is given."""
    named = {"--size": size, "--width": width, "--height": height}
    for option, side in named.items():
        if even and side is not None and side % 2:
            raise wrong(f"must be an even number, as video needs, but is {side}.", option)
    if (width is None) != (height is None):
        raise misused("--width and --height must be given together")
    if size is not None and width is not None:
        raise misused("--size or --width and --height must be given, not both")
    if width is not None and height is not None:
        return width, height
    return None if size is None else (size, size)


def check_video(output: Path, options: dict[str, Any], resume: bool | None) -> tuple[int, int] | None:
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


def check_device_is_taken(device: str | None, *taken: bool) -> None:
    """Make sure that some part takes the device that was given, if one was."""
    if device is not None and not any(taken):
        raise misused("--device is not an option of what was chosen")


def output_file(path: Path, suffix: str, option: str) -> Path:
    """Check that a file with the only allowed ``suffix`` can be written; ``option`` is what the user called it."""
    if path.suffix.lower() != suffix:
        raise wrong(f"must be a file name that ends in {suffix}, but is {str(path)!r}.", option)
    check_writable(path)
    return path


def not_over(output: Path, *inputs: Path | None) -> None:
    """Refuse an output that would replace one of its own inputs."""
    for path in inputs:
        if path is not None and path.exists() and output.exists() and output.samefile(path):
            raise misused(f"the output must not be one of its own inputs, but both are {str(output)!r}")


def output_frames(path: Path, option: str, *, background: str | None = None) -> str:
    """Check that frames can be written to a name, and that it holds what they have; give its suffix."""
    from signdiff_core.video.outputs import TRANSPARENT, check_suffix

    try:
        suffix = check_suffix(path)
    except ValueError as error:
        raise wrong(str(error).removeprefix("path "), option) from error
    if background == "transparent" and suffix not in TRANSPARENT:
        holds = ", ".join(filter(None, TRANSPARENT))
        raise misused(f"--background transparent needs an output of {holds} or a folder of PNG: {suffix} is opaque")
    if suffix:
        check_writable(path)
    elif path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise wrong(f"must be a new or an empty folder, but {str(path)!r} is there.", option)
    elif not path.absolute().parent.is_dir():
        raise wrong(f"must lie in a folder, but {str(path.parent)!r} does not exist.", option)
    return suffix


def wrong(message: str, option: str) -> click.BadParameter:
    """Make the error of an option or argument whose value is wrong."""
    return click.BadParameter(message, ctx=click.get_current_context(silent=True), param_hint=option)


def misused(message: str) -> click.UsageError:
    """Make the error of a command line that cannot be obeyed."""
    return click.UsageError(message, ctx=click.get_current_context(silent=True))


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the options that were given.

    Example:
        >>> given({"steps": 5, "prompt": None})
        {'steps': 5}
    """
    return {name: value for name, value in options.items() if value is not None}


def takes(function: Callable[..., Any], name: str) -> bool:
    """Tell whether a function names a parameter that can be given by keyword; ``**kwargs`` does not count.

    Example:
        >>> takes(sorted, "reverse"), takes(sorted, "size")
        (True, False)
    """
    parameter = inspect.signature(function).parameters.get(name)
    return parameter is not None and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)


def distribute(
    options: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]], whose: str
) -> dict[str, dict[str, Any]]:
    """Give each option to the first function, of those by label, that takes it: its keyword arguments.

    `whose` says, for the error, what the functions belong to: ``"the renderer 'skeleton'"``.

    Example:
        >>> distribute({"reverse": True}, {"sort": sorted}, "sorting")
        {'sort': {'reverse': True}}
    """
    shared: dict[str, dict[str, Any]] = {label: {} for label in functions}
    for name, value in options.items():
        for label, function in functions.items():
            if takes(function, name):
                shared[label][name] = value
                break
        else:
            raise misused(f"--{name.replace('_', '-')} is not an option of {whose}")
    return shared


def is_video(path: Path) -> bool:
    """Tell whether a path is a video, by its suffix."""
    from signdiff_core.video.steady import SUFFIXES

    return path.suffix.lower() in SUFFIXES and path.is_file()
