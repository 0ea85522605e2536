"""Models as data: folders and files of weights are looked over before a library reads them. Needs no torch."""

from __future__ import annotations

from signdiff_core.trust.error import ModelFolderError
from signdiff_core.trust.parts import check_model_folder
from signdiff_core.trust.pipelines import check_pipeline_folder
from signdiff_core.trust.weights import check_weights

__all__ = ["ModelFolderError", "check_model_folder", "check_pipeline_folder", "check_weights"]
