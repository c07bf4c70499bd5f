"""The frames that travel: what a control polygon, an incident and a unit carry, and how dates are written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from geo.errors import GateError

if TYPE_CHECKING:
    import geopandas as gpd
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

CRS = "EPSG:4326"
NEAR_PREC, DISTRICT_PREC, SEA_PREC = 2, 3, 7  # UCDP's where_prec: near a place, a second-level unit, a sea
Frame = TypeVar("Frame", bound="pd.DataFrame")
KM_PER_DEGREE = 111.195  # of latitude, on a sphere as large as the Earth
Every = Literal["month", "week"]

# what a reader hands over, beside the geometry
CLAIM_COLUMNS = (
    "claim_id", "text", "said_by", "said_on", "published_in", "quantity", "controller", "unit", "comparator", "value",
    "value_unit", "date_from", "date_to", "base", "notes",
)  # fmt: skip
_OF_GROUND = frozenset(("row", "controller", "status", "native", "country"))
SETTLEMENT_COLUMNS = ("place", "name", "controller", "status", "native", "valid_from")
UNIT_COLUMNS = ("unit", "name", "name_local", "level", "parent", "boundary")
# The fields of an incident: UCDP's and ACLED's names where they have one (docs/formats.md says which is which).
INCIDENT_TEXT = (
    "event_id", "date_start", "date_end", "report_date",
    "where_coordinates", "where_description", "adm_1", "adm_2", "country", "iso", "gazetteer", "place_id",
    "actor1", "actor2", "assoc_actor_1", "assoc_actor_2", "inter1", "inter2",
    "event_type", "sub_event_type", "civilian_targeting",
    "source", "source_scale", "source_article", "source_date", "source_headline", "lang",
    "claimed_by", "verification", "event_clarity", "notes", "tags",
)  # fmt: skip
INCIDENT_NUMBERS = (
    "latitude", "longitude", "uncertainty_km", "date_prec", "where_prec", "geo_precision", "type_of_violence",
    "deaths_a", "deaths_b", "deaths_civilians", "deaths_unknown", "low", "best", "high",
    "injured_low", "injured_best", "injured_high", "captured", "abducted", "number_of_sources",
)  # fmt: skip
# of these, how many people: whole, and never below 0
INCIDENT_PEOPLE = (
    "deaths_a", "deaths_b", "deaths_civilians", "deaths_unknown", "low", "best", "high",
    "injured_low", "injured_best", "injured_high", "captured", "abducted",
)  # fmt: skip
INCIDENT_WHOLE = (
    "date_prec", "where_prec", "geo_precision", "type_of_violence", *INCIDENT_PEOPLE, "number_of_sources",
)  # fmt: skip
INCIDENT_COLUMNS = (*INCIDENT_TEXT, *INCIDENT_NUMBERS, "orig")

Kind = Literal["control", "incidents", "units", "settlements"]
# (longitudes, latitudes) in degrees -> ISO 3166-1 code of the country of each point, "" at sea or unknown
Locate: TypeAlias = "Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.object_]]"


@dataclass(frozen=True)
class Source:
    """Whom a figure is credited to.

    Parameters
    ----------
    name : str
        The word for it on the command line and in tables.
    title : str
        What it calls itself.
    url, licence, attribution : str
        Where it is, under which licence, and whom to name.
    covers : sequence of str
        The units that its maps cover, by code or name, where it leaves all other ground out; none is everywhere.

    Examples
    --------
    >>> geo.Source("desk", "The desk's own outlines", licence="CC BY 4.0").title
    "The desk's own outlines"
    """

    name: str
    title: str
    url: str = ""
    licence: str = ""
    attribution: str = ""
    covers: Sequence[str] = ()


@dataclass(frozen=True)
class Refusal:
    """One row that was not let in: its number in the file (from 1), why, the way out, what it carried, and its ground.

    `km2` is None where the area cannot be measured; ground that `lies_elsewhere` is none that the map could have had.
    """

    row: int
    why: str
    way_out: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)
    km2: float | None = None
    lies_elsewhere: bool = False


@dataclass(frozen=True)
class ControlColumns:
    """Polygons as plain columns: for the few rows of a map pandas costs more than all that is asked of them."""

    geometry: NDArray[np.object_]
    columns: Mapping[str, NDArray[Any]]

    @classmethod
    def of(cls, frame: gpd.GeoDataFrame | ControlColumns) -> ControlColumns:
        """The columns of a reader's frame; None where a value is missing, ``at`` numbers its rows."""
        import numpy as np
        import pandas as pd

        if isinstance(frame, ControlColumns):
            return frame.having(frame.geometry.copy(), at=np.arange(len(frame)))
        columns = {str(name): np.array(values, dtype=object) for name, values in frame.items() if name in _OF_GROUND}
        for values in columns.values():
            values[pd.isna(values)] = None
        columns["at"] = np.arange(len(frame))
        return cls(np.array(frame.geometry.array, dtype=object), columns)

    @property
    def frame(self) -> gpd.GeoDataFrame:
        import geopandas as gpd
        import pandas as pd

        columns = {name: values for name, values in self.columns.items() if name not in ("at", "key", "country")}
        return gpd.GeoDataFrame(pd.DataFrame(columns, dtype=object), geometry=self.geometry, crs=CRS)

    def __len__(self) -> int:
        return len(self.geometry)

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.columns[name]

    def take(self, which: NDArray[Any]) -> ControlColumns:
        """Some of the rows: a mask, or their positions."""
        return ControlColumns(self.geometry[which], {name: values[which] for name, values in self.columns.items()})

    def having(self, geometry: NDArray[np.object_] | None = None, **columns: NDArray[Any]) -> ControlColumns:
        """The same with other shapes or columns."""
        return ControlColumns(self.geometry if geometry is None else geometry, {**self.columns, **columns})

    def sides(self) -> set[str]:
        return {side for side in self["controller"].tolist() if side is not None}

    def classes(self) -> list[tuple[str, str]]:
        """The side ("" for none) and the status of every row."""
        return [(side or "", status) for side, status in zip(self["controller"], self["status"], strict=True)]


@dataclass(frozen=True)
class Snapshot:
    """What a reader found in one file for one depicted instant, before the gate."""

    rows: gpd.GeoDataFrame | ControlColumns
    depicts: datetime
    rows_in: int
    part: str = ""
    published: datetime | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()
    repairs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    may_be_empty: bool = False  # all of its ground ended, by the file's own dates
    file_name: str = ""  # where it may say in which country the ground lies

    @cached_property
    def frame(self) -> gpd.GeoDataFrame:
        return self.rows.frame if isinstance(self.rows, ControlColumns) else self.rows


@dataclass(frozen=True)
class Rows:
    """What a reader found in one file of incidents or units: a frame with ``row``, and what it could not read."""

    frame: gpd.GeoDataFrame
    rows_in: int
    left_out: Mapping[str, int] = field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()
    repairs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    more: Iterable[Rows] = ()


@dataclass(frozen=True)
class Options:
    """How a file is to be read, where the file itself does not say.

    Parameters
    ----------
    date : str or None
        The date or instant depicted, in ISO 8601.
    published, retrieved : str or None
        When the file was published and fetched.
    columns : mapping
        Our column name -> the file's column name (vector, units, incidents).
    constants : mapping
        Our column name -> one value for every row.
    statuses : mapping
        The file's word -> one of `geo.presentation.statuses.STATUSES`.
    layer : str or None
        Which layer of a file with several.
    part : str
        Which of a source's separate publications this is (a source may publish its classes in files of their own).
    date_format : str or None
        How dates are written in the cells of the file, in the signs of `strptime`: ``%d/%m/%Y``, ``%y%m%d``.
    encoding : str
        Of text files.
    delimiter, decimal : str or None
        Of CSV files; None is a comma and a point.
    crs : str or None
        Says the CRS of a file that does not.
    accept : frozenset of str
        Findings that are let in on purpose: ``future``, ``swapped``, ``empty``, ``large``, ``partial``,
        ``positions``, ``elsewhere``, ``instants``.
    locate : callable or None
        Country of points, from the archive's units.

    Examples
    --------
    >>> options = geo.Options(date="2025-01-11", columns={"controller": "side"})
    >>> options.encoding
    'utf-8'
    """

    date: str | None = None
    published: str | None = None
    retrieved: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    statuses: Mapping[str, str] = field(default_factory=dict)
    layer: str | None = None
    part: str = ""
    date_format: str | None = None
    encoding: str = "utf-8"
    delimiter: str | None = None
    decimal: str | None = None
    crs: str | None = None
    accept: frozenset[str] = frozenset()
    locate: Locate | None = None


def dated(frame: Frame) -> Frame:
    """A frame whose instants are ISO 8601 text; a column of midnights has days."""
    made = frame.copy(deep=False)
    for column in frame.select_dtypes(["datetime", "datetimetz"]):
        moments = frame[column]
        days = (moments.dropna() == moments.dropna().dt.floor("D")).all()
        texts = moments.dt.strftime("%Y-%m-%d" if days else "%Y-%m-%dT%H:%M:%SZ").astype(object)
        made[column] = texts.where(moments.notna(), None)
    return made


def text_or_none(value: Any) -> str | None:
    """A cell of a text column: None where it is missing, however pandas writes that."""
    return None if value is None or value != value else str(value)


def number_or_none(value: Any) -> float | None:
    """A cell of a column of numbers: None where it is missing, however pandas writes that."""
    return None if value is None or value != value else float(value)


def number_of(count: float, noun: str) -> str:
    """A number with its noun: "1 day", "2 days", "1,200 files"."""
    return f"{count:,.10g} {noun}{'' if count == 1 else 's'}"


# how a reader begins a note about a break in its source's series
BREAK = "the series breaks on "

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}$")
_WRITTEN = re.compile(r"\d{4}-\d{2}-\d{2}(?:$|[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?$)")


def parse_instant(text: str, *, what: str = "date") -> datetime:
    """Read a date or an instant in ISO 8601; a bare date is 00:00 UTC of it, an instant without zone is UTC."""
    text = text.strip()
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except ValueError:
        raise GateError(f"{what} {text!r} cannot be read: {_what_is_wrong(text)}") from None
    except OverflowError:
        raise GateError(f"{what} {text!r} cannot be read: the calendar does not reach so far") from None


def _what_is_wrong(text: str) -> str:
    if not _WRITTEN.match(text):
        return "write it as YYYY-MM-DD or YYYY-MM-DDTHH:MMZ (ISO 8601)"
    try:
        date.fromisoformat(text[:10])
    except ValueError:
        return f"there is no such day as {text[:10]}"
    return "there is no such time of day"


def is_iso(text: str) -> bool:
    """Whether a date or an instant is written as ISO 8601 has it, and not in words."""
    return bool(_WRITTEN.match(text.strip()))


def is_day(when: str | date | datetime) -> bool:
    """Whether `when` names a whole day rather than an instant."""
    if isinstance(when, str):
        return bool(_DAY.match(when.strip()))
    return not isinstance(when, datetime)


def to_instant(when: str | date | datetime, *, what: str = "date") -> datetime:
    """The UTC instant of a date, a datetime or an ISO 8601 text; a bare date is 00:00 UTC of it."""
    if isinstance(when, str):
        return parse_instant(when, what=what)
    if isinstance(when, datetime):
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    return datetime(when.year, when.month, when.day, tzinfo=UTC)


def period_of(instant: datetime, every: Every) -> int:
    """The number of the month, or of the week from Monday, in which an instant lies."""
    return 12 * instant.year + instant.month - 1 if every == "month" else (instant.toordinal() - 1) // 7


def period_start(period: int, every: Every) -> datetime:
    """The instant at which a month or week begins, by its number."""
    if every == "month":
        return datetime(period // 12, period % 12 + 1, 1, tzinfo=UTC)
    return datetime.fromordinal(7 * period + 1).replace(tzinfo=UTC)


def last_instant(when: str | date | datetime) -> datetime:
    """The last instant that `when` covers: itself, or for a bare date the last millisecond of the day."""
    moment = to_instant(when)
    return moment + timedelta(days=1, milliseconds=-1) if is_day(when) else moment


def write_instant(moment: datetime) -> str:
    """The form in which the archive keeps instants: ``2025-01-11T18:30:00.000Z`` (GeoPackage's DATETIME)."""
    # strftime writes the year 25 with two digits on some systems
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
