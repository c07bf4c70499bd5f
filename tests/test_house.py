"""The house in order: who may import whom, which door leads outside, what every public function says, what runs."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted(p for p in (ROOT / "geo").rglob("*.py") if "assets" not in p.parts)

FLOORS = {
    "errors": 0, "area": 1, "vector": 1, "dates": 1, "topojson": 1, "gdal": 2, "zips": 2,
    "kml": 3, "layers": 4, "palette": 1, "timeline": 1, "gpkg": 1,
    "page": 1, "symbols": 2, "schema": 2, "tables": 3, "qgis": 2, "basemap": 2, "sources": 5, "units": 3, "layout": 3, "history": 4,
    "store": 5, "measures": 4, "edges": 2, "ledger": 5, "panel": 6, "cluster": 7, "front": 5, "settlements": 5, "gate": 4, "mending": 3, "spots": 4, "answers": 5, "archive": 8, "intake": 9, "dossier": 9, "still": 10, "sheet": 10, "ground": 11,
    "film": 2, "film_sheet": 10, "film_page": 13,
    "lettering": 1, "plane": 3, "canvas": 4, "captions": 10, "plate": 10, "picture": 11, "chart": 11, "movie": 12,
    "maps": 12, "demo": 13, "printing": 10, "cli": 16, "__main__": 17,
    "brief_tables": 10, "brief": 11, "brief_chart": 12, "brief_page": 13, "brief_pictures": 12, "brief_markdown": 12, "brief_office": 12,
    "brief_docx": 13, "brief_pptx": 13, "briefing": 14, "embed": 6, "dates_sheet": 11, "dates_page": 14, "notebook": 4, "shown": 11,
    "__init__": 15,
}  # fmt: skip
# each outside thing has one door; numpy, pandas, geopandas and shapely are the house's own language
DOORS = {
    "pyogrio": {"gdal"}, "folium": {"maps"}, "branca": {"maps"}, "sqlite3": {"gpkg", "layout", "history", "store"},
    "orjson": {"vector"}, "defusedxml": {"kml"}, "zipfile": {"zips", "basemap", "brief_office"}, "click": {"cli", "printing"}, "rich": {"printing"},
    "pyproj": {"area"}, "matplotlib": {"lettering", "canvas", "chart"}, "PIL": {"movie"},
}  # fmt: skip


def room(path: Path) -> str:
    inside = path.relative_to(ROOT / "geo")
    return inside.parts[0].removesuffix(".py")


def imports(path: Path) -> list[tuple[str, bool]]:
    """(module, at the top) of every import of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = {id(node) for node in tree.body}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names] if node.module == "geo" else [node.module]
            found += [(name, id(node) in top) for name in names]
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_modules_import_lower_floors_only(path: Path) -> None:
    here = room(path)
    for module, _ in imports(path):
        parts = module.split(".")
        if parts[0] != "geo" or len(parts) < 2 or parts[1] in (here, "__version__"):
            continue
        assert FLOORS[parts[1]] < FLOORS[here], f"{path.name} (floor {FLOORS[here]}) imports {module}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_outside_things_come_in_by_their_door(path: Path) -> None:
    for module, _ in imports(path):
        doors = DOORS.get(module.split(".")[0])
        assert doors is None or room(path) in doors or path.stem in doors, f"{path.name} imports {module}"


def test_sources_and_store_do_not_know_each_other() -> None:
    for path in MODULES:
        names = {module.split(".")[1] for module, _ in imports(path) if module.startswith("geo.")}
        if room(path) == "sources":
            assert not names & {"store", "history", "archive", "gpkg"}
        if room(path) in ("store", "history"):
            assert "sources" not in names


def public_functions() -> list[tuple[Path, ast.FunctionDef]]:
    found = []
    for path in MODULES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            owners = [node] if isinstance(node, ast.FunctionDef) else []
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                owners = [n for n in node.body if isinstance(n, ast.FunctionDef)]
            found += [(path, f) for f in owners if not f.name.startswith("_")]
    return found


COMMANDS = {"cli"}  # a verb's docstring is its help text


@pytest.mark.parametrize(
    ("path", "function"),
    [f for f in public_functions() if room(f[0]) not in COMMANDS],
    ids=lambda v: v.name if isinstance(v, ast.FunctionDef) else v.stem,
)
def test_public_functions_say_what_they_raise(path: Path, function: ast.FunctionDef) -> None:
    text = ast.get_docstring(function) or ""
    assert text, f"{path.name}:{function.lineno} {function.name} has no docstring"
    if any(isinstance(d, ast.Name) and d.id == "property" for d in function.decorator_list):
        return
    assert "Raises\n------" in text, f"{path.name}:{function.lineno} {function.name} does not say what it raises"


def test_figures_say_their_unit() -> None:
    for path, function in public_functions():
        returned = ast.unparse(function.returns) if function.returns else ""
        if re.search(r"area|length|distance|km", function.name) and "float" in returned:
            assert "km" in (ast.get_docstring(function) or ""), f"{path.name} {function.name} names no unit"


def test_importing_the_package_stays_light() -> None:
    for path in (ROOT / "geo" / "__init__.py", ROOT / "geo" / "archive.py", ROOT / "geo" / "cli" / "common.py"):
        for module, top in imports(path):
            assert not (top and module.split(".")[0] in ("folium", "matplotlib", "branca")), f"{path.name}: {module}"


def test_nothing_is_left_for_later() -> None:
    words = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b|except Exception|except:")
    for path in MODULES:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            assert not words.search(line), f"{path.name}:{number}: {line.strip()}"
