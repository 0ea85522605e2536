import struct
import subprocess
import sys
from fractions import Fraction

import av
import numpy as np
import pytest

from signdiff_eval.readers import Pair, open_video
from signdiff_eval.scoring import score_videos


@pytest.fixture
def scene(rng):
    return rng.integers(0, 256, (4, 3, 4, 3), dtype=np.uint8).repeat(16, axis=1).repeat(16, axis=2)


def write(path, frames, rate=25, **metadata):
    path.parent.mkdir(exist_ok=True)
    with av.open(str(path), "w") as movie:
        movie.metadata.update(metadata)
        stream = movie.add_stream("libx264rgb", rate=rate, options={"qp": "0"})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "rgb24"
        for frame in frames:
            movie.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame))))
        movie.mux(stream.encode())
    return path


def turned(path, quarters):
    """Write into an MP4 that it is to be shown so many quarters of a circle clockwise: the matrix of its track."""
    cosine, sine = {1: (0, 1), 2: (-1, 0), 3: (0, -1)}[quarters]
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 44
    matrix = (cosine << 16, sine << 16, 0, -sine << 16, cosine << 16, 0, 0, 0, 1 << 30)
    data[start : start + 36] = struct.pack(">9i", *matrix)
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_video_is_read_as_it_is_to_be_shown(tmp_path, scene, quarters):
    cv2 = pytest.importorskip("cv2")
    path = write(tmp_path / "phone.mp4", scene)
    turned(path, quarters)
    with open_video(path) as (_, frames):
        seen = np.stack(list(frames))
    assert (seen == np.rot90(scene, -quarters, axes=(1, 2))).all()
    _, theirs = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG).read()
    assert theirs.shape == seen[0].shape


def test_a_turned_video_scores_as_what_is_seen(tmp_path, scene):
    reference = write(tmp_path / "ref" / "a.mp4", scene)
    lying = write(tmp_path / "hyp" / "a.mp4", np.rot90(scene, 1, axes=(1, 2)))
    turned(lying, 1)
    report = score_videos([Pair("a", lying, reference)])
    assert report.score("ssim").value == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("rates", [("30000/1001", "2997/100"), ("24000/1001", "2398/100")])
def test_one_rate_written_in_two_ways_is_one_rate(tmp_path, scene, rates):
    paths = [write(tmp_path / name / "a.mp4", scene, Fraction(rate)) for name, rate in zip("rh", rates, strict=True)]
    report = score_videos([Pair("a", *reversed(paths))])
    assert report.score("ssim").value == 1
    assert f"|fps:{float(Fraction(rates[0])):g}|" in str(report.score("ssim").signature)


def test_other_rates_are_told_apart(tmp_path, scene):
    paths = [write(tmp_path / name / "a.mp4", scene, Fraction(rate)) for name, rate in (("r", "25"), ("h", "24"))]
    with pytest.raises(ValueError, match=rf"the first reference has 25 frames per second and {paths[1]} 24\."):
        score_videos([Pair("a", *reversed(paths))])


def test_a_title_in_another_encoding_is_not_looked_at(tmp_path, scene):
    path = write(tmp_path / "a.mkv", scene, title="Gr\u00fc\u00dfe")
    data = path.read_bytes()
    assert "Gr\u00fc\u00dfe".encode() in data
    path.write_bytes(data.replace("Gr\u00fc\u00dfe".encode(), b"Gr\xfc\xdfe!!"))
    with open_video(path) as (_, frames):
        assert len(list(frames)) == 4


@pytest.mark.parametrize("damage", ["nothing", "noise", "head", "text"])
def test_what_is_no_video_is_one_line_with_its_name(tmp_path, scene, rng, damage):
    path = write(tmp_path / "ref" / "a.mp4", scene)
    whole = path.read_bytes()
    path.write_bytes({"nothing": b"", "noise": rng.bytes(500), "head": whole[:90], "text": b"hello\n" * 50}[damage])
    program = "from signdiff_eval.cli import main; main()"
    command = ["score", "--video", "--ref", str(path), "--hyp", str(path)]
    done = subprocess.run([sys.executable, "-c", program, *command], capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"error: {path} must be a whole video, but can't be read: " in done.stderr
