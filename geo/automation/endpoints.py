"""Where sources publish, and what they offer in a span of days: lists read, days counted, feature services asked."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlencode

from geo.assets import ASSETS
from geo.automation.network import FetchedResponse, Kind, Limits, Network, check_url
from geo.errors import FetchError, GateError, UsageError
from geo.presentation.sides import near_words
from geo.schema import Options, Source, parse_instant, write_instant
from geo.sources import KNOWN, names, plugin, plugins
from geo.sources.vector import load_toml, read_settings

Way = Literal["index", "days", "layers", "file"]
# way -> the keys that it needs beside those that all may have
WAYS: dict[str, tuple[str, ...]] = {
    "index": ("index", "url", "name", "date"),
    "days": ("url", "name"),
    "layers": ("url", "layers"),
    "file": ("url", "name"),
}
_TEXTS = ("reader", "way", "url", "index", "name", "kind", "date", "date_format", "changed", "seen")
_KEYS = (*_TEXTS, "recheck_days", "layers", "loopback", "limits")
KINDS = ("json", "zip", "kml", "any")
_FIELD = re.compile(r"\{(\w+)(?::([^{}]*))?\}")
_PLAIN = re.compile(r"[\w.\- ]{1,120}")
_NAME = re.compile(r"\w[\w.\- ]{0,150}")
_SHIPPED = ASSETS / "addresses.toml"
_PAGE = 1000  # features of one answer of a feature service
_PAGES = 200


@dataclass(frozen=True)
class Layer:
    """A layer of a feature service, and which of its source's classes it is."""

    part: str
    layer: str


@dataclass(frozen=True)
class Address:
    """Where a source publishes, and how its files are found and read."""

    source: str
    reader: str
    way: Way
    url: str
    index: str = ""
    name: str = ""
    kind: Kind = "json"
    date: str = ""
    date_format: str = "iso"
    changed: str = ""
    seen: str = ""
    recheck_days: int = 7
    layers: tuple[Layer, ...] = ()
    loopback: bool = False
    limits: Limits = field(default_factory=Limits)
    credit: Source | None = None
    options: Options = field(default_factory=Options)


def known_addresses() -> dict[str, Address]:
    """The addresses that the package knows, by source."""
    tables = load_toml(_SHIPPED).items()
    return {name: parse_address(table, name=name, where=f"{_SHIPPED.name}: [{name}]") for name, table in tables}


def find_address(source: str, *, config: str | Path | None = None) -> Address:
    """Where a source publishes: by a TOML file, else by the package's own table."""
    if config is not None:
        return _own_address(source, Path(config))
    if source not in KNOWN and source in plugins() and (table := getattr(plugin(source), "address", None)) is not None:
        return parse_address({"reader": source, **table}, name=source, where=f"the address of {source}")
    known = known_addresses()
    if source not in known:
        near = near_words(source, {name: (name,) for name in known})
        raise UsageError(
            f"no address is known for {source!r}; there are: {', '.join(known)}; another one goes into a TOML file"
            f" with a table [fetch]: --config F.toml{near}"
        )
    return known[source]


def _own_address(source: str, path: Path) -> Address:
    document = load_toml(path)
    table = document.pop("fetch", None)
    credit, options = read_settings(path, document)
    if table is None:
        return replace(find_address(source), credit=credit, options=options)
    found = parse_address({"reader": source, **table} if isinstance(table, dict) else table, name=source,
                          where=f"{path}: [fetch]")  # fmt: skip
    named = credit.name if credit else source
    return replace(found, source=named, credit=credit, options=options)


def parse_address(table: Any, *, name: str, where: str) -> Address:
    """One table of addresses, checked."""
    if not isinstance(table, Mapping):
        raise UsageError(f"{where} is a table: write it in square brackets")
    for key in table:
        if key not in _KEYS:
            raise UsageError(f"{where} {key!r} means nothing here; the known keys: {', '.join(_KEYS)}")
    for key in _TEXTS:
        if not isinstance(table.get(key, ""), str):
            raise UsageError(f"{where} {key} is {table[key]!r}: a text in quotation marks is wanted")
    way = table.get("way", "file")
    if way not in WAYS:
        raise UsageError(f"{where} way {way!r}: one of {', '.join(WAYS)} is wanted")
    missing = [key for key in WAYS[way] if not table.get(key)]
    if missing:
        raise UsageError(f"{where} lacks {', '.join(missing)}, which way = {way!r} needs")
    return _check(_address(table, name, where), where)


def _address(table: Mapping[str, Any], name: str, where: str) -> Address:
    days = table.get("recheck_days", 7)
    if isinstance(days, bool) or not isinstance(days, int) or not 0 <= days <= 3660:
        raise UsageError(f"{where} recheck_days is {days!r}: a number of days from 0 to 3660 is wanted")
    if not isinstance(table.get("loopback", False), bool):
        raise UsageError(f"{where} loopback is true or false")
    texts = {"reader": name, "way": "file", **{key: table[key] for key in _TEXTS if key in table}}
    return Address(
        source=name, **texts, recheck_days=days, layers=_layers(table.get("layers", []), where),
        loopback=table.get("loopback", False), limits=_limits(table.get("limits", {}), where),
    )  # fmt: skip


def _limits(table: Any, where: str) -> Limits:
    known = {one.name: int if isinstance(one.default, int) else float for one in fields(Limits)}
    if not isinstance(table, Mapping) or not set(table) <= set(known):
        raise UsageError(f"{where} limits: a table of numbers is wanted, of these: {', '.join(known)}")
    for key, value in table.items():
        least = 0 if key in ("pause_seconds", "backoff_seconds") else 1e-9
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < 1e12:
            raise UsageError(f"{where} limits.{key} is {value!r}: a number above 0 is wanted")
    given: dict[str, Any] = {key: known[key](value) for key, value in table.items()}
    return Limits(**given)


def _layers(listed: Any, where: str) -> tuple[Layer, ...]:
    good = isinstance(listed, list) and all(
        isinstance(one, dict) and set(one) == {"part", "layer"} and all(isinstance(v, str) for v in one.values())
        for one in listed
    )
    if not good:
        raise UsageError(f"{where} layers: a list of tables with part and layer is wanted")
    layers = tuple(Layer(one["part"], one["layer"].strip("/")) for one in listed)
    for one in layers:
        if not re.fullmatch(r"[\w.\-]+(?:/[\w.\-]+)*", one.layer) or ".." in one.layer or not _NAME.fullmatch(one.part):
            raise UsageError(f"{where} layer {one.layer!r}, part {one.part!r}: plain words are wanted")
    return layers


def _check(address: Address, where: str) -> Address:
    if address.reader not in names():
        raise UsageError(f"{where} reader {address.reader!r}: one of {', '.join(names())} is wanted")
    if address.kind not in KINDS:
        raise UsageError(f"{where} kind {address.kind!r}: one of {', '.join(KINDS)} is wanted")
    if address.way == "file" and address.date not in ("", "name", "retrieved", "last-modified"):
        raise UsageError(f"{where} date {address.date!r}: name, retrieved or last-modified is wanted")
    for text in filter(None, (address.url, address.index)):
        try:
            host = check_url(_FIELD.sub("0", text), loopback=address.loopback).host
        except UsageError as error:
            raise UsageError(f"{where} {error}") from None
        if host not in text:
            raise UsageError(f"{where} {text!r}: the host may not depend on what a list says")
    if address.way == "file" and not _NAME.fullmatch(address.name):
        raise UsageError(f"{where} name {address.name!r}: a plain file name is wanted, such as control.geojson")
    return address


def filled(template: str, values: Mapping[str, Any]) -> str:
    """A template with its fields filled in: days by strftime, the rest as plain words."""

    def fill(match: re.Match[str]) -> str:
        value = values.get(match[1])
        if isinstance(value, date | datetime):
            return value.strftime(match[2] or "%Y-%m-%d")
        if isinstance(value, bool) or not isinstance(value, int | str) or not _PLAIN.fullmatch(str(value)):
            raise UsageError(f"{template!r}: {match[1]} is {value!r}, which is no plain word")
        if set(str(value)) <= {"."}:
            raise UsageError(f"{template!r}: {match[1]} is {value!r}, which is no name")
        return str(value)

    return _FIELD.sub(fill, template)


def file_name(template: str, values: Mapping[str, Any]) -> str:
    """The name under which a file is kept: never a path."""
    name = filled(template, values)
    if not is_plain_name(name):
        raise UsageError(f"{name!r} is no plain file name")
    return name


def is_plain_name(name: str) -> bool:
    """Whether a text names a file and no path."""
    return bool(_NAME.fullmatch(name))


@dataclass(frozen=True)
class RemoteFile:
    """One file that a source offers."""

    key: str
    url: str
    name: str
    kind: Kind
    moment: datetime | None = None
    changed: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    layer: Layer | None = None


def offered(network: Network, address: Address, *, since: datetime, until: datetime, folder: Path) -> list[RemoteFile]:
    """The files of a source in a span, the earliest first."""
    ways: dict[Way, Callable[[Network, Address, datetime, datetime, Path], Iterator[RemoteFile]]]
    ways = {"index": _of_index, "days": _of_days, "layers": _of_layers, "file": _of_file}
    found = list(ways[address.way](network, address, since, until, folder))
    return sorted(found, key=lambda one: (one.moment or until, one.key))


def _of_file(_: Network, address: Address, *__: datetime | Path) -> Iterator[RemoteFile]:
    yield RemoteFile(address.url, address.url, address.name, address.kind)


def _of_days(_: Network, address: Address, since: datetime, until: datetime, __: Path) -> Iterator[RemoteFile]:
    day = datetime.combine(since.date(), time(), UTC)
    while day <= until:
        url = filled(address.url, {"day": day})
        yield RemoteFile(url, url, file_name(address.name, {"day": day}), address.kind, day)
        day += timedelta(days=1)


def _of_index(
    network: Network, address: Address, since: datetime, until: datetime, folder: Path
) -> Iterator[RemoteFile]:
    years = range(since.year, until.year + 1) if "{year}" in address.index else (until.year,)
    for year in years:
        url = filled(address.index, {"year": year})
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


def _of_layers(
    network: Network, address: Address, since: datetime, until: datetime, folder: Path
) -> Iterator[RemoteFile]:
    for layer in address.layers:
        url = f"{address.url.rstrip('/')}/{quote(layer.layer)}"
        edited = _edited(network, url, folder)
        # a feature service holds the map of now alone: the instant of its last edit is all that dates it
        if since <= edited <= until:
            at = write_instant(edited)
            name = f"{layer.part}_{edited:%Y%m%dT%H%M%SZ}.geojson"
            options = {"date": at, "published": at, "part": layer.part}
            yield RemoteFile(f"{url}#{at}", url, name, "json", edited, at, options, layer)


def _edited(network: Network, url: str, folder: Path) -> datetime:
    """When a layer was last edited, by its own description."""
    said = network.read_json(f"{url}?f=json", folder)
    _refuse_error(said, url)
    try:
        return datetime.fromtimestamp(int(said["editingInfo"]["lastEditDate"]) / 1000, UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        raise FetchError(f"{url}: the layer does not say when it was last edited: has its number changed?") from None


def _refuse_error(said: Any, url: str) -> None:
    """Feature services answer with status 200 where they mean an error."""
    if not isinstance(said, dict):
        raise FetchError(f"{url}: no description came: the source answers otherwise than it did")
    if "error" in said:
        told = said["error"] if isinstance(said["error"], dict) else {}
        raise FetchError(f"{url}: the service says: {told.get('message', 'an error')} ({told.get('code', 'no code')})")


def write_layer(network: Network, wanted: RemoteFile, target: Path) -> FetchedResponse:
    """Write a layer into one GeoJSON file."""
    folder = target.parent
    said = network.read_json(f"{wanted.url}?f=json", folder)
    _refuse_error(said, wanted.url)
    key = str(said.get("objectIdField") or "OBJECTID")
    features: list[Any] = []
    asked = {
        "where": "1=1", "outFields": key, "returnGeometry": "true", "outSR": 4326, "f": "geojson",
        "orderByFields": key,
    }  # fmt: skip
    for _ in range(_PAGES):
        query = urlencode({**asked, "resultOffset": len(features), "resultRecordCount": _PAGE})
        page = network.read_json(f"{wanted.url}/query?{query}", folder)
        _refuse_error(page, wanted.url)
        got = page.get("features")
        if not isinstance(got, list):
            raise FetchError(f"{wanted.url}: a page without features came: the service answers otherwise than it did")
        features += got
        more = page.get("exceededTransferLimit") or (page.get("properties") or {}).get("exceededTransferLimit")
        if not more or not got:
            break
    else:
        raise FetchError(f"{wanted.url}: more than {_PAGES} pages: is it the right layer?")
    if write_instant(_edited(network, wanted.url, folder)) != wanted.changed:
        raise FetchError(f"{wanted.url}: it was edited while it was read: run again")
    return _write_collection(features, target)


def _write_collection(features: list[Any], target: Path) -> FetchedResponse:
    text = json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False, separators=(",", ":"))
    raw = text.encode()
    with target.open("wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    return FetchedResponse("new", datetime.now(UTC), len(raw), sha256(raw).hexdigest())
