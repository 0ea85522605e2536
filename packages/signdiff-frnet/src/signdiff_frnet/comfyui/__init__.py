"""FR-Net as a custom node of ComfyUI: link or copy this folder into ``ComfyUI/custom_nodes``.

ComfyUI loads the folder on its own, so everything here is imported by its full name from the installed package.
"""

from signdiff_frnet.comfyui.nodes import FRNetAdvancedNode, FRNetNode

__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS"]

NODE_CLASS_MAPPINGS = {"SignDiffFRNet": FRNetNode, "SignDiffFRNetAdvanced": FRNetAdvancedNode}
"""The nodes by the name that workflows store."""

NODE_DISPLAY_NAME_MAPPINGS = {
    "SignDiffFRNet": "FR-Net Map (SignDiff)",
    "SignDiffFRNetAdvanced": "FR-Net Map, advanced (SignDiff)",
}
"""What the nodes are called on the screen."""
