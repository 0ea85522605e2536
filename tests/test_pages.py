"""What the pages say exists: modules, names, commands, benchmarks, files that are linked."""

import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path
    for pattern in ("*.md", "packages/*/*.md", "packages/*/docs/*.md", "packages/*/src/**/*.md")
    for path in ROOT.glob(pattern)
    if path.name != "CHANGELOG.md"  # which tells of names that are gone
)
DOTTED = re.compile(r"\bsigndiff_(?:frnet|core|slp|eval)(?:\.[A-Za-z_]\w*)+")
SCRIPT = re.compile(r"(?<![\w/-])(?:benchmarks|tests|packages/[\w-]+)/[\w/]+\.py")
LINK = re.compile(r"\]\((?!https?:|#|mailto:|{{)([^)#\s]+)")


def named(page):
    return str(page.relative_to(ROOT))


def resolves(name):
    """Whether a dotted name is a module or an attribute of one."""
    module, rest = name, []
    while True:
        try:
            found = find_spec(module)
        except ModuleNotFoundError:
            found = None
        if found:
            break
        module, _, last = module.rpartition(".")
        rest.insert(0, last)
        if not module:
            return False
    try:
        thing = import_module(module) if rest else None
    except ImportError:
        return True  # an extra that is not installed here
    for part in rest:
        if not hasattr(thing, part):
            return False
        thing = getattr(thing, part)
    return True


def test_a_name_that_is_gone_is_seen():
    assert resolves("signdiff_core.formats.read")
    assert not resolves("signdiff_core.formats.read_nothing")
    assert not resolves("signdiff_core.no_module.read")


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_names_on_pages_exist(page):
    text = page.read_text(encoding="utf-8")
    names = set(DOTTED.findall(text)) - {name for name in DOTTED.findall(text) if name.endswith((".md", ".py"))}
    assert [name for name in sorted(names) if not resolves(name)] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_files_on_pages_exist(page):
    text = page.read_text(encoding="utf-8")
    gone = [match[0] for match in SCRIPT.finditer(text) if not (ROOT / match[0]).is_file()]
    gone += [link for link in LINK.findall(text) if not (page.parent / link).exists()]
    assert gone == []
