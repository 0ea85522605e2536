"""The renderer ``diffusion``: SignDiffPipeline draws the signer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from signdiff_core.camera import Camera
from signdiff_core.checks import check_device
from signdiff_core.diffusion.conditions import Joints
from signdiff_core.diffusion.folder import RendererSettings, check_controlnet, is_path, read_frnet
from signdiff_core.diffusion.frmap import FRMapper, FRNetSource, check_source, default_source
from signdiff_core.diffusion.images import Frame
from signdiff_core.diffusion.options import CHUNK_SIZE, check_least, check_weights
from signdiff_core.diffusion.windows import Part, check_parts
from signdiff_core.framing import Framing, choose_camera, frame_size
from signdiff_core.gaps import Missing
from signdiff_core.video.reading import probe, read_video

if TYPE_CHECKING:
    from pose_format import Pose

    from signdiff_core.diffusion.pipeline import SignDiffPipeline

BUNDLED: Final = Path(__file__).parent / "bundled"
"""Folder of the pipeline that comes with this package."""


_STEP: Final = 64
"""Sides of canvases are multiples of this."""

_MOST_ENLARGED: Final = 2.0
"""By how much, at most, a canvas is larger so that a signer is as large as the model knows them."""

_EMPTY: Final = 127
"""The grey of frames that show nobody: of an empty drawing a model makes anything."""


class DiffusionRenderer:
    """Draws a pose with a diffusion pipeline, a chunk of frames at a time.

    Args:
        model: folder or hub name of a pipeline; the bundled one if it is not given.
        prompt: what the signer looks like; the model's own default if not given.
        steps: denoising steps; likewise.
        guidance_scale: weight of the prompt; likewise.
        include_face: draw eyes, ears and face where a pose has them, for the model to follow; likewise.
        frnet_source: where FR maps come from: "predictor", "avatar", "two-pass" or "none", as
            `SignDiffPipeline.stream` has them; a video of somebody in the same poses, as a path; or its frames. By
            default what the model's folder prefers, if it is installed; else the predictor where signdiff-frnet is,
            else the avatar where it can be drawn, else none.
        control_maps: in place of it, the maps of the pose that the model's ControlNets take, in their order, such as
            ("openpose", "depth"); see `SignDiffPipeline.stream`. By default those that the model's folder names.
        detail: what of a pose is drawn a second time, in detail: "hands", "face" or both, or nothing; by default what
            the model's folder says. See `SignDiffPipeline.stream`.
        detail_scale: see there.
        detail_strength: likewise.
        frnet: parameters for FR-Net, in place of those that the model was trained with; they must agree with them.
        chunk_size: frames in a batch.
        cache_interval: run the whole networks in every so many steps only; see `SignDiffPipeline.stream`.
        device: a torch device.
        dtype: "float32", "bfloat16" or "float16".

    Raises:
        OSError: the video of ``frnet_source`` is not there or cannot be read.
        ValueError: an argument lies outside its range.
    """

    name: ClassVar[str] = "diffusion"
    requires: ClassVar[tuple[str, ...]] = ("torch", "diffusers", "transformers")
    extra: ClassVar[str] = "signdiff-core[diffusion]"

    def __init__(
        self,
        *,
        model: str | Path | None = None,
        prompt: str | None = None,
        steps: int | None = None,
        guidance_scale: float | None = None,
        include_face: bool | None = None,
        frnet_source: FRNetSource | str | Path | Iterable[Frame] | None = None,
        control_maps: Sequence[str] | None = None,
        detail: str | Sequence[Part] | None = None,
        detail_scale: int | None = None,
        detail_strength: float | None = None,
        frnet: Mapping[str, Any] | None = None,
        chunk_size: int = CHUNK_SIZE,
        cache_interval: int = 1,
        device: str = "cpu",
        dtype: Literal["float32", "bfloat16", "float16"] = "float32",
    ) -> None:
        check_least(1, steps=1 if steps is None else steps, chunk_size=chunk_size, cache_interval=cache_interval)
        if dtype not in ("float32", "bfloat16", "float16"):
            raise ValueError(f"dtype must be 'float32', 'bfloat16' or 'float16', but is {dtype!r}.")
        check_device(device)
        if guidance_scale is not None:
            check_weights(guidance_scale=guidance_scale)
        if control_maps is not None and frnet_source is not None:
            raise ValueError("control_maps or frnet_source must be given, not both.")
        self.folder = BUNDLED if model is None else Path(model)
        self._model, self._prompt, self._steps, self._guidance_scale = model, prompt, steps, guidance_scale
        self._include_face = include_face
        self._frnet_source, self._frnet = _opened(frnet_source), frnet
        self._control_maps: Sequence[str] | None = None
        if control_maps is not None:
            from signdiff_core.avatar import check_maps

            self._control_maps = check_maps(control_maps)
        self._detail = None if detail is None else check_parts(detail)
        self._detailing = {"detail_scale": detail_scale, "detail_strength": detail_strength}
        self._device, self._dtype = device, dtype
        self._chunk_size, self._cache_interval = chunk_size, cache_interval
        self._loaded: SignDiffPipeline | None = None

    def render(
        self,
        pose: Pose,
        *,
        size: int | None = None,
        width: int | None = None,
        height: int | None = None,
        framing: Framing = "signing space",
        missing: Missing = "hold",
        seed: int = 0,
        start: int = 0,
        prompt: str | None = None,
        steps: int | None = None,
    ) -> Iterator[NDArray[np.uint8]]:
        """Draw a pose, frame by frame, as frames are asked for.

        Args:
            pose: a pose of the 50 joints, or with eyes, ears and face, normalised or in pixels.
            size: side of square frames in pixels; the model's own if not given, else frames are resized.
            width: of the frames in pixels, with ``height`` in place of ``size``; their shorter side is drawn as long as
                the model's own (longer where a model of avatars shows a wider view), and frames are resized.
            height: likewise.
            framing: "signing space" shows head and hands of all frames, "recorded" what the source picture showed; or
                a camera, or its scale and the x and y of the neck. See `signdiff_core.framing`.
            missing: what becomes of joints that are absent for long: "hold" or "hide", which makes grey frames
                where nobody is; see `signdiff_core.gaps`.
            seed: of the noise; the same seed gives the same frames.
            start: number of the first frame to draw; those before it are not.
            prompt: for this pose only.
            steps: for this pose only.

        Returns:
            Iterator over (height, width, 3) uint8 RGB, one for each frame of the pose from ``start`` on.

        Raises:
            FileNotFoundError: there is no pipeline in the folder.
            OSError: the model is neither a folder nor on the Hub.
            ValueError: the pose has another skeleton or shows nobody, an argument is out of range,
                FR-Net's parameters are not those of the model's training, or the video of ``frnet_source`` has another
                number of frames.
        """
        asked = frame_size(size, width, height)
        check_least(1, steps=1 if steps is None else steps)
        check_least(0, start=start)
        pipeline = self.pipeline
        settings = RendererSettings.read(self.folder)
        side = int(pipeline.unet.config.sample_size * pipeline.vae_scale_factor)
        detail = check_parts(settings.detail) if self._detail is None else self._detail
        if detail and settings.retarget and pipeline.detail_model is None and self._detailing["detail_strength"] != 0:
            raise ValueError(
                "detail must be left out for a model of avatars without a network of detail: it knows one scale only."
            )
        is_detailed = bool(detail) and self._detailing["detail_strength"] != 0 and pipeline.detail_model is not None
        larger = int(pipeline.detail_model.config.scale) if is_detailed else 1
        shape = asked if (size, width) != (None, None) else (larger * side, larger * side)
        include_face = settings.include_face if self._include_face is None else self._include_face
        joints = Joints.of(pose, size=shape, framing=framing, missing=missing, include_face=include_face)
        options: dict[str, Any] = {
            "start": start,
            "prompt": prompt or self._prompt or settings.prompt,
            "num_inference_steps": steps or self._steps or settings.steps,
            "guidance_scale": settings.guidance_scale if self._guidance_scale is None else self._guidance_scale,
            "detail": detail,
            **self._detailing,
        }
        maps = settings.control_maps if self._frnet_source is None else None
        if maps := self._control_maps or maps:
            options |= {"control_maps": maps, "frnet": self._mapper() if "frnet" in maps else None}
            joints = replace(joints, framing=joints.performed()[1])
        elif pipeline.num_conditions == 2:
            source = self._frnet_source
            if isinstance(source, _Video):
                source = source.frames(len(joints))
            if source is None:
                source = default_source(has_pose=True, preferred=settings.frnet_source)
            options |= {"frnet_source": source, "frnet": None if source == "none" else self._mapper()}
            # The avatar does so by itself, and in given frames somebody of other proportions is seen.
            if settings.retarget and isinstance(source, str) and source != "avatar":
                joints = joints.retargeted(longer_neck=settings.longer_neck)
            elif source == "avatar":
                joints = replace(joints, framing=joints.performed()[1])
        shown = np.asarray((np.where(joints.hidden, 0, joints.confidence)[start:] > 0).any(axis=1))
        canvas, seen = _on_canvas(joints, side, as_trained=settings.retarget)
        canvas = replace(canvas, size=(larger * canvas.size[0], larger * canvas.size[1]))
        part = tuple(slice(larger * cut.start, larger * cut.stop) for cut in seen)
        options |= {"image": canvas, "width": canvas.size[0], "height": canvas.size[1]}
        frames = self._frames(options, shape, part, seed)
        return (frame if seen else np.full_like(frame, _EMPTY) for frame, seen in zip(frames, shown, strict=True))

    @property
    def pipeline(self) -> SignDiffPipeline:
        """The pipeline, loaded when it is first used.

        Raises:
            FileNotFoundError: there is none in the folder.
        """
        if self._loaded is None:
            self._loaded = self._load()
        return self._loaded

    def _load(self) -> SignDiffPipeline:
        is_folder = self._model is None or isinstance(self._model, Path) or self.folder.exists()
        is_folder = is_folder or is_path(str(self._model))
        if is_folder and not (self.folder / "model_index.json").is_file():
            raise FileNotFoundError(f"model must be a pipeline's folder, but {self.folder} has no model_index.json.")
        if is_folder:
            check_controlnet(self.folder)  # now, before the libraries are loaded
        import torch

        from signdiff_core.diffusion.loading import dtype_option, no_progress_bars
        from signdiff_core.diffusion.pipeline import SignDiffPipeline

        with no_progress_bars():
            pipeline: SignDiffPipeline = SignDiffPipeline.from_pretrained(
                str(self.folder if is_folder else self._model),
                **dtype_option(getattr(torch, self._dtype)),
                local_files_only=is_folder,
            )
        pipeline.set_progress_bar_config(disable=True)
        pipeline.to(self._device)
        return pipeline

    def _mapper(self) -> FRMapper:
        trained = read_frnet(self.folder)
        mapper = FRMapper(**(self._frnet if self._frnet is not None else trained or {}))
        if trained is not None:
            mapper.check(trained)
        return mapper

    def _frames(
        self, options: dict[str, Any], shape: tuple[int, int], part: tuple[slice, ...], seed: int
    ) -> Iterator[NDArray[np.uint8]]:
        import torch

        frames = self.pipeline.stream(
            # Drawn on the CPU, so that a seed gives the same noise on every device.
            generator=torch.Generator("cpu").manual_seed(seed),
            output_type="np",
            chunk_size=self._chunk_size,
            cache_interval=self._cache_interval,
            **options,
        )
        for frame in frames:
            picture = np.rint(frame[part] * 255).astype(np.uint8)
            if shape[::-1] != picture.shape[:2]:
                smaller = shape[1] < picture.shape[0]
                picture = cv2.resize(picture, shape, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)
            yield picture


def _on_canvas(joints: Joints, side: int, *, as_trained: bool) -> tuple[Joints, tuple[slice, slice]]:
    """Lay frames into the middle of a canvas on which a model draws well, and say which part of it they are.

    Their shorter side is the model's own, or longer where the model knows signers of one size only, who would be
    smaller otherwise. The canvas' sides are multiples of 64: at others networks of several levels lose what they drew.
    """
    wide, high = joints.size
    camera = (
        joints.camera
        if isinstance(joints.framing, str)
        else choose_camera(joints.positions, joints.confidence, width=wide, height=high, framing=joints.framing)
    )
    share = min(1.0, max(camera.scale / Camera.scale, 1 / _MOST_ENLARGED)) if as_trained else 1.0
    unit = side / min(wide, high) / share
    window = wide * unit, high * unit
    canvas = tuple(_STEP * math.ceil(round(length / _STEP, 6)) for length in window)
    if canvas != window:
        x, y = ((n * w + (c - w) / 2) / c for n, w, c in zip(camera.neck, window, canvas, strict=True))
        camera = Camera(scale=camera.scale * min(window) / min(canvas), neck=(x, y))
    left, top = (round((c - w) / 2) for c, w in zip(canvas, window, strict=True))
    part = slice(top, canvas[1] - top), slice(left, canvas[0] - left)
    return replace(joints, size=(canvas[0], canvas[1]), camera=camera, framing=camera), part


class _Video:
    """A video of somebody in the poses to draw, opened anew for each pose."""

    def __init__(self, path: str | Path) -> None:
        self._path = path

    def frames(self, wanted: int) -> Iterator[Frame]:
        """Read the frames, after all were counted: one too few would be found only when the others are drawn.

        Raises ValueError where there are more or fewer than wanted, or the video is damaged.
        """
        found = sum(1 for _ in read_video(self._path))
        if found != wanted:
            raise ValueError(
                f"frnet_source must hold one frame for each of the pose's {wanted}, but {self._path} holds {found}."
            )
        return read_video(self._path)


def _opened(source: Any) -> Any:
    """Check a source of FR maps, and open one that is a video."""
    if isinstance(source, str | Path) and Path(source).is_file():
        probe(source)
        return _Video(source)
    if isinstance(source, Path):
        raise FileNotFoundError(f"frnet_source must be a video, but there is no file {source}.")
    check_source(source)
    return source
