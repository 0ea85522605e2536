import dataclasses
import json

import pytest

from signdiff_slp.models.progressive import ProgressiveConfig, get_progressive_model_hub
from signdiff_slp.text_to_pose import BUNDLED


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_heads": 3}, "`model_dim` must be a multiple of `num_heads`"),
        ({"pose_dim": 149}, "`pose_dim` must be 150"),
        ({"num_future_frames": 0}, "`num_future_frames` must be at least 1"),
        ({"counter": "guess"}, "`counter` must be"),
        ({"clock": "wall"}, "`clock` must be"),
        ({"fps": 0.0}, "`fps` must be positive"),
        ({"fps": float("inf")}, "`fps` must be positive"),
        ({"dropout_p": float("nan")}, "`dropout_p` must be from 0 to 1"),
        ({"max_piece_len": 2}, "`max_piece_len` must be"),
    ],
)
def test_settings_that_do_not_fit(settings, message):
    errors = ProgressiveConfig(**settings).validate().errors
    assert any(error.startswith(message) for error in errors)


def test_the_default_is_sound():
    assert not ProgressiveConfig().validate().has_error()


def test_architectures():
    hub = get_progressive_model_hub()
    assert {"base", "future", "just_counter", "fingerspelling", "alphabets", "tiny"} <= hub.get_archs()
    assert hub.get_arch_config("base") == ProgressiveConfig()
    assert hub.get_arch_config("future").num_future_frames == 10
    assert hub.get_arch_config("just_counter").just_counter


def test_the_bundled_model_is_of_its_architecture():
    bundled = json.loads((BUNDLED / "config.json").read_text())
    assert bundled.pop("model_family") == "slp_progressive"
    assert bundled == dataclasses.asdict(get_progressive_model_hub().get_arch_config("alphabets"))
