"""What the questions to an archive share in their docstrings: each parameter and error is described here, once.

A question documents what is its own; `documented` adds the other parameters of its signature, and the meaning of every
error that is named without one. ``help(Archive.area)`` and the web pages show the whole.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

if TYPE_CHECKING:
    from geo.archive.queries import ArchiveBase

PARAMETERS = {
    "date": ("str, date, datetime or None", "A day, answered by its last snapshot, or an instant (ISO 8601, UTC where"
             " no zone is given); None is the last snapshot there is."),
    "from_": ("str, date or datetime", "The earlier date: a day, answered by its last snapshot, or an instant."),
    "to": ("str, date or datetime", "The later date, in the same way."),
    "source": ("str or None", "Whose maps; may be left out where the archive has control by one source."),
    "sources": ("sequence of str", "Two sources or more."),
    "controller": ("str or None", "Keep to this side."),
    "status": ("str, sequence of str or None", "Keep to these classes: ``held``, ``claimed``, ``advance``,"
               " ``contested``, ``liberated``."),
    "within": ("str, shapely geometry or None", "Keep to what lies inside: a unit's code or name, or an areal geometry"
               " in degrees (EPSG:4326)."),
    "by": ('{"unit", "native"} or None', "A row for every administrative unit, or for every class of the"
           " source's own."),
    "level": ("int or None", "Level of the units with ``by=\"unit\"``: 0 countries, 1 their first division; None is the"
              " finest that the archive has where the ground is."),
    "boundary": ("str or None", "Which boundary set the units are of; None is the last taken in."),
    "base": ("str, date, datetime or None", "The date whose area a percentage is of; None is `from_`."),
    "as_known_on": ("str, date, datetime or None", "What the archive said at that moment; None is now."),
    "max_age_days": ("float or None", "Refuse a snapshot that is older than this on the date."),
    "accuracy_km": ("float or None", "How far the source's drawn lines may be off, in km; None is what its record says"
                    " (`set_accuracy`), if anything."),
    "tolerance_km": ("float", "By how much the line is simplified before it is measured (Douglas and Peucker), in km."),
    "inset_km": ("float", "How far inside border and coast a line must lie to count as front, in km."),
    "places": ("geopandas.GeoDataFrame", "Settlements: a column ``name``, and points in EPSG:4326, as"
               " `geo.measure.settlements.read_places` reads them."),
    "take": ("mapping or None", "Source to the status (and publication: ``claimed/kursk-advance``) that stands for the"
             " class in this source; the difference is named in every row."),
}  # fmt: skip

# of maps, pictures, charts and briefings, which are drawn from an archive
DRAWING = {
    "archive": ("Archive", "What to draw from."),
    "since": ("str, date, datetime or None", "Draw what changed since this date, and say it in the figures."),
    "within": ("str or None", "The unit to show, by code or name; None shows the ground and the incidents near it."),
    "incident_days": ("int", "Incidents of so many days up to the date."),
    "title": ("str or None", "What stands above it."),
    "lang": ('{"en", "uk", "ru"}', "Language of place names."),
    "colours": ("mapping or None", "Controller to ``#rrggbb``; the palette of `geo.presentation.statuses` otherwise."),
    "view": ('(west, south, east, north), "all", "changes" or None', "Degrees in EPSG:4326; everything there is,"
             " incidents far off too; the ground that changed since `since`; what the dated page shows first."),
    "shape": ('{"slide", "square", "column"}', "1920 × 1080 pixels, 1080 × 1080, or 1125 pixels (95 mm) wide and as"
              " high as it needs to be."),
    "theme": ('{"light", "dark"}', "Colours of the paper and the ground; the sides keep theirs."),
    "draw_basemap": ("bool", "False leaves the ground blank."),
    "with_front": ("bool", "Draw where held ground ends away from border and coast; False takes half the time."),
    "templates": ("str, pathlib.Path or None", "A folder of a desk's own templates, which stand before ours."),
    "progress": ("callable or None", "Called with (done, of how many, date)."),
}  # fmt: skip

ERRORS = {
    "ArchiveError": "The file is not there, is no archive, is damaged, or is of a newer version of geo-control.",
    "GateError": "A date cannot be read.",
    "NoSnapshotError": "No snapshot depicts the date or an earlier one, or only one that is too old.",
    "SourceError": "Several sources are there and none is named, or the one named is not in the archive.",
    "UnitError": "A unit or a boundary set is unknown, or a name fits several units.",
    "UsageError": "A side, a status or another value is unknown, or a number is out of its range.",
}


A = TypeVar("A")
R = TypeVar("R", bound="ArchiveBase")
P = ParamSpec("P")
T = TypeVar("T")
_SECTION = re.compile(r"^(\w+)\n-{3,}\n", re.MULTILINE)
_ENTRY = re.compile(r"^(?=\S)", re.MULTILINE)


def described(draw: Callable[P, T]) -> Callable[P, T]:
    """A function that draws from an archive with the docstring that its readers see."""
    draw.__doc__ = complete(draw.__doc__, list(inspect.signature(draw).parameters), PARAMETERS | DRAWING)
    return draw


def documented(method: Callable[Concatenate[A, P], T]) -> Callable[Concatenate[A, P], T]:
    """A method of `Archive` with the docstring that its readers see."""
    method.__doc__ = complete(method.__doc__, list(inspect.signature(method).parameters)[1:])
    method.__module__, method.__qualname__ = "geo.archive", f"Archive.{method.__name__}"
    return method


def consistent_read(method: Callable[Concatenate[R, P], T]) -> Callable[Concatenate[R, P], T]:
    """A documented method that is answered from one state of the archive, in which nothing is read twice."""

    @wraps(documented(method))
    def answer(self: R, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with self.store.holding():
            return method(self, *args, **kwargs)

    return answer


def complete(doc: str | None, names: list[str], shared: Mapping[str, tuple[str, str]] = PARAMETERS) -> str | None:
    """A docstring with the shared parameters among these names, in their order, and with the meaning of its errors."""
    if doc is None:  # python -OO
        return None
    summary, *rest = _SECTION.split(inspect.cleandoc(doc) + "\n")
    sections = {title: body.strip("\n") for title, body in zip(rest[::2], rest[1::2], strict=True)}
    own = {name: entry for entry in _entries(sections.pop("Parameters", "")) for name in _heads(entry)}
    shown = [own.get(name) or _shared(name, shared) for name in names]
    raised = [text for entry in _entries(sections.pop("Raises", "")) for text in _errors(entry)]
    answers = {title: sections.pop(title, "") for title in ("Returns", "Yields")}
    whole = {"Parameters": "\n".join(dict.fromkeys(shown)), **answers, "Raises": "\n".join(raised), **sections}
    texts = [f"{title}\n{'-' * len(title)}\n{body}" for title, body in whole.items() if body]
    return "\n\n".join([summary.strip(), *texts]) + "\n"


def _entries(body: str) -> list[str]:
    return [entry.rstrip() for entry in _ENTRY.split(body) if entry.strip()]


def _heads(entry: str) -> list[str]:
    return [name.strip().lstrip("*") for name in entry.split("\n")[0].split(" : ")[0].split(",")]


def _errors(entry: str) -> list[str]:
    """An error with its own meaning, or a list of names with the shared ones."""
    return [entry] if "\n" in entry else [f"{e}\n    {_folded(ERRORS[e])}" for e in entry.split(", ")]


def _shared(name: str, shared: Mapping[str, tuple[str, str]]) -> str:
    kind, text = shared[name]
    return f"{name} : {kind}\n    {_folded(text)}"


def _folded(text: str) -> str:
    return "\n    ".join(textwrap.wrap(text, 100))
