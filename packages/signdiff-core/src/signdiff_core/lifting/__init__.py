"""From joints in a picture to joints in space: a body with arms and hands takes the pose that the picture shows.

`lift` takes keypoints in pixels, `lift_pose` a pose whose joints have no depth.
"""

from signdiff_core.lifting.clip import lift
from signdiff_core.lifting.poses import lift_pose, needs_lifting, with_depth

__all__ = ["lift", "lift_pose", "needs_lifting", "with_depth"]
