"""Everything but sources and archives that people hand in: briefings, texts, gazetteers, settings, claims, pages, options."""

from __future__ import annotations

import io
import random
import sqlite3
import tomllib
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from geo.archive import open_archive
from geo.archive.safety_rules import rule_of
from geo.automation.addresses import find_address
from geo.automation.config import example, read_plan, resolve_since
from geo.automation.network import check_contact, check_url
from geo.claims.model import claim_of
from geo.claims.reading import find_claims, read_claim
from geo.cli.common import place
from geo.cli.support import read as read_page
from geo.extraction.briefing import read_briefing, write_review
from geo.geocoding.gazetteer import Gazetteer, Lookup, open_gazetteer
from geo.geocoding.geocoder import geocode
from geo.geocoding.place_index import Record, read_register, settle, write_index
from geo.importing.importer import ensure_units, import_claims
from geo.measure.settlements import read_places
from geo.output.html.embed import embed_snippet
from geo.output.html.review_page import draw_review
from geo.output.site.server import _Handler
from geo.presentation.sides import side_colours
from geo.schema import last_instant, parse_instant, to_instant
from geo.sources.vector import read_toml
from geo.units import find_unit
from tests.fuzzing.corpus import ROOT, SHARED, Seed, geopackage, kml, polygons, table, zipped
from tests.fuzzing.databases import spoil_database
from tests.fuzzing.target import Broken, Target, Use

COUNTRIES = ("UA",)
FEW_PAGES = 20_000  # characters that are read in two seconds, twice; of longer texts less is promised (docs/trust.md)
RARELY = 100  # every so many inputs go the whole way, which is slow

_PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Briefing</title>
<meta property="article:published_time" content="2025-01-11"><meta name="author" content="Desk"></head>
<body><nav>Home</nav><h1>Update of 11 January 2025</h1><p>Shelling of <b>Sudzha</b> killed 3 people and injured
5&#8211;7 on 10&nbsp;January.</p><ul><li>Russia said it took 12 km<sup>2</sup> near Kurakhove.</li></ul>
<script>x</script><table><tr><td>Kupiansk</td><td>2 wounded</td></tr></table></body></html>"""
_GEONAMES = "\n".join(
    "\t".join((str(n), name, name, f"{name}o,{name}a", "51.2", "35.3", "P", "PPL", "UA", "", "13", "", "", "", str(n), "", "150",
               "Europe/Kyiv", "2020-01-01")) for n, name in ((1, "Sudzha"), (2, "Kurakhove"), (3, "Kupiansk"))
)  # fmt: skip
_KATOTTH = {"katotth": "UA0102", "name_uk": "Суджа", "name_en": "Sudzha", "lat": "51.2", "lon": "35.3", "oblast_en": "Sumy",
            "population": "5,000", "category": "місто"}  # fmt: skip
_OSM = {"@id": "node/1", "name": "Суджа", "name:en": "Sudzha", "place": "town", "population": "5000"}
_CLAIM = {"claim_id": "c1", "text": "gained 12 km2", "said_by": "A", "said_on": "2025-01-11", "value": "12",
          "value_unit": "km2", "quantity": "gained", "controller": "A", "date_from": "2025-01-01", "date_to": "2025-01-11"}  # fmt: skip
_CONFIG = """date = "2025-01-11"
encoding = "utf-8"
accept = ["future"]
[source]
name = "our-desk"
title = "Our desk"
licence = "CC BY 4.0"
[columns]
controller = "side"
[constants]
status = "held"
[statuses]
taken = "RU:held"
[fetch]
reader = "vector"
way = "index"
index = "https://example.org/{year}/list.json"
url = "https://example.org/{id}/geojson"
name = "{id}.geojson"
date = "createdAt"
date_format = "unix"
recheck_days = 3
limits = {attempts = 2}
layers = [{part = "a", layer = "A/FeatureServer/1"}]
"""
_OPTIONS = (
    "2025-01-11", "2025-01-11T10:00:00+02:00", "51.197,35.272", "UA=#0b6e4f", "grid:5km", "grid:0.1deg", "12.5", "notes,actor1",
    "https://example.org/a?b=1", "desk@example.org", "conventions#dates", "7 days", "RU-KRS", "Курська область", "settlement",
    "20250111", "11.01.2025", "2025-W02-1",
)  # fmt: skip
_REQUESTS = (
    b"GET /index.html HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n", b"HEAD /dates/ HTTP/1.0\r\nHost: localhost\r\n\r\n",
    b"GET /%2e%2e/secret.html?x=1#y HTTP/1.1\r\nHost: [::1]:80\r\nCookie: a=b\r\n\r\n", b"GET http://x/link.html HTTP/1.1\r\n\r\n",
    b"GET //dates/../../secret.html HTTP/1.1\r\n\r\n",
)  # fmt: skip


_CITIES = [Record("GeoNames", "1", "Sumy", "place", "UA", 50.9, 34.8, "UA.21", population=256_000, radius_km=4.6)]


def gazetteer() -> Gazetteer:
    """The index of the user's cache, where every test's is."""
    return open_gazetteer(countries=COUNTRIES)


def _told() -> list[str]:
    """Briefings: those of the tests, and our own."""
    found = [(ROOT / "seeds" / "briefing-2025-01-11.txt").read_text(encoding="utf-8")]
    for path in sorted((ROOT / "tests" / "briefings").glob("*/*.toml")):
        found += [
            v for v in tomllib.loads(path.read_text(encoding="utf-8")).values() if isinstance(v, str) and len(v) > 200
        ]
    return found


def _claimed() -> list[str]:
    """Sentences with figures."""
    text = (ROOT / "tests" / "claim_grammar" / "cases.csv").read_text(encoding="utf-8")
    return text.splitlines()[1:400:7]


def _texts(texts: Callable[[], list[str]], _folder: Path) -> list[Seed]:
    return [Seed(f"{n}.txt", text.encode()) for n, text in enumerate(texts())]


def _briefings(folder: Path) -> list[Seed]:
    marked = b"# Update, *11 January 2025*\n\n- **Sudzha**: 3 killed, [more](https://x)\n> `2` injured\n<!-- x -->\n"
    texts = _texts(_told, folder)
    pages = [
        Seed(f"{n}.html", _PAGE.replace("Kupiansk", seed.content.decode()).encode()) for n, seed in enumerate(texts[:4])
    ]
    return [*texts, *pages, Seed("a.html", _PAGE.encode()), Seed("b.md", marked)]


def _read(folder: Path) -> Use:
    places = gazetteer()

    def use(path: Path, rng: random.Random, at: int) -> None:
        found = read_briefing(path, gazetteer=places, encoding=rng.choice((None,) * 8 + ("cp1251", "utf-16")))
        found.as_dict()
        if at % RARELY == 0:
            write_review(found, folder / "review.csv")
            draw_review(found)

    return use


def _geocoded(_folder: Path) -> Use:
    places = gazetteer()
    return lambda path, rng, at: geocode(path.read_bytes().decode("utf-8", "surrogateescape"), gazetteer=places)


def _as_claims(path: Path, rng: random.Random, at: int) -> None:
    text = path.read_bytes().decode("utf-8", "surrogateescape")[:FEW_PAGES]
    find_claims(text)
    read_claim(text, date="2025-01-11")


def _registers(folder: Path) -> list[Seed]:
    rows = polygons(_OSM, {**_OSM, "@id": "way/2", "name": "Курахове", "name:en": "Kurakhove"})
    found = [
        Seed("UA.txt", _GEONAMES.encode()), Seed("katotth.csv", table(_KATOTTH, {**_KATOTTH, "katotth": "UA0103"})),
        Seed("osm.geojson", rows), Seed("osm.kml", kml("<Placemark><name>Sudzha</name><Point><coordinates>35.3,51.2</coordinates>"
                                                       "</Point></Placemark>")),
        Seed("named.gpkg", geopackage(folder)), Seed("osm.zip", zipped("osm.geojson", rows)),
    ]  # fmt: skip
    real = sorted((SHARED / "gazetteer").glob("*.csv")) if SHARED.is_dir() else []
    return found + [Seed(path.name, b"\n".join(path.read_bytes().split(b"\n")[:8])) for path in real]


def _registered(folder: Path) -> Use:
    index = folder / "places.sqlite"

    def use(path: Path, rng: random.Random, at: int) -> None:
        write_index(
            index, settle(_CITIES, [read_register(path)]), {}, loose=True
        )  # without the world, which takes seconds
        geocode("Shelling of Sudzha and Kurakhove", gazetteer=Gazetteer(Lookup(index), ("UA",)))

    return use


def _small_index(folder: Path) -> list[Seed]:
    """An index of places as the cache keeps it, cut to a few hundred of them."""
    source = gazetteer().lookup.path
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as base:
        base.deserialize(source.read_bytes())
        base.execute(
            "DELETE FROM places WHERE kind = 'place' AND name NOT IN ('Sudzha', 'Kurakhove', 'Kupiansk', 'Kyiv')"
        )
        for name, column in (("names", "place"), ("spelled", "place")):
            base.execute(f"DELETE FROM {name} WHERE {column} NOT IN (SELECT id FROM places)")
        base.execute("DELETE FROM heads WHERE head NOT IN (SELECT key FROM names)")
        base.execute("VACUUM")
        return [Seed("places.sqlite", base.serialize())]


def _looked_up(path: Path, rng: random.Random, at: int) -> None:
    lookup = Lookup(path)
    try:
        geocode("Shelling of Sudzha, Kursk Oblast, and Kupianska; Kyiv said", gazetteer=Gazetteer(lookup, COUNTRIES))
    finally:
        lookup.close()


def _settings(_folder: Path) -> list[Seed]:
    return [Seed("ours.toml", _CONFIG.encode()), Seed("seeds.toml", (ROOT / "seeds" / "control.toml").read_bytes())]


def _set(path: Path, rng: random.Random, at: int) -> None:
    if rng.random() < 0.5:
        find_address("vector", config=path)
    else:
        read_toml(path)


def _plans(_folder: Path) -> list[Seed]:
    given = example()
    bare = "\n".join(
        line.removeprefix("# ") for line in given.splitlines() if "=" in line or line.startswith(("[", "# ["))
    )
    return [Seed("desk.toml", given.encode()), Seed("all.toml", bare.encode())]


def _planned(folder: Path) -> Use:
    (folder / "ours.toml").write_text(_CONFIG)

    def use(path: Path, rng: random.Random, at: int) -> None:
        plan = read_plan(path)
        for _, given in plan.outputs:
            resolve_since(given.get("since"), "2025-01-11")

    return use


def _figures(_folder: Path) -> list[Seed]:
    return [Seed("claims.csv", table(_CLAIM, {**_CLAIM, "claim_id": "c2"})),
            Seed("seeds.csv", b"\n".join((ROOT / "seeds" / "claims.csv").read_bytes().split(b"\n")[:6]))]  # fmt: skip


def _claims_taken(folder: Path) -> Use:
    archive = open_archive(folder / "claims.gpkg")

    def use(path: Path, rng: random.Random, at: int) -> None:
        import_claims(archive, path)
        for row in archive.store.claims().to_dict("records"):
            claim_of(row).as_dict()
        with archive.store.writing() as connection:
            connection.execute("DELETE FROM claims")

    return use


def _named(folder: Path) -> list[Seed]:
    return [*_registers(folder), Seed("places.csv", table({"name": "Sudzha", "lat": "51.2", "lon": "35.3"}))]


def _pages(_folder: Path) -> list[Seed]:
    return [
        Seed("a.html", _PAGE.encode()),
        Seed("b.html", b"<title>x</title>"),
        Seed("c.html", b"<html><title\n>a &amp; b</title>"),
    ]


def _embedded(path: Path, rng: random.Random, at: int) -> None:
    snippet = embed_snippet(path)
    if snippet.count("<") != 6 or "\0" in snippet:
        raise Broken(f"what the page says broke out of the snippet: {snippet[:300]}")


_WAYS: tuple[Callable[[str], Any], ...] = (
    parse_instant, to_instant, last_instant, place, check_url, check_contact, read_page,
    lambda text: resolve_since(text, "2025-01-11"), lambda text: side_colours(["UA", "RU"], colours={"UA": text}),
    *(partial(rule_of, kind) for kind in ("embargo", "coarsen", "withhold")),
)  # fmt: skip


def _said(folder: Path) -> Use:
    archive = open_archive(folder / "options.gpkg")
    ensure_units(archive)
    units = archive.units()

    def use(path: Path, rng: random.Random, at: int) -> None:
        way = rng.choice((*_WAYS, lambda text: find_unit(units, text)))
        way(path.read_bytes().decode("utf-8", "surrogateescape"))

    return use


class _Wire:
    """What a request handler needs of a socket."""

    def __init__(self, said: bytes) -> None:
        self.said, self.answer = io.BytesIO(said), io.BytesIO()

    def makefile(self, mode: str, _size: int = -1) -> io.BytesIO:
        return self.said

    def sendall(self, content: bytes) -> None:
        self.answer.write(content)


def _asked(folder: Path) -> Use:
    root = folder / "site"
    (root / "dates").mkdir(parents=True)
    for name in ("index.html", "dates/index.html", ".hidden.html"):
        (root / name).write_text("public" if not name.startswith(".") else "SECRET")
    (folder / "secret.html").write_text("SECRET")
    (root / "link.html").symlink_to(folder / "secret.html")

    def use(path: Path, rng: random.Random, at: int) -> None:
        wire = _Wire(path.read_bytes())
        _Handler(root, wire, ("127.0.0.1", 1), None)
        if b"SECRET" in wire.answer.getvalue():
            raise Broken("a file outside of the site was given out")

    return use


TARGETS: dict[str, Target] = {
    "briefing": Target(_briefings, _read, share=40),
    "geocode": Target(partial(_texts, _told), _geocoded, share=300),
    "claim": Target(partial(_texts, _claimed), lambda _: _as_claims, share=500),
    "gazetteer": Target(_registers, _registered, share=500),
    "places-index": Target(_small_index, lambda _: _looked_up, spoil_database, share=200),
    "settings": Target(_settings, lambda _: _set),
    "plan": Target(_plans, _planned),
    "claims": Target(_figures, _claims_taken, share=500),
    "places": Target(_named, lambda _: lambda path, rng, at: read_places(path), share=1000),
    "page": Target(_pages, lambda _: _embedded),
    "option": Target(lambda _: [Seed(f"{n}.txt", text.encode()) for n, text in enumerate(_OPTIONS)], _said, share=1000),
    "request": Target(lambda _: [Seed(f"{n}.http", text) for n, text in enumerate(_REQUESTS)], _asked),
}
