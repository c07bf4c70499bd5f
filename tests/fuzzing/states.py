"""What the tool itself keeps and reads back, and what servers answer: damaged memories, journals, manifests, tags, bodies."""

from __future__ import annotations

import gzip
import json
import random
import shutil
import ssl
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from geo.archive import open_archive
from geo.automation import fetch
from geo.automation.addresses import Address, parse_address
from geo.automation.daily import run_daily
from geo.automation.network import Limits, Network
from geo.importing.importer import ensure_units
from geo.output.site.publish import open_site_folder
from geo.storage.transactions import Writer
from tests.fuzzing.corpus import Seed, kml, polygons, zipped
from tests.fuzzing.target import Broken, Target, Use

_HOST = "http://127.0.0.1:1"
_HELD = {"controller": "UA", "status": "held"}
_DOCUMENT = kml("<Placemark><name>a</name></Placemark>")
# way -> its address, and what is asked for at it in order
_WAYS: dict[str, dict[str, Any]] = {
    "file": {"url": f"{_HOST}/body.geojson", "name": "body.geojson", "date": "last-modified"},
    "index": {"index": f"{_HOST}/index.json", "url": f"{_HOST}/{{id}}/body.geojson", "name": "{id}.geojson", "date": "at",
              "changed": "edited", "date_format": "unix"},
    "days": {"url": f"{_HOST}/{{day:%Y-%m-%d}}/body.geojson", "name": "{day:%Y-%m-%d}.geojson"},
    "layers": {"url": _HOST, "layers": [{"part": "a", "layer": "layer/1"}]},
}  # fmt: skip
_SOUND = {
    "body.geojson": polygons(_HELD),
    "index.json": json.dumps([{"id": 1736553600, "at": 1736553600, "edited": "x"}, {"id": "b", "at": None}]).encode(),
    "layer.json": json.dumps({"editingInfo": {"lastEditDate": 1736553600000}, "objectIdField": "FID", "name": "a"}).encode(),
    "page.json": json.dumps({**json.loads(polygons(_HELD)), "exceededTransferLimit": False}).encode(),
    "body.kml": _DOCUMENT, "body.zip": zipped("doc.kml", _DOCUMENT),
}  # fmt: skip
_HEADERS = {
    "content-encoding": ("gzip", "br", "identity", "GZIP ", "gzip, gzip", "\xff"), "content-type": ("text/html", "x"),
    "content-length": ("0", "99999999999", "-1", "²", "x"), "retry-after": ("1", "99999", "-5", "soon", "²", "Fri, 31 Dec 9999 23:59:59 GMT"),
    "location": ("/x", "https://example.org/", "http://[::", "//", "http://127.0.0.1:1/body.geojson", "\x7f", "http://a:b@127.0.0.1:1/"),
    "etag": ('"x"', "x" * 9000, "é", "a\tb"), "last-modified": ("Sat, 11 Jan 2025 00:00:00 GMT", "never", "9" * 400),
}  # fmt: skip
_STATUSES = (200,) * 12 + (204, 206, 301, 302, 304, 307, 404, 410, 429, 500, 503, 401, 999)


class _Canned(Network):
    """The real thing up to the wire, which answers from a table."""

    table: Mapping[str, bytes]
    spoiled: str = ""
    rng: random.Random

    def __init__(self, contact: str | None, **settings: Any) -> None:
        plain = {"sleep": lambda seconds: None, "tls": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)}
        super().__init__(contact, **{**settings, **plain})
        self._client = httpx.Client(transport=httpx.MockTransport(self._give), headers={"User-Agent": "x"})

    def _give(self, request: httpx.Request) -> httpx.Response:
        name = request.url.path.rpartition("/")[2]
        if request.url.path.startswith("/layer/"):
            name = "page.json" if name == "query" else "layer.json"
        headers, status, body = {}, 200, self.table.get(name, b"")
        if name == self.spoiled:
            rng = self.rng
            headers = {k: rng.choice(v) for k, v in _HEADERS.items() if rng.random() < 0.08}
            status = rng.choice(_STATUSES)
            if headers.get("content-encoding", "").strip().lower() == "gzip" and rng.random() < 0.7:
                body = gzip.compress(body)[: -rng.choice((1, 8)) if rng.random() < 0.3 else None]
        raw = [(k.encode("latin-1"), v.encode("utf-8", "replace")) for k, v in headers.items()]
        return httpx.Response(status, headers=raw, stream=httpx.ByteStream(body))


def _address(way: str, **more: Any) -> Address:
    table = {"reader": "vector", "way": way, "loopback": True, **_WAYS[way], **more}
    return parse_address({**table, "limits": {"attempts": 2, "file_bytes": 4_000_000}}, name="vector", where="x")


def _fetching(folder: Path) -> tuple[Any, Path]:
    archive = open_archive(folder / "a.gpkg")
    ensure_units(archive)
    archive.close()
    fetch.Network = _Canned  # type: ignore[misc]
    _Canned.table = _SOUND
    return archive, folder / "a.files" / "vector"


def _answered(folder: Path) -> Use:
    archive, kept = _fetching(folder)
    network = partial(_Canned, "desk@example.org", limits=Limits(attempts=2, file_bytes=4_000_000), loopback=True)

    def use(path: Path, rng: random.Random, at: int) -> None:
        _Canned.table, _Canned.spoiled, _Canned.rng = {**_SOUND, path.name: path.read_bytes()}, path.name, rng
        if path.suffix in (".kml", ".zip") or rng.random() < 0.3:
            with network() as asked:
                asked.fetch(f"{_HOST}/{path.name}", folder / ".x.part", kind=rng.choice(("json", "zip", "kml", "any")))
            return
        way = {"index.json": "index", "layer.json": "layers", "page.json": "layers"}.get(path.name) or rng.choice(
            ("file", "days")
        )
        shutil.rmtree(kept, ignore_errors=True)
        fetch.fetch_new(
            archive, "vector", address=_address(way), contact="desk@example.org", since="2025-01-10", until="2025-01-12"
        )
        left = [p.name for p in kept.rglob("*.part")]
        if left:
            raise Broken(f"left behind: {left}")

    return use


def _memories(folder: Path) -> list[Seed]:
    """What fetching remembers: of a file that came, and of one that is owed."""
    entry = {"bytes": 9, "changed": "x", "etag": '"e"', "first": "", "last_modified": "Sat, 11 Jan 2025 00:00:00 GMT",
             "moment": "2025-01-11T00:00:00.000Z", "path": "1736553600.geojson", "retrieved": "2025-01-12T00:00:00.000Z",
             "sha256": "0" * 64, "taken": ""}  # fmt: skip
    owed = {"changed": "", "error": "no answer", "moment": "2025-01-10T00:00:00.000Z",
            "owed": {"kind": "json", "name": "old.geojson", "options": {}, "url": f"{_HOST}/old/body.geojson"}}  # fmt: skip
    url = f"{_HOST}/1736553600/body.geojson"
    return [Seed(".fetched.json", json.dumps({url: entry, f"{_HOST}/old/body.geojson": owed}).encode()),
            Seed(".fetched.json", json.dumps({url: {**entry, "taken": "stored", "first": "1" * 64}}).encode())]  # fmt: skip


def _remembered(folder: Path) -> Use:
    archive, kept = _fetching(folder)
    outside = folder / "outside.geojson"
    outside.write_bytes(polygons(_HELD))

    def use(path: Path, rng: random.Random, at: int) -> None:
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(parents=True)
        (kept / "1736553600.geojson").write_bytes(_SOUND["body.geojson"])
        (kept / ".fetched.json").write_bytes(path.read_bytes())
        span = {} if rng.random() < 0.5 else {"since": "2025-01-10", "until": "2025-01-12"}
        fetch.fetch_new(
            archive, "vector", address=_address("index"), contact="desk@example.org", dry_run=rng.random() < 0.1, **span
        )

    return use


_PLAN = """archive = "a.gpkg"
output = "out"
[[import]]
source = "vector"
folder = "in"
[[figures]]
"""


def _round(folder: Path) -> Path:
    """A desk whose day was done once."""
    (folder / "in").mkdir(exist_ok=True)
    (folder / "in" / "2025-01-11.geojson").write_bytes(polygons(_HELD))
    (folder / "desk.toml").write_text(_PLAN)
    run_daily(folder / "desk.toml")
    return folder / "out" / ".daily.json"


def _journals(folder: Path) -> list[Seed]:
    desk = folder / "desk"
    desk.mkdir()
    return [Seed(".daily.json", _round(desk).read_bytes())]


def _daily(folder: Path) -> Use:
    journal = _round(folder)

    def use(path: Path, rng: random.Random, at: int) -> None:
        journal.write_bytes(path.read_bytes())
        run_daily(folder / "desk.toml")

    return use


_SITE = {"index.html": "new index", "dates/2025-01-11.html": "day", "data/2025-01-11.csv": "a,b\n"}


def _build(folder: Path, pages: Mapping[str, str]) -> None:
    with open_site_folder(folder) as site:
        for name, text in pages.items():
            if not site.has(name, text):
                site.put(name, text, text)
        site.switch({"made_by": "x"})


def _manifests(folder: Path) -> list[Seed]:
    site = folder / "site"
    _build(site, {**_SITE, "index.html": "old index", "units/a.html": "gone"})
    manifest = (site / ".geo-site" / "manifest.json").read_bytes()
    shutil.rmtree(site)
    journal = {
        "moves": ["dates/2025-01-11.html", "index.html"],
        "removed": ["units/a.html"],
        "manifest": manifest.decode(),
    }
    return [Seed("manifest.json", manifest), Seed("journal.json", json.dumps(journal).encode())]


def _shelved(folder: Path) -> Use:
    outside = folder / "outside.html"

    def use(path: Path, rng: random.Random, at: int) -> None:
        site = folder / "a" / "site"
        shutil.rmtree(folder / "a", ignore_errors=True)
        _build(site, {**_SITE, "index.html": "old index", "units/a.html": "gone"})
        outside.write_text("outside")
        (site / ".geo-site" / path.name).write_bytes(path.read_bytes())
        (site / ".geo-site" / "new" / "dates").mkdir(parents=True)
        (site / ".geo-site" / "new" / "dates" / "2025-01-11.html").write_text("day")
        try:
            _build(site, _SITE)
        finally:
            if outside.read_text() != "outside" or {p.name for p in (folder / "a").iterdir()} != {"site"}:
                raise Broken("something outside of the site was touched")
        found = {name: (site / name).read_text() for name in _SITE}
        if found != _SITE and path.name == "journal.json":
            raise Broken(f"the site says {found}")

    return use


def _tags(_folder: Path) -> list[Seed]:
    return [Seed("tag.json", json.dumps({"process": 1, "host": "a", "since": "2025-01-11", "user": "b"}).encode())]


def _tagged(folder: Path) -> Use:
    writer = Writer(folder / "b.gpkg")

    def use(path: Path, rng: random.Random, at: int) -> None:
        (folder / ".b.gpkg.writer").write_bytes(path.read_bytes())
        if not writer._holder():
            raise Broken("nobody holds it")

    return use


def _bodies(_folder: Path) -> Sequence[Seed]:
    return [Seed(name, content) for name, content in _SOUND.items()]


TARGETS: dict[str, Target] = {
    "answer": Target(lambda folder: list(_bodies(folder)), _answered, share=400),
    "fetched": Target(_memories, _remembered, share=300),
    "daily": Target(_journals, _daily, share=100),
    "site": Target(_manifests, _shelved, share=500),
    "tag": Target(_tags, _tagged),
}
