"""Videos on the command line: their size, rate and length, and files that are cut short."""

import subprocess
import sys
from fractions import Fraction

import cv2
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from signdiff_frnet import FRNetParameters, frnet
from signdiff_frnet.cli import main
from signdiff_frnet.files import is_cut_short
from signdiff_frnet.writing import write_video

CODECS = {".mp4": "mp4v", ".mkv": "FFV1", ".avi": "FFV1"}
NTSC = 30000 / 1001


def write(path, *, count=30, size=(80, 100), fps=NTSC):
    frame = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    frame = cv2.GaussianBlur(frame, (9, 9), 0)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*CODECS[path.suffix]), fps, size[::-1])
    for index in range(count):
        writer.write(np.roll(frame, index, axis=1))
    writer.release()
    return path


def read(path):
    video, frames = cv2.VideoCapture(str(path)), []
    while (found := video.read())[0]:
        frames.append(found[1])
    return frames, video.get(cv2.CAP_PROP_FPS)


def boxes(data):
    place = 0
    while place < len(data):
        length = int.from_bytes(data[place : place + 4])
        yield data[place + 4 : place + 8], data[place : place + length]
        place += length


def with_index_first(data):
    """Move MP4's index before the frames, as files for the web have it, and shift the addresses in it."""
    parts = dict(boxes(data))
    moov = bytearray(parts[b"moov"])
    table = moov.index(b"stco") + 8
    for number in range(int.from_bytes(moov[table : table + 4])):
        entry = slice(table + 4 + 4 * number, table + 8 + 4 * number)
        moov[entry] = (int.from_bytes(moov[entry]) + len(moov)).to_bytes(4)
    return (
        parts[b"ftyp"] + bytes(moov) + b"".join(part for kind, part in parts.items() if kind not in (b"ftyp", b"moov"))
    )


def run(*arguments):
    command = [sys.executable, "-m", "signdiff_frnet.cli", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_size_rate_and_length_stay(tmp_path):
    source = write(tmp_path / "clip.mkv")
    assert main([str(source), "-o", str(tmp_path / "fr.mkv")]) == 0
    maps, fps = read(tmp_path / "fr.mkv")
    assert fps == pytest.approx(NTSC, abs=0.005)
    # Frames of FFV1 lose nothing, so each map can be drawn by hand.
    expected = [frnet(frame[..., ::-1]) for frame in read(source)[0]]
    assert_array_equal([fr_map[..., 0] for fr_map in maps], expected)
    assert main([str(source), "-o", str(tmp_path / "fr.mp4")]) == 0
    maps, fps = read(tmp_path / "fr.mp4")
    assert fps == pytest.approx(NTSC, abs=0.005)
    assert np.shape(maps) == (30, 80, 100, 3)


def test_resolutions_that_are_given(tmp_path):
    source = write(tmp_path / "clip.mkv", count=1)
    arguments = [str(source), "-o", str(tmp_path / "fr.mkv"), "--side-by-side"]
    assert main([*arguments, "--detect-resolution", "128"]) == 0
    assert np.shape(read(tmp_path / "fr.mkv")[0]) == (1, 80, 200, 3)
    assert main([*arguments, "--image-resolution", "128"]) == 0
    assert np.shape(read(tmp_path / "fr.mkv")[0]) == (1, 128, 2 * 128, 3)


def test_side_by_side(tmp_path):
    source = write(tmp_path / "clip.mkv", count=3)
    assert main([str(source), "-o", str(tmp_path / "fr.mkv"), "--side-by-side"]) == 0
    frames, both = read(source)[0], read(tmp_path / "fr.mkv")[0]
    assert np.shape(both) == (3, 80, 200, 3)
    # FFV1 stores brightness and colour, which rounds a little.
    assert np.abs(np.int16([one[:, :100] for one in both]) - frames).max() <= 4
    assert_array_equal([one[:, 100:, 0] for one in both], [frnet(frame[..., ::-1]) for frame in frames])


def test_odd_sides_get_their_last_pixels_twice(tmp_path):
    frame = np.random.default_rng(1).choice(np.array([0, 255], np.uint8), (5, 7, 1)).repeat(3, axis=2)
    write_video(tmp_path / "odd.avi", [frame], fps=5)
    assert_array_equal(read(tmp_path / "odd.avi")[0][0], np.pad(frame, ((0, 1), (0, 1), (0, 0)), mode="edge"))


@pytest.mark.parametrize("preset", ["fine", "coarse"])
def test_presets_and_sizes_that_scale(tmp_path, preset):
    source = write(tmp_path / "clip.mkv", count=1, size=(256, 300))
    (frame,), _ = read(source)
    for extra, parameters in (
        ([], FRNetParameters.preset(preset)),
        (["--scale-sizes"], FRNetParameters.preset(preset).for_resolution(256)),
    ):
        assert main([str(source), "-o", str(tmp_path / "fr.avi"), "--preset", preset, *extra]) == 0
        expected = frnet(
            frame[..., ::-1],
            block_size=parameters.block_size,
            offset=parameters.offset,
            kernel_size=parameters.kernel_size,
        )
        assert_array_equal(read(tmp_path / "fr.avi")[0][0][..., 0], expected)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
def test_a_video_that_is_cut_short(tmp_path, suffix):
    whole = write(tmp_path / f"whole{suffix}")
    data = whole.read_bytes() if suffix != ".mp4" else with_index_first(whole.read_bytes())
    clip, target = tmp_path / f"clip{suffix}", tmp_path / "fr.mp4"
    clip.write_bytes(data)
    assert run(clip, "-o", target) == (0, "")
    target.write_bytes(b"older")

    clip.write_bytes(data[: len(data) * 2 // 3])
    status, words = run(clip, "-o", target)
    assert status == 1
    assert words.startswith(f"signdiff-frnet: {clip}: the video is cut short or damaged: only ")
    assert words.endswith(f"frames can be decoded. Their maps are in {tmp_path / 'fr.partial.mp4'}.\n")
    assert words.count("\n") == 1
    assert target.read_bytes() == b"older"
    kept, fps = read(tmp_path / "fr.partial.mp4")
    assert 10 <= len(kept) < 30
    assert f"only {len(kept)}" in words
    assert fps == pytest.approx(NTSC, abs=0.005)
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("missing", [0.5, 0.02])
def test_a_video_whose_index_is_missing(tmp_path, missing):
    clip = write(tmp_path / "clip.mp4")
    data = clip.read_bytes()
    clip.write_bytes(data[: int(len(data) * (1 - missing))])
    status, words = run(clip, "-o", tmp_path / "fr.mp4")
    assert status == 1
    assert f"{clip}: the video is cut short: so much is missing that no frame can be decoded" in words
    assert list(tmp_path.iterdir()) == [clip]


@pytest.mark.parametrize("suffix", CODECS)
def test_only_a_file_without_its_end_is_called_cut_short(tmp_path, suffix):
    path = write(tmp_path / f"clip{suffix}", count=4)
    data = path.read_bytes()
    assert not is_cut_short(path)
    for length in (len(data) - 1, len(data) // 2, 100):
        path.write_bytes(data[:length])
        assert is_cut_short(path)
    path.write_bytes(b"no video at all")
    assert not is_cut_short(path)


def test_a_live_recording_of_unknown_length_is_not_cut_short(tmp_path):
    path = write(tmp_path / "clip.mkv", count=4)
    data = bytearray(path.read_bytes())
    length = data.index(b"\x18\x53\x80\x67") + 4
    data[length : length + 8] = b"\x01" + b"\xff" * 7
    path.write_bytes(data[:-50])
    assert not is_cut_short(path)


def test_a_partial_file_never_replaces_an_input_or_another_result(tmp_path):
    source = write(tmp_path / "fr.partial.mp4", count=2)
    status, words = run(source, "-o", tmp_path / "fr.mp4")
    assert (status, "must leave the inputs alone" in words) == (2, True)
    other = write(tmp_path / "fr.mkv", count=2)
    status, words = run(source, other, "-o", tmp_path / "maps")
    assert (status, "would both be written" in words) == (2, True)


def test_memory_does_not_grow_with_length(tmp_path):
    code = (
        "import resource, sys; from signdiff_frnet.cli import main; assert main(sys.argv[1:]) == 0;"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    peaks = []
    for count in (20, 400):
        clip = write(tmp_path / f"{count}.mp4", count=count, size=(240, 320))
        arguments = [sys.executable, "-c", code, str(clip), "-o", str(tmp_path / "fr.mp4")]
        done = subprocess.run(arguments, capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout) / 1024)
    # All frames would take 380 times 0.23 MB, or 88 MB.
    assert peaks[1] - peaks[0] < 20


def encode(path, codec, times):
    """Write frames that are shown at given milliseconds."""
    av = pytest.importorskip("av", reason="PyAV, which signdiff-core brings, writes what OpenCV can't")
    noise = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    with av.open(path, "w") as file:
        stream = file.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for index, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(np.roll(noise, index, axis=1), format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return path


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_frame_rate_that_varies_is_told(tmp_path, capsys, suffix):
    # 15 frames in 0.3 s, then 10 a second: with B-frames, so that the file's order is another one.
    times = [20 * index if index < 15 else 300 + 100 * (index - 15) for index in range(30)]
    clip = encode(tmp_path / f"clip{suffix}", "libx264", times)
    assert main([str(clip), "-o", str(tmp_path / "fr.mkv")]) == 0
    words = capsys.readouterr().err
    assert words.startswith(f"signdiff-frnet: note: {clip}: its frame rate varies, that of its maps does not: at ")
    assert words.count("\n") == 1
    maps, fps = read(tmp_path / "fr.mkv")
    assert len(maps) == 30
    drift = max(abs(time / 1000 - index / fps) for index, time in enumerate(times))
    assert f"up to {drift:.2f} s before or after" in words
    assert drift < 0.6  # at 25 or 50 frames a second it would be above


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_a_constant_frame_rate_is_not(tmp_path, capsys, suffix):
    clip = encode(tmp_path / f"clip{suffix}", "libx264", [40 * index + 500 for index in range(30)])
    assert main([str(clip), "-o", str(tmp_path / "fr.mkv")]) == 0
    assert capsys.readouterr().err == ""
    assert read(tmp_path / "fr.mkv")[1] == 25


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_av1_is_read_or_the_codec_is_named(tmp_path, capsys, suffix):
    clip = encode(tmp_path / f"clip{suffix}", "libsvtav1", [40 * index for index in range(10)])
    status = main([str(clip), "-o", str(tmp_path / "fr.mkv")])
    words = capsys.readouterr().err
    if status == 0:
        assert len(read(tmp_path / "fr.mkv")[0]) == 10
    else:
        assert status == 1
        assert words == (
            f"signdiff-frnet: {clip}: expected a video that OpenCV {cv2.__version__} decodes, but it decodes no frame "
            "of this one, whose codec is AV01: convert it, for example to H.264.\n"
        )
        assert not (tmp_path / "fr.mkv").exists()


def test_a_codec_that_nobody_knows_is_named(tmp_path, capsys):
    clip = write(tmp_path / "clip.avi", count=3)
    clip.write_bytes(clip.read_bytes().replace(b"FFV1", b"ZZZZ"))
    assert main([str(clip), "-o", str(tmp_path / "fr.mkv")]) == 1
    assert "whose codec is ZZZZ" in capsys.readouterr().err
