"""Frames as WebM, GIF, WebP and folders of PNG, the sound of a source, and a source beside."""

from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image, ImageSequence

from signdiff_core.skeleton import BODY_HANDS_FACE, make_pose
from signdiff_core.video import Beside, VideoError, VideoWriter, open_output, probe, read_video, write_video
from signdiff_core.video.beside import row
from signdiff_core.video.outputs import unfinished
from signdiff_core.video.sound import has_sound

RGB, RGBA = (200, 30, 60), (200, 30, 60, 255)


def frames(count=30, shape=(48, 64), channels=3):
    """Make frames in which a square of one colour goes to the right, a pixel a frame, over black or nothing."""
    for number in range(count):
        frame = np.zeros((*shape, channels), dtype=np.uint8)
        frame[10:30, number : number + 20] = RGB if channels == 3 else RGBA
        yield frame


def write(path, made, fps=25, **options):
    with open_output(path, fps, **options) as output:
        for frame in made:
            output.write(frame)
    return output.info


def with_sound(path, *, frames=50, fps=25, codec="aac", pictures="libx264", rate=48_000):
    """Write a video whose tone begins with the pictures and lasts as long; give its samples' number."""
    with av.open(path, "w") as movie:
        video = movie.add_stream(pictures, rate=fps)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio = movie.add_stream(codec, rate=rate, layout="mono")
        for number in range(frames):
            picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 4 * number, np.uint8), format="rgb24")
            picture.pts, picture.time_base = number, Fraction(1, fps)
            for packet in video.encode(picture):
                movie.mux(packet)
        for packet in video.encode():
            movie.mux(packet)
        tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(frames * rate // fps) / rate).astype(np.float32)[None]
        step = audio.codec_context.frame_size
        for start in range(0, tone.shape[1], step):
            part = av.AudioFrame.from_ndarray(np.ascontiguousarray(tone[:, start : start + step]), "fltp", "mono")
            part.sample_rate, part.pts, part.time_base = rate, start, Fraction(1, rate)
            for packet in audio.encode(part):
                movie.mux(packet)
        for packet in audio.encode():
            movie.mux(packet)
    return path


def sound(path):
    with av.open(path) as movie:
        stream = movie.streams.audio[0]
        return stream.codec_context.name, np.concatenate([part.to_ndarray()[0] for part in movie.decode(stream)])


@pytest.mark.parametrize("suffix", ["webm", "gif", "webp"])
def test_pictures_come_back_at_their_times(tmp_path, suffix):
    path = tmp_path / f"out.{suffix}"
    info = write(path, frames())
    assert (info.width, info.height, info.frames, info.seconds) == (64, 48, 30, 1.2)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    if suffix == "webm":
        read = list(read_video(path))
        assert probe(path).fps == 25
    else:
        with Image.open(path) as animation:
            assert animation.n_frames == 30
            assert animation.info["loop"] == 0
            read, times = [], []
            for picture in ImageSequence.Iterator(animation):
                read.append(np.array(picture.convert("RGB")))
                times.append(picture.info["duration"])
        assert times == [40] * 30
    for made, found in zip(frames(), read, strict=True):
        assert np.abs(made.astype(int) - found)[12:28].mean() < 6


@pytest.mark.parametrize("suffix", ["webm", "gif", "webp", ""])
def test_transparent_pixels_come_back(tmp_path, suffix):
    path = tmp_path / (f"out.{suffix}" if suffix else "out")
    write(path, frames(channels=4))
    if suffix == "webm":
        with av.open(path) as movie:
            decoder = av.CodecContext.create("libvpx-vp9", "r")
            parts = [part for packet in movie.demux(video=0) for part in decoder.decode(packet)]
            read = [part.reformat(format="rgba").to_ndarray() for part in parts]
    elif suffix:
        with Image.open(path) as animation:
            read = [np.array(picture.convert("RGBA")) for picture in ImageSequence.Iterator(animation)]
    else:
        read = [np.array(Image.open(file)) for file in sorted(path.iterdir())]
    for made, found in zip(frames(channels=4), read, strict=True):
        assert ((found[..., 3] > 128) == (made[..., 3] > 128)).mean() > 0.99
        assert np.abs(found[15:25, :, :3][made[15:25, :, 3] > 0].astype(int) - RGB).mean() < 8


@pytest.mark.parametrize("suffix", ["webm", "gif", "webp"])
def test_equal_frames_give_equal_files(tmp_path, suffix):
    one, two = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
    write(one, frames())
    write(two, frames())
    assert one.read_bytes() == two.read_bytes()


def test_a_gif_of_24_frames_a_second_keeps_its_length(tmp_path):
    write(tmp_path / "out.gif", frames(48), fps=24)
    with Image.open(tmp_path / "out.gif") as animation:
        times = [picture.info["duration"] for picture in ImageSequence.Iterator(animation)]
    assert sum(times) == pytest.approx(2000, abs=10)
    assert set(times) == {40, 50}


@pytest.mark.parametrize("suffix", ["webm", "gif", "webp", ""])
def test_what_fails_leaves_nothing(tmp_path, suffix):
    def broken():
        yield from frames(5)
        raise RuntimeError("out of ink")

    with pytest.raises(RuntimeError, match="out of ink"):
        write(tmp_path / (f"out.{suffix}" if suffix else "out"), broken())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("out.avi", {}, r"path must end in \.mp4, \.webm, \.gif, \.webp, or have no suffix"),
        ("out.gif", {"resume": True}, r"resume must not be given for \.gif"),
        ("out.gif", {"fps": 60}, r"fps must be from 1/1001 to 50 for \.gif, but is 60"),
        ("out", {"fps": float("nan")}, "fps must be"),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path, name, options, message):
    with pytest.raises(ValueError, match=message):
        open_output(tmp_path / name, **{"fps": 25, **options})


@pytest.mark.parametrize("suffix", [".webm", ".gif", ".webp", ""])
def test_frames_of_two_sizes_and_none_at_all_are_refused(tmp_path, suffix):
    with pytest.raises(ValueError, match="frame 1 must be"):
        write(tmp_path / f"out{suffix}", [*frames(1), *frames(1, shape=(50, 64))])
    with pytest.raises(ValueError, match="must hold at least one frame"):
        write(tmp_path / f"out{suffix}", [])


def test_a_folder_is_resumed_after_its_last_frame(tmp_path):
    def stopped():
        yield from frames(12)
        raise KeyboardInterrupt

    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        write(out, stopped(), settings={"seed": 0})
    assert unfinished(out) == 12
    with pytest.raises(FileExistsError, match="an interrupted folder of 12 frames is there"):
        open_output(out, 25, settings={"seed": 0})
    with pytest.raises(ValueError, match="seed was 0 and is 1"):
        open_output(out, 25, settings={"seed": 1}, resume=True)
    with open_output(out, 25, settings={"seed": 0}, resume=True) as output:
        assert output.frames == 12
        for frame in list(frames())[12:]:
            output.write(frame)
    assert [file.name for file in tmp_path.iterdir()] == ["out"]
    read = [np.array(Image.open(file)) for file in sorted(out.iterdir())]
    assert np.array_equal(read, list(frames()))
    with pytest.raises(FileExistsError, match="expected a new or an empty folder"):
        open_output(out, 25)


def test_a_folder_that_is_something_else_is_not_thrown_away(tmp_path):
    (tmp_path / "out.partial").mkdir()
    (tmp_path / "out.partial" / "thesis.txt").write_text("years of work")
    with pytest.raises(VideoError, match="is in the way"):
        open_output(tmp_path / "out", 25, resume=False)
    assert (tmp_path / "out.partial" / "thesis.txt").exists()


@pytest.mark.parametrize(("source", "suffix", "codec"), [("mp4", "mp4", "aac"), ("webm", "webm", "opus")])
def test_sound_is_copied(tmp_path, source, suffix, codec):
    kinds = {"mp4": ("aac", "libx264"), "webm": ("libopus", "libvpx-vp9")}
    taken = with_sound(tmp_path / f"source.{source}", codec=kinds[source][0], pictures=kinds[source][1])
    write(tmp_path / f"out.{suffix}", frames(50), sound=taken)
    (name, own), (_, copied) = sound(taken), sound(tmp_path / f"out.{suffix}")
    assert name == codec
    assert np.array_equal(copied[:90_000], own[:90_000])
    assert len(copied) / 48_000 == pytest.approx(2.0, abs=0.05)


def test_sound_that_a_file_cannot_hold_is_encoded_anew(tmp_path):
    taken = with_sound(tmp_path / "source.mp4")
    write(tmp_path / "out.webm", frames(50), sound=taken)
    name, made = sound(tmp_path / "out.webm")
    assert name == "opus"
    assert len(made) / 48_000 == pytest.approx(2.0, abs=0.05)
    spectrum = np.abs(np.fft.rfft(made[20_000:68_000]))
    assert np.argmax(spectrum) == pytest.approx(440, abs=1)


def test_sound_ends_with_the_pictures(tmp_path):
    taken = with_sound(tmp_path / "source.mp4")
    write(tmp_path / "out.mp4", frames(25), sound=taken)
    assert len(sound(tmp_path / "out.mp4")[1]) / 48_000 == pytest.approx(1.0, abs=0.05)
    assert len(list(read_video(tmp_path / "out.mp4"))) == 25


def test_a_video_without_sound_has_none_to_give(tmp_path):
    write_video(tmp_path / "still.mp4", frames(5), 25)
    write(tmp_path / "out.mp4", frames(5), sound=tmp_path / "still.mp4")
    assert not has_sound(tmp_path / "out.mp4")
    write(tmp_path / "plain.mp4", frames(5))
    assert (tmp_path / "out.mp4").read_bytes() == (tmp_path / "plain.mp4").read_bytes()


def test_a_resumed_video_has_the_sound_of_an_undisturbed_one(tmp_path):
    taken = with_sound(tmp_path / "source.mp4")
    write(tmp_path / "whole.mp4", frames(50), sound=taken)

    def stopped():
        yield from frames(30)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "out.mp4", stopped(), sound=taken)
    with VideoWriter(tmp_path / "out.mp4", 25, sound=taken, resume=True) as video:
        for frame in list(frames(50))[video.frames :]:
            video.write(frame)
    assert (tmp_path / "out.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()


def seconds_of(frames, fps):
    joints = np.zeros((frames, 50, 3))
    joints[:, [2, 5], 0] = -1 / 6, 1 / 6
    return make_pose(joints, fps)


def numbers(pictures):
    """Tell which frames of `with_sound` these are, by their grey."""
    return [round(float(picture.mean()) / 4) for picture in pictures]


def test_frames_meet_by_their_time(tmp_path):
    source = with_sound(tmp_path / "source.mp4", frames=50, fps=25)
    assert numbers(Beside(source, seconds_of(50, 25)).source()) == list(range(50))
    assert numbers(Beside(source, seconds_of(25, 12.5)).source()) == list(range(0, 50, 2))
    assert numbers(Beside(source, seconds_of(100, 50)).source()) == [n // 2 for n in range(100)]
    assert numbers(Beside(source, seconds_of(50, 25)).source(start=30)) == list(range(30, 50))
    assert not Beside(source, seconds_of(100, 50)).told


def test_equally_many_frames_at_two_rates_meet_one_by_one(tmp_path):
    beside = Beside(with_sound(tmp_path / "source.mp4", frames=50, fps=25), seconds_of(50, 24))
    assert beside.fps == 25
    assert numbers(beside.source()) == list(range(50))
    assert "has as many frames as the pose, 50, at 25 frames per second, not 24" in beside.told


@pytest.mark.parametrize(("frames", "told"), [(60, "its last frame stands still"), (40, "its end is left out")])
def test_lengths_that_do_not_agree_are_told(tmp_path, frames, told):
    beside = Beside(with_sound(tmp_path / "source.mp4", frames=50, fps=25), seconds_of(frames, 25))
    assert told in beside.told
    assert numbers(beside.source()) == [min(n, 49) for n in range(frames)]


def test_the_drawing_shows_the_face_that_the_pose_has(tmp_path):
    points = np.zeros((2, 124, 3))
    points[:, [2, 5], 0] = -1 / 6, 1 / 6
    points[:, 54:, 0], points[:, 54:, 1] = np.linspace(-0.08, 0.08, 70), -0.2
    source, signer = with_sound(tmp_path / "source.mp4", frames=2, fps=25), [np.zeros((128, 128, 3), np.uint8)] * 2
    poses = make_pose(points[:, :50], 25), BODY_HANDS_FACE.make_pose(points, 25)
    pictures = [next(Beside(source, pose).rows(signer))[:, -256:-128] for pose in poses]
    white = [int((picture == 255).all(axis=-1).sum()) for picture in pictures]
    assert white[0] == 0
    assert white[1] > 20


def test_a_row_is_as_high_as_its_last_picture():
    wide, small = np.full((720, 1280, 3), 10, np.uint8), np.full((90, 80, 3), 20, np.uint8)
    made = row([wide, small, small])
    assert made.shape == (90, 160 + 80 + 80, 3)
    assert (made[:, :160] == 10).all()
    assert (made[:, 160:] == 20).all()
    with pytest.raises(ValueError, match="at most 8192 pixels wide"):
        row([np.zeros((10, 40, 3), np.uint8), np.zeros((2000, 1500, 3), np.uint8)])


def test_what_is_no_video_is_refused(tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(VideoError, match=r"text\.mp4: expected a video"):
        Beside(tmp_path / "text.mp4", seconds_of(5, 25))
