import json
import subprocess
import sys

import pytest

from signdiff_core import plugins
from signdiff_core.plugins import PluginError, UnknownPluginError


def test_strangers_register_like_the_built_in(stand_ins):
    plugin = plugins.find("signdiff.renderers", "flat")
    assert (plugin.distribution, plugin.version, plugin.target) == ("stand-ins", "1.2", "stand_ins:Flat")
    assert "stand_ins" not in sys.modules
    assert plugin.load().name == "flat"
    assert plugins.load("signdiff.translators", "semaphore").from_pretrained()(["ab"])[0].body.data.shape[0] == 2


def test_unknown_name_lists_the_known(stand_ins):
    with pytest.raises(
        UnknownPluginError, match=r"no renderer named 'oil'.*flat, needy, skeleton, stumbling"
    ) as caught:
        plugins.load("signdiff.renderers", "oil")
    assert "avatar" in str(caught.value)


def test_unknown_group_is_refused():
    with pytest.raises(ValueError, match=r"group must be one of signdiff\.translators"):
        plugins.discover("signdiff.nothing")


FAILING = {
    "missing_module": ("import no_such_module_anywhere", "No module named 'no_such_module_anywhere'"),
    "syntax": ("def f(:", "SyntaxError"),
    "exits": ("raise SystemExit(3)", "SystemExit: 3"),
    "own_error": ("raise KeyError('three\\nlines\\nhere')", "KeyError"),
    "attribute": ("x = 1", "has no attribute 'Thing'"),
}


@pytest.fixture
def failing(site, installed):
    lines = [f"{name} = failing_{name}:Thing" for name in FAILING]
    text = "[signdiff.renderers]\n" + "\n".join([*lines, "garbled = what is this"]) + "\n"
    installed(site, "failing", "0.1", text, {f"failing_{name}": source for name, (source, _) in FAILING.items()})
    return site


@pytest.mark.parametrize("name", FAILING)
def test_failure_names_plugin_origin_and_reason_in_one_line(failing, name):
    with pytest.raises(PluginError) as caught:
        plugins.load("signdiff.renderers", name)
    message = str(caught.value)
    assert message.startswith(f"the renderer {name!r} of failing 0.1 cannot be loaded: ")
    assert FAILING[name][1] in message
    assert "\n" not in message


def test_garbled_entry_point_says_what_is_expected(failing):
    with pytest.raises(PluginError, match=r"expected module:object"):
        plugins.load("signdiff.renderers", "garbled")


def test_failures_do_not_break_the_others(failing, stand_ins):
    reports = {report.plugin.name: report for report in plugins.try_all(["signdiff.renderers"])}
    assert {name for name, report in reports.items() if report.error} >= {*FAILING, "garbled"}
    for name in ("flat", "stumbling", "skeleton"):
        assert reports[name].error is None
        assert 0 <= reports[name].load_seconds < 10


A_RENDERER = "class A:\n    def render(self, pose): ...\n"


def test_second_of_one_name_is_reported_as_hidden(site, installed):
    installed(
        site, "first", "1", "[signdiff.renderers]\ndouble = double_one:A\n", {"double_one": A_RENDERER + "A.number = 1"}
    )
    other = site / "later"
    installed(other, "second", "1", "[signdiff.renderers]\ndouble = double_two:A\n", {"double_two": A_RENDERER})
    sys.path.append(str(other))
    try:
        assert plugins.load("signdiff.renderers", "double").number == 1
        errors = [report.error for report in plugins.try_all(["signdiff.renderers"]) if report.plugin.name == "double"]
    finally:
        sys.path.remove(str(other))
    assert errors == [None, "hidden by the renderer of the same name of first."]


def test_broken_list_is_an_error_of_its_own(site, installed):
    installed(site, "broken", "1", "[signdiff.renderers]\na = b:c\na = d:e\n", {})
    with pytest.raises(PluginError, match=r"entry_points\.txt is broken"):
        plugins.discover("signdiff.renderers")


def test_missing_library_comes_with_the_command_that_installs_it(site, installed):
    installed(site, "wants", "1", "[signdiff.renderers]\nwants = wants_it:A\n", {"wants_it": "import fairseq2x"})
    blocked = "import sys; sys.modules['warp'] = None\nimport warp"
    installed(site, "blocked", "1", "[signdiff.renderers]\nblocked = blocked_it:A\n", {"blocked_it": blocked})
    with pytest.raises(PluginError, match=r"'fairseq2x'$"):
        plugins.load("signdiff.renderers", "wants")
    sys.modules.pop("warp", None)
    with pytest.raises(PluginError, match=r'python -m pip install "signdiff-core\[avatar\]"$'):
        plugins.load("signdiff.renderers", "blocked")
    del sys.modules["warp"]


def test_listing_imports_no_plugin():
    program = (
        "import sys, json; from signdiff_core import plugins;"
        "found = [p.name for g in plugins.GROUPS for p in plugins.discover(g)];"
        "print(json.dumps([found, [m for m in sys.modules if m.startswith('signdiff_') and 'plugins' not in m]]))"
    )
    found, loaded = json.loads(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout)
    assert {"skeleton", "avatar", "diffusion", "skels", "pose", "openpose"} <= set(found)
    assert loaded == ["signdiff_core"]


def test_a_module_of_the_working_folder_is_found_by_a_command(tmp_path):
    (tmp_path / "mine.py").write_text(
        "import numpy as np\nfrom signdiff_core.skeleton import make_pose\n"
        "class Still:\n"
        "    @classmethod\n    def from_pretrained(cls, model=None): return cls()\n"
        "    def __call__(self, texts): return [make_pose(np.zeros((3, 50, 3)), 25) for _ in texts]\n"
    )
    # A program whose path begins with another folder than the working one, as that of every installed command does.
    program = "import sys; sys.path.pop(0); from signdiff_core.cli import main; main()"
    command = [sys.executable, "-c", program, "translate", "hi", "-o", "a.pose", "--translator"]
    done = subprocess.run([*command, "mine:Still"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, (tmp_path / "a.pose").is_file()) == (0, True), done.stderr
    failed = subprocess.run([*command, "other:Still"], cwd=tmp_path, capture_output=True, text=True)
    assert failed.returncode != 0
    assert (
        "the translator 'other:Still' cannot be loaded: ModuleNotFoundError: No module named 'other'" in failed.stderr
    )


@pytest.mark.parametrize(
    ("group", "methods"),
    [
        ("signdiff.renderers", "render()"),
        ("signdiff.translators", "from_pretrained()"),
        ("signdiff.pose_formats", "matches() and read()"),
        ("signdiff.metrics", "update() and compute()"),
    ],
)
def test_an_object_of_another_kind_is_refused_before_it_is_called(group, methods):
    with pytest.raises(PluginError) as caught:
        plugins.load(group, "os:system")
    kind = group.removeprefix("signdiff.").removesuffix("s").replace("_", " ")
    told = f"the {kind} 'os:system' must be a class with {methods}, but os:system is a builtin_function_or_method."
    assert str(caught.value) == told
