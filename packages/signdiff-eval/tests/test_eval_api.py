import subprocess
import sys

import entrypoints
import pytest

import signdiff_eval
from signdiff_eval import functional, metrics, readers

PUBLIC = {
    signdiff_eval: {"Score", "Signature", "__version__", "functional", "metrics"},
    functional: {
        *("Bleu", "bleu", "cer", "chrf", "rouge", "wer"),
        *("align", "dtw", "dtw_batch", "dtw_channels", "duration", "total_distance"),
        *("SmallSampleWarning", "fid", "flicker", "frechet_distance", "hand_box", "hand_pose", "ssim"),
    },
    metrics: {
        *("BLEU", "CER", "CHRF", "ROUGE", "WER"),
        *("DTW", "Duration", "TotalDistance", "WristDistance"),
        *("FID", "Flicker", "HandPose", "HandSSIM", "MediaPipeHands", "SSIM"),
        *("Metric", "PoseMetric", "TextMetric", "VideoMetric"),
    },
    readers: {
        "VIDEO_SUFFIXES",
        "Pair",
        "PoseFormats",
        "PoseSequence",
        "SLRTPFormat",
        "channels_of",
        "check_torch_file",
        "is_video",
        "open_video",
        "pair_up",
        "read_lines",
        "read_slrtp_texts",
        "sequence_of",
        "wrists_of",
    },
}


@pytest.mark.parametrize("module", PUBLIC, ids=lambda module: module.__name__)
def test_public_names_stay(module):
    assert set(module.__all__) == PUBLIC[module]
    for name in module.__all__:
        assert getattr(module, name) is not None


def test_unknown_names_are_errors():
    with pytest.raises(AttributeError, match="no attribute 'bleu9'"):
        _ = signdiff_eval.bleu9


def test_every_metric_is_registered():
    found = entrypoints.get_group_named("signdiff.metrics")
    ours = {entry.load() for entry in found.values() if entry.module_name == "signdiff_eval.metrics"}
    bases = {metrics.Metric, metrics.PoseMetric, metrics.TextMetric, metrics.VideoMetric}
    assert ours == {getattr(metrics, name) for name in metrics.__all__} - {metrics.MediaPipeHands} - bases


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("signdiff_eval", ("numpy", "scipy", "skimage", "torch", "rich", "av")),
        ("signdiff_eval.cli", ("numpy", "scipy", "skimage", "torch", "rich", "av")),
        ("signdiff_eval.scoring", ("torch", "diffusers", "transformers", "signdiff_core")),
    ],
)
def test_imports_stay_light(module, absent):
    code = f"import sys, {module}; print([name for name in {absent!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
