"""How large the house is: modules and lines, circles of imports, and what each main command can reach.

    python benchmarks/house.py [ROOT] [--json] [--reach COMMAND]

A module reaches what its code imports, at the top or inside functions; imports for types alone are left out of
`reach` and counted in `circles`. A command's built-in plug-ins count as its own; packages' ``__init__`` files, which
hand names on, count where a module names them.
"""

from __future__ import annotations

import argparse
import ast
import json
import statistics
from collections.abc import Iterator
from pathlib import Path

PLUGINS = {
    "renderers": ("avatar.renderer", "diffusion.renderer", "skeleton_renderer"),
    "formats": ("formats.openpose", "formats.pose", "formats.skels"),
}
CORE_PLUGINS = tuple(f"signdiff_core.{name}" for names in PLUGINS.values() for name in names)
COMMANDS = {
    "generate": ("signdiff_core.cli.generate", *CORE_PLUGINS),
    "train_controlnet": ("signdiff_core.training.train_controlnet",),
    "slp prepare": ("signdiff_slp.commands.prepare",),
    "slp train": ("signdiff_slp.recipes.train.__main__", "signdiff_slp.extension"),
    "compare": ("signdiff_eval.commands.compare",),
}
"""Where each main command starts."""

LIMITS = {"generate": 78, "train_controlnet": 65, "slp prepare": 55, "slp train": 60, "compare": 50}
"""At most so many files are reached by each."""


class House:
    """All modules under ``packages/*/src`` of a repository.

    Args:
        root: the repository's folder.
    """

    def __init__(self, root: Path) -> None:
        self.files: dict[str, Path] = {}
        for source in sorted(root.glob("packages/*/src")):
            for path in sorted(source.rglob("*.py")):
                parts = path.relative_to(source).with_suffix("").parts
                self.files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
        self.lines = {name: len(path.read_text().splitlines()) for name, path in self.files.items()}
        parsed = {name: ast.parse(path.read_text()) for name, path in self.files.items()}
        self.imports = {name: self._imports(name, tree, types=False) for name, tree in parsed.items()}
        self.with_types = {name: self._imports(name, tree, types=True) for name, tree in parsed.items()}

    def _imports(self, name: str, tree: ast.AST, *, types: bool) -> set[str]:
        found = {self._module(target) for target in _targets(tree, self.files, types=types)}
        return found - {name, None}  # type: ignore[return-value]

    def _module(self, name: str) -> str | None:
        while name and name not in self.files:
            name = name.rpartition(".")[0]
        return name or None

    def reach(self, *starts: str) -> set[str]:
        """Give every module that the code of these can import."""
        reached: set[str] = set()
        waiting = [start for start in starts if start in self.files]
        while waiting:
            name = waiting.pop()
            if name in reached:
                continue
            reached.add(name)
            waiting.extend(self.imports[name])
        return reached

    def circles(self) -> list[list[str]]:
        """Give the groups of modules that import each other, imports for types included (Tarjan, 1972)."""
        order: dict[str, int] = {}
        lowest: dict[str, int] = {}
        stack: list[str] = []
        circles: list[list[str]] = []

        def visit(name: str) -> None:
            order[name] = lowest[name] = len(order)
            stack.append(name)
            for other in sorted(self.with_types[name]):
                if other not in order:
                    visit(other)
                    lowest[name] = min(lowest[name], lowest[other])
                elif other in stack:
                    lowest[name] = min(lowest[name], order[other])
            if lowest[name] == order[name]:
                group = [stack.pop()]
                while group[-1] != name:
                    group.append(stack.pop())
                if len(group) > 1:
                    circles.append(sorted(group))

        for name in sorted(self.files):
            if name not in order:
                visit(name)
        return circles

    def importers(self, name: str) -> list[str]:
        """Give the modules that import this one."""
        return sorted(other for other, imports in self.with_types.items() if name in imports)


def _targets(tree: ast.AST, files: dict[str, Path], *, types: bool) -> Iterator[str]:
    """Yield what the code imports, ``from package import module`` by the module's own name."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield full if full in files else node.module
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test) and not types:
            waiting.extend(node.orelse)
        else:
            waiting.extend(ast.iter_child_nodes(node))


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", nargs="?", type=Path, default=Path(__file__).parents[1])
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--reach", choices=COMMANDS, help="list the modules that this command can reach")
    arguments = parser.parse_args()
    house = House(arguments.root)
    if arguments.reach:
        print(*sorted(house.reach(*COMMANDS[arguments.reach])), sep="\n")
        return
    packages = sorted({name.partition(".")[0] for name in house.files})
    mine = {package: [n for n in house.files if n.partition(".")[0] == package] for package in packages}
    figures = {
        "packages": {
            p: {"modules": len(names), "lines": sum(map(house.lines.get, names))} for p, names in mine.items()
        },
        "modules": len(house.files),
        "lines": sum(house.lines.values()),
        "median": statistics.median(house.lines.values()),
        "longest": max(house.lines.items(), key=lambda item: item[1]),
        "circles": house.circles(),
        "reach": {command: len(house.reach(*starts)) for command, starts in COMMANDS.items()},
    }
    if arguments.json:
        print(json.dumps(figures, indent=2))
        return
    for package, counts in figures["packages"].items():
        print(f"{package:16}{counts['modules']:6} modules {counts['lines']:7,} lines")
    print(f"{'all':16}{figures['modules']:6} modules {figures['lines']:7,} lines")
    print(f"median {figures['median']:g} lines, longest {figures['longest'][1]} ({figures['longest'][0]})")
    for command, count in figures["reach"].items():
        print(f"{command:18} reaches {count:4} files (at most {LIMITS[command]})")
    for circle in figures["circles"]:
        print("circle:", " ".join(circle))


if __name__ == "__main__":
    main()
