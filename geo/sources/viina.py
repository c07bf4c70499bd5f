"""VIINA, Violent Incident Information from News Articles, and tables derived from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from geo.schema import Options, Rows, Source
from geo.sources.base import Reader
from geo.sources.incident_rows import Row, count, day, read_rows, text

COLUMNS = (
    "asciiname", "ADM1_NAME", "ADM2_NAME", "geonameid", "sources_matching", "sources", "source", "lang", "source_urls",
    "url", "representative_text", "text", "n_reports", "GEO_PRECISION", "a_rus_init", "a_ukr_init", "a_rus_init_b",
    "a_ukr_init_b",
)  # fmt: skip
# VIINA's GEO_PRECISION -> UCDP where_prec
_WHERE_PREC = {"STREET": 1.0, "ADM3": 1.0, "ADM2": 3.0, "ADM1": 4.0, "ADM0": 6.0, "COUNTRY": 6.0}


def read(path: Path, options: Options) -> Rows:
    """Read a table of VIINA."""
    needs = ("event_id|event_id_1pd", "date", "latitude", "longitude")
    return read_rows(path, options, record=_record, needs=needs, columns=COLUMNS)


def _record(row: Row, options: Options) -> dict[str, Any]:
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


READER = Reader(
    Source(
        "viina",
        "VIINA, Violent Incident Information from News Articles",
        "https://github.com/zhukovyuri/VIINA",
        "ODbL 1.0",
        "Yuri Zhukov, VIINA",
    ),
    "incidents",
    read,
)
