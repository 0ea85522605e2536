import math

import pytest

from signdiff_slp.recipes.train.config import LossConfig


@pytest.mark.parametrize("name", ["beta", "hand_weight", "pose_noise", "lv_lambda", "loss_scale"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -0.5])
def test_weights_and_noise_are_finite_and_not_negative(name, value):
    [error] = LossConfig(**{name: value}).validate().errors
    assert error == f"`{name}` must be at least 0, and finite, but is {value}."


def test_the_default_is_sound():
    assert not LossConfig().validate().has_error()
