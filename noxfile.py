"""Everything that is run here: ``nox`` for what must pass, ``nox -s generate -- "hello world"`` for the main job.

Each session has an environment of its own, installed by uv from ``constraints.txt``. uv keeps what it downloaded and
links it into each environment, so a second one costs seconds. Environments are kept between runs, and every run
brings them to exactly what the session asks for (``--exact``).
"""

import re
import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = True

ROOT = Path(__file__).parent
CONSTRAINED = ("-c", "constraints.txt")
TEST_TOOLS = ("hypothesis", "pytest", "pytest-xdist")

CORE = "packages/signdiff-core"
EVAL = "packages/signdiff-eval"
FRNET = "packages/signdiff-frnet"
SLP = "packages/signdiff-slp"

# What the tests of each package install: itself with its extras, and the siblings that it asks for.
PACKAGES = {
    "frnet": (f"{FRNET}[torch,train]", CORE),
    "core": (f"{CORE}[mediapipe,prepare,train]",),
    "slp": (f"{CORE}[mediapipe]", EVAL, f"{SLP}[corpora,plot,prepare]"),
    "eval": (CORE, f"{EVAL}[fid,hands,slrtp,torchmetrics,train]"),
}
# Independent libraries that a package's tests compare with, and those that it plugs into.
PEERS = {"core": ("peft", "webdataset"), "eval": ("dtaidistance", "pytorch-lightning", "scikit-image")}
EVERYTHING = (
    f"{FRNET}[train]",
    f"{CORE}[mediapipe,prepare,train]",
    f"{SLP}[corpora,plot,prepare]",
    f"{EVAL}[fid,slrtp,torchmetrics,train]",
)

# Installed without what it asks for, beside an extra that brings what it needs: signdiff_core.plugins says why.
MEDIAPIPE = re.search(r'MEDIAPIPE: Final = "(.*)"', (ROOT / CORE / "src/signdiff_core/plugins.py").read_text())[1]

# What each wheel needs beside it that is not on the package index.
SIBLINGS = {"frnet": (), "core": (), "slp": ("core", "eval"), "eval": ()}


def install(
    session: nox.Session, packages: tuple[str, ...], *tools: str, options: tuple[str, ...] = CONSTRAINED
) -> None:
    """Bring the session's environment to exactly these packages (editable) and tools."""
    editable = [argument for package in packages for argument in ("-e", package)]
    session.install("--exact", *options, *editable, *tools)
    if any("mediapipe" in package or "hands" in package for package in packages):
        session.install("--no-deps", MEDIAPIPE)


def pytest(session: nox.Session, *arguments: str) -> None:
    """Run tests file by file in two processes, with what was given after ``--`` last (``-n 0``: in one)."""
    # Python writes its bytecode as it imports, even where the machine's settings say otherwise: torch is slow without.
    environment = {"PYTHONDONTWRITEBYTECODE": None, "OMP_NUM_THREADS": "1"}
    session.run("pytest", "-n", "2", "--dist", "loadfile", *arguments, *session.posargs, env=environment)


@nox.session(default=False)
def generate(session: nox.Session) -> None:
    """The main job: text in, a signer's video out. ``nox -s generate -- "hello world" [-o hello.mp4] [...]``."""
    install(session, (f"{CORE}[avatar,diffusion]", EVAL, SLP, FRNET))
    arguments = session.posargs or ["hello world"]
    if not any(argument.startswith(("-o", "--output")) for argument in arguments):
        arguments = [*arguments, "-o", "hello.mp4"]
    session.run("signdiff", "generate", *arguments, env={"PYTHONDONTWRITEBYTECODE": None})


@nox.session
def lint(session: nox.Session) -> None:
    """Format and lint, by the configuration in ``pyproject.toml``."""
    install(session, (), "ruff")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")


@nox.session
def typecheck(session: nox.Session) -> None:
    """Check the types of every package's ``src``, strictly."""
    install(session, EVERYTHING, "mypy")
    session.run("mypy", *(f"{path}/src" for path in (FRNET, CORE, SLP, EVAL)))


@nox.session
@nox.parametrize("package", list(PACKAGES), ids=list(PACKAGES))
def tests(session: nox.Session, package: str) -> None:
    """One package's tests, beside nothing but what that package asks for."""
    install(session, PACKAGES[package], *PEERS.get(package, ()), *TEST_TOOLS)
    source = f"packages/signdiff-{package}"
    pytest(session, "--doctest-modules", "-m", "not slow", f"{source}/src", f"{source}/tests")


@nox.session
def integration(session: nox.Session) -> None:
    """What crosses packages, with all four installed; and those tests of a package that need another beside it."""
    install(session, EVERYTHING, *TEST_TOOLS)
    pytest(session, "-m", "not slow", "tests")
    pytest(session, "-m", "sibling and not slow", f"{CORE}/tests", f"{EVAL}/tests")


@nox.session(reuse_venv=False)
def frnet_only(session: nox.Session) -> None:
    """The annotator's wheel, alone in an empty environment; fails if torch, diffusers or a sibling came along."""
    (wheel,) = build_wheels(session, "frnet")
    session.install(*CONSTRAINED, wheel)
    session.run("python", "tests/standalone_frnet.py", env={"PYTHONDONTWRITEBYTECODE": None})


@nox.session(reuse_venv=False)
def eval_only(session: nox.Session) -> None:
    """The metrics' wheel, alone in an empty environment; fails if torch or a sibling came along."""
    (wheel,) = build_wheels(session, "eval")
    session.install(*CONSTRAINED, wheel)
    session.run("python", "tests/standalone_eval.py", env={"PYTHONDONTWRITEBYTECODE": None})


@nox.session
def frnet_controlnet_aux(session: nox.Session) -> None:
    """The annotator side by side with a detector of the real controlnet-aux."""
    install(session, (FRNET,), "controlnet-aux", *TEST_TOOLS)
    pytest(session, f"{FRNET}/tests/test_controlnet_aux.py")


@nox.session
def core_controlnet_aux(session: nox.Session) -> None:
    """The drawing of a pose, pixel for pixel beside that of the real controlnet-aux."""
    install(session, (CORE,), "controlnet-aux", "matplotlib", *TEST_TOOLS)
    pytest(session, f"{CORE}/tests/test_core_drawing.py")


@nox.session(default=False)
def core_datasets(session: nox.Session) -> None:
    """Prepared frames read by the library datasets, which does not go with the pins of the others."""
    install(session, (CORE, FRNET), "datasets>=3.4", *TEST_TOOLS, options=())
    pytest(session, f"{CORE}/tests/prepare/test_frames_datasets.py")


@nox.session(reuse_venv=False)
@nox.parametrize("package", list(PACKAGES), ids=list(PACKAGES))
def build(session: nox.Session, package: str) -> None:
    """Wheel and sdist of one package: metadata checked, then imported from the wheel with all that it asks for."""
    wheels = build_wheels(session, *SIBLINGS[package], package)
    session.run_install("uvx", *CONSTRAINED, "twine", "check", "--strict", *distributions(session), external=True)
    session.install(*CONSTRAINED, *wheels)
    module = f"signdiff_{package}"
    with session.chdir(session.create_tmp()):  # away from the sources
        session.run("python", "-c", f"import {module}; print({module}.__file__, *{module}.__all__, sep='\\n  ')")


def build_wheels(session: nox.Session, *packages: str) -> list[str]:
    """Build packages into the session's folder, the wheel from the sdist, and return the wheels."""
    out = Path(session.create_tmp()) / "dist"
    shutil.rmtree(out, ignore_errors=True)
    for package in packages:
        session.run_install("uv", "build", "-q", f"packages/signdiff-{package}", "-o", str(out), external=True)
    return [str(wheel) for wheel in sorted(out.glob("*.whl"))]


def distributions(session: nox.Session) -> list[str]:
    """What :func:`build_wheels` left."""
    return [str(path) for path in sorted((Path(session.create_tmp()) / "dist").glob("signdiff*"))]


@nox.session
def attack(session: nox.Session) -> None:
    """Every reader against damaged files; a short run. ``nox -s attack -- --inputs 100000`` is the whole campaign."""
    install(session, EVERYTHING)
    session.run("python", "tests/attack", *session.posargs, env={"PYTHONDONTWRITEBYTECODE": None})


@nox.session
def kill(session: nox.Session) -> None:
    """Commands that write, killed at random moments and run again; ``nox -s kill -- --kills 20`` kills all of them."""
    install(session, EVERYTHING)
    session.run("python", "tests/kill", *session.posargs, env={"PYTHONDONTWRITEBYTECODE": None})


# What OpenCV does here: it draws, resizes, finds edges, reads and writes pictures and videos, and runs the predictor.
OPENCV_TESTS = (
    *(f"{FRNET}/tests/test_{name}.py" for name in ("ops", "detector", "contract", "frnet_pictures")),
    *(f"{FRNET}/tests/test_{name}.py" for name in ("frnet_video", "frnet_writing", "predictor")),
    *(f"{CORE}/tests/test_{name}.py" for name in ("core_drawing", "core_video", "skeleton_renderer")),
    f"{EVAL}/tests/readers",
)


@nox.session
def opencv5(session: nox.Session) -> None:
    """What OpenCV does, with OpenCV 5, which a plain install brings; all other sessions have OpenCV 4."""
    others = constraints_without(session, "opencv-python-headless")
    install(session, (FRNET, CORE, EVAL), "opencv-python-headless==5.*", *TEST_TOOLS, options=("-c", others))
    pytest(session, "-m", "not slow", *OPENCV_TESTS)


@nox.session(default=False)
@nox.parametrize("opencv", ["4.10.*", "5.*"], ids=["oldest", "newest"])
def opencv(session: nox.Session, opencv: str) -> None:
    """Everything that runs without torch, with an older OpenCV 4 and with OpenCV 5."""
    others = constraints_without(session, "opencv-python-headless")
    pinned = f"opencv-python-headless=={opencv}"
    install(session, (FRNET, f"{CORE}[prepare]", EVAL), pinned, *PEERS["eval"], *TEST_TOOLS, options=("-c", others))
    chosen = (f"{CORE}/tests/test_*.py", f"{FRNET}/tests/test_*.py", f"{EVAL}/tests/test_eval_scoring.py")
    files = [str(path) for pattern in chosen for path in sorted(ROOT.glob(pattern))]
    folders = [f"{CORE}/tests/{name}" for name in ("formats", "prepare")] + [f"{EVAL}/tests/readers"]
    pytest(session, "-m", "not slow", *files, *folders)


def constraints_without(session: nox.Session, package: str) -> str:
    """Write the constraints but for one package, and return the file's name."""
    others = Path(session.create_tmp()) / "constraints.txt"
    pins = (ROOT / "constraints.txt").read_text().splitlines()
    others.write_text("\n".join(pin for pin in pins if not pin.startswith(f"{package}==")))
    return str(others)


@nox.session(default=False)
def train_tests(session: nox.Session) -> None:
    """The tests that train models or render many frames, minutes; and those for a GPU, where there is one."""
    install(session, EVERYTHING, *TEST_TOOLS)
    folders = (f"{path}/tests" for path in (FRNET, CORE, SLP, EVAL))
    pytest(session, "-n", "0", "-m", "slow or gpu", *folders, "tests")  # which take all cores by themselves


@nox.session(default=False)
def core_oldest(session: nox.Session) -> None:
    """The renderer's tests with the oldest diffusers that it allows."""
    others = constraints_without(session, "diffusers")
    install(session, PACKAGES["core"], "diffusers==0.37.1", *PEERS["core"], *TEST_TOOLS, options=("-c", others))
    pytest(session, "-m", "not slow", f"{CORE}/tests")


@nox.session(default=False)
@nox.parametrize("transformers", ["transformers<5.6", "transformers"], ids=["whole", "all"])
def core_newest(session: nox.Session, transformers: str) -> None:
    """The renderer's tests with the newest diffusers, which is where they break first, and the newest of all else.

    From transformers 5.6 on, diffusers' own pipelines fail at clip_skip and at checkpoints of one file: tests skip.
    """
    install(session, PACKAGES["core"], transformers, *PEERS["core"], *TEST_TOOLS, options=("--upgrade",))
    pytest(session, "-m", "not slow", f"{CORE}/tests")


@nox.session(default=False, venv_backend="none")
def constraints(session: nox.Session) -> None:
    """Compile ``constraints.txt`` again; ``-- --upgrade`` or ``-- -P NAME`` moves pins, else they stay."""
    local = [f"--no-emit-package=signdiff-{package}" for package in PACKAGES]
    session.run_install(
        *("uv", "pip", "compile", "constraints.in", "-o", "constraints.txt", "--universal", "--python-version=3.11"),
        *("--no-header", "--no-annotate", "--quiet", *local, *session.posargs),
        external=True,
    )
