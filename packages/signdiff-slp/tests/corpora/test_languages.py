import csv

import numpy as np
import pytest

pytest.importorskip("spoken_to_signed", reason="needs signdiff-slp[corpora]")

from signdiff_core.skeleton import LIMBS, limb_lengths
from signdiff_slp.corpora.body import rest_pose
from signdiff_slp.corpora.classifier import LetterClassifier
from signdiff_slp.corpora.clips import ALPHABET, CLIP_FPS, lexicon_folder, read_clips
from signdiff_slp.corpora.languages import LANGUAGES, choose_languages, find_language
from signdiff_slp.corpora.letters import load_letters, plain
from signdiff_slp.corpora.stitch import spell

SPELLED = [language.code for language in LANGUAGES if not language.reason]


def _index():
    with (lexicon_folder() / "index.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_table_is_that_of_the_lexicon():
    spoken = {row["signed_language"]: row["spoken_language"] for row in _index()}
    assert {language.code: language.spoken for language in LANGUAGES} == spoken


def test_french_is_left_out_because_its_clips_are_american():
    paths = {code: {row["path"] for row in _index() if row["signed_language"] == code} for code in ("ase", "fsl")}
    assert paths["fsl"] == paths["ase"]
    assert find_language("fsl").reason


def test_greek_is_left_out_because_its_clips_are_cut_short():
    lengths = [len(clip.hand) for clip in read_clips(language="gss")]
    assert np.median(lengths) <= 10


def test_languages_are_chosen_by_code():
    assert [language.code for language in choose_languages(["gsg", "ase"])] == ["gsg", "ase"]
    assert [language.code for language in choose_languages(["all"])] == SPELLED
    assert find_language("gsg").tag == "<gsg>"


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (["xyz"], "must be one of ase, .*, but is 'xyz'"),
        (["ase", "ase"], "must be given once each"),
        ([], "but are none"),
        (["cse"], "cse must be one that can be spelled, but two hands spell it"),
    ],
)
def test_languages_that_are_wrong(codes, message):
    with pytest.raises(ValueError, match=message):
        choose_languages(codes)


def test_a_left_handed_signer_is_mirrored():
    for clip in read_clips(language="ise"):
        first, last = clip.arm[len(clip.arm) // 2, [0, 2], 0]
        assert first < 0, clip.letter  # the right shoulder, on the viewer's left
        assert last < 0, clip.letter


@pytest.mark.parametrize("language", ["bzs", "gsg"])
def test_clips_of_other_rates_keep_their_durations(language):
    from pose_format import Pose

    paths = {row["words"].lower(): row["path"] for row in _index() if row["signed_language"] == language}
    for clip in read_clips(language=language)[:3]:
        body = Pose.read((lexicon_folder() / paths[clip.letter]).read_bytes()).body
        assert body.fps > 29
        assert abs(len(clip.hand) / CLIP_FPS - len(body.data) / body.fps) <= 0.5 / CLIP_FPS


def test_letters_with_marks_are_kept_only_if_they_can_be_told_apart():
    assert "ö" in load_letters(language="gsg")
    assert "ü" not in load_letters(language="sgg")
    assert list(load_letters()) == list(ALPHABET)
    assert [plain(letter) for letter in "čñåa"] == ["c", "n", "a", "a"]


@pytest.mark.slow
@pytest.mark.parametrize("language", SPELLED)
def test_every_letter_is_read_off_the_stitched_word(language):
    classifier = LetterClassifier(read_clips(language=language))
    letters = list(load_letters(language=language))
    rng = np.random.default_rng(0)
    read = []
    for letter in letters:
        before, after = rng.choice(letters, 2)
        spelling = spell(f"{before}{letter}{after}", rng=rng, language=language)
        hold = spelling.holds[1]
        read.append(classifier(spelling.joints[hold.start : hold.end]))
    assert read == letters


def test_another_alphabet_is_spelled_by_the_same_body():
    spelling = spell("jäger und bär", rng=np.random.default_rng(1), language="gsg")
    assert "".join(hold.letter for hold in spelling.holds) == "jägerundbär"
    assert np.array_equal(spelling.joints[[0, -1]], np.stack([rest_pose()] * 2))
    assert np.ptp(limb_lengths(spelling.joints.astype(np.float64), LIMBS), axis=0).max() < 1e-6


def test_letters_of_another_alphabet_are_refused():
    with pytest.raises(ValueError, match="letters a to z"):
        spell("bär")
    with pytest.raises(ValueError, match=r"words of the letters abc.*, but is 'año'"):
        spell("año", language="gsg")
