"""The Uppsala Conflict Data Program's Georeferenced Event Dataset (UCDP GED)."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from geo.schema import INCIDENT_NUMBERS, INCIDENT_TEXT, Options, Rows, Source
from geo.sources.base import Reader
from geo.sources.incident_rows import Row, count, day, read_rows, text

# the 49 columns of the dataset, in its order
COLUMNS = (
    "id", "relid", "year", "active_year", "code_status", "type_of_violence", "conflict_dset_id", "conflict_new_id",
    "conflict_name", "dyad_dset_id", "dyad_new_id", "dyad_name", "side_a_dset_id", "side_a_new_id", "side_a",
    "side_b_dset_id", "side_b_new_id", "side_b", "number_of_sources", "source_article", "source_office", "source_date",
    "source_headline", "source_original", "where_prec", "where_coordinates", "where_description", "adm_1", "adm_2",
    "latitude", "longitude", "geom_wkt", "priogrid_gid", "country", "country_id", "region", "event_clarity",
    "date_prec", "date_start", "date_end", "deaths_a", "deaths_b", "deaths_civilians", "deaths_unknown", "best",
    "high", "low", "gwnoa", "gwnob",
)  # fmt: skip
SAME = (
    "where_coordinates", "where_description", "adm_1", "adm_2", "country", "source_article", "source_date",
    "source_headline",
)  # fmt: skip
# ours -> UCDP's
RENAMED = {
    "event_id": "id", "actor1": "side_a", "actor2": "side_b", "source": "source_office",
    "claimed_by": "source_original",
}  # fmt: skip
# UCDP where_prec -> ACLED geo_precision: the place itself; near it, or its second division; coarser
GEO_PRECISION = {1.0: 1.0, 2.0: 2.0, 3.0: 2.0, 4.0: 3.0, 5.0: 3.0, 6.0: 3.0, 7.0: 3.0}


def read(path: Path, options: Options) -> Rows:
    """Read an export of UCDP GED."""
    needs = ("id", "date_start", "date_end", "latitude", "longitude", "where_prec")
    return read_rows(path, options, record=_record, needs=needs, columns=(*COLUMNS, *INCIDENT_TEXT, *INCIDENT_NUMBERS))


def _record(row: Row, options: Options) -> dict[str, Any]:
    # behind UCDP's columns our export puts those of ours that UCDP has not
    found: dict[str, Any] = {name: text(row, name) for name in INCIDENT_TEXT if name in row and name not in COLUMNS}
    found |= {name: count(row, name, options) for name in INCIDENT_NUMBERS if name in row}
    found |= {name: text(row, name) for name in SAME}
    found |= {ours: text(row, theirs) for ours, theirs in RENAMED.items()}
    found |= {name: day(row, name) for name in ("date_start", "date_end")}
    for name in ("event_id", "event_clarity"):
        found[name] = (text(row, RENAMED.get(name, name)) or "").removesuffix(".0") or None
    found["geo_precision"] = GEO_PRECISION.get(found["where_prec"], found.get("geo_precision"))
    sources = found.get("number_of_sources")
    found["number_of_sources"] = None if sources is None or sources < 0 else sources
    return found


READER = Reader(
    Source(
        "ucdp-ged",
        "UCDP Georeferenced Event Dataset",
        "https://ucdp.uu.se/",
        "CC BY 4.0",
        "Uppsala Conflict Data Program (Sundberg and Melander 2013; Davies and others)",
    ),
    "incidents",
    read,
    date(1989, 1, 1),
)
