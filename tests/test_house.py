"""How the packages are laid out: which way imports go, and that files are rooms and not cupboards."""

import re
import statistics
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from house import COMMANDS, LIMITS, House  # noqa: E402

HOUSE = House(ROOT)
SIBLINGS = {
    "signdiff_frnet": set(),
    "signdiff_core": set(),
    "signdiff_eval": set(),
    "signdiff_slp": {"signdiff_core", "signdiff_eval"},
}
TRAINING = {"signdiff_frnet.training", "signdiff_eval.training"}
"""What trains has core beside it, in packages that are used alone."""


def package(name):
    return name.partition(".")[0]


def test_a_circle_is_seen(tmp_path):
    source = tmp_path / "packages" / "p" / "src" / "p"
    source.mkdir(parents=True)
    (source / "__init__.py").touch()
    (source / "a.py").write_text("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from p.b import B\n")
    (source / "b.py").write_text("def f():\n    import p.c\n")
    (source / "c.py").write_text("from p import a\n")
    house = House(tmp_path)
    assert house.circles() == [["p.a", "p.b", "p.c"]]
    assert house.reach("p.a") == {"p.a"}
    assert house.reach("p.b") == {"p.a", "p.b", "p.c"}


def test_no_import_goes_in_a_circle():
    assert HOUSE.circles() == []


@pytest.mark.parametrize("name", SIBLINGS)
def test_packages_import_only_the_siblings_that_they_ask_for(name):
    for module, imports in HOUSE.with_types.items():
        if package(module) == name:
            allowed = {name} | SIBLINGS[name]
            if ".".join(module.split(".")[:2]) in TRAINING:
                allowed = allowed | {"signdiff_core"}
            assert {package(other) for other in imports} <= allowed, module


def test_nothing_outside_training_imports_training():
    users = {m for m, imports in HOUSE.imports.items() for other in imports if ".training" in other}
    assert {m for m in users if ".training" not in m and ".demo" not in m and ".recipes" not in m} == set()


def test_private_modules_stay_in_their_package():
    private = {name for name in HOUSE.files if any(part.startswith("_") for part in name.split(".")[1:])}
    for module, imports in HOUSE.with_types.items():
        assert {other for other in imports & private if package(other) != package(module)} == set(), module


def test_files_are_of_a_sensible_size():
    assert len(HOUSE.files) <= 335
    assert statistics.median(HOUSE.lines.values()) >= 105
    assert {name: lines for name, lines in HOUSE.lines.items() if lines > 450} == {}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_reaches_few_files(command):
    assert all(start in HOUSE.files for start in COMMANDS[command])
    assert len(HOUSE.reach(*COMMANDS[command])) <= LIMITS[command]


@pytest.mark.parametrize("name", ["arguments.py", "checkpoints.py", "run_state.py"])
def test_training_is_written_once(name):
    assert len([path for path in HOUSE.files.values() if path.name == name]) <= 1


def test_each_package_renames_files_into_place_in_one_module():
    renaming = re.compile(r"\bos\.(replace|rename)\(|\.rename\(|\.replace\((target|path)\)")
    writers = {name for name, path in HOUSE.files.items() if renaming.search(path.read_text())}
    assert writers == {"signdiff_core.atomic", "signdiff_eval.atomic", "signdiff_frnet.writing"}
