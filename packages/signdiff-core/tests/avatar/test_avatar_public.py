"""The avatar's public names and the examples in its docstrings."""

import doctest
import subprocess
import sys

import pytest

from signdiff_core import avatar

PUBLIC = {
    *("AvatarBody", "AvatarRenderer", "Motion", "Scene", "Signer"),
    *("body_names", "camera_of", "check_maps", "control_maps", "drawn_maps", "face_points", "fit", "render_frames"),
}


def test_no_public_name_disappears():
    assert set(avatar.__all__) == PUBLIC
    assert all(getattr(avatar, name) for name in PUBLIC)


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        avatar.nothing  # noqa: B018


@pytest.mark.parametrize(
    "code", ["import signdiff_core.avatar", "from signdiff_core.avatar import AvatarRenderer, fit"]
)
def test_import_loads_nothing_heavy(code):
    heavy = "{'torch', 'anny', 'warp'}"
    program = f"import sys; {code}; sys.exit(str({heavy} & set(sys.modules)) if {heavy} & set(sys.modules) else 0)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_examples():
    from signdiff_core.avatar import signer

    result = doctest.testmod(signer)
    assert result.attempted > 0
    assert result.failed == 0


def test_warp_starts_silently():
    """Neither its banner nor its warning of a missing GPU belongs on a user's screen."""
    pytest.importorskip("warp", reason="the extra avatar brings warp-lang")
    done = subprocess.run(
        [sys.executable, "-c", "import signdiff_core.avatar.raycast"], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")
