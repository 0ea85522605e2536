"""Videos are estimated stretch by stretch, with an estimator that remembers what it saw: a bright square."""

from fractions import Fraction

import av
import numpy as np
import pytest

from signdiff_core.estimators import EstimateStore, estimate_video, find_estimator
from signdiff_core.estimators.estimating import WARM_UP
from signdiff_core.estimators.store import STRETCH
from signdiff_core.formats import FormatError
from signdiff_core.plugins import PluginError, UnknownPluginError
from signdiff_core.video import VideoError, probe, write_video
from signdiff_core.video.steady import SteadyVideo

SPOTTER = '''
import numpy as np
from pose_format.pose_header import PoseHeader, PoseHeaderComponent, PoseHeaderDimensions


class Spotter:
    """Finds a bright square; its second point is a smooth one, which depends on the frames before."""

    requires = ()
    extra = ""
    version = "1"
    calls = []

    def header(self, width, height):
        part = PoseHeaderComponent("SPOT", ["PLACE", "SMOOTH"], [], [(255, 0, 0)], "XYC")
        return PoseHeader(version=0.2, dimensions=PoseHeaderDimensions(width, height, 0), components=[part])

    def estimate(self, frames):
        smooth, seen = None, 0
        self.calls.append(0)
        for frame in frames:
            self.calls[-1] += 1
            rows, columns = np.nonzero(frame[..., 0] > 128)
            if not len(rows):
                yield []
                continue
            place = np.array([columns.mean(), rows.mean()], dtype=np.float32)
            smooth = place if smooth is None else smooth / 2 + place / 2
            yield [(np.stack([place, smooth]).astype(np.float32), np.ones(2, np.float32))]


class Wrong(Spotter):
    def estimate(self, frames):
        for _ in frames:
            yield [(np.zeros((3, 2), np.float32), np.ones(3, np.float32))]


class Needy(Spotter):
    requires = ("no_such_module_anywhere",)
    extra = "stand-ins[eyes]"
'''

ENTRY_POINTS = "[signdiff.estimators]\nspotter = spotter:Spotter\nwrong = spotter:Wrong\nneedy = spotter:Needy\n"


@pytest.fixture
def spotter(site, installed):
    installed(site, "spotter", "1.0", ENTRY_POINTS, {"spotter": SPOTTER})
    found, _ = find_estimator("spotter")
    return found


def moving(count, *, hidden=()):
    for number in range(count):
        frame = np.zeros((32, 64, 3), np.uint8)
        if number not in hidden:
            frame[8:12, number % 60 : number % 60 + 4] = 255
        yield frame


def places(found):
    return found.pose.body.data.filled(0)[:, 0, 0, 0]


def test_every_frame_is_estimated_in_its_place(spotter, tmp_path):
    write_video(tmp_path / "a.mp4", moving(30), 25, crf=0)
    found = estimate_video(tmp_path / "a.mp4", "spotter")
    assert np.abs(places(found) - (np.arange(30) + 1.5)).max() < 0.6
    assert (found.pose.header.dimensions.width, found.pose.header.dimensions.height) == (64, 32)
    assert found.pose.body.fps == 25
    assert (found.empty, found.notes()) == (0, [])


def test_frames_without_anybody_are_counted(spotter, tmp_path):
    write_video(tmp_path / "a.mp4", moving(30, hidden=range(5, 15)), 25)
    found = estimate_video(tmp_path / "a.mp4", "spotter")
    assert found.notes() == ["10 of 30 frames show nobody"]
    assert not found.pose.body.confidence[5:15].any()
    assert found.pose.body.confidence[[4, 15]].all()


def test_a_video_without_anybody_is_an_error(spotter, tmp_path):
    write_video(tmp_path / "a.mp4", moving(30, hidden=range(30)), 25)
    with pytest.raises(FormatError, match=r"a\.mp4: expected a video of a person, but none of its 30 frames shows one"):
        estimate_video(tmp_path / "a.mp4", "spotter")


def test_what_was_stopped_and_resumed_equals_what_was_not(spotter, tmp_path):
    total = STRETCH + 20
    write_video(tmp_path / "a.mp4", moving(total), 25)
    whole = estimate_video(tmp_path / "a.mp4", "spotter")
    for stop in (STRETCH - 1, STRETCH + 9):

        def stopping(found, _total, _done, stop=stop):
            for number, frame in enumerate(found):
                if number == stop:
                    raise KeyboardInterrupt
                yield frame

        store = EstimateStore(tmp_path / f"{stop}.pose")
        with pytest.raises(KeyboardInterrupt):
            estimate_video(tmp_path / "a.mp4", "spotter", store=store, track=stopping)
        assert store.frames() == stop // STRETCH * STRETCH
        for left in (2 - stop // STRETCH, 0):  # stretches that are estimated: the rest, then none
            spotter.calls.clear()
            resumed = estimate_video(tmp_path / "a.mp4", "spotter", store=store)
            assert len(spotter.calls) == left
            assert np.array_equal(resumed.pose.body.data.filled(0), whole.pose.body.data.filled(0))
            assert np.array_equal(resumed.pose.body.confidence, whole.pose.body.confidence)


def test_a_stretch_is_warmed_up_with_the_frames_before(spotter, tmp_path):
    write_video(tmp_path / "a.mp4", moving(STRETCH + 10), 25)
    found = estimate_video(tmp_path / "a.mp4", "spotter")
    assert spotter.calls == [STRETCH, WARM_UP + 10]
    before, now = (number % 60 + 1.5 for number in (STRETCH - 1, STRETCH))  # the smooth point lags by 1
    assert found.pose.body.data.filled(0)[STRETCH, 0, 1, 0] == pytest.approx((before - 1 + now) / 2, abs=0.6)


def test_findings_of_another_video_are_not_resumed(spotter, tmp_path):
    write_video(tmp_path / "a.mp4", moving(5), 25)
    store = EstimateStore(tmp_path / "a.pose")
    estimate_video(tmp_path / "a.mp4", "spotter", store=store, stamp="one")
    with pytest.raises(ValueError, match="expected findings of the same settings, but video was one and is other"):
        estimate_video(tmp_path / "a.mp4", "spotter", store=store, stamp="other")
    file = next(store.folder.iterdir())
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(ValueError, match=r"000000\.safetensors must be as it was stored, but is damaged"):
        estimate_video(tmp_path / "a.mp4", "spotter", store=store, stamp="one")


@pytest.mark.usefixtures("spotter")
def test_estimators_that_cannot_be_used_say_why(tmp_path):
    write_video(tmp_path / "a.mp4", moving(5), 25)
    with pytest.raises(
        PluginError, match=r"wrong of spotter 1\.0 must give points \(2, 2\) and confidences \(2,\), but"
    ):
        estimate_video(tmp_path / "a.mp4", "wrong")
    match = (
        r"needs no_such_module_anywhere, which is not installed\. To get it: python -m pip install \"stand-ins\[eyes"
    )
    with pytest.raises(PluginError, match=match):
        estimate_video(tmp_path / "a.mp4", "needy")
    with pytest.raises(UnknownPluginError, match="no estimator named 'nobody'; installed: holistic, needy, spotter"):
        estimate_video(tmp_path / "a.mp4", "nobody")


def with_times(path, frames, times):
    """Write a video whose pictures are shown at these milliseconds."""
    with av.open(path, "w") as file:
        stream = file.add_stream("libx264", rate=25, options={"crf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 32, "yuv444p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for frame, time in zip(frames, times, strict=True):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts, picture.time_base = time, Fraction(1, 1000)
            for packet in stream.encode(picture):
                file.mux(packet)
        for packet in stream.encode():
            file.mux(packet)


def test_pictures_of_an_unsteady_rate_are_shown_at_their_times(spotter, tmp_path):
    # 25 pictures a second, but none between 0.4 and 0.8 s, and two within one fortieth of a second after 1.2 s.
    times = [40 * number for number in range(40) if not 10 <= number < 20]
    places_of = [time // 40 for time in times]
    times.insert(22, times[21] + 8)
    places_of.insert(22, 50)
    pictures = list(moving(60))
    with_times(tmp_path / "a.mkv", [pictures[place] for place in places_of], times)
    video = SteadyVideo(tmp_path / "a.mkv")
    assert not video.is_steady
    found = estimate_video(tmp_path / "a.mkv", "spotter")
    shown_at = np.arange(len(places(found))) / found.pose.body.fps
    assert shown_at[-1] == pytest.approx(times[-1] / 1000, abs=0.06)
    wanted = []
    for at in shown_at:
        before = [place for place, time in zip(places_of, times, strict=True) if time / 1000 <= at + 0.5 / video.fps]
        wanted.append(before[-1] + 1.5)
    assert np.abs(places(found) - wanted).max() < 0.6
    assert found.repeated >= 9
    assert "the video's rate is not steady" in found.notes()[0]


def test_a_video_that_is_cut_short_is_an_error(tmp_path):
    for name in ("a.mkv", "a.webm"):
        with av.open(tmp_path / name, "w") as file:
            stream = file.add_stream("libx264" if name == "a.mkv" else "libvpx", rate=25)
            stream.width, stream.height, stream.pix_fmt = 64, 32, "yuv420p"
            for frame in np.random.default_rng(0).integers(0, 256, (100, 32, 64, 3), dtype=np.uint8):
                file.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            file.mux(stream.encode())
        assert SteadyVideo(tmp_path / name).frames == 100
        content = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content[: len(content) // 2])
        with pytest.raises(VideoError, match=rf"{name}: expected 4\.0 seconds, as the file says, but it ends after"):
            SteadyVideo(tmp_path / name)


@pytest.mark.parametrize("fps", [23.976, 29.97, 12.5, 59.94])
def test_a_steady_rate_is_kept(tmp_path, fps):
    for name in ("a.mp4", "a.mkv"):
        path = tmp_path / name
        if name == "a.mp4":
            write_video(path, moving(50), fps)
        else:  # whose times are in whole milliseconds
            with_times(path, moving(50), [round(1000 * number / fps) for number in range(50)])
        video = SteadyVideo(path)
        assert (video.is_steady, len(list(video)), video.repeated, video.dropped) == (True, 50, 0, 0)
        assert video.fps == pytest.approx(fps, rel=1e-3)


def test_a_video_that_is_stored_turned_is_estimated_upright(spotter, tmp_path):
    write_video(tmp_path / "a.mp4", moving(3), 25)
    content = bytearray((tmp_path / "a.mp4").read_bytes())
    one, at = (1 << 16).to_bytes(4, "big"), content.index(b"tkhd") + 44
    matrix = [bytes(4), one, bytes(4), (-(1 << 16)).to_bytes(4, "big", signed=True)]  # a quarter of a circle
    content[at : at + 20] = b"".join([*matrix[:3], *matrix[3:], bytes(4)])
    (tmp_path / "a.mp4").write_bytes(bytes(content))
    assert (probe(tmp_path / "a.mp4").width, probe(tmp_path / "a.mp4").height) == (32, 64)
    found = estimate_video(tmp_path / "a.mp4", "spotter")
    assert (found.pose.header.dimensions.width, found.pose.header.dimensions.height) == (32, 64)
    x, y = found.pose.body.data.filled(0)[:, 0, 0].T
    assert np.ptp(x) < 0.6  # what moved to the right
    assert np.abs(np.diff(y)) == pytest.approx(1, abs=0.3)  # moves up or down
