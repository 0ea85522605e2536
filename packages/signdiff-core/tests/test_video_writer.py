"""Videos that are interrupted, killed, run out of disk, and are resumed."""

import json
import subprocess
import sys
import zlib
from pathlib import Path

import av
import numpy as np
import pytest

from signdiff_core.video import VideoError, VideoWriter, read_video, unfinished, write_video

GROUP = 24
TOTAL = 80


def drawn(number, height=32, width=48):
    """Noise that moves: costs bits, and no two frames are equal."""
    noise = np.random.default_rng(0).integers(0, 255, (height // 4, width // 4, 3), np.uint8)
    return np.roll(np.kron(noise, np.ones((4, 4, 1), np.uint8)), (number, 2 * number), (0, 1))


def write(path, stop=TOTAL, error=None, draw=drawn, **options):
    with VideoWriter(path, 25, **options) as video:
        for number in range(video.frames, stop):
            video.write(draw(number))
        if error is not None:
            raise error
    return video


def interrupted(path, stop, **options):
    with pytest.raises(KeyboardInterrupt):
        write(path, stop, KeyboardInterrupt(), **options)


def times(path):
    """When each frame is shown, in frames."""
    with av.open(str(path)) as file:
        return [frame.pts * frame.time_base * 25 for frame in file.decode(video=0)]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "a.mp4"
    write_video(path, (drawn(number) for number in range(TOTAL)), 25)
    return path.read_bytes()


def test_unbroken_equals_write_video(tmp_path, whole):
    video = write(tmp_path / "a.mp4")
    assert names(tmp_path) == ["a.mp4"]
    assert (tmp_path / "a.mp4").read_bytes() == whole
    assert (video.info.frames, video.info.width, video.info.seconds) == (TOTAL, 48, TOTAL / 25)


@pytest.mark.parametrize("stop", [1, 2, 3, 23, 24, 25, 26, 47, 48, 60, TOTAL])
def test_interruption_leaves_what_plays_and_can_be_gone_on_with(tmp_path, whole, stop):
    interrupted(tmp_path / "a.mp4", stop)
    assert names(tmp_path) == ["a.partial.mp4", "a.partial.resume"]
    assert times(tmp_path / "a.partial.mp4") == list(range(stop))
    shown = list(read_video(tmp_path / "a.partial.mp4"))
    (tmp_path / "whole.mp4").write_bytes(whole)
    assert np.array_equal(
        shown[: stop // GROUP * GROUP], list(read_video(tmp_path / "whole.mp4"))[: stop // GROUP * GROUP]
    )
    assert np.mean([np.abs(frame.astype(int) - drawn(n)).mean() for n, frame in enumerate(shown)]) < 20
    assert unfinished(tmp_path / "a.mp4") == stop
    assert write(tmp_path / "a.mp4", resume=True).info.frames == TOTAL
    assert (tmp_path / "a.mp4").read_bytes() == whole
    assert names(tmp_path) == ["a.mp4", "whole.mp4"]


def test_many_interruptions_leave_no_trace(tmp_path, whole):
    for stop in (5, 5, 24, 31, 31, 50, 72, 79):
        interrupted(tmp_path / "a.mp4", stop, resume=True)
        assert times(tmp_path / "a.partial.mp4") == list(range(stop))
    write(tmp_path / "a.mp4", resume=True)
    assert (tmp_path / "a.mp4").read_bytes() == whole


SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
from test_video_writer import {draw}
from signdiff_core.video import VideoWriter
{before}
with VideoWriter({path!r}, 25, crf={crf}, resume=True) as video:
    for number in range(video.frames, {total}):
        video.write({draw}(number))
        print(number, flush=True)
"""


def process(path, before="", draw="drawn", total=TOTAL, crf=18):
    """A process that resumes a video and prints the number of each frame."""
    script = SCRIPT.format(
        tests=str(Path(__file__).parent), path=str(path), before=before, draw=draw, total=total, crf=crf
    )
    return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_killed_again_and_again(tmp_path, whole):
    path = tmp_path / "a.mp4"
    for last in (10, 23, 24, 55):
        worker = process(path)
        while int(worker.stdout.readline()) < last:
            pass
        worker.kill()
        worker.communicate()
        kept = unfinished(path)
        assert kept > last  # what was written before the next frame was drawn is there
        if kept > GROUP:
            shown = times(path.with_suffix(".partial.mp4"))
            assert shown == list(range(len(shown)))
            assert kept - GROUP <= len(shown) <= kept
    worker = process(path)
    out, err = worker.communicate(timeout=60)
    assert (worker.returncode, err) == (0, "")
    assert [int(line) for line in out.split()] == list(range(kept, TOTAL))
    assert path.read_bytes() == whole


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("which", ["a.partial.mp4", "a.partial.resume"])
def test_what_was_changed_is_made_anew_or_refused_and_never_taken_for_frames(tmp_path, whole, which, share):
    interrupted(tmp_path / "a.mp4", 60)
    content = bytearray((tmp_path / which).read_bytes())
    content[int(share * len(content))] ^= 1
    (tmp_path / which).write_bytes(content)
    try:
        write(tmp_path / "a.mp4", resume=True)
    except VideoError:
        write(tmp_path / "a.mp4", resume=False)
    assert (tmp_path / "a.mp4").read_bytes() == whole


@pytest.mark.parametrize("cut", [1, 100, 1000])
@pytest.mark.parametrize("which", ["a.partial.mp4", "a.partial.resume"])
def test_what_is_torn_at_the_end_is_made_anew(tmp_path, whole, which, cut):
    interrupted(tmp_path / "a.mp4", 60)
    with (tmp_path / which).open("r+b") as file:
        file.truncate((tmp_path / which).stat().st_size - cut)
    assert unfinished(tmp_path / "a.mp4") == (59 if which == "a.partial.resume" else 60)
    write(tmp_path / "a.mp4", resume=True)
    assert (tmp_path / "a.mp4").read_bytes() == whole


def test_missing_frames_are_told(tmp_path):
    interrupted(tmp_path / "a.mp4", 60)
    with (tmp_path / "a.partial.mp4").open("r+b") as file:
        file.truncate(5000)
    with pytest.raises(VideoError, match=r"a\.partial\.mp4: expected the frames before 48, but not all are there"):
        VideoWriter(tmp_path / "a.mp4", 25, resume=True)


def test_only_the_same_video_is_gone_on_with(tmp_path, whole):
    interrupted(tmp_path / "a.mp4", 30, settings={"seed": 0, "prompt": "a man"})
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match="but prompt was a man and is not given, seed was 0 and is 1"):
        VideoWriter(tmp_path / "a.mp4", 25, settings={"seed": 1}, resume=True)
    with pytest.raises(ValueError, match="fps was 25 and is 30"):
        VideoWriter(tmp_path / "a.mp4", 30, settings={"seed": 0, "prompt": "a man"}, resume=True)
    with pytest.raises(FileExistsError, match="an interrupted video of 30 frames is there"):
        VideoWriter(tmp_path / "a.mp4", 25)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    write(tmp_path / "a.mp4", settings={"prompt": "a man", "seed": 0}, resume=True)
    assert (tmp_path / "a.mp4").read_bytes() == whole


def test_an_interrupted_video_is_thrown_away_at_the_first_new_frame(tmp_path, whole):
    interrupted(tmp_path / "a.mp4", 60)
    VideoWriter(tmp_path / "a.mp4", 25, settings={"seed": 1}, resume=False)
    assert unfinished(tmp_path / "a.mp4") == 60
    interrupted(tmp_path / "a.mp4", 2, settings={"seed": 1}, resume=False)
    assert unfinished(tmp_path / "a.mp4") == 2
    assert times(tmp_path / "a.partial.mp4") == [0, 1]
    write(tmp_path / "a.mp4", resume=False)
    assert (tmp_path / "a.mp4").read_bytes() == whole
    assert names(tmp_path) == ["a.mp4"]


def test_a_video_without_what_belongs_to_it_is_not_overwritten(tmp_path):
    interrupted(tmp_path / "a.mp4", 30)
    (tmp_path / "a.partial.resume").unlink()
    for resume in (None, True):
        with pytest.raises(FileExistsError, match=r"a\.partial\.mp4 is in the way"):
            VideoWriter(tmp_path / "a.mp4", 25, resume=resume)
    assert len(times(tmp_path / "a.partial.mp4")) == 30


def test_an_error_keeps_what_is_worth_it(tmp_path, whole):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"older")
    with pytest.raises(RuntimeError, match="out of ink"):
        write(path, GROUP - 1, RuntimeError("out of ink"))
    assert names(tmp_path) == ["a.mp4"]
    with pytest.raises(RuntimeError, match="out of ink"):
        write(path, GROUP + 1, RuntimeError("out of ink"))
    assert times(tmp_path / "a.partial.mp4") == list(range(GROUP + 1))
    assert path.read_bytes() == b"older"
    write(path, resume=True)
    assert path.read_bytes() == whole


def test_an_error_does_not_lose_what_was_kept_before(tmp_path):
    interrupted(tmp_path / "a.mp4", 5)
    with pytest.raises(RuntimeError):
        write(tmp_path / "a.mp4", 6, RuntimeError(), resume=True)
    assert unfinished(tmp_path / "a.mp4") == 6


@pytest.mark.parametrize("number", [0, 1, GROUP, GROUP + 1])
def test_frames_of_another_kind_are_refused(tmp_path, number):
    video = VideoWriter(tmp_path / "a.mp4", 25)
    for n in range(number):
        video.write(drawn(n))
    with pytest.raises(ValueError, match=r"must be \(|must have even sides"):
        video.write(drawn(0, height=64)[: 63 if number == 0 else 64])


def test_a_video_needs_a_frame(tmp_path):
    with pytest.raises(ValueError, match="at least one frame"), VideoWriter(tmp_path / "a.mp4", 25):
        pass
    assert names(tmp_path) == []


def test_two_at_once_are_refused(tmp_path):
    pytest.importorskip("fcntl")
    path = tmp_path / "a.mp4"
    with VideoWriter(path, 25) as video:
        video.write(drawn(0))
        with pytest.raises(BlockingIOError, match="another process is at work"):
            VideoWriter(path, 25, resume=True)
        other = VideoWriter(path, 25, resume=False)
        with pytest.raises(BlockingIOError, match="another process is at work"):
            other.write(drawn(1))
        video.write(drawn(1))
    assert times(path) == [0, 1]


def noise(number):
    return np.random.default_rng(number).integers(0, 255, (32, 48, 3), np.uint8)


@pytest.mark.parametrize(
    ("limit", "kept", "file"), [(50_000, GROUP + 10, "a.partial.resume"), (150_000, 3 * GROUP, "a.partial.mp4")]
)
def test_a_full_disk_costs_no_frame(tmp_path, limit, kept, file):
    pytest.importorskip("resource")
    path = tmp_path / "a.mp4"
    total, crf = 4 * GROUP, 0
    write_video(tmp_path / "whole.mp4", map(noise, range(total)), 25, crf=crf)
    interrupted(path, GROUP + 1, draw=noise, crf=crf)
    # In place of a disk that is full, the system does not let any file grow beyond a limit.
    before = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))"
    worker = process(path, before, draw="noise", total=total, crf=crf)
    _, err = worker.communicate(timeout=60)
    assert worker.returncode == 1
    assert err.splitlines()[-1].startswith("OSError:")
    assert file in err.splitlines()[-1]
    assert unfinished(path) == kept
    assert times(path.with_suffix(".partial.mp4")) == list(range((kept - 1) // GROUP * GROUP))
    worker = process(path, draw="noise", total=total, crf=crf)
    assert worker.communicate(timeout=60)[1] == ""
    assert path.read_bytes() == (tmp_path / "whole.mp4").read_bytes()


HEADER = {"shape": [32, 48], "settings": {}, "format": 2}


def head(header):
    line = json.dumps(header).encode()
    return b"%08x %s\n" % (zlib.crc32(line), line)


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x04not a header",
        b"[1, 2]\n",
        head({**HEADER, "format": 1}),
        head({**HEADER, "shape": [32, 10**9]}),
        head({**HEADER, "shape": [32, "48"]}),
        head({**HEADER, "more": 1}),
        head(HEADER).replace(b"32", b"34"),
        head(HEADER) + bytes(100 * (12 + 32 * 48 * 3)),
        b"[" * 3_000,
        b"{" * 3_000_000,
    ],
)
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / "a.partial.resume").write_bytes(content)
    for attempt in (lambda path: VideoWriter(path, 25, resume=True), unfinished):
        with pytest.raises(VideoError, match=r"a\.partial\.resume: expected what an interrupted video leaves"):
            attempt(tmp_path / "a.mp4")
    write(tmp_path / "a.mp4", resume=False)
    assert names(tmp_path) == ["a.mp4"]


def test_a_process_that_died_before_its_first_frame_left_nothing(tmp_path):
    for content in (b"", head({**HEADER, "settings": {"seed": 1}})):
        (tmp_path / "a.partial.resume").write_bytes(content)
        assert unfinished(tmp_path / "a.mp4") == 0
        for resume in (None, True):
            interrupted(tmp_path / "a.mp4", 1, resume=resume)
            assert unfinished(tmp_path / "a.mp4") == 1
            (tmp_path / "a.partial.mp4").unlink()
            (tmp_path / "a.partial.resume").write_bytes(content)


def test_one_can_look_while_another_process_writes(tmp_path):
    worker = process(tmp_path / "a.mp4", total=600)
    seen = [0]
    while worker.poll() is None:
        seen.append(unfinished(tmp_path / "a.mp4"))
    assert worker.wait() == 0
    assert max(seen) > GROUP
