"""What a prepared set holds, and that both layouts hold the same."""

import hashlib
import json
import tarfile

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from signdiff_core.camera import Camera
from signdiff_core.drawing import draw
from signdiff_core.prepare.gather import read_captions
from signdiff_core.prepare.reader import FrameFolder, PreparedFrames, open_frames


@pytest.fixture
def made(corpus, prepare, tmp_path):
    """The corpus in both layouts, each prepared with a report."""

    def run(layout, **settings):
        captions = read_captions(corpus / "captions.csv")
        output = tmp_path / layout
        report = prepare(corpus / "videos", corpus / "poses", output, captions, layout=layout, **settings)
        return output, report

    return run


def test_every_frame_is_there_with_its_joints_and_caption(made, studio):
    output, report = made("folder")
    assert (report.clips, report.frames, report.video_frames) == (3, 39, 39)
    frames = FrameFolder(output)
    assert [row.joints for row in frames.rows] == list(range(39))
    assert [(row.pose_id, row.frame) for row in frames.rows] == [
        (name, frame) for name, count in (("a", 12), ("b", 13), ("c", 14)) for frame in range(count)
    ]
    assert {row.text for row in frames.rows} == {"signer a", "signer b", "signer c"}
    assert Image.open(output / frames.rows[0].file_name).size == (64, 64)
    clips = [json.loads(line) for line in (output / "clips.jsonl").read_text().splitlines()]
    for index in (0, 11, 12, 38):
        row = frames.rows[index]
        left, top, side = next(clip["square"] for clip in clips if clip["name"] == row.pose_id)
        where = studio.in_pixels(studio.figure({"a": 12, "b": 13, "c": 14}[row.pose_id], sway=0.01)[row.frame])
        expected = (where - (left, top)) * 64 / side
        assert Camera().project(frames.joints(index), 64) == pytest.approx(expected, abs=0.02)
        assert side == 100


def test_the_drawing_lies_on_the_figure(made):
    output, _ = made("folder", size=256)
    frames = open_frames(output)
    for index in range(0, 39, 7):
        drawn = draw(frames.joints(index), size=256, line_scale=0.5).any(axis=2)
        background = np.abs(frames.image(index, 256).astype(int) - 200).max(axis=2) < 40
        assert drawn.sum() > 1500
        assert background[drawn].mean() < 0.03
        assert background[np.roll(drawn, 12, axis=1)].mean() > 0.3, "a drawing elsewhere would not"


def test_maps_are_those_of_the_frames_before_compression(made):
    from signdiff_core.diffusion.frmap import FRMapper

    whole, _ = made("folder")
    lossy, _ = made("webdataset", image_format="jpg", quality=50)
    exact, other = open_frames(whole), open_frames(lossy)
    differ = 0
    for index in range(0, 39, 5):
        expected = FRMapper()(exact.image(index, 64), size=64)
        assert 0 < (expected == 0).mean() < 0.5
        assert np.array_equal(exact.fr_map(index, 64), expected)
        assert np.array_equal(other.fr_map(index, 64), expected)
        differ += (FRMapper()(other.image(index, 64), size=64) != expected).sum()
    assert differ, "or this test could not fail"
    assert exact.frnet == other.frnet == FRMapper().parameters


def test_both_layouts_hold_the_same(made):
    folder, archives = (made(layout)[0] for layout in ("folder", "webdataset"))
    with_rows, by_index, packed = FrameFolder(folder), open_frames(folder), open_frames(archives)
    assert isinstance(by_index, PreparedFrames)
    assert isinstance(packed, PreparedFrames)
    assert len(with_rows) == len(by_index) == len(packed) == 39
    assert list(by_index.rows) == list(with_rows.rows)
    for index in range(39):
        for frames in (by_index, packed):
            assert np.array_equal(frames.image(index, 64), with_rows.image(index, 64))
            assert np.array_equal(frames.fr_map(index, 64), with_rows.fr_map(index, 64))
            assert np.array_equal(frames.joints(index), with_rows.joints(index))
        assert packed.rows[index].text == with_rows.rows[index].text
    assert packed.rows[-1] == packed.rows[38]
    assert [row.frame for row in packed.rows[36:]] == [11, 12, 13]
    with pytest.raises(IndexError, match="below 39, but is 39"):
        packed.rows[39]


def test_edited_rows_are_what_is_read(made):
    output, _ = made("folder")
    rows = (output / "metadata.jsonl").read_text().splitlines(keepends=True)
    (output / "metadata.jsonl").write_text("".join(rows[20:25]))
    frames = open_frames(output)
    assert isinstance(frames, FrameFolder)
    assert [(row.pose_id, row.frame) for row in frames.rows] == [("b", frame) for frame in range(8, 13)]


def test_archives_are_plain_tars_without_a_trace_of_the_machine(made):
    output, _ = made("webdataset")
    assert [path.name for path in sorted((output / "shards").iterdir())] == ["000000.tar", "000001.tar"]
    frames, seen = open_frames(output), 0
    for path in sorted((output / "shards").iterdir()):
        assert path.stat().st_size % tarfile.RECORDSIZE == 0
        with tarfile.open(path) as archive:
            for member in archive:
                assert (member.mtime, member.uid, member.gid, member.uname, member.isfile()) == (0, 0, 0, "", True)
                content = archive.extractfile(member).read()
                if member.name.endswith(".json"):
                    row = json.loads(content)
                    assert row == {
                        "text": frames.rows[seen].text,
                        "pose_id": frames.rows[seen].pose_id,
                        "frame": frames.rows[seen].frame,
                    }
                    seen += 1
                elif member.name.endswith(".npy"):
                    assert content.startswith(b"\x93NUMPY")
    assert seen == 39


def test_the_manifest_has_hashes_settings_and_versions(made, corpus):
    output, _ = made("folder")
    manifest = json.loads((output / "manifest.json").read_text())
    expected = hashlib.sha256((corpus / "videos" / "a.mp4").read_bytes()).hexdigest()
    assert manifest["inputs"]["a"]["video"] == expected
    digest = hashlib.sha256()
    for file in sorted((corpus / "poses" / "b").iterdir()):
        digest.update(f"{file.name}\n".encode() + file.read_bytes())
    assert manifest["inputs"]["b"]["pose"] == digest.hexdigest()
    assert manifest["settings"]["size"] == 64
    assert {"signdiff-core", "threshold-annotator", "av", "opencv"} <= manifest["versions"].keys()


def test_joints_and_index_are_plain_safetensors(made):
    output, _ = made("webdataset")
    assert load_file(output / "joints.safetensors")["joints"].shape == (39, 50, 3)
    rows = load_file(output / "index.safetensors")["rows"]
    assert rows.shape == (39, 6)
    assert rows[:, 0].tolist() == [0] * 12 + [1] * 13 + [2] * 14
    with tarfile.open(output / "shards" / "000001.tar") as archive:
        places = [m.offset_data for m in archive if m.name.endswith((".png",)) and not m.name.endswith(".fr.png")]
    assert rows[25:, 2].tolist() == places


@pytest.mark.parametrize("layout", ["folder", "webdataset"])
def test_the_same_inputs_give_the_same_bytes(made, files_of, layout, tmp_path):
    first, _ = made(layout, image_format="jpg")
    first.rename(tmp_path / "first")
    again, _ = made(layout, image_format="jpg")
    assert files_of(again) == files_of(tmp_path / "first")


def test_the_preview_shows_what_is_there(made):
    output, _ = made("folder")
    assert Image.open(output / "preview.png").size == (6 * 256, 3 * 256)


def test_fewer_frames_a_second(made):
    output, report = made("folder", fps=5)
    assert (report.frames, report.video_frames) == (9, 39)
    assert [row.frame for row in open_frames(output).rows] == [0, 5, 10] * 3


def test_training_takes_conditions_from_both_layouts(made):
    diffusers = pytest.importorskip("diffusers")
    from signdiff_core.diffusion.frmap import FRMapper
    from signdiff_core.training.conditions import TRUE, open_conditions

    kinds = {"down_block_types": ("DownEncoderBlock2D",) * 2, "up_block_types": ("UpDecoderBlock2D",) * 2}
    vae = diffusers.AutoencoderKL(block_out_channels=(8, 8), norm_num_groups=4, latent_channels=4, **kinds).eval()
    folder, archives = (
        open_conditions(open_frames(made(layout)[0]), vae=vae, mapper=FRMapper(), resolution=64, cache=cache)
        for layout, cache in (("folder", True), ("webdataset", False))
    )
    for index in (0, 20, 38):
        assert np.array_equal(folder.control(index, TRUE), archives.control(index, TRUE))
        assert np.array_equal(folder.latents(index), archives.latents(index))
        drawing = draw(archives.frames.joints(index), size=64)
        assert np.array_equal(archives.control(index, TRUE)[:3].transpose(1, 2, 0), drawing)
