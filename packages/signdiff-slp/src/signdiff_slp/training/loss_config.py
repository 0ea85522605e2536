"""The configuration of the training loss."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

from fairseq2.utils.validation import Validatable, ValidationResult
from typing_extensions import override

_WEIGHTS: Final = (
    *("hand_weight", "wrist_weight", "velocity_weight", "bone_weight", "counter_weight", "counter_start_weight"),
    *("pose_noise", "counter_noise", "residual_noise", "lv_lambda", "loss_scale"),
)


@dataclass(kw_only=True)
class LossConfig(Validatable):
    """Holds the configuration of the loss. The default is the paper's: mean squared error, every value alike."""

    kind: Literal["mse", "l1", "smooth_l1"] = "mse"
    """Distance between standardised values. "l1" and "smooth_l1" prefer one of two likely poses to their mean."""

    beta: float = 0.1
    """Where "smooth_l1" turns from squared to absolute."""

    hand_weight: float = 1.0
    """Weight of the hands' 42 joints beside the body's 8."""

    wrist_weight: float = 1.0
    """Weight of the body's two wrists beside other joints. Hands are predicted relative to them, so a wrist carries 21
    joints; and in letters such as j and z the way of the wrist is the letter."""

    velocity_weight: float = 0.0
    """Weight of the same distance between the steps from one frame to the next."""

    counter_weight: float = 1.0
    """Weight of the squared error of the counter."""

    counter_start_weight: float = 0.0
    """Additional weight of the counter's first step, the only one that has no counters before it to copy from."""

    bone_weight: float = 0.0
    """Weight of the limbs' directions: the squared distance of unit vectors, mean over limbs."""

    lv_lambda: float = 0.0
    """The paper's ``LV_lambda``, of its Long Video loss: weight of the sum of the norms of all parameters whose name
    contains "weight". 0.01 in the paper."""

    loss_scale: float = 1.0
    """Factor of the poses' and the counter's loss, beside what ``lv_lambda`` weighs."""

    count_padding: bool = False
    """If ``True``, the loss is the mean over padded frames, too, which count as right: what the code of Progressive
    Transformers does, and what the paper's Computational Optimisation does away with."""

    pose_noise: float = 0.0
    """Standard deviation of the noise on the poses that the decoder reads, in standardised values: the paper's GN."""

    residual_noise: float = 0.0
    """Noise on these poses in units of the model's own error at each value, so that it follows what decoding will do:
    the ``noise_rate`` of Progressive Transformers, whose code has 5. Needs ``residual_statistics`` of the model."""

    counter_noise: float = 0.0
    """Standard deviation of the noise on the counters that the decoder reads."""

    @override
    def validate(self) -> ValidationResult:
        result = ValidationResult()
        if self.kind not in ("mse", "l1", "smooth_l1"):
            result.add_error(f"`kind` must be 'mse', 'l1' or 'smooth_l1', but is {self.kind!r}.")
        for name in (*_WEIGHTS, "beta"):
            if not 0.0 <= getattr(self, name) < math.inf:
                result.add_error(f"`{name}` must be at least 0, and finite, but is {getattr(self, name)}.")
        return result
