"""Datasets of events geolocated or coded by others: Bellingcat, Eyes on Russia, VIINA."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from geo.errors import GateError
from geo.formats.geojson import read_json
from geo.schema import Options, Refusal, Rows, Source
from geo.sources.base import Reader
from geo.sources.incident_rows import Raw, Row, count, day, gather, joined, read_rows, text

# -- Bellingcat: civilian harm in Ukraine, in both shapes that it has been published in -----------------------------

_BELLINGCAT_NEEDS = ("date", "description", "latitude", "longitude")


def _read_bellingcat(path: Path, options: Options) -> Rows:
    """Read the events."""
    listed = read_json(path)
    if not isinstance(listed, list):
        raise GateError(f"{path}: a list of events is wanted ([{{…}}, …]); this is a {type(listed).__name__}")
    first = next((each for each in listed if isinstance(each, Mapping)), {})
    missing = [name for name in _BELLINGCAT_NEEDS if name not in first]
    if listed and missing:
        raise GateError(f"{path}: no member {', '.join(missing)}; found: {', '.join(map(str, first)) or 'none'}")
    strange = [
        Refusal(n, f"a {type(each).__name__}, no object: write {{…}} for each event")
        for n, each in enumerate(listed, 1)
        if not isinstance(each, Mapping)
    ]
    return gather(_raws(listed), options, record=_bellingcat_record, made_from="bellingcat", refusals=strange)


def _raws(listed: list[Any]) -> Iterator[Raw]:
    for row, each in enumerate(listed, 1):
        if isinstance(each, Mapping):
            yield Raw(row, {str(k): _cell(v) for k, v in each.items()}, each)


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return "" if value is None else str(value)


def _bellingcat_record(row: Row, options: Options) -> dict[str, Any]:
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


BELLINGCAT = Reader(
    Source(
        "bellingcat",
        "Civilian Harm in Ukraine",
        "https://ukraine.bellingcat.com/",
        "Bellingcat's terms: attribution",
        "Bellingcat",
    ),
    "incidents",
    _read_bellingcat,
)

# -- Eyes on Russia: events geolocated by the Centre for Information Resilience and its partners --------------------

# ours -> the file's
_EYES_ON_RUSSIA_NAMES = {
    "event_id": "entry", "notes": "brief description", "source_headline": "title",
    "country": "country", "adm_1": "province", "adm_2": "district", "where_coordinates": "town/city",
    "source_article": "link", "where_description": "geolocation",
}  # fmt: skip

_EYES_ON_RUSSIA_NEEDS = ("entry", "date", "event_group", "lat", "lon")
_OTHERS = ("violence level", "arms/munition")
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
# groups are kept by period ("Bombing or Explosion Feb - June"), which the date says
_PERIOD = re.compile(rf"(?<!\s)\s+{_MONTH}(?:\s*-\s*{_MONTH})?(?:\s+20\d\d)?$")


def _read_eyes_on_russia(path: Path, options: Options) -> Rows:
    """Read the table of events."""
    return read_rows(
        path,
        options,
        record=_eyes_on_russia_record,
        needs=_EYES_ON_RUSSIA_NEEDS,
        columns=(*_EYES_ON_RUSSIA_NAMES.values(), *_OTHERS),
    )


def _eyes_on_russia_record(row: Row, options: Options) -> dict[str, Any]:
    found: dict[str, Any] = {ours: text(row, theirs) for ours, theirs in _EYES_ON_RUSSIA_NAMES.items()}
    found["date_start"] = found["date_end"] = day(row, "date")
    found["latitude"], found["longitude"] = (count(row, name, options) for name in ("lat", "lon"))
    found["event_type"] = _PERIOD.sub("", text(row, "event_group") or "") or None
    level = text(row, "violence level")
    found["tags"] = joined([text(row, "arms/munition"), f"violence level={level}" if level else None])
    return found


EYES_ON_RUSSIA = Reader(
    Source(
        "eyes-on-russia",
        "Eyes on Russia",
        "https://eyesonrussia.org/",
        "terms of the Centre for Information Resilience: ask before publishing",
        "Centre for Information Resilience, Eyes on Russia",
    ),
    "incidents",
    _read_eyes_on_russia,
)

# -- VIINA, Violent Incident Information from News Articles, and tables derived from it -----------------------------

_VIINA_COLUMNS = (
    "asciiname", "ADM1_NAME", "ADM2_NAME", "geonameid", "sources_matching", "sources", "source", "lang", "source_urls",
    "url", "representative_text", "text", "n_reports", "GEO_PRECISION", "a_rus_init", "a_ukr_init", "a_rus_init_b",
    "a_ukr_init_b",
)  # fmt: skip
# VIINA's GEO_PRECISION -> UCDP where_prec
_WHERE_PREC = {"STREET": 1.0, "ADM3": 1.0, "ADM2": 3.0, "ADM1": 4.0, "ADM0": 6.0, "COUNTRY": 6.0}


def _read_viina(path: Path, options: Options) -> Rows:
    """Read a table of VIINA."""
    needs = ("event_id|event_id_1pd", "date", "latitude", "longitude")
    return read_rows(path, options, record=_viina_record, needs=needs, columns=_VIINA_COLUMNS)


def _viina_record(row: Row, options: Options) -> dict[str, Any]:
    date, number = day(row, "date"), text(row, "event_id") or text(row, "event_id_1pd")
    found: dict[str, Any] = {
        # every year's file counts anew
        "event_id": f"{date[:4]}-{number}" if date and number else number,
        "date_start": date,
        "date_end": date,
        "where_coordinates": text(row, "asciiname"),
        "adm_1": text(row, "ADM1_NAME"),
        "adm_2": text(row, "ADM2_NAME"),
        "place_id": text(row, "geonameid"),
        "gazetteer": "GeoNames" if text(row, "geonameid") else None,
        "actor1": _actor(row),
        "source": text(row, "sources_matching") or text(row, "sources") or text(row, "source"),
        "lang": text(row, "lang"),
        "source_article": text(row, "source_urls") or text(row, "url"),
        "notes": text(row, "representative_text") or text(row, "text"),
        "number_of_sources": count(row, "n_reports", options),
        "where_prec": _WHERE_PREC.get((text(row, "GEO_PRECISION") or "").upper()),
    }
    return found | {name: count(row, name, options) for name in ("latitude", "longitude")}


def _actor(row: Row) -> str | None:
    """The side whose flag of having acted stands alone."""
    flags = (("RU", "a_rus_init"), ("UA", "a_ukr_init"))
    # VIINA's own files carry a probability under the plain name and the flag as name_b; tables made from it, the flag
    sides = [side for side, flag in flags if (text(row, f"{flag}_b") or text(row, flag)) in ("1", "1.0")]
    return sides[0] if len(sides) == 1 else None


VIINA = Reader(
    Source(
        "viina",
        "VIINA, Violent Incident Information from News Articles",
        "https://github.com/zhukovyuri/VIINA",
        "ODbL 1.0",
        "Yuri Zhukov, VIINA",
    ),
    "incidents",
    _read_viina,
)
