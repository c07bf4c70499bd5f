"""The table of statuses: what each is called, how it looks on every output, and what it counts as.

The order of the statuses is the order of legends, tables, timelines, briefings, sites and charts; maps draw it in
reverse, so that the first lies on top.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, overload

from geo.assets import ASSETS
from geo.errors import UsageError
from geo.presentation.language import N_
from geo.presentation.sides import side_order

NOBODY = "#efc94c"  # ground that no side is said to have
ClassKey = tuple[str | None, str, str]  # side, status, publication of the source


@dataclass(frozen=True)
class Bar:
    """Lines of a pattern: how wide and strong, along it or across it, in the side's colour unless it names its own."""

    width: float
    opacity: float
    across: bool = False
    colour: str = ""


@dataclass(frozen=True)
class Pattern:
    """A square that repeats: its size in pixels, how strongly it is filled, what is drawn on it, how it is turned."""

    size: int
    opacity: float
    bars: Sequence[Bar] = ()
    dot: tuple[float, float] | None = None  # radius and opacity
    turn: int = 0  # degrees, beside the angle by which sides are told apart
    fill: str = ""  # a colour of its own


@dataclass(frozen=True)
class Status:
    """What a status is; sides, colours and outlines that it does not name are those of its side."""

    name: str  # as files, archives and the command line write it
    label: str  # in words, with ``{side}`` where the side is named
    pattern: Pattern  # on maps and in legends
    weight: float  # of the outline, in pixels
    dash: str
    qgis_fill: str
    qgis_opacity: float
    kml_opacity: float  # of the fill
    chart_dash: Sequence[float]  # of the line in charts, in multiples of its width; empty is a whole line
    colour: str = ""
    edge: str = ""
    has_side: bool = True  # False: ground of nobody, whose rows name no side
    is_held: bool = False  # what is asked for where no status is named; fronts, changes and bounds start from it
    widens_upper_bound: bool = False  # counts for the upper bound of what is held in the same country
    is_current: bool = True  # False: nobody disputes it any more; left out of headlines, charts and the first view
    shows_presence: bool = False  # a side of which a source draws such ground in a place is there
    tint: float = 0.0  # how strongly it is filled evenly, without pattern and outline; 0: it is never without
    overlap_rank: int = 9  # where classes of one source overlap, the lowest counts


# of held ground; dark pages and pictures have it stronger (map.css, themes.py)
HELD_FILL = 0.45
_TABLE: list[Status] = [
    Status(
        N_("held"), N_("Held by {side}"), Pattern(7, HELD_FILL, [Bar(1.1, 0.6)]), 1.6, "",
        qgis_fill="solid", qgis_opacity=0.45, kml_opacity=0.6, chart_dash=(),
        is_held=True, shows_presence=True, tint=HELD_FILL, overlap_rank=0,
    ),
    Status(
        N_("claimed"), N_("Claimed by {side}, not confirmed"), Pattern(11, 0.1, [Bar(1.6, 0.8)]), 1.6, "7 4",
        qgis_fill="f_diagonal", qgis_opacity=0.8, kml_opacity=1 / 3, chart_dash=(4, 2),
        shows_presence=True, overlap_rank=2,
    ),
    Status(
        N_("advance"), N_("Advance of {side}, assessed"),
        Pattern(7, 0.15, [Bar(0.7, 0.6)], dot=(1.5, 0.85)), 1.2, "2 3",
        qgis_fill="dense6", qgis_opacity=0.8, kml_opacity=0.4, chart_dash=(1, 1.2), overlap_rank=1,
    ),
    Status(
        N_("contested"), N_("Contested or unknown"),
        Pattern(8, 0.6, [Bar(0.8, 0.75, colour="#6b5410"), Bar(0.8, 0.75, across=True, colour="#6b5410")], turn=45),
        1.2, "4 3", qgis_fill="diagonal_x", qgis_opacity=0.9, kml_opacity=7 / 15, chart_dash=(3, 1.5, 1, 1.5),
        colour="#efc94c", edge="#8a6d1a", has_side=False, widens_upper_bound=True, overlap_rank=3,
    ),
    Status(
        N_("liberated"), N_("Liberated, {side}"), Pattern(10, 0.1, [Bar(0.7, 0.5, across=True)], turn=-45), 0.7, "",
        qgis_fill="b_diagonal", qgis_opacity=0.5, kml_opacity=4 / 15, chart_dash=(1.2, 2.2),
        is_current=False, overlap_rank=4,
    ),
]  # fmt: skip


class _Names(Sequence[str]):
    """The names in the table, in its order, as they are now."""

    @overload
    def __getitem__(self, i: int) -> str: ...
    @overload
    def __getitem__(self, i: slice) -> list[str]: ...
    def __getitem__(self, i: int | slice) -> str | list[str]:
        return [s.name for s in _TABLE][i]

    def __len__(self) -> int:
        return len(_TABLE)

    def __repr__(self) -> str:
        return repr(tuple(self))


STATUSES: Sequence[str] = _Names()


def status_of(name: str) -> Status:
    for status in _TABLE:
        if status.name == name:
            return status
    raise UsageError(unknown_statuses([name]))


def check_statuses(names: Iterable[str]) -> None:
    """Refuse names that are in no row."""
    unknown = sorted(set(names) - set(STATUSES))
    if unknown:
        raise UsageError(unknown_statuses(unknown))


def unknown_statuses(names: Sequence[str]) -> str:
    """What is said of statuses that are in no row."""
    return f"status {', '.join(names)} is unknown; the known ones: {', '.join(STATUSES)}"


def named(**wanted: bool) -> tuple[str, ...]:
    """The statuses that are all this, in order: ``named(is_held=True)``."""
    return tuple(s.name for s in _TABLE if all(getattr(s, key) is value for key, value in wanted.items()))


def class_order(key: Sequence[Any]) -> tuple[Any, ...]:
    """What classes are sorted by, everywhere: status, side, publication; what follows breaks ties."""
    side, status, *rest = key
    rank = STATUSES.index(status) if status in STATUSES else len(STATUSES)  # ground of several classes has no status
    return (rank, side_order(side), *(part or "" for part in rest))


def of_row(row: Mapping[str, Any]) -> Status:
    """The status of a row of figures."""
    return status_of(row["status"])


def register(status: Status, *, after: str | None = None) -> None:
    """Add a status to the table, last or after another, for as long as the program runs; it must be told apart."""
    if not re.fullmatch(r"[a-z][a-z_-]*", status.name):
        raise UsageError(f"status {status.name!r}: its name is written in small letters, - and _")
    if status.has_side != ("{side}" in status.label):
        raise UsageError(
            f"status {status.name}: its label {status.label!r} names {{side}} where it has a side, else not"
        )
    for name in ("name", "label", "pattern", "qgis_fill", "chart_dash"):
        for other in _TABLE:
            if _plain(getattr(other, name)) == _plain(getattr(status, name)):
                raise UsageError(
                    f"status {status.name}: its {name} is that of {other.name}: nobody could tell them apart"
                )
    _TABLE.insert(len(_TABLE) if after is None else STATUSES.index(status_of(after).name) + 1, status)


def _plain(value: Any) -> Any:
    """A value in which a list equals a tuple."""
    if isinstance(value, Pattern):
        return tuple(_plain(getattr(value, f.name)) for f in fields(value))
    return tuple(value) if isinstance(value, list | tuple) else value


@contextmanager
def registered(status: Status, *, after: str | None = None) -> Iterator[Status]:
    """A status that is in the table inside the ``with`` alone."""
    register(status, after=after)
    try:
        yield status
    finally:
        _TABLE.remove(status)


def stated_meaning(source: str, part: str, controller: str | None, status: str) -> str:
    """What the table says of this class alone; "" where it says nothing of it."""
    row = meant_by(source, part, controller, status)
    return row["meaning"] if row and row["status"] else ""


def meant_by(source: str, part: str, controller: str | None, status: str) -> dict[str, str] | None:
    """The row of the table of meanings (docs/formats.md) for a class."""
    for row in _meanings():
        fits = row["source"] == source and row["part"] in ("", part)
        if fits and row["controller"] in ("", controller or "") and row["status"] in ("", status):
            return row
    return None


def countries_of_class(source: str, part: str, controller: str | None, status: str) -> tuple[str, ...]:
    """The countries in which all ground of a class lies by its source's own word; none where it says nothing."""
    row = meant_by(source, part, controller, status)
    return tuple(row["country"].split()) if row else ()


NO_DOUBT = N_("the source shows no contested ground")


def shows_doubt(source: str, parts: Iterable[str], statuses: Iterable[str]) -> bool:
    """Whether a source has contested ground, in what it shows or by the table of what its classes mean."""
    named_there = {row["status"] for row in _meanings() if row["source"] == source and row["part"] in {"", *parts}}
    return not named_there.union(statuses).isdisjoint(named(widens_upper_bound=True))


@cache
def _meanings() -> list[dict[str, str]]:
    with (ASSETS / "classes" / "meanings.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
