"""Run by ``nox -s eval_only`` where nothing is installed but signdiff-eval's wheel and what it asks for."""

import importlib
import importlib.util
import sys
from pathlib import Path

import numpy as np

HEAVY = (
    "torch",
    "transformers",
    "diffusers",
    "accelerate",
    "mediapipe",
    "pytorch_fid",
    "signdiff_core",
    "signdiff_slp",
)


def check_named(extra, action):
    try:
        action()
    except ModuleNotFoundError as error:
        if f'pip install "signdiff-eval[{extra}]"' in str(error):
            return
        sys.exit(f"the extra {extra} must be named, but the error is: {error}")
    sys.exit(f"the extra {extra} must be needed, but isn't")


def main():
    came = [name for name in HEAVY if importlib.util.find_spec(name)]
    if came:
        sys.exit(f"signdiff-eval must stand alone, but these came along: {', '.join(came)}")
    from signdiff_eval import functional, metrics, readers
    from signdiff_eval.backtranslation import load_translator

    joints = np.cumsum(np.random.default_rng(0).normal(size=(12, 50, 3)), axis=0)
    assert functional.dtw(np.repeat(joints, 2, axis=0), joints, variant="mje") == 0
    assert functional.bleu(["a b c d"], ["a b c d"]).bleu4 == 100
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    assert functional.ssim(image, image) == 1
    features = np.random.default_rng(0).normal(size=(20, 4))
    assert functional.fid(features, features) < 1e-9
    check_named("fid", metrics.FID)
    check_named("hands", metrics.MediaPipeHands)
    check_named("slrtp", lambda: readers.read_slrtp_texts(Path("dev.pt")))
    check_named("backtranslation", load_translator)
    check_named("train", lambda: importlib.import_module("signdiff_eval.training"))
    print("scores without torch; every extra is named")


if __name__ == "__main__":
    main()
