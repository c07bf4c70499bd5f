"""Eyes on Russia: the table of events geolocated by the Centre for Information Resilience and its partners."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from geo.schema import Options, Rows, Source
from geo.sources.base import Reader
from geo.sources.incident_rows import Row, count, day, joined, read_rows, text

# ours -> the file's
RENAMED = {
    "event_id": "entry", "notes": "brief description", "source_headline": "title",
    "country": "country", "adm_1": "province", "adm_2": "district", "where_coordinates": "town/city",
    "source_article": "link", "where_description": "geolocation",
}  # fmt: skip

_NEEDS = ("entry", "date", "event_group", "lat", "lon")
_OTHERS = ("violence level", "arms/munition")
_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
# groups are kept by period ("Bombing or Explosion Feb - June"), which the date says
_PERIOD = re.compile(rf"\s+{_MONTH}(?:\s*-\s*{_MONTH})?(?:\s+20\d\d)?$")


def read(path: Path, options: Options) -> Rows:
    """Read the table of events."""
    return read_rows(path, options, record=_record, needs=_NEEDS, columns=(*RENAMED.values(), *_OTHERS))


def _record(row: Row, options: Options) -> dict[str, Any]:
    found: dict[str, Any] = {ours: text(row, theirs) for ours, theirs in RENAMED.items()}
    found["date_start"] = found["date_end"] = day(row, "date")
    found["latitude"], found["longitude"] = (count(row, name, options) for name in ("lat", "lon"))
    found["event_type"] = _PERIOD.sub("", text(row, "event_group") or "") or None
    level = text(row, "violence level")
    found["tags"] = joined([text(row, "arms/munition"), f"violence level={level}" if level else None])
    return found


READER = Reader(
    Source(
        "eyes-on-russia",
        "Eyes on Russia",
        "https://eyesonrussia.org/",
        "terms of the Centre for Information Resilience: ask before publishing",
        "Centre for Information Resilience, Eyes on Russia",
    ),
    "incidents",
    read,
)
