import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from pose_format import Pose

from signdiff_core.skeleton import is_skeleton, joints_of, limb_lengths
from signdiff_slp import TextToPose
from signdiff_slp.models.progressive.release import save_release
from signdiff_slp.text import into_pieces
from signdiff_slp.text_to_pose import BUNDLED
from signdiff_slp.tokenizers import WordTokenizer


@pytest.fixture(scope="module")
def translator():
    return TextToPose.from_pretrained()


def test_a_word_is_about_half_a_second_for_each_letter(translator):
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        [pose] = translator(["hello"])
    assert isinstance(pose, Pose)
    assert is_skeleton(pose)
    assert pose.body.fps == 25
    assert 50 <= len(pose.body.data) <= 90


def test_bones_keep_their_lengths_and_nothing_jumps(translator):
    [pose] = translator(["jazz"])
    joints, confidence = joints_of(pose)
    assert np.isfinite(joints).all()
    assert (confidence == 1).all()
    lengths = limb_lengths(joints)
    np.testing.assert_allclose(lengths, lengths[:1].repeat(len(lengths), axis=0), rtol=1e-3, atol=1e-4)
    # No joint of the corpus moves further than 0.2 in a frame.
    assert np.linalg.norm(np.diff(joints, axis=0), axis=-1).max() < 0.25


def test_it_starts_and_ends_at_rest(translator):
    joints, _ = joints_of(translator(["person"])[0])
    rest = translator.model.standardizer.rest.view(50, 3).numpy()
    for frame in (joints[0], joints[-1]):
        assert np.linalg.norm(frame - rest, axis=-1).max() < 0.1


def test_longer_words_take_longer_and_texts_do_not_disturb_each_other(translator):
    texts = ["a", "cat", "elephants"]
    together = translator(texts)
    lengths = [len(pose.body.data) for pose in together]
    assert lengths == sorted(lengths)
    for text, pose in zip(texts, together, strict=True):
        [alone] = translator([text])
        np.testing.assert_allclose(pose.body.data.data, alone.body.data.data, atol=1e-4)


def test_spelling_does_not_depend_on_case_or_accents(translator):
    first, second = translator(["Café", "cafe"])
    np.testing.assert_allclose(first.body.data.data, second.body.data.data, atol=1e-5)


def test_long_texts_are_signed_in_pieces(translator):
    [whole] = translator(["the quick brown fox jumps"])
    first, second = translator(["the quick brown fox", "jumps"])
    expected = np.concatenate([first.body.data.data, second.body.data.data])
    np.testing.assert_allclose(whole.body.data.data, expected, atol=1e-4)


def test_pieces_are_whole_words():
    assert into_pieces("a bb ccc", 4) == ["a bb", "ccc"]
    assert into_pieces("abcdefgh", 4) == ["abcdefgh"]
    text = "some words of very different and extraordinary lengths"
    assert " ".join(into_pieces(text, 12)) == text


@pytest.mark.parametrize("text", ["", "   ", "привет", "👋", "日本"])
def test_what_cannot_be_spelled(translator, text):
    with pytest.raises(ValueError, match=r"\w+"):
        translator([text])


def test_of_several_texts_the_wrong_one_is_named(translator):
    with pytest.raises(ValueError, match=r"^texts\[1\]: text must"):
        translator(["hello", " ", "you"])
    with pytest.raises(ValueError, match=r"^texts\[2\]: words must have at most"):
        translator(["hello", "you", "a" * 200])


def test_words_that_are_too_long(translator):
    with pytest.raises(ValueError, match="at most 125 letters"):
        translator(["a" * 126])


def test_a_single_string_is_a_mistake(translator):
    with pytest.raises(TypeError, match="sequence of strings"):
        translator("hello")
    assert translator([]) == []


def test_a_folder_and_a_name_give_the_same_model(translator):
    by_folder = TextToPose.from_pretrained(str(BUNDLED))
    by_name = TextToPose.from_pretrained("slp_fingerspelling")
    expected = translator(["ok"])[0].body.data.data
    for other in (by_folder, by_name):
        np.testing.assert_allclose(other(["ok"])[0].body.data.data, expected, atol=1e-6)


def test_what_is_not_there(tmp_path):
    with pytest.raises(ValueError, match="must be a folder or a fairseq2 asset"):
        TextToPose.from_pretrained("no_such_model")
    with pytest.raises(FileNotFoundError, match=r"has no config.json"):
        TextToPose.from_pretrained(tmp_path)


def test_characters_that_the_model_does_not_know(make_model, tmp_path):
    from signdiff_slp.tokenizers import CharacterTokenizer

    save_release(tmp_path / "small", make_model(vocab_size=6), CharacterTokenizer("ab"))
    small = TextToPose.from_pretrained(tmp_path / "small")
    with pytest.raises(ValueError, match="characters that the model knows"):
        small(["cab"])


@pytest.mark.parametrize(("language", "word"), [("ase", "quiz"), ("gsg", "größe"), ("swl", "fjäll"), ("ukl", "схід")])
def test_letters_are_those_of_the_language(translator, language, word):
    from scipy.spatial.distance import cdist

    from signdiff_eval.functional import align
    from signdiff_slp.corpora.classifier import LetterClassifier
    from signdiff_slp.corpora.clips import read_clips
    from signdiff_slp.corpora.letters import load_letters
    from signdiff_slp.corpora.stitch import spell

    spelled = load_letters(language=language)
    read = LetterClassifier([clip for clip in read_clips(language=language) if clip.letter in spelled])
    truth = spell(word, rng=np.random.default_rng(0), language=language)
    joints = joints_of(translator([word], signed_language=language)[0])[0]
    _, path = align(cdist(truth.joints.reshape(len(truth.joints), -1), joints.reshape(len(joints), -1)))
    letters = []
    for hold in truth.holds:
        frames = path[(path[:, 0] >= hold.start) & (path[:, 0] < hold.end), 1]
        letters.append(read(joints[frames.min() : frames.max() + 1]))
    assert "".join(letters) == word


def test_a_model_of_several_languages(make_model, tmp_path):
    from signdiff_slp.tokenizers import CharacterTokenizer

    alphabets = {"<ase>": "ab", "<gsg>": "abä"}
    tokenizer = CharacterTokenizer("abä ", tags=list(alphabets), alphabets=alphabets)
    save_release(tmp_path / "model", make_model(vocab_size=10, max_frames_per_token=3), tokenizer)
    translator = TextToPose.from_pretrained(tmp_path / "model")
    assert translator.signed_languages == ("ase", "gsg")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        plain, ase, gsg = (translator(["ba"], signed_language=code)[0] for code in (None, "ase", "gsg"))
        assert np.array_equal(plain.body.data, ase.body.data)
        assert ase.body.data.shape != gsg.body.data.shape or not np.array_equal(ase.body.data, gsg.body.data)
        assert [word.word for word in translator.sign(["bä a"], signed_language="gsg")[0].words] == ["bä", "a"]
        assert translator.sign(["bä"])[0].words[0].word == "ba"  # the alphabet has no ä
    with pytest.raises(ValueError, match="one of ase, gsg, but is 'swl'"):
        translator(["ba"], signed_language="swl")
    with pytest.raises(ValueError, match="must be in the letters"):
        translator(["4"], signed_language="gsg")


def test_the_bundle_is_small_and_described():
    assert (BUNDLED / "model.safetensors").stat().st_size < 30e6
    card = (BUNDLED / "MODEL_CARD.md").read_text()
    for heading in ("Data", "Training", "Scores", "Limits", "Responsible use"):
        assert f"## {heading}" in card


def test_importing_the_package_is_light():
    program = "import signdiff_slp, sys; assert not {'torch', 'fairseq2'} & set(sys.modules); print(dir(signdiff_slp))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "TextToPose" in done.stdout


def test_loading_the_bundle_does_not_set_up_all_of_fairseq2():
    program = (
        "import sys; from signdiff_slp import TextToPose\n"
        "TextToPose.from_pretrained()(['a'])\n"
        "assert not {'transformers', 'fairseq2.composition'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_public_names():
    import signdiff_slp

    assert {"ProgressiveConfig", "ProgressiveTransformer", "TextToPose"} <= set(signdiff_slp.__all__)
    assert all(hasattr(signdiff_slp, name) for name in signdiff_slp.__all__)
    assert isinstance(signdiff_slp.ProgressiveTransformer, type)
    assert issubclass(signdiff_slp.ProgressiveTransformer, torch.nn.Module)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = signdiff_slp.nothing


@pytest.fixture
def word_model(make_model, tmp_path, sign_steadily):
    """A folder with a model of the words hello and world that knows where it is."""
    from signdiff_slp.tokenizers import WordTokenizer

    model = make_model(vocab_size=6, pad_idx=1)
    save_release(tmp_path / "words", sign_steadily(model, 20), WordTokenizer(["hello", "world"]))
    return tmp_path / "words"


def test_words_that_a_model_does_not_know(word_model, tmp_path, capsys):
    from signdiff_slp.cli import main
    from signdiff_slp.text_to_pose import TextWarning

    translator = TextToPose.from_pretrained(word_model)
    with pytest.warns(TextWarning, match=r"does not know 1 of 2 tokens \(50.0%\): there, of 'hello there'"):
        [signed] = translator.sign(["hello there"])
    assert signed.coverage.unknown_words == ("there",)
    with pytest.raises(ValueError, match="a word that the model knows, but 'nobody here' does not: 2 of 2 tokens"):
        translator(["nobody here"])
    command = ["sign", "hello there", "--model", str(word_model), "-o", str(tmp_path / "a.pose")]
    assert main(command) == 0
    assert capsys.readouterr().err == "signdiff-slp: note: the model does not know 1 of 2 tokens (50.0%): there\n"
    assert main(["sign", "there", "--model", str(word_model), "-o", str(tmp_path / "b.pose")]) == 1
    assert not (tmp_path / "b.pose").exists()


def test_signdiff_tells_of_unknown_words(word_model, tmp_path):
    command = [sys.executable, "-m", "signdiff_core.cli", "translate", "hello there"]
    command += ["--translator-model", str(word_model), "-o", str(tmp_path / "a.pose")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "signdiff: note: the model does not know 1 of 2 tokens (50.0%): there" in done.stderr


def test_models_of_words_know_when_they_sign_them(word_model):
    [signed] = TextToPose.from_pretrained(word_model).sign(["hello world hello"])
    assert [word.word for word in signed.words] == ["hello", "world", "hello"]
    bounds = [bound for word in signed.words for bound in (word.first_frame, word.last_frame + 1)]
    assert bounds == sorted(bounds)
    assert bounds[-1] <= len(signed.pose.body.data)
    # An even counter gives each word a like share of the frames.
    lengths = [word.last_frame + 1 - word.first_frame for word in signed.words]
    assert max(lengths) - min(lengths) <= 2
    assert min(lengths) > 0


@pytest.mark.parametrize(
    "text", [500 * "a", 500 * ".", " ".join(map(chr, range(0x4E00, 0x4F00)))], ids=["letters", "points", "signs"]
)
def test_messages_show_the_start_of_a_long_text(translator, text):
    with pytest.raises(ValueError, match=r"text must|words must") as error:
        translator([text])
    assert len(str(error.value)) < 500


def test_messages_of_words_show_the_start_of_a_long_text(make_model):
    translator = TextToPose(make_model(vocab_size=5), WordTokenizer(["no"]))
    with pytest.raises(
        ValueError, match=r"but 'xxx.*\.\.\.' does not: 1 of 1 tokens \(100\.0%\): xxx.*\.\.\."
    ) as error:
        translator([5000 * "x"])
    assert len(str(error.value)) < 300
    with pytest.raises(ValueError, match=r"at most 256 tokens, but 'no no .*\.\.\.' has 501") as error:
        translator([" ".join(500 * ["no"])])
    assert len(str(error.value)) < 300
