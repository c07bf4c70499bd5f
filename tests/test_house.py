"""The layout of the package: its size, who imports whom, and what is never left in it."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PATHS = sorted((ROOT / "geo").rglob("*.py"))
MOST_MODULES = 190
MOST_LINES = 52_460
MOST_AT_THE_TOP = 24
LONGEST_CHAIN = 15  # arrows from importer to imported
LONGEST_BODY = 50


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in PATHS}


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def nodes_at_run_time(node: ast.AST) -> Iterator[ast.AST]:
    """Every node but those under ``if TYPE_CHECKING``."""
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from nodes_at_run_time(child)


def imports_of(path: Path, modules: dict[str, Path]) -> set[str]:
    """The modules that a module imports by statement, at its top or inside a function."""
    found: set[str] = set()
    for node in nodes_at_run_time(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name if name in modules else node.module for name in names}
    return found & modules.keys()


def longest_chain(imports: dict[str, set[str]]) -> list[str]:
    """The longest way from importer to imported; a circle is an error."""
    best: dict[str, list[str]] = {}
    under_way: list[str] = []

    def follow(name: str) -> list[str]:
        if name in under_way:
            raise AssertionError(f"modules import each other in a circle: {[*under_way, name]}")
        if name not in best:
            under_way.append(name)
            best[name] = [name, *max((follow(other) for other in sorted(imports[name])), key=len, default=[])]
            under_way.pop()
        return best[name]

    return max((follow(name) for name in sorted(imports)), key=len)


def test_the_longest_chain_of_imports_is_short() -> None:
    chain = longest_chain({name: imports_of(path, MODULES) - {name} for name, path in MODULES.items()})
    assert len(chain) - 1 <= LONGEST_CHAIN, "\n".join(chain)


def test_a_chain_is_followed_through_lazy_imports_and_a_circle_is_told() -> None:
    assert longest_chain({"a": {"b"}, "b": {"c", "d"}, "c": set(), "d": {"c"}}) == ["a", "b", "d", "c"]
    with pytest.raises(AssertionError, match="circle"):
        longest_chain({"a": {"b"}, "b": {"a"}})
    lazy = "def f():\n    from geo.errors import GeoError\n"
    typed = "if TYPE_CHECKING:\n    from geo.schema import Source\n"
    nodes = list(nodes_at_run_time(ast.parse(lazy + typed)))
    assert [n.module for n in nodes if isinstance(n, ast.ImportFrom)] == ["geo.errors"]


def test_import_contracts_hold(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The layers and the doors to outside libraries, as pyproject.toml states them."""
    linter = pytest.importorskip("importlinter.cli", reason="needs import-linter: pip install -e '.[dev]'")
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(str(ROOT))
    assert linter.lint_imports(no_cache=True) == 0, capsys.readouterr().out


def test_the_package_keeps_to_its_size() -> None:
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in PATHS)
    assert len(PATHS) <= MOST_MODULES
    assert lines <= MOST_LINES
    at_the_top = [p.name for p in (ROOT / "geo").iterdir() if p.name != "__pycache__"]
    assert len(at_the_top) <= MOST_AT_THE_TOP


def test_a_file_name_is_used_at_most_twice() -> None:
    names = Counter(path.name for path in PATHS if path.name not in ("__init__.py", "__main__.py"))
    assert {name for name, count in names.items() if count > 2} == set()


def test_no_function_is_long() -> None:
    for path in PATHS:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) is not None else node.body
                length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
                assert length <= LONGEST_BODY, f"{path}: {node.name}"


def test_importing_the_package_stays_light() -> None:
    light = (ROOT / "geo" / "__init__.py", *(ROOT / "geo" / "archive").glob("*.py"), ROOT / "geo/cli/common.py")
    for path in light:
        for node in tree_of(path).body:
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            heavy = {name.partition(".")[0] for name in names} & {"folium", "matplotlib", "branca"}
            assert not heavy, f"{path}: {heavy}"


def test_nothing_is_left_for_later() -> None:
    words = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b|except Exception|except:|^\s+Never\.$")
    for path in PATHS:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            assert not words.search(line), f"{path}:{number}: {line.strip()}"
