"""Loss, augmentation, metrics and validation."""

from signdiff_slp.training.augmentation import add_noise
from signdiff_slp.training.criterion import Criterion, Loss
from signdiff_slp.training.free_decoding import FreeDecodingUnit
from signdiff_slp.training.log_filter import EnvironmentFilter, hide_environment
from signdiff_slp.training.loss_config import LossConfig
from signdiff_slp.training.metrics import FORCED_SCORES, FREE_SCORES, register_metrics
from signdiff_slp.training.statistics import fit_standardizer
from signdiff_slp.training.units import TeacherForcedUnit, TextPoseTrainUnit

__all__ = [
    "FORCED_SCORES",
    "FREE_SCORES",
    "Criterion",
    "EnvironmentFilter",
    "FreeDecodingUnit",
    "Loss",
    "LossConfig",
    "TeacherForcedUnit",
    "TextPoseTrainUnit",
    "add_noise",
    "fit_standardizer",
    "hide_environment",
    "register_metrics",
]
