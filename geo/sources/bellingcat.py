"""Bellingcat's civilian harm in Ukraine, in both shapes that it has been published in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from geo.errors import GateError
from geo.formats.geojson import read_json
from geo.schema import Options, Refusal, Rows, Source
from geo.sources.base import Reader
from geo.sources.incident_rows import Raw, Row, count, day, gather, joined, text

_NEEDS = ("date", "description", "latitude", "longitude")


def read(path: Path, options: Options) -> Rows:
    """Read the events."""
    listed = read_json(path)
    if not isinstance(listed, list):
        raise GateError(f"{path}: a list of events is wanted ([{{…}}, …]); this is a {type(listed).__name__}")
    first = next((each for each in listed if isinstance(each, Mapping)), {})
    missing = [name for name in _NEEDS if name not in first]
    if listed and missing:
        raise GateError(f"{path}: no member {', '.join(missing)}; found: {', '.join(map(str, first)) or 'none'}")
    strange = [
        Refusal(n, f"a {type(each).__name__}, no object: write {{…}} for each event")
        for n, each in enumerate(listed, 1)
        if not isinstance(each, Mapping)
    ]
    return gather(_raws(listed), options, record=_record, made_from="bellingcat", refusals=strange)


def _raws(listed: list[Any]) -> Iterator[Raw]:
    for row, each in enumerate(listed, 1):
        if isinstance(each, Mapping):
            yield Raw(row, {str(k): _cell(v) for k, v in each.items()}, each)


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return "" if value is None else str(value)


def _record(row: Row, options: Options) -> dict[str, Any]:
    sources = [line for line in row.get("sources", "").split("\n") if line]
    date = day(row, "date", form="%m/%d/%Y")
    return {
        "event_id": text(row, "id"),
        "date_start": date,
        "date_end": date,
        "where_coordinates": text(row, "location"),
        "latitude": count(row, "latitude", options),
        "longitude": count(row, "longitude", options),
        "notes": text(row, "description"),
        "source_article": joined(s for s in sources if "://" in s),
        "number_of_sources": float(len(sources)) if sources else None,
        "tags": joined(row.get("associations", "").split("\n")),
    }


READER = Reader(
    Source(
        "bellingcat",
        "Civilian Harm in Ukraine",
        "https://ukraine.bellingcat.com/",
        "Bellingcat's terms: attribution",
        "Bellingcat",
    ),
    "incidents",
    read,
)
