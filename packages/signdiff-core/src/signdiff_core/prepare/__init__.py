"""Training sets from videos of signers and their poses: what ``signdiff prepare-frames`` does.

`gather` brings videos, poses and captions together; `plan` divides the clips into shards; an engine of
`signdiff_core.engines` runs `FrameWork` on them; `assemble` makes the set. `signdiff_core.prepare.reader` reads it.
"""

from signdiff_core.prepare.assemble import assemble
from signdiff_core.prepare.gather import gather
from signdiff_core.prepare.plan import Settings, plan
from signdiff_core.prepare.shards import FrameWork

__all__ = ["FrameWork", "Settings", "assemble", "gather", "plan"]
