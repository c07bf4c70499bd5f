"""The page's own safety: what a JSON block may hold, what the policy allows, and that a page is written whole."""

from __future__ import annotations

import ast
import html
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from geo.errors import MapError
from geo.output.html import page
from geo.storage.atomic_write import write_page

ROOT = Path(__file__).resolve().parents[1]


def page_with(header: str = "", body: str = '<div id="m"></div>', script: str = "var m;") -> tuple[str, list[str]]:
    """The simplest page that there is, with something added as folium adds it."""
    values = {"map": None, "subtitle": "", "patterns": "", "still": "", "credits": (), "ground_credits": (), "boundary": "",
              "tiles": "", "has_map": True}  # fmt: skip
    added = page.Added(Markup(header), Markup(body), Markup(script))
    return page.page_of(page.PageParts("map_page.html", "A title", values, {"a": 1}), added=added)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda c: st.lists(c) | st.dictionaries(st.text(), c)
    )
)
def test_a_json_block_comes_back_and_ends_nothing(data: object) -> None:
    block = page.json_block(data, name="x")
    inner = re.fullmatch(r'<script type="application/json" id="x">(.*)</script>', block, flags=re.S)
    assert inner is not None
    assert json.loads(inner[1]) == data
    strings = re.findall(r'"(?:[^"\\]|\\.)*"', inner[1])
    assert not any(c in s for s in strings for c in "<>&{}%\u2028\u2029")
    assert "<" not in inner[1]


def test_a_figure_that_is_not_finite_is_no_json() -> None:
    with pytest.raises(MapError, match="not finite"):
        page.json_block({"km2": float("nan")}, name="x")


def test_leaflet_is_the_very_file_and_names_no_map_of_itself() -> None:
    text = page.leaflet("leaflet.js")
    assert "Leaflet 1.9.3" in text[:200]
    assert "sourceMappingURL" not in text


def test_another_leaflet_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(page._LEAFLET, "leaflet.js", "x" * 64)
    page.leaflet.cache_clear()
    with pytest.raises(MapError, match=r"not the leaflet\.js of Leaflet 1\.9\.3"):
        page.leaflet("leaflet.js")


def rules_of(text: str) -> dict[str, str]:
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    return dict(rule.split(" ", 1) for rule in html.unescape(policy[1]).split("; "))


def test_the_policy_allows_what_is_there_and_nothing_else() -> None:
    text, outside = page_with()
    rules = rules_of(text)
    assert outside == []
    assert rules["default-src"] == rules["connect-src"] == "'none'"
    assert rules["img-src"] == "data: blob:"
    for name in ("script-src", "style-src"):
        assert all(re.fullmatch(r"'sha256-[A-Za-z0-9+/=]{44}'", s) for s in rules[name].split())
    assert len(rules["script-src"].split()) == 3


def test_what_is_added_widens_the_policy_by_just_that() -> None:
    header = '<script src="https://cdn.example/x.js"></script><link rel="stylesheet" href="https://css.example/y.css">'
    text, outside = page_with(header, '<b style="color:red">x</b>', "")
    assert outside == ["https://cdn.example/x.js", "https://css.example/y.css"]
    rules = rules_of(text)
    assert "https://cdn.example" in rules["script-src"].split()
    assert "https://css.example" in rules["style-src"].split()
    assert "'unsafe-hashes'" in rules["style-src"].split()
    assert not any("unsafe-inline" in rule for rule in rules.values())


def test_a_page_is_written_in_one_step(tmp_path: Path) -> None:
    path = write_page("new", tmp_path / "deep" / "page.html")
    assert path.read_text() == "new"
    assert [p.name for p in path.parent.iterdir()] == ["page.html"]
    (tmp_path / "file").write_text("x")
    with pytest.raises(MapError, match="cannot be written"):
        write_page("new", tmp_path / "file" / "page.html")


# all that may be had of folium and branca: nothing among it takes a string that is shown
ALLOWED = {
    "folium": {"Map", "TileLayer"},
    "branca.element": {"CssLink", "Element", "Figure", "JavascriptLink"},
}


@pytest.mark.parametrize("path", sorted((ROOT / "geo").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT / "geo")))
def test_no_text_goes_through_the_map_librarys_templates(path: Path) -> None:
    """folium and branca run what looks like a template in any text that they are given."""
    text = path.read_text(encoding="utf-8")
    if not re.search("folium|branca|jinja2|explore|Element|Template", text):  # all that is looked for
        return
    tree = ast.parse(text)
    theirs = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("folium", "branca")
        for alias in node.names
    }
    for node in ast.walk(tree):
        where = f"{path.name}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Import):
            whole = {alias.name for alias in node.names if alias.name.split(".")[0] in ("folium", "branca", "jinja2")}
            assert whole <= {"folium"}, where
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("folium", "branca"):
            assert {alias.name for alias in node.names} <= ALLOWED.get(node.module or "", set()), where
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "folium":
            assert node.attr in ALLOWED["folium"], f"{where} folium.{node.attr}"
        elif isinstance(node, ast.Attribute):
            assert node.attr != "explore", f"{where} GeoDataFrame.explore is folium"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "Element" or "Element" not in theirs, f"{where} makes an element of text"
            if node.func.id == "Template":
                assert all(isinstance(a, ast.Constant) for a in node.args), f"{where} a template of a value"


def test_our_script_shows_text_as_text() -> None:
    sinks = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|createContextual|srcdoc"
    )
    scripts = sorted((ROOT / "geo" / "assets").rglob("*.js"))
    assert len(scripts) >= 3
    for path in scripts:
        assert not sinks.search(path.read_text(encoding="utf-8")), path.name
