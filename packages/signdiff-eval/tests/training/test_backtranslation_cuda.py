"""On a GPU: training in half precision; a translator reads there what it reads on a CPU."""

import json

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")
pytest.importorskip("transformers")

from signdiff_eval.backtranslation import BackTranslator  # noqa: E402
from signdiff_eval.training import BackTranslationConfig  # noqa: E402
from signdiff_eval.training.examples import read_examples  # noqa: E402
from signdiff_eval.training.train_backtranslation import train_backtranslation  # noqa: E402

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")]


def test_half_precision_learns_the_made_up_alphabet(make_corpus, tmp_path):
    corpus = make_corpus(tmp_path / "corpus", {"train": 400, "dev": 20, "test": 30})
    config = BackTranslationConfig(
        output_dir=str(tmp_path / "out"),
        train_data=str(corpus),
        d_model=48,
        encoder_layers=1,
        decoder_layers=1,
        heads=2,
        conv_channels=48,
        conv_layers=1,
        train_batch_size=16,
        max_train_steps=800,
        learning_rate=2e-3,
        lr_warmup_steps=20,
        validation_steps=200,
        checkpointing_steps=1000,
        time_stretch=0.0,
        mixed_precision="bf16",
        report_to="none",
    )
    folder = train_backtranslation(config)
    assert (
        json.loads((folder / "translator.json").read_text())["scores"]["cer"] < 30
    )  # 18.2 on an H200; 100 is what no text gives
    poses = [example.joints for example in read_examples(corpus, split="test")]
    there, here = (BackTranslator.from_pretrained(folder, device=device)(poses) for device in ("cuda", "cpu"))
    assert there == here
