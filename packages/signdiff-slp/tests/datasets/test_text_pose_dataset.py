import logging
from collections import Counter

import numpy as np
import pytest
import torch
from fairseq2.datasets import DatasetError, SyncMode
from fairseq2.gang import FakeGang, Gangs, create_fake_gangs

from signdiff_slp.datasets.files import CorpusError, Example, check_finite, open_poses, read_manifest
from signdiff_slp.datasets.text_pose import TextPoseDataset
from signdiff_slp.tokenizers import CharacterTokenizer

CPU = torch.device("cpu")


@pytest.fixture
def tokenizer():
    return CharacterTokenizer(" abcdefghijklmnopqrstuvwxyz")


def read(dataset, tokenizer, split="train", gangs=None, **options):
    settings = {"max_num_frames": 128, "max_seq_len": 64} | options
    reader = dataset.create_reader(split, tokenizer, gangs or create_fake_gangs(CPU), **settings)
    return [batch for batches in reader for batch in batches]


def test_every_example_comes_once_and_whole(corpus, tokenizer):
    batches = read(TextPoseDataset(corpus), tokenizer)
    examples = {example.id: example for example in read_manifest(corpus, "train")}
    poses = open_poses(corpus, "train")
    seen = [name for batch in batches for name in batch.ids]
    assert sorted(seen) == sorted(examples)
    decoder = tokenizer.create_decoder(skip_special_tokens=True)
    for batch in batches:
        assert batch.poses.shape[0] * batch.poses.shape[1] <= 128
        for row, name in enumerate(batch.ids):
            example = examples[name]
            length = batch.pose_lens[row]
            assert length == example.num_frames
            expected = poses[example.offset : example.offset + length]
            np.testing.assert_array_equal(batch.poses[row, :length].numpy(), expected)
            assert not batch.poses[row, length:].any()
            assert decoder(batch.source_seqs[row, : batch.source_lens[row]]) == example.text


def test_shuffling_depends_on_the_seed_alone(corpus, tokenizer):
    orders = [
        [name for batch in read(TextPoseDataset(corpus), tokenizer, shuffle=True, seed=seed) for name in batch.ids]
        for seed in (1, 1, 2)
    ]
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]
    assert sorted(orders[0]) == sorted(orders[2])


def test_rare_characters_come_more_often(corpus, tokenizer):
    batches = read(TextPoseDataset(corpus), tokenizer, emphasized="ah", emphasis=3)
    seen = Counter(name for batch in batches for name in batch.ids)
    examples = read_manifest(corpus, "train")
    assert seen == {example.id: 3 if set("ah") & set(example.text) else 1 for example in examples}
    assert {1, 3} == set(seen.values())


def two_gangs():
    fakes = {name: FakeGang(CPU) for name in ("tp", "pp", "rdp", "sdp")}
    worlds = [FakeGang(CPU, rank=rank, size=2) for rank in range(2)]
    return [Gangs(root=world, dp=world, **fakes) for world in worlds]


def test_two_ranks_share_a_split(corpus, tokenizer):
    shares = []
    for gangs in two_gangs():
        batches = read(TextPoseDataset(corpus), tokenizer, gangs=gangs, sync_mode=SyncMode.UNTIL_LAST)
        shares.append({name for batch in batches for name in batch.ids})
    assert not shares[0] & shares[1]
    assert len(shares[0] | shares[1]) == 48


def test_a_step_of_two_ranks_is_a_step_of_one_with_twice_the_batch(tmp_path, tokenizer):
    """Of equal lengths, and in the shuffled order, too."""
    np.save(tmp_path / "train.poses.npy", np.zeros((290, 150), np.float32))
    (tmp_path / "train.tsv").write_text("".join(f"{number}\t{10 * number}\t10\tab\n" for number in range(29)))
    dataset = TextPoseDataset(tmp_path)
    options = {"shuffle": True, "max_seq_len": 10, "sync_mode": SyncMode.UNTIL_LAST}
    alone = read(dataset, tokenizer, max_num_frames=80, **options)
    together = [read(dataset, tokenizer, gangs=gangs, max_num_frames=40, **options) for gangs in two_gangs()]
    steps = [{*first.ids, *second.ids} for first, second in zip(*together, strict=True)]
    assert [set(batch.ids) for batch in alone] == steps
    assert len(steps) == 4
    assert steps[0] != {str(number) for number in range(8)}


def test_poses_are_checked_once(tmp_path, tokenizer):
    poses = np.zeros((20, 150), np.float32)
    np.save(tmp_path / "train.poses.npy", poses)
    (tmp_path / "train.tsv").write_text("a\t0\t10\thi\nb\t10\t10\tho\n")
    dataset = TextPoseDataset(tmp_path)
    read(dataset, tokenizer)
    poses[19, 7] = np.nan
    np.save(tmp_path / "train.poses.npy", poses)
    assert len(read(dataset, tokenizer)) == 1
    with pytest.raises(CorpusError, match=r"in 1 of 2 examples: b\. Repair"):
        read(TextPoseDataset(tmp_path), tokenizer)


def test_each_rank_checks_its_share(tmp_path):
    """Chunks of 8192 frames go to the ranks in turn; FakeGang's sum holds what one rank alone has found."""
    poses = np.zeros((30_000, 150), np.float32)
    poses[[0, 8191, 8192, 16_383, 16_384, 29_999], 5] = [np.nan, np.inf, -np.inf, np.nan, np.nan, np.nan]
    np.save(tmp_path / "train.poses.npy", poses)
    del poses
    examples = [Example(str(offset), offset, 100, "x") for offset in (0, 8092, 8192, 8292, 16_284, 16_384, 29_900)]
    for gangs, found in zip(
        two_gangs(), ("3 of 7 examples: 0, 8092, 16384.", "3 of 7 examples: 8192, 16284, 29900."), strict=True
    ):
        with pytest.raises(CorpusError, match=found):
            check_finite(tmp_path, "train", examples, gangs)


def test_long_examples_are_left_out_and_counted(corpus, tokenizer, caplog):
    long = sum(example.num_frames > 20 for example in read_manifest(corpus, "train"))
    assert 0 < long < 48
    with caplog.at_level(logging.WARNING, logger="fairseq2"):
        batches = read(TextPoseDataset(corpus), tokenizer, max_num_frames=100, max_seq_len=20)
    assert sum(batch.num_examples for batch in batches) == 48 - long
    assert f"{long} of 48 examples of train are longer than 20 frames" in caplog.text


def test_counts_of_a_batch(corpus, tokenizer):
    for batch in read(TextPoseDataset(corpus), tokenizer):
        assert batch.num_elements == sum(batch.source_lens) + sum(batch.pose_lens)
        assert batch.num_elements + batch.padding == batch.source_seqs.numel() + batch.poses[..., 0].numel()
        assert batch.source_layout.seq_lens == batch.source_lens


def test_splits_that_are_not_there(tmp_path, corpus, tokenizer):
    with pytest.raises(DatasetError, match="at least one split"):
        TextPoseDataset(tmp_path)
    with pytest.raises(DatasetError, match=r"must be a corpus's folder, but .*nowhere is none"):
        TextPoseDataset(tmp_path / "nowhere")
    (tmp_path / "dev.tsv").touch()
    with pytest.raises(CorpusError, match=r"dev.tsv must hold a line for each example, but is empty"):
        read(TextPoseDataset(tmp_path), tokenizer, split="dev")
    with pytest.raises(DatasetError, match=r"one of \['dev', 'test', 'train'\], but is 'valid'"):
        read(TextPoseDataset(corpus), tokenizer, split="valid")
    with pytest.raises(DatasetError, match="at most 4 frames"):
        read(TextPoseDataset(corpus), tokenizer, max_num_frames=4, max_seq_len=4)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a\t0\t3", "two numbers and a text"),
        ("a\tx\t3\thi", "two numbers and a text"),
        ("a\t8\t3\thi", "within the 10 frames"),
        ("a\t0\t0\thi", "within the 10 frames"),
    ],
)
def test_a_manifest_that_is_wrong(tmp_path, line, message):
    np.save(tmp_path / "train.poses.npy", np.zeros((10, 150), np.float32))
    (tmp_path / "train.tsv").write_text(line + "\n")
    with pytest.raises(DatasetError, match=message):
        read_manifest(tmp_path, "train")


def test_poses_that_are_wrong(tmp_path):
    with pytest.raises(DatasetError, match="cannot be read"):
        open_poses(tmp_path, "train")
    np.save(tmp_path / "train.poses.npy", np.zeros((10, 149)))
    with pytest.raises(DatasetError, match=r"float32 \(frames, 3 for each joint\), but is float64 \(10, 149\)"):
        open_poses(tmp_path, "train")
    np.save(tmp_path / "train.poses.npy", np.array([{}], dtype=object))
    with pytest.raises(DatasetError, match="cannot be read"):
        open_poses(tmp_path, "train")


def test_hidden_files_are_no_splits(corpus):
    before = TextPoseDataset(corpus).splits
    (corpus / "._train.tsv").write_bytes(b"\0\5\x16\7macOS")
    after = TextPoseDataset(corpus).splits
    (corpus / "._train.tsv").unlink()
    assert after == before
