"""What is installed beside this package: the extras' libraries, and plug-ins."""

from __future__ import annotations

from importlib.util import find_spec


def need(extra: str, *modules: str, purpose: str) -> None:
    """Make sure that modules can be imported.

    Args:
        extra: the extra of this package that brings them.
        modules: names of top-level modules.
        purpose: what they are needed for.

    Raises:
        ModuleNotFoundError: one is missing; the message tells what to install.

    Example:
        >>> need("nothing", "json", purpose="reading JSON")
        >>> need("gold", "alchemy_of_lead", purpose="making gold")
        Traceback (most recent call last):
        ...
        ModuleNotFoundError: making gold needs alchemy_of_lead: pip install "signdiff-eval[gold]".
    """
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise ModuleNotFoundError(f'{purpose} needs {", ".join(missing)}: pip install "signdiff-eval[{extra}]".')
