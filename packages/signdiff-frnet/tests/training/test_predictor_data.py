import json
import shutil
import types

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from signdiff_frnet import FRNetDetector, frnet  # noqa: E402
from signdiff_frnet.training import PredictorTrainingConfig  # noqa: E402
from signdiff_frnet.training.batches import Batches  # noqa: E402
from signdiff_frnet.training.images import Framing  # noqa: E402
from signdiff_frnet.training.sources import (  # noqa: E402
    AvatarSource,
    open_folder,
    open_sources,
)


def config_for(pairs, **options):
    known = {"output_dir": "", "train_data_dir": str(pairs), "resolutions": (64,), "train_batch_size": 4}
    return PredictorTrainingConfig(**{**known, **options})


def test_pairs_are_read_as_they_are(pairs):
    source = open_folder(pairs)
    assert len(source) == 12
    drawing = cv2.imread(str(pairs / "drawings" / "signer1" / "2.png"))[..., ::-1]
    assert np.array_equal(source.drawing(6, 64), drawing)
    assert source.companions(6) == [4, 5, 7]
    assert source.frame(6, 128).shape == (128, 128, 3)


def test_images_in_no_sub_folder_have_no_companions(pairs, tmp_path):
    for kind in ("drawings", "frames"):
        shutil.copytree(pairs / kind / "signer0", tmp_path / kind)
    source = open_folder(tmp_path)
    assert [source.companions(index) for index in range(len(source))] == [[]] * 4


def test_videos_of_drawings_and_frames(tmp_path):
    for kind, shade in (("drawings", 0), ("frames", 200)):
        (tmp_path / kind).mkdir()
        writer = cv2.VideoWriter(str(tmp_path / kind / "a.avi"), cv2.VideoWriter.fourcc(*"FFV1"), 25, (96, 64))
        for number in range(7):
            writer.write(np.full((64, 96, 3), shade + number, np.uint8))
        writer.release()
    source = open_folder(tmp_path, frame_step=3)
    assert [int(source.frame(index, 64)[0, 0, 0]) for index in range(len(source))] == [200, 203, 206]
    assert [int(source.drawing(index, 64).max()) for index in range(len(source))] == [0, 3, 6]
    assert source.companions(1) == [0, 2]


def test_a_frame_without_its_drawing_is_named(pairs, tmp_path):
    shutil.copytree(pairs, tmp_path / "copy")
    (tmp_path / "copy" / "drawings" / "signer2" / "3.png").unlink()
    with pytest.raises(ValueError, match="signer2/3"):
        open_folder(tmp_path / "copy")


@pytest.mark.parametrize("make", [lambda root: None, lambda root: (root / "x.txt").touch()])
def test_a_folder_of_nothing_known_is_refused(tmp_path, make):
    make(tmp_path)
    with pytest.raises(ValueError, match=r"must hold metadata\.jsonl, or drawings and frames"):
        open_folder(tmp_path)
    with pytest.raises(FileNotFoundError, match="expected a folder"):
        open_folder(tmp_path / "none")


def test_a_batch_holds_the_drawing_and_frnets_map(pairs):
    batches = Batches(
        open_folder(pairs),
        config_for(pairs, detect_resolution=64, proportion_no_reference=1.0, proportion_reframed=0.0),
    )
    conditions, strokes = batches(0, rank=0, world=1)
    assert conditions.shape == (4, 4, 64, 64)
    assert not conditions[:, 3].any()
    drawn = {batches.source.drawing(index, 64).tobytes(): index for index in range(12)}
    for condition, stroke in zip(conditions, strokes, strict=True):
        drawing = (condition[:3] * 255).round().byte().permute(1, 2, 0).numpy()
        index = drawn[np.ascontiguousarray(drawing).tobytes()]
        assert np.array_equal(stroke[0].numpy() == 1, frnet(batches.source.frame(index, 64)) == 0)
        assert stroke.any()


def test_maps_are_looked_for_at_the_detectors_resolution(pairs):
    batches = Batches(open_folder(pairs), config_for(pairs, detect_resolution=128, offset=4.0))
    frame = batches.source.frame(2, 64)
    expected = FRNetDetector()(frame, offset=4.0, detect_resolution=128, image_resolution=64, output_type="np")
    assert np.array_equal(batches.fr_map(2, 64), expected[..., 0])


def test_references_are_maps_of_the_same_signer(pairs):
    batches = Batches(open_folder(pairs), config_for(pairs, proportion_no_reference=0.0))
    maps = [batches.fr_map(index, 64).tobytes() for index in range(12)]
    for step in range(3):
        for sample in batches(step, rank=0, world=1).conditions:
            reference = (sample[3] * 255).byte().numpy().tobytes()
            assert reference in maps


def test_half_batches_of_two_processes_are_the_batch_of_one(pairs):
    source = open_folder(pairs)
    for step in (0, 1, 5):
        whole = Batches(source, config_for(pairs))(step, rank=0, world=1)
        halves = [Batches(source, config_for(pairs, train_batch_size=2))(step, rank=rank, world=2) for rank in (0, 1)]
        for part, one in enumerate(whole):
            assert torch.equal(one, torch.cat([half[part] for half in halves]))


def test_an_epoch_visits_each_sample_once(pairs):
    batches = Batches(open_folder(pairs), config_for(pairs, proportion_no_reference=1.0))
    seen = [sample[:3].numpy().tobytes() for step in range(3) for sample in batches(step, rank=0, world=1).conditions]
    assert len(set(seen)) == 12


def test_several_resolutions_have_as_many_pixels(pairs):
    batches = Batches(open_folder(pairs), config_for(pairs, resolutions=(128, 64)))
    shapes = {tuple(batches(step, rank=0, world=1).conditions.shape) for step in range(8)}
    assert shapes == {(4, 4, 128, 128), (16, 4, 64, 64)}


def test_without_held_out_data_the_training_data_are_scored(pairs):
    train, held_out = open_sources(config_for(pairs))
    assert train is held_out
    train, held_out = open_sources(config_for(pairs, validation_data_dir=str(pairs)))
    assert train is not held_out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"train_data_dir": None}, "one of the two"),
        ({"avatar_poses_dir": "poses"}, "one of the two"),
        ({"resolutions": (100,)}, "resolutions must be multiples of 64"),
        ({"block_out_channels": (8, 8)}, "block_out_channels must be 5"),
        ({"proportion_no_reference": 1.5}, "proportion_no_reference must lie"),
        ({"train_batch_size": 0}, "train_batch_size must be positive"),
        ({"kernel_size": 4}, "kernel_size must be an odd"),
        ({"detect_resolution": 100}, "detect_resolution must be a multiple"),
    ],
)
def test_wrong_options_are_named(pairs, options, message):
    with pytest.raises(ValueError, match=message):
        config_for(pairs, **options)


# What follows needs the plug-ins of signdiff-core.


def make_joints(count):
    skeleton = pytest.importorskip("signdiff_core.skeleton")
    joints = np.zeros((count, skeleton.NUM_JOINTS, 3), np.float32)
    joints[:, 0], joints[:, 2], joints[:, 5] = (0, -0.22, 0), (-1 / 6, 0, 0), (1 / 6, 0, 0)
    for shoulder in (2, 5):
        joints[:, shoulder + 1] = joints[:, shoulder] + (0, 0.25, 0)
        joints[:, shoulder + 2] = joints[:, shoulder + 1] + (0.1, -0.2, 0)
    joints[:, 8:] = joints[:, [4] * 42] + np.linspace(-0.05, 0.05, 42)[None, :, None]
    joints[:, :, 0] += np.linspace(0, 0.1, count, dtype=np.float32)[:, None]
    return joints


def test_frames_with_joints_are_drawn_as_the_pipeline_draws_them(tmp_path):
    drawing = pytest.importorskip("signdiff_core.drawing")
    save_file = pytest.importorskip("safetensors.numpy").save_file
    joints = make_joints(3)
    joints[2, 8:29] = np.nan  # a hand that nobody saw
    save_file({"joints": joints}, tmp_path / "joints.safetensors")
    for index in range(3):
        cv2.imwrite(str(tmp_path / f"{index}.png"), np.full((128, 128, 3), 50 * index, np.uint8))
    rows = [{"file_name": f"{i}.png", "joints": i, "pose_id": "a", "text": "b" if i else "c"} for i in range(3)]
    (tmp_path / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    source = open_folder(tmp_path)
    assert np.array_equal(source.drawing(1, 256), drawing.draw(joints[1], size=256))
    seen = np.isfinite(joints[2]).all(axis=1).astype(np.float32)
    assert np.array_equal(source.drawing(2, 256), drawing.draw(joints[2], seen, size=256))
    assert source.frame(2, 64).mean() == 100
    assert [source.companions(index) for index in range(3)] == [[], [2], [1]]
    (tmp_path / "metadata.jsonl").write_text('{"file_name": "0.png", "joints": 3, "text": ""}\n')
    with pytest.raises(ValueError, match="names joints beyond the 3 of"):
        open_folder(tmp_path)
    (tmp_path / "metadata.jsonl").write_text('{"file_name": "0.png"}\n')
    with pytest.raises(ValueError, match="line 1: joints must be given"):
        open_folder(tmp_path)
    for place in ("../0.png", "a/../../0.png", str(tmp_path / "0.png"), "a\\b.png", "a\0.png"):
        (tmp_path / "metadata.jsonl").write_text(json.dumps({"file_name": place, "joints": 0, "text": ""}) + "\n")
        with pytest.raises(ValueError, match="line 1: file_name must be a path inside a folder"):
            open_folder(tmp_path)
    (tmp_path / "metadata.jsonl").write_text(json.dumps(rows[0]) + "\n")
    whole = (tmp_path / "joints.safetensors").read_bytes()
    (tmp_path / "joints.safetensors").write_bytes(whole[:-1])
    with pytest.raises(ValueError, match=r"joints\.safetensors must be a whole safetensors file"):
        open_folder(tmp_path)


def write_frames(folder, frames, rows):
    """A folder of frames with joints, without an index; each row is of the frame of its number."""
    save_file = pytest.importorskip("safetensors.numpy").save_file
    save_file({"joints": make_joints(len(frames))}, folder / "joints.safetensors")
    for index, frame in enumerate(frames):
        assert cv2.imwrite(str(folder / f"{index}.png"), frame)
    rows = [{"file_name": f"{index}.png", "joints": index, **row} for index, row in enumerate(rows)]
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_frames_with_joints_need_no_captions(tmp_path):
    rows = [{"pose_id": "a"}, {"pose_id": "a", "text": "b"}, {"pose_id": "a", "text": "b"}, {"pose_id": "a"}]
    write_frames(tmp_path, [np.full((64, 64, 3), 50 * index, np.uint8) for index in range(4)], rows)
    source = open_folder(tmp_path)
    assert [source.frame(index, 64).mean() for index in range(4)] == [0, 50, 100, 150]
    assert source.drawing(3, 64).any()
    # Who has no caption is nobody else's companion.
    assert [source.companions(index) for index in range(4)] == [[], [2], [1], []]


def test_the_middle_square_of_a_frame_with_joints_is_used(tmp_path):
    wide, tall = np.zeros((64, 128, 3), np.uint8), np.zeros((96, 64, 3), np.uint8)
    wide[:, 32:96], tall[16:80] = 100, 200
    wide[:, 40:44], tall[24:28] = 250, 30
    clear = np.zeros((64, 64, 4), np.uint8)  # opacity is laid over white, as the command does
    write_frames(tmp_path, [wide, tall, clear], [{}, {"text": "a"}, {}])
    source = open_folder(tmp_path)
    assert np.array_equal(source.frame(0, 64), wide[:, 32:96])
    assert np.array_equal(source.frame(1, 64), tall[16:80])
    assert (source.frame(2, 64) == 255).all()
    assert source.frame(1, 128).shape == (128, 128, 3)


def test_a_pose_in_pixels_is_drawn_where_the_video_shows_it(tmp_path):
    skeleton = pytest.importorskip("signdiff_core.skeleton")
    from signdiff_core.camera import Camera

    joints = make_joints(4)
    writer = cv2.VideoWriter(str(tmp_path / "clip.avi"), cv2.VideoWriter.fourcc(*"FFV1"), 25, (192, 128))
    for number in range(4):
        writer.write(np.full((128, 192, 3), 10 * number, np.uint8))
    writer.release()
    normalised = skeleton.make_pose(joints, 25)
    with (tmp_path / "clip.pose").open("wb") as file:
        normalised.write(file)
    plain = open_folder(tmp_path, frame_step=2)
    assert len(plain) == 2
    assert plain.companions(0) == [1]
    expected = plain.drawing(1, 128)
    # The middle square of 128 pixels begins 32 pixels from the left.
    pixels = np.zeros_like(joints)
    pixels[..., :2] = Camera().project(joints, 128) + np.array([32, 0])
    moved = skeleton.make_pose(pixels, 25)
    moved.header.dimensions.width, moved.header.dimensions.height = 192, 128
    with (tmp_path / "clip.pose").open("wb") as file:
        moved.write(file)
    again = open_folder(tmp_path, frame_step=2).drawing(1, 128)
    # Rounding may move a line by a pixel.
    assert expected.any()
    assert (np.abs(again.astype(int) - expected) > 0).mean() < 0.01
    (tmp_path / "clip.avi").unlink()
    with pytest.raises(ValueError, match="must have a video of the same name"):
        open_folder(tmp_path)


def test_avatars_perform_poses_meanwhile(tmp_path):
    skeleton = pytest.importorskip("signdiff_core.skeleton")
    with (tmp_path / "a.pose").open("wb") as file:
        skeleton.make_pose(make_joints(10), 25).write(file)
    seeds = []

    def render(pose, *, size, seed):
        seeds.append(seed)
        return (np.full((size, size, 3), 7, np.uint8) for _ in range(len(pose.body.data)))

    renderer = types.SimpleNamespace(render=render)
    source, same = (AvatarSource(tmp_path, renderer=renderer) for _ in range(2))
    assert source.companions(5) == [4, 6, 7]
    assert np.array_equal(source.drawing(5, 64), same.drawing(5, 64))
    assert source.frame(5, 64).shape == (64, 64, 3)
    source.frame(6, 64)
    assert len(seeds) == 2
    assert seeds[0] == seeds[1]
    source.frame(8, 64)
    assert seeds[2] != seeds[0]
    with pytest.raises(ValueError, match="avatar_poses_dir must be"):
        AvatarSource(tmp_path / "none", renderer=renderer)


def test_a_framing_moves_and_scales_about_the_middle():
    image = np.zeros((65, 65, 3), np.uint8)
    image[40, 20] = 255
    still = Framing.draw(np.random.default_rng(0), 65, scale=(1.0, 1.0), translate=(0.0, 0.0))
    assert np.array_equal(still.of_drawing(image), image)
    twice = Framing.draw(np.random.default_rng(0), 65, scale=(2.0, 2.0), translate=(0.0, 0.0)).of_drawing(image)
    assert np.argwhere(twice[..., 0] == 255).tolist() == [[32 + 2 * 8, 32 - 2 * 12]]
    for seed in range(20):
        moved = Framing.draw(np.random.default_rng(seed), 65, scale=(0.5, 2.0), translate=(0.1, 0.2)).matrix
        x, y = moved @ (32, 32, 1)
        assert 0.5 <= moved[0, 0] == moved[1, 1] <= 2
        assert abs(x - 32) <= 6.5
        assert abs(y - 32) <= 13


def test_frames_repeat_their_border_and_drawings_end_in_black():
    image = np.full((64, 64, 3), 200, np.uint8)
    small = Framing.draw(np.random.default_rng(0), 64, scale=(0.5, 0.5), translate=(0.0, 0.0))
    assert (small.of_frame(image) == 200).all()
    assert not small.of_drawing(image)[:14].any()


def test_a_moved_sample_is_the_map_of_its_moved_frame(pairs):
    options = {"proportion_reframed": 1.0, "scale": (0.8, 1.25), "proportion_no_reference": 0.0}
    batches = Batches(open_folder(pairs), config_for(pairs, detect_resolution=64, **options))
    framing = Framing.draw(np.random.default_rng(0), 64, scale=(0.8, 1.25), translate=(0.1, 0.1))
    drawing, fr_map = batches.reframed(3, 64, framing)
    assert np.array_equal(drawing, framing.of_drawing(batches.source.drawing(3, 64)))
    assert np.array_equal(fr_map, frnet(framing.of_frame(batches.source.frame(3, 64))))
    conditions, strokes = batches(0, rank=0, world=1)
    still, _ = Batches(batches.source, config_for(pairs, detect_resolution=64, proportion_reframed=0.0))(
        0, rank=0, world=1
    )
    assert not torch.equal(conditions[:, :3], still[:, :3])
    assert strokes.any()
    assert conditions[:, 3].any(), "the reference is moved, not lost"


@pytest.mark.parametrize(
    ("option", "value"),
    [("proportion_reframed", 1.5), ("scale", (2.0, 1.0)), ("scale", (0.0, 1.0)), ("translate", (0.1, -0.1))],
)
def test_wrong_framings_are_refused(pairs, option, value):
    with pytest.raises(ValueError, match=option):
        config_for(pairs, **{option: value})


def test_training_reads_pictures_by_the_rules_of_the_command(pairs, tmp_path):
    for kind in ("drawings", "frames"):
        shutil.copytree(pairs / kind / "signer0", tmp_path / kind)
        (tmp_path / kind / "._0.png").write_bytes(b"\0\5\x16\7macOS")
    source = open_folder(tmp_path)
    assert len(source) == 4  # the hidden one is none
    deep = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) * 16
    assert cv2.imwrite(str(tmp_path / "frames" / "0.png"), deep)
    with pytest.raises(ValueError, match=r"frames/0\.png: expected a picture with 8 bits a channel, but it has 16"):
        source.frame(0, 64)
