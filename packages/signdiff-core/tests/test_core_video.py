import errno
import os
import resource
import struct

import av
import numpy as np
import pytest

from signdiff_core.video import VideoError, probe, read_video, write_video


def moving(frames=12, height=64, width=96):
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2] = (200, 30, 40)
    picture[height // 2 :, : width // 2] = (20, 200, 90)
    for t in range(frames):
        frame = picture.copy()
        frame[8:24, 2 * t : 2 * t + 16] = (30, 60, 220)
        yield frame


def test_file_is_what_ffmpeg_says(tmp_path):
    info = write_video(tmp_path / "a.mp4", moving(), 25)
    assert probe(tmp_path / "a.mp4") == info
    with av.open(tmp_path / "a.mp4") as file:
        stream = file.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height, stream.average_rate, stream.frames) == (96, 64, 25, 12)
        assert float(stream.duration * stream.time_base) == 12 / 25


def test_index_stands_before_the_pictures(tmp_path):
    write_video(tmp_path / "a.mp4", moving(), 25)
    content = (tmp_path / "a.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_colours_survive(tmp_path):
    write_video(tmp_path / "a.mp4", moving(), 25)
    frames = list(read_video(tmp_path / "a.mp4"))
    assert len(frames) == 12
    for (y, x), colour in {(28, 90): (200, 30, 40), (50, 20): (20, 200, 90), (50, 80): (0, 0, 0)}.items():
        assert np.abs(frames[3][y, x].astype(int) - colour).max() <= 4


def test_equal_frames_give_equal_bytes(tmp_path):
    for name in "ab":
        write_video(tmp_path / f"{name}.mp4", moving(30), 25)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


@pytest.mark.parametrize("fps", [23.976, 29.97, 12.5])
def test_broken_frame_rates_keep_their_duration(tmp_path, fps):
    write_video(tmp_path / "a.mp4", moving(30), fps)
    assert probe(tmp_path / "a.mp4").fps == pytest.approx(fps, rel=1e-4)
    assert probe(tmp_path / "a.mp4").seconds == pytest.approx(30 / fps, abs=1e-3)


def test_frames_are_taken_as_they_are_encoded(tmp_path):
    seen = []

    def frames():
        for t, frame in enumerate(moving(200)):
            seen.append(t)
            yield frame
            assert not (tmp_path / "a.mp4").exists()

    write_video(tmp_path / "a.mp4", frames(), 25)
    assert seen == list(range(200))


def failing():
    yield np.zeros((32, 32, 3), np.uint8)
    raise RuntimeError("out of ink")


@pytest.mark.parametrize(
    ("frames", "fps", "match"),
    [
        ([], 25, "at least one frame"),
        ([np.zeros((33, 32, 3), np.uint8)], 25, "even sides"),
        ([np.zeros((32, 32), np.uint8)], 25, r"\(H, W, 3\) uint8"),
        ([np.zeros((32, 32, 3), np.float32)], 25, "uint8"),
        ([np.zeros((32, 32, 3), np.uint8), np.zeros((34, 32, 3), np.uint8)], 25, "frame 1 must be"),
        ([np.zeros((32, 32, 3), np.uint8)], 0, "fps"),
        ([np.zeros((32, 32, 3), np.uint8)], float("nan"), "fps"),
    ],
)
def test_bad_frames_are_refused_and_leave_no_file(tmp_path, frames, fps, match):
    with pytest.raises(ValueError, match=match):
        write_video(tmp_path / "a.mp4", frames, fps)
    assert list(tmp_path.iterdir()) == []


def test_failing_source_leaves_the_old_video(tmp_path):
    write_video(tmp_path / "a.mp4", moving(3), 25)
    before = (tmp_path / "a.mp4").read_bytes()
    with pytest.raises(RuntimeError, match="out of ink"):
        write_video(tmp_path / "a.mp4", failing(), 25)
    assert (tmp_path / "a.mp4").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_what_is_no_video_is_named(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"not a video at all")
    with pytest.raises(VideoError, match=r"a\.mp4: expected a video"):
        list(read_video(tmp_path / "a.mp4"))
    with pytest.raises(FileNotFoundError, match=r"none\.mp4"):
        probe(tmp_path / "none.mp4")


def test_a_title_in_latin_1_is_no_reason_to_refuse_a_video(tmp_path):
    write_video(tmp_path / "a.mp4", moving(2), 25)
    with av.open(tmp_path / "a.mp4") as source, av.open(tmp_path / "b.mp4", "w") as movie:
        movie.metadata["title"] = "Cafe"
        stream = movie.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                movie.mux(packet)
    content = (tmp_path / "b.mp4").read_bytes()
    assert content.count(b"Cafe") == 1
    (tmp_path / "b.mp4").write_bytes(content.replace(b"Cafe", b"Caf\xe9"))
    with pytest.raises(UnicodeDecodeError):
        av.open(tmp_path / "b.mp4")
    assert probe(tmp_path / "b.mp4").frames == 2
    assert len(list(read_video(tmp_path / "b.mp4"))) == 2


def test_a_codec_that_ffmpeg_does_not_decode_is_one_line(tmp_path):
    write_video(tmp_path / "a.mp4", moving(2), 25)
    content = (tmp_path / "a.mp4").read_bytes()
    assert content.count(b"avc1") == 2  # among the brands, and as the codec
    (tmp_path / "a.mp4").write_bytes(content[:100] + content[100:].replace(b"avc1", b"zzzz"))
    with pytest.raises(VideoError, match=r"a\.mp4: expected a video, but this FFmpeg has no decoder for its codec\."):
        probe(tmp_path / "a.mp4")


def turned(path, quarters):
    """Write into an MP4 that it is to be shown so many quarters of a circle clockwise: the matrix of its track."""
    cosine, sine = {1: (0, 1), 2: (-1, 0), 3: (0, -1)}[quarters]
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 44
    matrix = (cosine << 16, sine << 16, 0, -sine << 16, cosine << 16, 0, 0, 0, 1 << 30)
    data[start : start + 36] = struct.pack(">9i", *matrix)
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_video_is_read_as_it_is_to_be_shown(tmp_path, quarters):
    import cv2

    path = tmp_path / "phone.mp4"
    rng = np.random.default_rng(5)
    scene = rng.integers(0, 256, (3, 3, 4, 3), dtype=np.uint8).repeat(16, axis=1).repeat(16, axis=2)
    write_video(path, scene, 25)
    stored = np.stack(list(read_video(path)))
    turned(path, quarters)
    info = probe(path)
    seen = np.stack(list(read_video(path)))
    assert (seen == np.rot90(stored, -quarters, axes=(1, 2))).all()
    assert (info.height, info.width) == seen.shape[1:3]
    _, theirs = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG).read()
    assert theirs.shape == seen[0].shape


def test_a_file_that_does_not_fit_is_no_video(tmp_path):
    target = tmp_path / "a.mp4"
    frames = list(np.random.default_rng(0).integers(0, 256, (30, 64, 96, 3), dtype=np.uint8))
    write_video(target, frames, 25)
    whole = target.stat().st_size
    # The index comes last, so that little is missing at the end; the rows of fragments are 92 bytes longer or so.
    for limit, fits in ((whole // 2, False), (whole - 1, False), (whole + 1000, True)):
        target.write_bytes(b"older")
        child = os.fork()
        if not child:
            status = 2
            try:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
                write_video(target, frames, 25)
                status = 0
            except OSError as error:
                status = 1 if (error.errno, error.filename) == (errno.EFBIG, str(target)) else 3
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == (0 if fits else 1)
        assert (target.read_bytes() == b"older") == (not fits)
        assert list(tmp_path.iterdir()) == [target]
