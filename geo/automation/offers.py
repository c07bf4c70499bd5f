"""What a source offers in a span of days: lists read, days counted, feature services asked, pages put together."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from geo.automation.addresses import Address, Layer, Query, RemoteFile, Way, file_name, filled
from geo.automation.network import FetchedResponse, Network
from geo.errors import FetchError, GateError, UsageError
from geo.schema import parse_instant, write_instant

_PAGE = 1000  # features of one answer of a feature service
_PAGES = 200
_SERVICES = 60  # services of one pattern that are looked at
_PATH = re.compile(r"[\w.\-]+(?:/[\w.\-]+)*")
_ALL = "1=1"


def offered(network: Network, address: Address, *, since: datetime, until: datetime, folder: Path) -> list[RemoteFile]:
    """The files of a source in a span, the earliest first; a part of it that cannot be had stands among them."""
    ways: dict[Way, Callable[[Network, Address, datetime, datetime, Path], Iterator[RemoteFile]]]
    ways = {"index": _of_index, "days": _of_days, "layers": _of_layers, "file": _of_file}
    found = list(ways[address.way](network, address, since, until, folder))
    return sorted(found, key=lambda one: (one.moment or until, one.key))


def _unavailable(url: str, name: str, error: FetchError) -> RemoteFile:
    return RemoteFile(url, url, name, "any", error=str(error))


def _of_file(_: Network, address: Address, *__: datetime | Path) -> Iterator[RemoteFile]:
    yield RemoteFile(address.url, address.url, address.name, address.kind)


def _of_days(_: Network, address: Address, since: datetime, until: datetime, __: Path) -> Iterator[RemoteFile]:
    """A file for each day, month or year of the span."""
    day = _begin(since, address.step)
    while day <= until:
        after = _begin(day + timedelta(days={"day": 1, "month": 31, "year": 366}[address.step]), address.step)
        values = {"day": day, "last": after - timedelta(days=1), "next": after, "year": day.year, "month": day.month}
        url = filled(address.url, values)
        yield RemoteFile(url, url, file_name(address.name, values), address.kind, day)
        day = after


def _begin(moment: datetime, step: str) -> datetime:
    """The first instant of the day, the month or the year."""
    day, month = (moment.day if step == "day" else 1), (1 if step == "year" else moment.month)
    return datetime(moment.year, month, day, tzinfo=UTC)


# -- lists ---------------------------------------------------------------------------------------------------------


def _of_index(
    network: Network, address: Address, since: datetime, until: datetime, folder: Path
) -> Iterator[RemoteFile]:
    years = range(since.year, until.year + 1) if "{year}" in address.index else (until.year,)
    failed: list[RemoteFile] = []
    for year in years:
        url = filled(address.index, {"year": year})
        try:
            yield from list(_of_list(network, address, url, since, until, folder))
        except FetchError as error:
            if len(years) == len(failed) + 1:
                raise
            failed.append(_unavailable(url, f"the list of {year}", error))
    yield from failed


def _of_list(
    network: Network, address: Address, url: str, since: datetime, until: datetime, folder: Path
) -> Iterator[RemoteFile]:
    listed = network.read_json(url, folder)
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise FetchError(f"{url}: no list of entries came: the source answers otherwise than it did")
    dated = [(entry, _moment(entry, address)) for entry in listed]
    if listed and not any(moment for _, moment in dated):
        raise FetchError(
            f"{url}: no entry has a {address.date} that can be read: the source answers otherwise than it did"
        )
    for entry, moment in dated:
        if moment is not None and since <= moment <= until:
            yield _entry(entry, moment, address, url)


def _entry(entry: Mapping[str, Any], moment: datetime, address: Address, index: str) -> RemoteFile:
    values = {**entry, "year": moment.year}
    try:
        url, name = filled(address.url, values), file_name(address.name, values)
    except UsageError as error:
        raise FetchError(f"{index}: an entry of {moment:%Y-%m-%d}: {error}") from None
    changed = str(entry.get(address.changed, "")) if address.changed else ""
    return RemoteFile(url, url, name, address.kind, moment, changed)


def _moment(entry: Mapping[str, Any], address: Address) -> datetime | None:
    """The entry's date; None where it has none that can be read (a folder's list also names other files)."""
    value = entry.get(address.date)
    try:
        if address.date_format == "unix":
            return datetime.fromtimestamp(int(value or 0), UTC)
        if address.date_format == "iso":
            return parse_instant(str(value))
        return datetime.strptime(str(value), address.date_format).replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError, OSError, GateError):
        return None


# -- feature services ----------------------------------------------------------------------------------------------


def _of_layers(
    network: Network, address: Address, since: datetime, until: datetime, folder: Path
) -> Iterator[RemoteFile]:
    services = _Services(network, address, folder)
    days: set[tuple[str, datetime]] = set()  # a day that two services have comes from the first
    for layer in address.layers:
        try:
            for one in list(services.files(layer, since, until)):
                if one.moment is None or not layer.date or (layer.part, one.moment) not in days:
                    yield one
                    days |= {(layer.part, one.moment)} if one.moment and layer.date else set()
        except FetchError as error:
            named = layer.layer or f"layers like {layer.find!r}"
            yield _unavailable(services.url(layer.layer or "?"), f"{layer.part} ({named})".strip(), error)


@dataclass
class _Services:
    """The feature services of one address."""

    network: Network
    address: Address
    folder: Path

    def url(self, path: str) -> str:
        return f"{self.address.url.rstrip('/')}/{quote(path)}"

    def ask(self, url: str, **asked: str | int) -> dict[str, Any]:
        """What a service says; it answers with status 200 where it means an error."""
        answer = self.network.read_json(f"{url}?{urlencode({**asked, 'f': 'json'})}", self.folder)
        _refuse_error(answer, url)
        return dict(answer)

    @cached_property
    def names(self) -> list[str]:
        """The services that there are, but for those that the address names itself."""
        listed = self.ask(self.address.url).get("services")
        named = {layer.layer.partition("/")[0] for layer in self.address.layers if not layer.find}
        found = [str(one.get("name")) for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        return [name for name in found if _PATH.fullmatch(name) and ".." not in name and name not in named]

    def files(self, layer: Layer, since: datetime, until: datetime) -> Iterator[RemoteFile]:
        """A file for the state of now, or one for each day of a layer that has many."""
        found = self.found(layer)
        if layer.date:
            for url, about in found:
                yield from self.days(layer, url, about, since, until)
            return
        url, about = max(found, key=lambda one: _edited(*one))
        edited = _edited(url, about)
        depicts = parse_instant(layer.depicts) if layer.depicts else edited
        # a state of now is what there is, however long ago it was edited: the instant of that is all that dates it
        if depicts <= until and (not layer.depicts or since <= depicts):
            at, label = write_instant(edited), layer.part or self.address.source
            options = {"date": write_instant(depicts), "published": at, "part": layer.part} if layer.part else {}
            name = f"{label}_{edited:%Y%m%dT%H%M%SZ}.geojson"
            query = Query(url, _key(about), _ALL, layer.fields)
            yield RemoteFile(f"{url}#{at}", url, name, "json", depicts, at, options, query)

    def found(self, layer: Layer) -> list[tuple[str, dict[str, Any]]]:
        """The layers that answer, each with its description; where none does, the last error."""
        last: FetchError | None = None
        found = []
        try:
            paths = list(self.paths(layer)) if layer.find else [layer.layer]
        except FetchError as error:
            paths, last = [layer.layer] if layer.layer else [], error
        for path in paths:
            try:
                about = self.ask(self.url(path))
                if layer.find and layer.date and layer.date not in _fields(about):
                    continue
                if not layer.date:
                    _edited(self.url(path), about)
                found.append((self.url(path), about))
            except FetchError as error:
                last = error
        if found:
            return found
        raise last or FetchError(f"{self.address.url}: no service like {layer.find!r}: has the source renamed it?")

    def paths(self, layer: Layer) -> Iterator[str]:
        """Layers of the services that a pattern finds, and the one that the address names."""
        known = [layer.layer] if layer.layer else []
        words = re.compile(layer.find)
        names = [name for name in self.names if words.search(re.sub(r"[^a-z0-9]", "", name.lower()))]
        for name in names[:_SERVICES]:
            path = f"{name}/FeatureServer"
            try:
                listed = self.ask(self.url(path)).get("layers")
            except FetchError:
                continue
            areas = [one for one in listed if _is_area(one)] if isinstance(listed, list) else []
            known += [f"{path}/{int(one['id'])}" for one in (areas if layer.date else areas[:1])]
        yield from dict.fromkeys(known)

    def days(
        self, layer: Layer, url: str, about: Mapping[str, Any], since: datetime, until: datetime
    ) -> Iterator[RemoteFile]:
        """A file for each day that the layer has."""
        changed = _stated_edit(about) or "not stated"
        is_day = _fields(about).get(layer.date) == "esriFieldTypeDateOnly"
        for day in sorted(self.listed_days(url, layer.date)):
            if not since <= day <= until:
                continue
            begin, end = (_literal(moment, is_day=is_day) for moment in (day, day + timedelta(days=1)))
            query = Query(url, _key(about), f"{layer.date} >= {begin} AND {layer.date} < {end}", layer.fields)
            options = {"date": write_instant(day), "part": layer.part}
            key, name = f"{self.address.url}#{layer.part}#{day:%Y-%m-%d}", f"{layer.part}_{day:%Y%m%d}.geojson"
            yield RemoteFile(key, url, name, "json", day, f"{changed} {url}", options, query)

    def listed_days(self, url: str, field: str) -> set[datetime]:
        asked = {"where": _ALL, "outFields": field, "returnGeometry": "false", "returnDistinctValues": "true",
                 "orderByFields": field, "f": "json"}  # fmt: skip
        rows = _features(self.network, url, asked, self.folder)
        found = {day for one in rows if (day := _day(one, field)) is not None}
        if not found:
            raise FetchError(f"{url}: no {field} in it that can be read: the service answers otherwise than it did")
        return found


def _literal(moment: datetime, *, is_day: bool) -> str:
    return f"DATE '{moment:%Y-%m-%d}'" if is_day else f"TIMESTAMP '{moment:%Y-%m-%d %H:%M:%S}'"


def _day(feature: Any, field: str) -> datetime | None:
    """The day of a row: Esri's milliseconds since 1970, or a text that begins with it."""
    attributes = feature.get("attributes") if isinstance(feature, dict) else None
    value = attributes.get(field) if isinstance(attributes, dict) else None
    try:
        if not isinstance(value, int | float):
            return parse_instant(str(value)[:10])
        return _begin(datetime.fromtimestamp(value / 1000, UTC), "day")
    except (GateError, ValueError, OverflowError, OSError):
        return None


def _is_area(layer: Any) -> bool:
    is_one = isinstance(layer, dict) and isinstance(layer.get("id"), int)
    return is_one and layer.get("geometryType", "esriGeometryPolygon") == "esriGeometryPolygon"


def _fields(about: Mapping[str, Any]) -> dict[str, str]:
    listed = about.get("fields")
    fields = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return {str(one.get("name")): str(one.get("type")) for one in fields}


def _key(about: Mapping[str, Any]) -> str:
    return str(about.get("objectIdField") or "OBJECTID")


def _stated_edit(about: Mapping[str, Any]) -> str:
    try:
        return write_instant(datetime.fromtimestamp(int(about["editingInfo"]["lastEditDate"]) / 1000, UTC))
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return ""


def _edited(url: str, about: Mapping[str, Any]) -> datetime:
    """When a layer was last edited, by its own description."""
    if not (stated := _stated_edit(about)):
        raise FetchError(f"{url}: the layer does not say when it was last edited: has its number changed?")
    return parse_instant(stated)


def _refuse_error(said: Any, url: str) -> None:
    if not isinstance(said, dict):
        raise FetchError(f"{url}: no description came: the source answers otherwise than it did")
    if "error" in said:
        told = said["error"] if isinstance(said["error"], dict) else {}
        raise FetchError(f"{url}: the service says: {told.get('message', 'an error')} ({told.get('code', 'no code')})")


def _features(network: Network, url: str, asked: Mapping[str, Any], folder: Path) -> list[Any]:
    """The features that a layer answers with, page after page."""
    found: list[Any] = []
    for _ in range(_PAGES):
        more = urlencode({**asked, "resultOffset": len(found), "resultRecordCount": _PAGE})
        page = network.read_json(f"{url}/query?{more}", folder)
        _refuse_error(page, url)
        got = page.get("features")
        if not isinstance(got, list):
            raise FetchError(f"{url}: a page without features came: the service answers otherwise than it did")
        found += got
        about = page.get("properties")
        said = [page, about] if isinstance(about, dict) else [page]
        if not got or not any(one.get("exceededTransferLimit") for one in said):
            return found
    raise FetchError(f"{url}: more than {_PAGES} pages: is it the right layer?")


def write_layer(network: Network, wanted: RemoteFile, query: Query, target: Path) -> FetchedResponse:
    """Write the rows of a layer that are asked for into one GeoJSON file."""
    asked = {
        "where": query.where, "outFields": query.fields or query.key, "returnGeometry": "true", "outSR": 4326,
        "f": "geojson", "orderByFields": query.key,
    }  # fmt: skip
    features = _features(network, query.url, asked, target.parent)
    if query.where == _ALL:
        about = network.read_json(f"{query.url}?f=json", target.parent)
        _refuse_error(about, query.url)
        if _stated_edit(about) != wanted.changed:
            raise FetchError(f"{query.url}: it was edited while it was read: run again")
    return _write_json({"type": "FeatureCollection", "features": features}, target)


# -- pages ---------------------------------------------------------------------------------------------------------


def write_pages(network: Network, address: Address, wanted: RemoteFile, target: Path) -> FetchedResponse:
    """Write the rows of all pages into one JSON file, with what the source says that it holds back."""
    rows: list[Any] = []
    held: Any = None
    sign = "&" if "?" in wanted.url else "?"
    for number in range(address.first_page, address.first_page + _PAGES):
        answer = network.read_json(f"{wanted.url}{sign}{address.page}={number}", target.parent)
        got = answer.get(address.rows) if isinstance(answer, dict) else None
        if not isinstance(got, list):
            raise FetchError(f"{wanted.url}: no list {address.rows!r} came, but {str(answer)[:200]}")
        held = held or answer.get(address.held_back)
        if got and got == rows[-len(got) :]:
            raise FetchError(f"{wanted.url}: the same page came twice: the source counts its pages otherwise")
        rows += got
        pages = answer.get(address.total)
        if not got or (isinstance(pages, int) and number - address.first_page + 1 >= pages):
            break
    else:
        raise FetchError(f"{wanted.url}: more than {_PAGES} pages: ask for less at once")
    if not rows and held:
        raise FetchError(
            f"{wanted.name}: the source lets the account in, but gives it no rows of this time: its access level does"
            f" not include them ({_brief(held)}); ask for an earlier time (--until), or the source for more access"
        )
    if not rows:
        return FetchedResponse("missing", datetime.now(UTC))
    return _write_json({address.rows: rows, **({address.held_back: _brief(held)} if held else {})}, target)


def _brief(held: Any) -> str:
    return (held if isinstance(held, str) else json.dumps(held, ensure_ascii=False))[:300]


def _write_json(document: Mapping[str, Any], target: Path) -> FetchedResponse:
    raw = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    with target.open("wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    return FetchedResponse("new", datetime.now(UTC), len(raw), sha256(raw).hexdigest())
