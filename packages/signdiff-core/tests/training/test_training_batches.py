"""Conditions kept or made as they are read, and batches that do not depend on how many processes share them."""

import json
import shutil

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

import cv2  # noqa: E402
from diffusers import AutoencoderKL  # noqa: E402
from safetensors.numpy import load_file, save_file  # noqa: E402
from transformers import CLIPTokenizer  # noqa: E402

from signdiff_core.drawing import draw  # noqa: E402
from signdiff_core.prepare.reader import FrameFolder, open_frames  # noqa: E402
from signdiff_core.training import ControlNetConfig  # noqa: E402
from signdiff_core.training.conditions import (  # noqa: E402
    NEUTRAL,
    TRUE,
    ConditionCache,
    ConditionReader,
    open_conditions,
)
from signdiff_core.training.controlnet_data import Batches  # noqa: E402


class Threshold:
    """Draws maps without FR-Net."""

    def __init__(self, **parameters):
        self.parameters = {"offset": 100.0, **parameters}

    def __call__(self, image, *, size):
        grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (size, size))
        return np.where(grey < self.parameters["offset"], np.uint8(0), np.uint8(255))


@pytest.fixture(scope="module")
def vae(base):
    return AutoencoderKL.from_pretrained(base, subfolder="vae").eval()


@pytest.fixture(scope="module")
def reader(frames, vae):
    return ConditionReader(FrameFolder(frames), vae=vae, mapper=Threshold(), resolution=64)


@pytest.fixture
def copy(frames, tmp_path):
    """The frames in a folder that a test may change."""
    shutil.copytree(frames, tmp_path / "copy", ignore=shutil.ignore_patterns("cache-*"))
    return tmp_path / "copy"


@pytest.fixture
def batches(reader, base, frames):
    def make(conditions=reader, **options):
        tokenizer = CLIPTokenizer.from_pretrained(base, subfolder="tokenizer")
        chosen = {"resolution": 64, "crop_sizes": (32,), "proportion_empty_prompts": 0.5, **options}
        config = ControlNetConfig(
            pretrained_model_name_or_path=str(base), train_data_dir=str(frames), output_dir="", **chosen
        )
        return Batches(conditions, tokenizer, config)

    return make


def test_kept_and_made_conditions_are_equal(reader, copy, vae):
    cache = open_conditions(FrameFolder(copy), vae=vae, mapper=Threshold(), resolution=64)
    made = open_conditions(FrameFolder(copy), vae=vae, mapper=Threshold(), resolution=64, cache=False)
    assert isinstance(cache, ConditionCache)
    assert isinstance(made, ConditionReader)
    assert len(list(copy.glob("cache-*"))) == 1
    assert cache.latent_size == made.latent_size == 16
    for index in range(12):
        assert np.array_equal(cache.latents(index), made.latents(index))
        for kind in (TRUE, NEUTRAL, None):
            assert np.array_equal(cache.control(index, kind), made.control(index, kind))
    assert (made.control(0, TRUE) != made.control(0, NEUTRAL)).any()


def test_nothing_is_written_without_a_cache(copy, vae, batches):
    before = {path: path.stat().st_mtime_ns for path in copy.rglob("*")}
    made = open_conditions(FrameFolder(copy), vae=vae, mapper=Threshold(), resolution=64, cache=False)
    batches(made)(0, rank=0, world=1)
    assert {path: path.stat().st_mtime_ns for path in copy.rglob("*")} == before


def test_absent_joints_are_not_drawn(copy, vae, batches):
    joints = load_file(copy / "joints.safetensors")["joints"]
    confidence = np.ones(50)
    confidence[[4, *range(29, 50)]] = 0
    joints[3, confidence == 0] = np.nan
    joints[4, 8:] = np.nan
    save_file({"joints": joints}, copy / "joints.safetensors")
    made = ConditionReader(FrameFolder(copy), vae=vae, mapper=Threshold(), resolution=64)
    expected = draw(np.nan_to_num(joints[3]), confidence, size=64)
    assert np.array_equal(made.control(3, None)[:3].transpose(1, 2, 0), expected)
    for step in range(12):
        batch = batches(made, train_batch_size=1, crop_probability=1.0)(step, rank=0, world=1)
        assert all(torch.isfinite(tensor).all() for tensor in batch.values())


def test_stored_maps_are_used_and_must_fit(copy, vae):
    fr_map = np.where(np.random.default_rng(0).random((64, 64)) < 0.5, np.uint8(0), np.uint8(255))
    cv2.imwrite(str(copy / "map.png"), fr_map)
    rows = [json.loads(line) for line in (copy / "metadata.jsonl").read_text().splitlines()]
    rows[2]["fr_file_name"] = "map.png"
    del rows[3]["neutral_file_name"]
    rows[3]["fr_file_name"] = "map.png"
    (copy / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for cached in (True, False):
        made = open_conditions(open_frames(copy), vae=vae, mapper=Threshold(), resolution=64, cache=cached)
        assert np.array_equal(made.control(2, TRUE)[4], fr_map)
        assert np.array_equal(made.control(2, NEUTRAL)[4], Threshold()(made.frames.neutral(2, 64), size=64))
        assert np.array_equal(made.control(3, NEUTRAL)[4], fr_map)
        assert np.array_equal(made.control(1, TRUE)[4], Threshold()(made.frames.image(1, 64), size=64))
    (copy / "frnet.json").write_text('{"offset": 100.0}')
    open_conditions(open_frames(copy), vae=vae, mapper=Threshold(), resolution=64, cache=False)
    with pytest.raises(ValueError, match=r"\{'offset': 50\.0\}, but they were drawn with \{'offset': 100\.0\}"):
        open_conditions(open_frames(copy), vae=vae, mapper=Threshold(offset=50.0), resolution=64, cache=False)


@pytest.mark.parametrize("options", [{"crop_probability": 0.5}, {"crop_probability": 0, "frame_scales": (1, 2)}])
def test_two_processes_see_what_one_sees(batches, options):
    one, two = batches(train_batch_size=4, **options), batches(train_batch_size=2, **options)
    for step in range(6):
        whole = one(step, rank=0, world=1)
        shares = [two(step, rank=rank, world=2) for rank in range(2)]
        for name in whole:
            assert torch.equal(whole[name], torch.cat([share[name] for share in shares])), name


@pytest.mark.parametrize("options", [{"crop_probability": 0.5}, {"crop_probability": 0, "frame_scales": (1, 2)}])
def test_accumulated_batches_see_what_one_sees(batches, options):
    one = batches(train_batch_size=4, **options)
    parts = batches(train_batch_size=2, gradient_accumulation_steps=2, **options)
    for step in range(6):
        whole = one(step, rank=0, world=1)
        shares = [parts(2 * step + number, rank=0, world=1) for number in range(2)]
        for name in whole:
            assert torch.equal(whole[name], torch.cat([share[name] for share in shares])), name


def test_samples_are_drawn_apart(batches):
    make = batches(train_batch_size=12, crop_probability=0, proportion_no_fr=0.5, proportion_neutral_fr=0)
    batch = make(0, rank=0, world=1)
    absent = [not control[3:].any() for control in batch["control"]]
    assert 2 <= sum(absent) <= 10
    dropped = [bool((ids[1:] == ids[1]).all()) for ids in batch["input_ids"]]
    assert 2 <= sum(dropped) <= 10
    assert absent != dropped
    again = make(1, rank=0, world=1)
    assert [not control[3:].any() for control in again["control"]] != absent


def test_captions_are_the_tokenizers(batches, base, reader):
    tokenizer = CLIPTokenizer.from_pretrained(base, subfolder="tokenizer")
    batch = batches(train_batch_size=12, crop_probability=0, proportion_empty_prompts=0)(0, rank=0, world=1)
    known = {tuple(tokenizer(row.text, padding="max_length", truncation=True).input_ids) for row in reader.frames.rows}
    assert {tuple(ids.tolist()) for ids in batch["input_ids"]} == known
    assert len(known) == 2


def test_each_sample_weighs_the_same(batches):
    batch = batches(train_batch_size=4, crop_probability=0, detail_loss_weight=4.0)(0, rank=0, world=1)
    assert batch["weight"].mean(dim=(1, 2, 3)).tolist() == pytest.approx([1.0] * 4, abs=1e-5)
    assert batch["weight"].max() > 1.5
