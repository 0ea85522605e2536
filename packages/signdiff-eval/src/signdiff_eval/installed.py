"""What is installed beside this package: the libraries of its extras, and plug-ins."""

import configparser
from importlib.util import find_spec
from typing import Any, Final

import entrypoints

_ALONE: Final = {"hands": "mediapipe==0.10.14"}
"""What is installed without what it asks for, once the extra has brought what it needs: MediaPipe asks for a build of
OpenCV that overwrites the headless one, and for jax, which it does not use; and no metadata can drop a dependency."""


def need(extra: str, *modules: str, purpose: str) -> None:
    """Make sure that modules, which an extra of this package brings, can be imported; the error says what to install.

    Example:
        >>> need("nothing", "json", purpose="reading JSON")
        >>> need("gold", "alchemy_of_lead", purpose="making gold")
        Traceback (most recent call last):
        ...
        ModuleNotFoundError: making gold needs alchemy_of_lead: pip install "signdiff-eval[gold]".
    """
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        alone = f" && pip install --no-deps {_ALONE[extra]}" if extra in _ALONE else ""
        raise ModuleNotFoundError(f'{purpose} needs {", ".join(missing)}: pip install "signdiff-eval[{extra}]"{alone}.')


def load_group(group: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Import the plug-ins of an entry point group: name to what is found, and name to why it can't be loaded.

    One that fails does not keep the others away. Of two with one name, the one that Python's path finds later has its
    distribution behind the name. A ValueError if an ``entry_points.txt`` can't be read.
    """
    try:
        entries = entrypoints.get_group_all(group)
    except configparser.Error as error:
        raise ValueError(f"an entry_points.txt is broken: {' '.join(str(error).split())}") from error
    found: dict[str, Any] = {}
    broken: dict[str, str] = {}
    targets: set[tuple[str, str]] = set()
    for entry in entries:
        if (entry.module_name, entry.object_name) in targets:  # a distribution may be found in two places
            continue
        targets.add((entry.module_name, entry.object_name))
        taken = entry.name in found or entry.name in broken
        name = f"{entry.name} of {entry.distro.name}" if taken and entry.distro else entry.name
        try:
            found[name] = entry.load()
        except (Exception, SystemExit) as error:  # a stranger's module may raise anything at all
            broken[name] = " ".join(f"{type(error).__name__}: {error}".split())
    return found, broken
