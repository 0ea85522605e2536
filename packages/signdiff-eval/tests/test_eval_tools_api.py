import subprocess
import sys

import pytest

from signdiff_eval import audit, backtranslation, provenance, reports, training

PUBLIC = {
    audit: {"KINDS", "Audit", "Finding", "audit"},
    backtranslation: {"BackTranslator", "PoseFeatures", "Translator", "load_translator", "train_tokenizer"},
    reports: {
        *("Comparison", "Difference", "Interval", "compare", "compare_texts", "compare_videos", "confidence"),
        *("paired_difference", "smallest_p"),
    },
    training: {"BackTranslationConfig"},
}


@pytest.mark.parametrize("module", PUBLIC, ids=lambda module: module.__name__)
def test_public_names_stay(module):
    assert set(module.__all__) == PUBLIC[module]
    for name in module.__all__:
        assert getattr(module, name) is not None


def test_unknown_names_are_errors():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = backtranslation.nothing


def test_marks_are_public():
    assert callable(provenance.mark_generated)
    assert callable(provenance.generator_of)


@pytest.mark.parametrize(
    "module", ["backtranslation", "training", "audit", "reports", "reports.html", "commands.compare"]
)
def test_no_torch_before_it_is_used(module):
    heavy = ("torch", "transformers", "tokenizers", "accelerate", "matplotlib")
    code = f"import sys, signdiff_eval.{module}; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("command", ["compare", "audit", "score"])
def test_help_is_light(command):
    program = "from signdiff_eval.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", program, command, "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {line.rsplit("|", 1)[1].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert "click" in loaded
    assert not {"torch", "numpy", "rich", "sacrebleu"} & loaded


TRAIN = ["-m", "signdiff_eval.training.train_backtranslation", "--train_data", ".", "--output_dir", "out"]
READ = ["-c", "from signdiff_eval.backtranslation import BackTranslator as B; B.from_pretrained()"]


@pytest.mark.parametrize(
    ("command", "hidden", "extra"),
    [
        (TRAIN, "accelerate", "train"),
        (TRAIN, "signdiff_core", "train"),
        (READ, "transformers", "backtranslation"),
    ],
)
def test_the_extra_is_named_where_it_is_missing(command, hidden, extra, tmp_path):
    """Hides a library, as an environment without the extra does."""
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as u\n_find = u.find_spec\n"
        f"u.find_spec = lambda name, *rest: None if name == {hidden!r} else _find(name, *rest)\n"
    )
    import os

    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": path}
    )
    assert done.returncode == 1
    assert f'needs {hidden}: pip install "signdiff-eval[{extra}]"' in done.stderr
    assert command != TRAIN or "Traceback" not in done.stderr
