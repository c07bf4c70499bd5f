"""The columns of the tables of figures, in order: `Archive.area`, `change`, `series` and `who`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from geo.archive.results import By

AREA_COLUMNS = (
    "source", "controller", "status", "unit", "area_km2", "lower_km2", "upper_km2", "snapshot", "snapshot_age_days",
    "boundary",
)  # fmt: skip
CHANGE_COLUMNS = (
    "source", "controller", "status", "unit", "gained_km2", "lost_km2", "net_km2", "base_km2", "net_percent",
    "from_snapshot", "to_snapshot", "base", "boundary",
)  # fmt: skip
SERIES_COLUMNS = ("date", "source", "controller", "status", "unit", "area_km2", "gained_km2", "lost_km2")
WHO_COLUMNS = ("source", "controller", "status", "native", "valid_from", "valid_to")


def columns_of(rows: Sequence[dict[str, Any]], columns: Sequence[str], by: By | None) -> list[str]:
    """The columns of an answer."""
    after = columns.index("unit") + 1 if "unit" in columns else 0
    native = {"native": ["native"], "unit": ["unit_name"]}.get(by or "", [])
    later = [name for name in ("part", "beyond_km2") if any(row.get(name) for row in rows)]
    return [*columns[:after], *native, *columns[after:], *later]
