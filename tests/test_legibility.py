"""The figures of benchmarks/legibility.py, on hands and frames whose answers are known."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import legibility
import letter_reader
from legibility import Drawn, ceiling, large
from letter_holds import CROP, as_word, chosen_words, cut, hand_place, perform, still_letters
from letter_scores import NearestLetter, Sample, nearest_hand, row_of

from signdiff_core.camera import Camera
from signdiff_core.skeleton import RIGHT_HAND
from signdiff_slp.corpora.languages import find_language
from signdiff_slp.corpora.stitch import spell

ASL = find_language("ase")


def hand(rng):
    return rng.uniform(0, 100, (21, 2))


def sample(letter, *, word="ab", detector="", learned="", off=None, ssim=1.0):
    return Sample(
        language="ase",
        word=word,
        letter=letter,
        found=bool(detector),
        detector=detector,
        learned=learned,
        off=off,
        ssim_hand=ssim,
        ssim=ssim,
    )


def test_a_hand_is_read_wherever_it_is_and_however_large_but_not_turned():
    rng = np.random.default_rng(0)
    hands = np.stack([hand(rng) for _ in range(5)])
    turned = hands[0] @ np.array([[0.0, 1.0], [-1.0, 0.0]])  # a quarter
    read = NearestLetter(np.concatenate([hands, turned[None]]), [*"abcde", "f"])
    assert "".join(read(0.3 * each + np.array([40, -7])) for each in hands) == "abcde"
    assert read(turned + 3) == "f"


def test_recorded_letters_are_read_as_themselves_and_moved_ones_are_no_answer():
    from signdiff_slp.corpora.clips import read_clips
    from signdiff_slp.corpora.letters import still_frames

    letters = still_letters("ase")
    assert set("abcdefghijklmnopqrstuvwxyz") - set(letters) == {"j", "z"}
    read = NearestLetter.of("ase", letters)
    for clip in read_clips():
        answer = read(clip.hand[still_frames(clip)[0], :, :2])
        assert answer in letters
        if clip.letter in letters:
            assert answer == clip.letter


def test_the_hand_about_the_place_is_chosen_and_one_far_away_is_none():
    near, far = np.full((21, 2), 90.0), np.full((21, 2), 300.0)
    near[0], far[0] = (110.0, 110.0), (280.0, 280.0)
    found = np.stack([far, near])
    assert np.array_equal(nearest_hand(found, (100, 95), within=20), near)
    assert nearest_hand(found, (200, 200), within=20) is None
    assert np.array_equal(nearest_hand(np.stack([np.full((21, 2), np.nan), near]), (100, 95), within=20), near)


def test_words_for_choices_and_for_a_last_look_are_held_out_and_disjoint():
    from signdiff_slp.corpora.fingerspelling import items

    steering, last = (chosen_words(ASL, which, 50) for which in ("steering", "last"))
    texts = [{word.text for word in words} for words in (steering, last)]
    assert not texts[0] & texts[1]
    train = {item.text for item in items()["train"] if "-word-" in item.name}
    assert not train & (texts[0] | texts[1])
    assert sum(len(word.letters) for word in steering[:14]) == 81  # those of the first tables
    with pytest.raises(ValueError, match="1 to 50"):
        chosen_words(ASL, "last", 51)


def test_a_hold_is_shown_by_its_middle_and_a_movement_by_nothing():
    spelling = spell("jab")
    word = as_word(spelling, "ase")
    assert word.letters == ("a", "b")
    assert word.frames == tuple((hold.start + hold.end) // 2 for hold in spelling.holds[1:])


def test_what_is_read_found_and_missing_to_the_ceiling_is_counted_over_words():
    best = [sample("a", detector="a", learned="a", off=0.0), sample("b", detector="b", learned="c", off=0.0)]
    best += [sample("a", word="aa", detector="a", learned="a", off=0.0)] * 2
    made = [sample("a", detector="a", learned="a", off=0.1, ssim=0.5), sample("b", learned="b")]
    made += [sample("a", word="aa", detector="e", learned="a", off=0.3, ssim=0.9)] * 2
    row = row_of(made, best)
    assert row.read["detector"].mean == 0.25
    assert row.read["learned"].mean == 1
    assert row.less["detector"].mean == 0.75
    assert row.less["learned"].mean == -0.25
    assert row.found.mean == 0.75
    assert row.off.mean == pytest.approx((0.1 + 0.3 + 0.3) / 3)
    assert row.ssim.mean == pytest.approx((0.5 + 1 + 0.9 + 0.9) / 4)
    assert (row.read["detector"].low, row.read["detector"].high) == (0, 0.5)  # two words: one of them, or the other
    assert row.wrong["detector"] == {"a read as e": 2, "b read as nothing": 1}
    assert row.letters["detector"] == {"ase b": 0.0, "ase a": pytest.approx(1 / 3)}
    with pytest.raises(ValueError, match="letters of samples"):
        row_of(made, best[::-1])


def test_a_reader_that_is_not_there_has_no_column():
    row = row_of([sample("a", detector="a", off=0.0)], [sample("a", detector="a", off=0.0)])
    assert list(row.read) == ["detector"]


def test_a_square_is_where_the_joints_are():
    joints = np.zeros((50, 3), dtype=np.float32)
    joints[RIGHT_HAND, 0] = np.linspace(-0.3, -0.2, 21)
    x, y = hand_place(joints, Camera(scale=1.0, neck=(0.5, 0.5)))
    assert (x, y) == (128, 256)  # a quarter of the frame to the left of its middle
    frame = np.random.default_rng(0).integers(0, 256, (512, 512, 3), dtype=np.uint8)
    assert np.array_equal(cut(frame, (x, y)), frame[200:312, 72:184])
    assert np.array_equal(cut(frame, (0, y))[:, : CROP // 2], np.repeat(frame[200:312, :1], CROP // 2, axis=1))


def test_the_avatar_draws_the_ceiling_when_asked_to_and_half_of_it_is_near():
    word = as_word(spell("vo"), "ase")
    true = list(ceiling(perform(word), word))
    assert all(np.array_equal(a, b) for a, b in zip(true, Drawn("avatar --size 512")(word), strict=True))
    from signdiff_eval.functional import ssim

    small = list(Drawn("avatar --size 256 --seed 3")(word))
    assert small[0].shape == (256, 256, 3)
    assert ssim(large(small[0]), true[0]) > 0.97 > ssim(true[1], true[0])


def test_frames_are_those_of_the_whole_clip():
    from signdiff_core.avatar import AvatarRenderer, Signer
    from signdiff_core.skeleton import make_pose

    word = as_word(spell("ab"), "ase")
    whole = list(AvatarRenderer(signer=Signer.neutral()).render(make_pose(word.joints, 25.0), size=64))
    assert np.array_equal(next(Drawn("avatar --size 64")(word)), whole[word.frames[0]])


@pytest.mark.parametrize("words", ["avatar --steps 3", "avatar --sise 3", "nobody"])
def test_wrong_words_are_one_error(words, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        legibility.main(["-o", str(tmp_path), "--renderer", words])
    assert stop.value.code == 2
    assert "error:" in capsys.readouterr().err


def test_frames_of_another_model_are_not_taken_for_this_one(tmp_path):
    legibility.same(tmp_path, Drawn("avatar --size 64"))
    legibility.same(tmp_path, Drawn("avatar --size 64"))
    with pytest.raises(ValueError, match="take another folder"):
        legibility.same(tmp_path, Drawn("avatar --size 128"))


def test_frames_that_are_not_square_are_refused():
    with pytest.raises(ValueError, match="64x32"):
        large(np.zeros((32, 64, 3), dtype=np.uint8))


def test_the_learned_reader_answers_in_the_language_asked_for_and_is_the_same_when_read(tmp_path):
    import torch

    torch.manual_seed(0)
    classes = [("ase", "v"), ("ase", "o"), ("gsg", "ä"), ("gsg", "v")]
    reader = letter_reader.LetterReader(letter_reader.Network(len(classes) + 1), classes)
    with torch.no_grad():
        reader.network.layers[-1].bias.copy_(torch.tensor([0.0, 50.0, 90.0, 0.0, 20.0]))
    reader.save(tmp_path)
    squares = np.random.default_rng(0).integers(0, 256, (70, CROP, CROP, 3), dtype=np.uint8)
    for each in (reader, letter_reader.LetterReader.load(tmp_path)):
        assert each(squares, "ase") == ["o"] * 70  # not ä, whose score is higher
        assert each(squares, "gsg") == ["ä"] * 70
    with torch.no_grad():
        reader.network.layers[-1].bias[4] = 200
    assert reader(squares, "gsg") == ["?"] * 70
    with pytest.raises(ValueError, match="ase, gsg"):
        reader(squares, "xyz")


def test_squares_that_are_to_be_unreadable_are_soft_within_the_hand():
    import torch

    pictures = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (32, 3, 144, 144)).astype(np.float32))
    x = letter_reader.Variation(torch.Generator().manual_seed(0))(pictures, 8)
    assert x.shape == (32, 3, CROP, CROP)
    middle = x[:, :, 36:76, 36:76]
    rough = middle.diff(dim=3).abs().mean(dim=(1, 2, 3))
    assert rough[:8].max() < 0.5 * rough[20:].min()


def test_training_hands_are_turned_moved_and_of_other_bodies():
    rng = np.random.default_rng(0)
    joints = np.repeat(as_word(spell("v"), "ase").joints[18:19], 3, axis=0)
    made = letter_reader.moved(joints, rng)
    lengths = [np.linalg.norm(np.diff(each[:, RIGHT_HAND], axis=1), axis=-1) for each in (joints, made)]
    assert np.allclose(*lengths, atol=1e-5)
    shifts = np.linalg.norm(made[:, 29] - joints[:, 29], axis=-1)
    assert (shifts > 0.005).all()
    assert np.allclose(made[:, 8:29], joints[:, 8:29])  # the other hand
    draws = {split: letter_reader.signers(split, rng) for split in ("train", "dev")}
    bodies = {split: {next(each).body for _ in range(60)} for split, each in draws.items()}
    assert bodies["dev"] == set(letter_reader.KEPT)
    assert not bodies["train"] & {*letter_reader.KEPT, "person"}
    assert len(bodies["train"]) == 8
