"""A desk's own templates: they stand before ours, are refused in words, and text from outside stays text."""

from __future__ import annotations

import re
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hatchling.builders.wheel import WheelBuilder
from hostile_texts import HOSTILE, MARKER, shown
from markupsafe import Markup
from shapely.geometry import box
from test_archive import put, state
from test_maps import DAY

import geo
from geo.archive import Archive, open_archive
from geo.cli import main
from geo.errors import UsageError
from geo.importing.importer import ensure_units
from geo.output.html import page
from geo.presentation import templates
from geo.presentation.language import speaking
from geo.presentation.templates import OURS, names, render

ROOT = Path(__file__).resolve().parents[1]
FOOTER = "<footer><p>Figures checked by the data desk. {{ title }}</p></footer>"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    opened = open_archive(tmp_path_factory.mktemp("templates") / "a.gpkg")
    ensure_units(opened)
    put(opened, DAY, state(("X", "held", "n", box(34.9, 50.9, 35.4, 51.3))))
    opened.close()
    return opened


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    folder = tmp_path / "desk"
    folder.mkdir()
    return folder


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def read(text: str) -> _Text:
    reader = _Text()
    reader.feed(text)
    return reader


def rules_of(text: str) -> str:
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    return policy[1]


def draw(archive: Archive, desk: Path | None) -> str:
    return geo.draw_map(archive, templates=desk, with_front=False).get_root().render()


# -- they stand before ours ---------------------------------------------------------------------------------------


def test_a_desks_template_stands_before_ours_on_every_page_that_has_it(
    archive: Archive, desk: Path, tmp_path: Path
) -> None:
    (desk / "footer.html").write_text(FOOTER, encoding="utf-8")
    run = CliRunner()
    for verb, more in (
        ("map", ["--date", "2025-01-11"]),
        ("timeline", []),
        ("brief", ["--date", "2025-01-11"]),
    ):
        path = tmp_path / f"{verb}.html"
        done = run.invoke(main, [verb, str(archive.path), *more, "--templates", str(desk), "-o", str(path)])
        assert done.exit_code == 0, done.output
        text = path.read_text(encoding="utf-8")
        assert text.count("<footer>") == 1
        assert "Figures checked by the data desk. " in text
        assert "Leaflet 1.9.3, ©" not in text
    done = run.invoke(main, ["maps", str(archive.path), "--templates", str(desk), "-o", str(tmp_path / "maps")])
    assert done.exit_code == 0, done.output
    assert "checked by the data desk" in next((tmp_path / "maps").glob("*.html")).read_text(encoding="utf-8")


def test_a_site_is_made_anew_with_other_templates(archive: Archive, desk: Path, tmp_path: Path) -> None:
    options = {"with_downloads": False}
    geo.build_site(archive, tmp_path / "site", **options)
    assert geo.build_site(archive, tmp_path / "site", **options).changed == ()
    (desk / "footer.html").write_text(FOOTER, encoding="utf-8")
    again = geo.build_site(archive, tmp_path / "site", templates=desk, **options)
    assert {p.partition("/")[0] for p in again.changed} >= {"index.html", "sources.html", "dates", "units"}
    for path in (tmp_path / "site").rglob("*.html"):
        assert "checked by the data desk" in path.read_text(encoding="utf-8"), path
    (desk / "footer.html").write_text("<footer>Another</footer>", encoding="utf-8")
    assert geo.build_site(archive, tmp_path / "site", templates=desk, **options).changed
    assert geo.build_site(archive, tmp_path / "site", templates=desk, **options).changed == ()


def test_a_template_extends_ours_of_the_same_name_and_has_parts_of_its_own(archive: Archive, desk: Path) -> None:
    (desk / "map.html").write_text(
        '{% extends "ours/map.html" %}\n{% block top %}\n  {% include "_logo.html" %}\n{% endblock %}\n',
        encoding="utf-8",
    )
    (desk / "_logo.html").write_text('<p id="logo" style="color:#123456">The Desk</p>', encoding="utf-8")
    text = draw(archive, desk)
    assert '<p id="logo" style="color:#123456">The Desk</p>' in text
    # the policy is that of what was rendered
    assert "unsafe-hashes" in rules_of(text)
    assert "unsafe-hashes" not in rules_of(draw(archive, None))
    (desk / "_logo.html").write_text("<p>Changed</p>", encoding="utf-8")
    assert "<p>Changed</p>" in draw(archive, desk)


def test_a_script_of_a_desks_own_runs_by_its_hash(archive: Archive, desk: Path) -> None:
    (desk / "footer.html").write_text(
        '<footer data-title="{{ title }}"></footer>\n<script>\n  document.title = "x";\n</script>', encoding="utf-8"
    )
    before, after = (rules_of(draw(archive, folder)).count("sha256-") for folder in (None, desk))
    assert after == before + 1


# -- they are refused in words ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("footer.html", "<footer>\n{% if %}\n</footer>", r"footer\.html, line 2: "),
        ("footer.html", "<footer>\n\n{{ titel }}</footer>", r"footer\.html, line 3: 'titel' is undefined"),
        ("footer.html", "{{ map.nothing.more }}", r"footer\.html, line 1: .*nothing"),
        ("footer.html", "<p>\n{{ title|safe }}", r"footer\.html, line 2: No filter named 'safe'"),
        ("footer.html", "\n{% autoescape false %}{{ title }}{% endautoescape %}", r"line 2: autoescape stays on"),
        ("footer.html", "{{ title.__class__ }}", r"footer\.html, line 1: .*unsafe"),
        ("footer.html", "{{ 1 // 0 }}", r"footer\.html, line 1: "),
        ("footer.html", '{% include "footer.html" %}', r"footer\.html, line 1: "),
        ("footer.html", '{% include "../../schema.py" %}', r"footer\.html, line 1: "),
        ("footer.html", '{% include "/etc/passwd" %}', r"footer\.html, line 1: "),
        ("footer.html", "<img src='https://desk.example/logo.png'>", "needs no network"),
        ("footer.html", "<script src='//desk.example/x.js'></script>", "needs no network"),
        ("footer.html", "<link rel=preconnect href=https://desk.example>", "needs no network"),
        ("footer.html", "<iframe src='HTTPS://desk.example'></iframe>", "needs no network"),
        ("footer.html", "<meta http-equiv=refresh content='0;url=//x'>", "needs no network"),
        ("footer.html", "<script>let t = '{{ title }}';</script>", "values in a script"),
        ("footer.html", "<script>{% for i in [1] %}f(){% endfor %}</script>", "values in a script"),
        ("page.html", "<p>{{ title }}</p>", "begins with <!DOCTYPE html>"),
        ("maps.html", "x", r"maps\.html: no template has that name; did you mean map\.html\?"),
        ("zzz.html", "x", r"zzz\.html: no template has that name; there are archive_card\.html"),
    ],
)
def test_a_wrong_template_is_refused_with_file_and_line(
    archive: Archive, desk: Path, name: str, text: str, said: str
) -> None:
    (desk / name).write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        draw(archive, desk)


def test_no_folder_and_no_text_are_refused(archive: Archive, desk: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        draw(archive, tmp_path / "nowhere")
    (desk / "footer.html").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"footer\.html.*UTF-8"):
        draw(archive, desk)
    (desk / "footer.html").unlink()
    (desk / "footer.html").mkdir()
    with pytest.raises(UsageError, match=r"footer\.html"):
        draw(archive, desk)


@pytest.mark.parametrize(
    "arguments",
    [
        ["brief", "{a}", "-o", "a.md", "--templates", "{d}"],
        ["compare", "{a}", "--source", "s", "--source", "t", "--templates", "{d}"],
        ["read", "{a}", "--templates", "{d}"],
    ],
)
def test_where_no_page_is_made_templates_are_refused(archive: Archive, desk: Path, arguments: list[str]) -> None:
    given = [a.format(a=archive.path, d=desk) for a in arguments]
    done = CliRunner().invoke(main, given)
    assert done.exit_code == 2
    assert "templates" in done.output


def test_a_template_reads_values_and_nothing_that_opens_a_file(desk: Path, tmp_path: Path) -> None:
    target = tmp_path / "written"
    frame = pd.DataFrame({"a": [1]})
    for value, call in (
        (np.zeros(2), f"v.tofile('{target}')"),
        (frame, f"v.to_csv('{target}')"),
        (tmp_path, "v.iterdir()"),
        (geo, "v.open_archive('x')"),
        ("{0.__class__}", "v.format(v)"),
    ):
        (desk / "footer.html").write_text(f"{{{{ {call} }}}}", encoding="utf-8")
        with pytest.raises(UsageError, match=r"footer\.html, line 1"):
            render("footer.html", desk, v=value)
    assert not target.exists()


# -- text from outside is only ever a value -----------------------------------------------------------------------


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_value_is_text_on_every_template(text: str) -> None:
    MARKER.unlink(missing_ok=True)
    plain = read(str(render("archive_card.html", path="x", text="x")))
    found = read(str(render("archive_card.html", path=text, text=text)))
    assert found.tags == plain.tags
    assert found.text.replace("\n", "") == f"Archive {shown(text)}{shown(text)}".replace("\n", "")
    assert not MARKER.exists()


def test_hostile_titles_on_a_desks_own_template_are_text(archive: Archive, desk: Path) -> None:
    (desk / "footer.html").write_text('<footer title="{{ title }}">{{ title }}</footer>', encoding="utf-8")
    plain = read(geo.draw_map(archive, title="x", templates=desk, with_front=False).get_root().render())
    title = " ".join(HOSTILE)
    text = geo.draw_map(archive, title=title, templates=desk, with_front=False).get_root().render()
    assert read(text).tags == plain.tags
    assert "49" not in re.findall("<footer.*?</footer>", text, flags=re.DOTALL)[0].replace("W" * 400, "")


def test_no_template_of_ours_turns_the_escape_off_or_leaves_an_attribute_open() -> None:
    assert len(names()) >= 20
    for path in OURS.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\|\s*safe|autoescape|Markup", text), path.name
        # a value in an attribute stands in quotes
        assert not re.search(r"=\{\{", text), path.name


def test_every_template_of_ours_can_be_read() -> None:
    environment = templates._environment((OURS,), ())
    for name in names():
        environment.get_template(name)


def test_what_folium_adds_may_load_and_a_template_may_not(archive: Archive) -> None:
    added = page.Added(Markup('<script src="https://cdn.example/x.js"></script>'), Markup(""), Markup("var m;"))
    parts = geo.draw_map(archive, with_front=False).get_root().parts
    text, outside = page.page_of(parts, added=added)
    assert outside == ["https://cdn.example/x.js"]
    assert "https://cdn.example" in rules_of(text)


def test_templates_ship_with_the_package(tmp_path: Path) -> None:
    made = next(iter(WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"])))
    with zipfile.ZipFile(made) as wheel:
        held = {n.rpartition("/")[2] for n in wheel.namelist() if n.startswith("geo/assets/templates/")}
    assert held == set(names())


def test_a_sign_stays_before_its_number_in_a_text_from_right_to_left() -> None:
    km2 = templates._filters()["km2"]
    with speaking("ar"):
        assert km2(-127.4) == "\u200e−127.4"
    with speaking("de"):
        assert km2(127.4, plus=True) == "+127,4"
