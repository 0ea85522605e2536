"""What holds for the files of the project as a whole."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = sorted(path for path in (ROOT / "packages").iterdir() if (path / "pyproject.toml").is_file())
WEIGHTS = sorted(path for package in PACKAGES for path in (package / "src").rglob("*.safetensors"))
PICKLES = (".bin", ".ckpt", ".pkl", ".pickle", ".pt", ".pth", ".npy")


def test_there_are_four_packages():
    assert [path.name for path in PACKAGES] == ["signdiff-core", "signdiff-eval", "signdiff-frnet", "signdiff-slp"]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_a_package_is_complete(package):
    module = package.name.replace("-", "_")
    for name in ("CHANGELOG.md", "LICENSE", "README.md", f"src/{module}/py.typed"):
        assert (package / name).is_file(), name
    assert (package / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert len((package / "README.md").read_text()) > 500


def test_pins_are_names_and_versions_and_nothing_else():
    pin = re.compile(r"[a-z0-9-]+==[0-9][0-9a-z.]*( ; [a-z_]+ .*)?")
    assert [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not pin.fullmatch(line)] == []


def test_weights_are_small_and_unpickle_nothing():
    sizes = {path.name: path.stat().st_size for path in WEIGHTS}
    assert max(sizes.values()) < 40e6
    assert sum(path.stat().st_size for path in WEIGHTS) < 80e6
    assert [p for package in PACKAGES for p in (package / "src").rglob("*") if p.suffix in PICKLES] == []


def test_there_are_weights_for_the_main_job():
    holders = {path.relative_to(ROOT).parts[1] for path in WEIGHTS}
    assert holders >= {"signdiff-core", "signdiff-slp"}


def test_one_release_of_mediapipe_is_named_everywhere():
    from signdiff_core.plugins import MEDIAPIPE

    files = [path for path in ROOT.rglob("*") if path.suffix in (".md", ".py", ".toml") and ".nox" not in path.parts]
    named = {path: re.findall(r"mediapipe==[0-9.]*[0-9]", path.read_text(errors="replace")) for path in files}
    assert {release for found in named.values() for release in found} == {MEDIAPIPE}
    package = ROOT / "packages" / "signdiff-eval"
    assert named[package / "src" / "signdiff_eval" / "installed.py"]
    assert not [path for path in ROOT.glob("packages/*/pyproject.toml") if '"mediapipe==' in path.read_text()]
