import pytest

from signdiff_slp.cli import main


def test_it_says_how_to_train_with_the_file(corpus, tmp_path, capsys):
    target = tmp_path / "words.txt"
    assert main(["vocabulary", str(corpus), "-o", str(target), "--kind", "gloss", "--case", "lower"]) == 0
    printed = capsys.readouterr().out
    assert f"tokenizer.path={target} tokenizer.family=slp_gloss model.config_overrides.pad_idx=1" in printed
    assert "tokenizer.config_overrides.lowercase=true" in printed
    assert f"vocab_size={len(target.read_text().splitlines())} " in printed


def test_a_missing_corpus_is_one_line_and_wrong_use(tmp_path, capsys):
    assert main(["vocabulary", str(tmp_path / "none"), "-o", str(tmp_path / "a.json"), "--kind", "word"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "must hold train.tsv" in error


def test_an_unknown_kind_is_wrong_use(tmp_path):
    with pytest.raises(SystemExit) as exit_:
        main(["vocabulary", str(tmp_path), "-o", str(tmp_path / "a.json"), "--kind", "syllable"])
    assert exit_.value.code == 2
