"""Text in, a signer's video out, through all four packages."""

import json

import numpy as np
import pytest

RENDERERS = ("skeleton", "avatar", "diffusion")


def frames_of(path):
    from signdiff_core.video import read_video

    return np.stack(list(read_video(path)))


@pytest.mark.parametrize("renderer", RENDERERS)
def test_text_becomes_a_video_that_players_show(run_command, tmp_path, renderer):
    import av

    done = run_command("signdiff", "generate", "hi", "-o", "hi.mp4", "--renderer", renderer, "--pose", "hi.pose")
    assert done.returncode == 0, done.stderr
    with av.open(str(tmp_path / "hi.mp4")) as video:
        (stream,) = video.streams
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.average_rate == 25
    frames = frames_of(tmp_path / "hi.mp4")

    from signdiff_core import formats

    # two letters take about a second, and every frame of the pose is drawn
    assert len(frames) == formats.read(tmp_path / "hi.pose").body.data.shape[0]
    assert 0.5 <= len(frames) / 25 <= 3
    assert frames.shape[1] == frames.shape[2] >= 256
    # somebody is there, and moves
    assert frames.std(axis=(1, 2)).min() > 5
    assert np.abs(np.diff(frames.astype(np.int16), axis=0)).max() > 60


@pytest.mark.parametrize("renderer", RENDERERS)
def test_a_seed_gives_one_video(run_command, tmp_path, renderer):
    for name in ("a", "b"):
        done = run_command("signdiff", "generate", "a", "-o", f"{name}.mp4", "--renderer", renderer, "--seed", "3")
        assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(frames_of(tmp_path / "a.mp4"), frames_of(tmp_path / "b.mp4"))


def test_the_pipeline_draws_what_the_avatar_performs(run_command, tmp_path):
    from signdiff_core import formats
    from signdiff_core.avatar import Signer, fit
    from signdiff_core.avatar.renderer import AvatarRenderer
    from signdiff_core.diffusion import DiffusionRenderer
    from signdiff_core.skeleton import joints_of
    from signdiff_core.training.regions import hand_boxes
    from signdiff_eval.functional import ssim

    assert run_command("signdiff", "translate", "by", "-o", "by.pose").returncode == 0
    pose = formats.read(tmp_path / "by.pose")
    signer = Signer.neutral()
    truth = list(AvatarRenderer(signer=signer).render(pose, size=256))
    joints = fit(signer.avatar(), *joints_of(pose)).joints

    def hands(made):
        boxes = [
            [box for box in hand_boxes(frame, 256) if min(np.subtract(box[2:], box[:2])) >= 16] for frame in joints
        ]
        pairs = zip(truth, made, boxes, strict=True)
        return np.mean([ssim(other, one, box=box) for one, other, here in pairs for box in here])

    def whole(made):
        return np.mean([ssim(*pair) for pair in zip(made, truth, strict=True)])

    still = [truth[0]] * len(truth)
    made = list(DiffusionRenderer(prompt=signer.prompt).render(pose, size=256))
    assert whole(made) > 0.85
    assert hands(made) > hands(still) + 0.1
    # The neutral avatar's maps show this very signer, so whole frames are closer than a picture that stands still.
    made = list(DiffusionRenderer(prompt=signer.prompt, frnet_source="avatar").render(pose, size=256))
    assert whole(made) > whole(still)
    assert hands(made) > hands(still) + 0.1


def test_two_steps_are_one(run_command, tmp_path):
    assert run_command("signdiff", "generate", "ok", "-o", "one.mp4", "--renderer", "skeleton").returncode == 0
    assert run_command("signdiff", "translate", "ok", "-o", "ok.pose").returncode == 0
    assert run_command("signdiff", "render", "ok.pose", "-o", "two.mp4", "--renderer", "skeleton").returncode == 0
    np.testing.assert_array_equal(frames_of(tmp_path / "one.mp4"), frames_of(tmp_path / "two.mp4"))


def test_a_text_is_signed_in_the_language_that_was_asked_for(run_command, tmp_path):
    from signdiff_core import formats
    from signdiff_core.skeleton import joints_of

    for code in ("ase", "gsg"):
        done = run_command("signdiff", "translate", "grün", "-o", f"{code}.pose", "--signed-language", code)
        assert done.returncode == 0, done.stderr
    assert run_command("signdiff", "translate", "grun", "-o", "default.pose").returncode == 0
    joints = {path.stem: joints_of(formats.read(path))[0] for path in tmp_path.glob("*.pose")}
    # ASL has no ü, and spells u; German Sign Language moves the hand.
    np.testing.assert_allclose(joints["ase"], joints["default"], atol=1e-5)
    assert joints["gsg"].shape != joints["ase"].shape
    assert json.loads((tmp_path / "gsg.pose.json").read_text())["signed_language"] == "gsg"


def test_json_tells_what_was_made(run_command, tmp_path):
    done = run_command("signdiff", "generate", "hi", "-o", "hi.mp4", "--renderer", "skeleton", "--json")
    assert done.returncode == 0, done.stderr
    assert isinstance(json.loads(done.stdout), dict)
    assert (tmp_path / "hi.mp4").exists()
