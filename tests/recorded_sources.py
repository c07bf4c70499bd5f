"""The sources' servers, as recorded answers in their true shape from a server on loopback: one host a folder."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from address_server import QUICK, Answer, Server

from geo.automation.addresses import Address, known_addresses
from geo.sources.event_datasets import COLUMNS

Host = Callable[[str, dict[str, str], dict[str, str]], Answer]  # path, query, headers
NOT_THERE = Answer(b"Not Found", 404)


def as_json(document: Any, status: int = 200) -> Answer:
    return Answer(json.dumps(document).encode(), status)


def as_csv(rows: list[dict[str, Any]], delimiter: str = ",", mark: str = "") -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return (mark + text.getvalue()).encode()


def as_zip(name: str, body: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), body)  # of one date: the same bytes each time
    return packed.getvalue()


class Recorded(Server):
    """A server that stands for several hosts: the first part of a path is the host."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.hosts: dict[str, Host] = {}
        self.broken: dict[str, Answer] = {}  # part of a path -> what is answered there instead

    def answer_to(self, path: str) -> Answer:
        split = urlsplit(path)
        fault = next((answer for part, answer in self.broken.items() if part in path), None)
        if fault is not None:
            return fault
        host, _, rest = split.path.lstrip("/").partition("/")
        query = {key: values[0] for key, values in parse_qs(split.query).items()}
        return self.hosts[host](rest, query, self.headers) if host in self.hosts else NOT_THERE

    def address(self, address: Address) -> Address:
        """An address of the package's table, on this server."""

        def here(url: str) -> str:
            return url.replace("https://", f"{self.url}/")

        login = replace(address.login, url=here(address.login.url)) if address.login else None
        history = self.address(address.history) if address.history else None
        return replace(address, url=here(address.url), index=here(address.index), beside=here(address.beside), loopback=True, limits=QUICK,
                       login=login, history=history)  # fmt: skip

    def addresses(self) -> dict[str, Address]:
        return {name: self.address(address) for name, address in known_addresses().items()}


# -- maps ------------------------------------------------------------------------------------------------------------


def square(west: float = 36.0, south: float = 50.0, size: float = 0.5) -> dict[str, Any]:
    east, north = west + size, south + size
    return {
        "type": "Polygon",
        "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]],
    }


def collection(*features: tuple[dict[str, Any], dict[str, Any]], **more: Any) -> dict[str, Any]:
    listed = [{"type": "Feature", "geometry": shape, "properties": about} for shape, about in features]
    return {"type": "FeatureCollection", "features": listed, **more}


@dataclass
class ServiceLayer:
    """A layer of a feature service: its rows, when it was edited, and the types of its fields."""

    rows: list[tuple[dict[str, Any], dict[str, Any]]]
    edited: datetime | None = datetime(2026, 8, 1, 3, tzinfo=UTC)
    types: dict[str, str] = field(default_factory=dict)
    error: dict[str, Any] | None = None


class FeatureServices:
    """Feature services as Esri describes them, with pages of two rows."""

    page = 2

    def __init__(self, layers: dict[str, ServiceLayer]) -> None:
        self.layers = layers

    def __call__(self, path: str, query: dict[str, str], _: dict[str, str]) -> Answer:
        inner = path.partition("rest/services")[2].strip("/")
        named = sorted({key.partition("/")[0] for key in self.layers})
        if not inner:
            return as_json({"services": [{"name": name, "type": "FeatureServer"} for name in named]})
        is_query, inner = inner.endswith("/query"), inner.removesuffix("/query")
        if inner.endswith("FeatureServer"):
            ids = [int(key.rpartition("/")[2]) for key in self.layers if key.startswith(f"{inner}/")]
            return as_json({"layers": [{"id": n, "geometryType": "esriGeometryPolygon"} for n in ids]})
        layer = self.layers.get(inner)
        if layer is None or layer.error is not None:
            return as_json({"error": (layer and layer.error) or {"code": 400, "message": "Invalid URL"}})
        if not is_query:
            info = {"lastEditDate": int(layer.edited.timestamp() * 1000)} if layer.edited else {}
            fields = [{"name": name, "type": kind} for name, kind in layer.types.items()]
            return as_json({"name": "x", "objectIdField": "FID", "editingInfo": info, "fields": fields})
        return self._rows(layer, query)

    def _rows(self, layer: ServiceLayer, query: dict[str, str]) -> Answer:
        rows = [(shape, {"FID": n, **about}) for n, (shape, about) in enumerate(layer.rows, 1)]
        span = re.fullmatch(r"(\w+) >= (\w+) '(.+)' AND \1 < \2 '(.+)'", query["where"])
        if span:
            name, kind, begin, end = span.groups()
            is_day = layer.types[name] == "esriFieldTypeDateOnly"
            assert kind == ("DATE" if is_day else "TIMESTAMP")
            begin, end = (
                t if is_day else int(datetime.fromisoformat(f"{t}+00:00").timestamp() * 1000) for t in (begin, end)
            )
            rows = [row for row in rows if begin <= row[1][name] < end]
        if query.get("returnDistinctValues"):
            name = query["outFields"]
            values = sorted({about[name] for _, about in rows})
            begin = int(query["resultOffset"])
            some = values[begin : begin + 500]
            return as_json({"features": [{"attributes": {name: value}} for value in some],
                            "exceededTransferLimit": begin + 500 < len(values)})  # fmt: skip
        begin = int(query["resultOffset"])
        some = rows[begin : begin + self.page]
        names = query["outFields"].split(",")
        kept = [(shape, about if names == ["*"] else {n: about[n] for n in names}) for shape, about in some]
        return as_json(collection(*kept, properties={"exceededTransferLimit": begin + self.page < len(rows)}))


def layer(*rows: dict[str, Any] | tuple[dict[str, Any], dict[str, Any]], **more: Any) -> ServiceLayer:
    return ServiceLayer([row if isinstance(row, tuple) else (row, {}) for row in rows], **more)


def milliseconds(day: datetime) -> int:
    return int(day.timestamp() * 1000)


def daily_layer(first: datetime, days: int, *, name: str = "datetime", day_only: bool = False) -> ServiceLayer:
    """A layer with a map for each day, which grows by a strip a week."""
    listed = []
    for n in range(days):
        day = first + timedelta(days=n)
        value = f"{day:%Y-%m-%d}" if day_only else milliseconds(day)
        listed.append((square(36.0, 48.0, 0.3 + 0.001 * (n // 7)), {name: value}))
    return ServiceLayer(listed, types={name: "esriFieldTypeDateOnly" if day_only else "esriFieldTypeDate"})


def isw(**more: ServiceLayer) -> FeatureServices:
    """The services of ISW's maps, some under newer names than the package's table knows."""
    return FeatureServices({
        "VIEW_RussiaCoTinUkraine_V3/FeatureServer/49": layer(square(36.0, 48.0), square(37.0, 48.0), square(38.0, 48.0)),
        "VIEW_ClaimedRussianTerritoryinUkraine_V2/FeatureServer/49": layer(square(36.5, 48.0, 0.1)),
        "AssessedRussianAdvanceInUkraine_V2_view/FeatureServer/0": layer(square(36.6, 48.0, 0.1), edited=datetime(2026, 3, 1, tzinfo=UTC)),
        "Assessed_Russian_Advances_in_May_2026_view/FeatureServer/3": layer(square(36.7, 48.0, 0.2)),
        "VIEW_ClaimedUkrainianCounteroffensives_V2/FeatureServer/51": layer(square(36.0, 48.6, 0.1)),
        "View_AssessedRussianInfiltrationAreasinUkraine_V4/FeatureServer/0": layer(square(36.0, 48.8, 0.1)),
        "Strikes_in_Iran_2026/FeatureServer/0": layer(square(51.0, 35.0)),
        **more,
    })  # fmt: skip


# -- incidents -------------------------------------------------------------------------------------------------------

_ACLED, _GED = (COLUMNS[name]["columns"] for name in ("acled", "ucdp-ged"))


def acled_row(number: int, day: str) -> dict[str, Any]:
    return dict.fromkeys(_ACLED, "") | {
        "event_id_cnty": f"UKR{number}", "event_date": day, "year": day[:4], "time_precision": "1",
        "event_type": "Explosions/Remote violence", "sub_event_type": "Shelling/artillery/missile attack",
        "actor1": "Military Forces of Russia (2000-)", "country": "Ukraine", "admin1": "Kharkiv", "location": "Vovchansk",
        "latitude": "50.2878", "longitude": "36.9419", "geo_precision": "1", "fatalities": "2", "timestamp": "1785600000",
    }  # fmt: skip


def ged_row(number: int, day: str) -> dict[str, Any]:
    return dict.fromkeys(_GED, "") | {
        "id": number, "where_prec": 1, "date_prec": 1, "latitude": 50.2878, "longitude": 36.9419, "country": "Ukraine",
        "date_start": f"{day} 00:00:00.000", "date_end": f"{day} 00:00:00.000", "best": 3, "high": 4, "low": 2,
        "side_a": "Government of Russia (Soviet Union)", "side_b": "Government of Ukraine", "year": int(day[:4]),
    }  # fmt: skip


def viina_row(number: int, day: str) -> dict[str, Any]:
    return {
        "viina_version": "2.0", "event_id_1pd": number, "date": day.replace("-", ""), "time": "", "geonameid": 688105,
        "asciiname": "Vovchansk", "ADM1_NAME": "Kharkiv", "ADM2_NAME": "Chuhuiv", "longitude": 36.9419, "latitude": 50.2878,
        "GEO_PRECISION": "ADM3", "n_reports": 3, "t_artillery_b": 1, "a_rus_b": 1,
    }  # fmt: skip


def confirmed_row(number: str, day: str) -> dict[str, Any]:
    return {
        "Date": day, "Name": "Shelling", "Faction": "Russia", "Origin": "UAV", "Latitude": 50.2878, "Longitude": 36.9419,
        "PlusCode": "8GX8+X43 Vovchansk, Kharkiv Oblast, Ukraine", "Description": "0:29 - FPV strike on a truck",
        "Source": "https://x.com/a/status/1", "Geolocation": "https://x.com/b/status/2 https://x.com/c/status/3",
        "Equipment": "Truck", "EquipmentItems": "", "Units": "", "OrbatUnits": "", "Id": number,
    }  # fmt: skip


def eyes_row(number: int, day: datetime) -> tuple[dict[str, Any], dict[str, Any]]:
    about = {
        "Entry_Number": number, "Primary_category": "Civilian Infrastructure Damage", "Secondary_category": "",
        "Description": "Damage to a school", "Town_or_City": "Vovchansk", "Credit": "CIR", "Link": "https://x.com/a/1",
        "latitude": 50.2878, "longitude": 36.9419, "TIMESTAMP": milliseconds(day), "country": "Ukraine", "province": "Kharkiv",
    }  # fmt: skip
    return {"type": "Point", "coordinates": [36.9419, 50.2878]}, about


BELLINGCAT = [{
    "id": "CIV0001", "date": "08/01/2026", "latitude": "50.2878", "longitude": "36.9419", "location": "Vovchansk",
    "description": "A school is hit", "sources": ["https://example.org/1"], "filters": [],
}]  # fmt: skip
