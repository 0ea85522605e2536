"""Finds, in the sources of a library, the keys of configurations under which it loads something by name or path.

Each call of a function that loads is looked at: from ``from_pretrained(config.a)``, ``load(getattr(config, "a"))`` and
``load(config["a"])`` it reads the key, also where the value went through a variable or an attribute of the same file.
"""

import ast
import re
from pathlib import Path

LOADERS = frozenset(
    {
        "__import__",
        "cached_file",
        "cached_files",
        "create_model",
        "eval",
        "exec",
        "from_config",
        "from_pretrained",
        "get_cached_module_file",
        "get_class_from_dynamic_module",
        "get_configuration_file",
        "get_fast_tokenizer_file",
        "get_file_from_repo",
        "get_kernel",
        "has_file",
        "hf_hub_download",
        "import_module",
        "load",
        "load_and_register_kernel",
        "load_backbone",
        "load_dataset",
        "load_file",
        "load_from_disk",
        "open",
        "snapshot_download",
        "torch_load",
    }
)
"""Functions that take something by its name or path, by their last names."""

_GETTERS = ("get", "pop", "getattr")
_OTHER = ("convert_", "modular_")  # scripts, and sources of which the library's own files are made
_CALLS = re.compile(rf"\b({'|'.join(sorted(LOADERS))})\(")


def followed_keys(root: Path) -> dict[str, str]:
    """Give each key, with a place where it is followed.

    Args:
        root: the folder of an installed library.
    """
    found: dict[str, str] = {}
    for path in sorted(root.rglob("*.py")):
        text = path.read_text(encoding="utf-8", errors="replace")
        if path.name.startswith(_OTHER) or "config" not in text or not _CALLS.search(text):
            continue
        nodes = list(ast.walk(ast.parse(text)))
        known = _aliases(nodes)
        for call in nodes:
            if isinstance(call, ast.Call) and _last_name(call.func) in LOADERS:
                for key in _keys_of_call(call, known):
                    found.setdefault(key, f"{path.relative_to(root)}:{call.lineno}: {ast.unparse(call)[:200]}")
    return found


def _keys_of_call(call: ast.Call, known: dict[str, set[str]]) -> set[str]:
    # What a class is made of is a configuration, not a name; but what is handed on beside it may be.
    of_configuration = _last_name(call.func) in ("from_config", "load_backbone")
    given = [] if of_configuration else list(call.args)
    given += [one.value for one in call.keywords if one.arg != "config"]
    return set().union(*(_keys(node, known) for node in given)) if given else set()


def _aliases(nodes: list[ast.AST]) -> dict[str, set[str]]:
    """Tell which variables and attributes of a file hold the value of which keys."""
    known: dict[str, set[str]] = {}
    assigned = [node for node in nodes if isinstance(node, ast.Assign | ast.AnnAssign) and node.value]
    for _ in range(2):
        for node in assigned:
            keys = _keys(node.value, known)
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if keys and (name := _last_name(target)):
                    known.setdefault(name, set()).update(keys)
    return known


def _keys(node: ast.AST, known: dict[str, set[str]]) -> set[str]:
    keys: set[str] = set()
    if isinstance(node, ast.Lambda | ast.FunctionDef):
        return keys
    keys |= known.get(_last_name(node) or "", set())
    if isinstance(node, ast.Attribute) and _is_config(node.value):
        return keys | {node.attr}
    if isinstance(node, ast.Subscript) and _is_config(node.value) and _text(node.slice):
        return keys | {_text(node.slice)}
    if isinstance(node, ast.Call):
        name = _last_name(node.func)
        owner = node.func.value if isinstance(node.func, ast.Attribute) else node.args[0] if node.args else None
        texts = [_text(one) for one in node.args[:2] if _text(one)]
        if name in _GETTERS and owner is not None and _is_config(owner) and texts:
            return keys | {texts[0]}
        if isinstance(node.func, ast.Attribute) and _is_config(node.func.value):
            return keys | set().union(*(_keys(one, known) for one in node.args), set())
    for child in ast.iter_child_nodes(node):
        keys |= _keys(child, known)
    return keys


def _is_config(node: ast.AST) -> bool:
    """Tell whether something is named as a configuration: ``config``, ``self.text_config``, ``config_dict``."""
    return "config" in (_last_name(node) or "").lower()


def _last_name(node: ast.AST) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


def _text(node: ast.AST) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
