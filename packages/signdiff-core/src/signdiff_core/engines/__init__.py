"""What runs a long job in parts: processes of this machine, or Ray. Both call the same work, so bytes are the same."""

from signdiff_core.engines.local import run_local
from signdiff_core.engines.ray import check_ray, run_ray
from signdiff_core.engines.work import Work

__all__ = ["Work", "check_ray", "run_local", "run_ray"]
