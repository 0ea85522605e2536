"""What one package generates, another refuses to take for ground truth."""

import pytest

from signdiff_core.cli import run
from signdiff_core.provenance import mark_generated
from signdiff_eval.provenance import generator_of
from signdiff_eval.training.examples import read_examples


def test_a_translated_pose_is_no_training_data(tmp_path):
    assert run(["translate", "hi", "-o", str(tmp_path / "hi.pose")]) == 0
    assert generator_of(tmp_path / "hi.pose") == "signdiff-slp 0.1.0"
    (tmp_path / "texts.tsv").write_text("hi\thi\n")
    with pytest.raises(ValueError, match=r"hi\.pose must be ground truth, but is marked as made by signdiff-slp"):
        read_examples(tmp_path, tmp_path / "texts.tsv")


def test_a_folder_is_marked_for_all_that_it_holds(tmp_path):
    mark_generated(tmp_path, "a system 2")
    assert generator_of(tmp_path / "anything.pose") == "a system 2"
