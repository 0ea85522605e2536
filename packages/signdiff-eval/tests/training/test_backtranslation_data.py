import itertools

import numpy as np
import pytest

pytest.importorskip("torch")

from signdiff_eval.backtranslation.features import PoseFeatures
from signdiff_eval.backtranslation.network import EOS, train_tokenizer
from signdiff_eval.provenance import mark_generated
from signdiff_eval.readers import PoseFormats
from signdiff_eval.training import BackTranslationConfig
from signdiff_eval.training.batches import IGNORED, Batches
from signdiff_eval.training.examples import read_examples, training_hash


@pytest.fixture
def poses(tmp_path, write_pose, walk):
    for name in ("b", "a", "c"):
        write_pose(tmp_path / "poses" / f"{name}.pose", walk(7))
    (tmp_path / "lines.txt").write_text("one\ntwo  words\nthree\n")
    (tmp_path / "named.tsv").write_text("c\tthree\na\tone\nb\ttwo words\nd\tnobody\n")
    return tmp_path / "poses"


def test_corpus(corpus, spell):
    examples = read_examples(corpus, split="test")
    assert len(examples) == 8
    assert [example.name for example in examples[:2]] == ["test-word-0000", "test-word-0001"]
    array = np.load(corpus / "test.poses.npy")
    assert (np.concatenate([example.joints for example in examples]).reshape(array.shape) == array).all()
    assert {example.fps for example in examples} == {25.0}


def test_what_is_missing_is_named_as_it_is_given(tmp_path):
    with pytest.raises(FileNotFoundError, match="nope must be a file or a folder of poses, but does not exist"):
        read_examples(tmp_path / "nope", option="train_texts")
    with pytest.raises(ValueError, match=r"^train_texts must be given, for .* is not a corpus with train\.tsv"):
        read_examples(tmp_path, option="train_texts")


@pytest.mark.parametrize("texts", ["lines.txt", "named.tsv"])
def test_poses_beside_texts(poses, texts):
    examples = read_examples(poses, poses.parent / texts, formats=PoseFormats({}))
    assert [(example.name, example.text) for example in examples] == [("a", "one"), ("b", "two words"), ("c", "three")]
    assert examples[0].joints.shape == (7, 50, 3)
    assert examples[0].skeleton[0] == "BODY.J0"


def test_what_a_generator_made_is_refused(poses, corpus):
    mark_generated(poses / "b.pose", "signdiff-slp 0.1.0")
    with pytest.raises(
        ValueError, match=r"b\.pose must be ground truth, but is marked as made by signdiff-slp 0\.1\.0"
    ):
        read_examples(poses, poses.parent / "lines.txt", formats=PoseFormats({}))
    mark_generated(corpus, "some system")
    with pytest.raises(ValueError, match="marked as made by some system"):
        read_examples(corpus)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("one\ntwo\n", "a line for each of 3 poses"),
        ("one\n\nthree\n", "that of b is empty"),
        ("a\tone\n", "lacks that"),
    ],
)
def test_texts_that_do_not_fit(poses, lines, message):
    (poses.parent / "lines.txt").write_text(lines)
    with pytest.raises(ValueError, match=message):
        read_examples(poses, poses.parent / "lines.txt", formats=PoseFormats({}))


@pytest.mark.parametrize(
    ("row", "message"),
    [("x\t0\t9999999\ta", "within the"), ("x\t-1\t2\ta", "within the"), ("x\t0\ta", "must be name, first frame")],
)
def test_broken_corpora(corpus, row, message):
    with (corpus / "train.tsv").open("a") as file:
        file.write(row + "\n")
    with pytest.raises(ValueError, match=message):
        read_examples(corpus)


def test_nothing_is_unpickled(corpus):
    np.save(corpus / "train.poses.npy", np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="Python objects"):
        read_examples(corpus)


def test_the_hash_sees_every_change(corpus):
    examples = read_examples(corpus)
    found = {training_hash(examples), training_hash(examples[1:])}
    assert training_hash(read_examples(corpus)) in found
    array = np.load(corpus / "train.poses.npy")
    array[3, 4] += 1e-3
    np.save(corpus / "train.poses.npy", array)
    found.add(training_hash(read_examples(corpus)))
    table = (corpus / "train.tsv").read_text()
    (corpus / "train.tsv").write_text(table.replace("train-word-0003", "train-word-3000"))
    assert len(found | {training_hash(read_examples(corpus))}) == 4


@pytest.fixture
def batches(corpus):
    examples = read_examples(corpus)
    features = PoseFeatures.fit([example.joints for example in examples], fps=25.0)
    tokenizer = train_tokenizer([example.text for example in examples])

    def make(world=1, **options):
        config = BackTranslationConfig(output_dir="", train_data="", **{"train_batch_size": 4, **options})
        return Batches(examples, features, tokenizer, config, world=world)

    return make


def test_an_epoch_takes_every_pose_once(batches):
    drawn = batches()
    assert drawn.steps_per_epoch == 12
    for epoch in (0, 1):
        steps = range(12 * epoch, 12 * epoch + 12)
        assert sorted(itertools.chain.from_iterable(drawn.chosen(step) for step in steps)) == list(range(48))
    assert [drawn.chosen(step) for step in range(12)] != [drawn.chosen(step) for step in range(12, 24)]


@pytest.mark.parametrize(("world", "accumulated"), [(2, 1), (1, 2), (2, 2)])
def test_parts_make_up_the_whole(batches, world, accumulated):
    size = 8 // (world * accumulated)
    whole = batches(train_batch_size=8)(5, 0, rank=0, world=1)
    drawn = batches(world=world, train_batch_size=size, gradient_accumulation_steps=accumulated)
    parts = [drawn(5, micro, rank=rank, world=world) for micro in range(accumulated) for rank in range(world)]

    def rows(batch):
        return {
            (tuple(label[label != IGNORED].tolist()), round(float(one[mask == 1].sum()), 3))
            for label, one, mask in zip(batch.labels, batch.features, batch.mask, strict=True)
        }

    assert set().union(*map(rows, parts)) == rows(whole)
    assert {part.share for part in [*parts, whole]} == {int((whole.labels != IGNORED).sum())}
    assert (whole.labels[whole.labels != IGNORED] == EOS).sum() == 8


def test_too_few_poses(batches):
    with pytest.raises(ValueError, match="at least the 64 poses"):
        batches(train_batch_size=64)


@pytest.mark.parametrize(
    "options",
    [{"d_model": 15}, {"heads": 3}, {"dropout": 1.0}, {"noise": -1.0}, {"name": "a|b"}, {"fps": 0.0}, {"num_beams": 0}],
)
def test_config_refuses(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        BackTranslationConfig(output_dir="", train_data="", **options)


@pytest.mark.parametrize("damage", ["head", "half", "text", "archive", "huge"])
def test_a_damaged_array_is_one_error_with_its_name(corpus, damage):
    path = corpus / "train.poses.npy"
    array, whole = np.load(path), path.read_bytes()
    if damage == "archive":
        np.savez(corpus / "other.npz", array)
        whole = (corpus / "other.npz").read_bytes()
    elif damage == "huge":
        np.save(path, np.where(np.arange(array.size).reshape(array.shape) == 5, np.float32(1e30), array))
        whole = path.read_bytes()
    path.write_bytes({"head": whole[:50], "half": whole[: len(whole) // 2], "text": b"hello"}.get(damage, whole))
    with pytest.raises(ValueError, match=r"train\.poses\.npy must (be a whole \.npy file|hold numbers up to 1e\+06)"):
        read_examples(corpus)
