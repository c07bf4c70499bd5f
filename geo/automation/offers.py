"""What a source offers in a span of days: lists read, days counted, feature services asked."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from geo.automation.endpoints import Address, RemoteFile, Way, file_name, filled
from geo.automation.network import FetchedResponse, Network
from geo.errors import FetchError, GateError, UsageError
from geo.schema import parse_instant, write_instant

_PAGE = 1000  # features of one answer of a feature service
_PAGES = 200


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
