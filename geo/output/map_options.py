"""The options that maps, pictures, timelines, briefings, moving pictures and sites share: names, defaults, meaning."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypedDict, TypeVar

from geo.archive.periods import in_days
from geo.archive.results import When
from geo.archive.shared_docs import DRAWING, PARAMETERS, complete, from_one_state
from geo.presentation.basemap import Box
from geo.presentation.language import current, in_language

P = ParamSpec("P")
T = TypeVar("T")
View = Box | Literal["changes", "ground", "unit", "all"]


class SharedKeywords(TypedDict, total=False):
    """The fields of `MapOptions` as keywords: those that every output has."""

    as_known_on: When | None
    within: str | None
    title: str | None
    lang: str
    colours: Mapping[str, str] | None
    draw_basemap: bool
    templates: str | Path | None
    liberated: bool | None
    patterns: bool
    event_type: str | Sequence[str] | None
    verification: str | Sequence[str] | None
    dataset: str | Sequence[str] | None
    settlements: str | None


class MapKeywords(SharedKeywords, total=False):
    source: str | None
    since: When | None
    incident_days: int | None
    with_front: bool
    view: View | None


# what an option means here where `DRAWING` says something else of it, or nothing
_OWN = {
    "source": ("str or None", "May be left out where the archive has one."),
    "since": (
        "str, date, datetime or None",
        "Draw what changed since this date, as a layer of its own, and say it in the figures.",
    ),
    "patterns": ("bool", "Hatch every class, as print in grey needs; else held and changed ground is filled evenly."),
    "incident_days": (
        "int or None",
        "Incidents of so many days up to the date; None is 1, in an archive of incidents alone 30.",
    ),
    "event_type": ("str, sequence of str or None", "Only incidents of this type or sub-type, as `Archive.incidents`."),
    "verification": ("str, sequence of str or None", "Only incidents of this verification; ``not stated`` is one."),
    "dataset": ("str, sequence of str or None", "Only incidents that were taken in under this name."),
    "settlements": (
        "str or None",
        "The source whose settlements are drawn, a dot each; None is the archive's only one, ``none`` leaves them out.",
    ),
    "liberated": (
        "bool or None",
        "Draw liberated ground and list it in the legend; None is yes, but not beside what changed `since` a date. "
        "Figures keep it.",
    ),
}


@dataclass(frozen=True, kw_only=True)
class MapOptions:
    """What is shown, and how; `shares_options` documents each in the docstrings of those that take it."""

    source: str | None = None
    since: When | None = None
    as_known_on: When | None = None
    within: str | None = None
    incident_days: int | None = None
    title: str | None = None
    lang: str = "en"
    colours: Mapping[str, str] | None = None
    draw_basemap: bool = True
    liberated: bool | None = None
    patterns: bool = False
    templates: str | Path | None = None
    with_front: bool = True
    view: View | None = None
    event_type: str | Sequence[str] | None = None
    verification: str | Sequence[str] | None = None
    dataset: str | Sequence[str] | None = None
    settlements: str | None = None

    @property
    def draws_liberated(self) -> bool:
        """Whether ground that was won back is drawn: beside what changed since a date it is another story."""
        return self.since is None if self.liberated is None else self.liberated

    def of_one_date(self, **changed: Any) -> MapOptions:
        """The same for one of several dates: what hangs on `since` is as all of them have it."""
        return replace(self, liberated=self.draws_liberated, **changed)

    @property
    def incidents(self) -> dict[str, Any]:
        """What narrows the incidents, as `Archive.incidents` takes it."""
        names = ("event_type", "verification", "dataset", "as_known_on")
        return {name: getattr(self, name) or None for name in names}  # the command line gives () for none


def shares_options(*without: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Give a function the options, but for those that it has no use for, in its signature and docstring."""

    def wrap(plain: Callable[P, T]) -> Callable[P, T]:
        draw = from_one_state(plain)
        whole = inspect.signature(draw)
        own = [p for p in whole.parameters.values() if p.kind is not p.VAR_KEYWORD]
        taken = [f for f in fields(MapOptions) if f.name not in (*without, *whole.parameters)]
        shared = [
            inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default, annotation=f.type)
            for f in taken
        ]
        signature = whole.replace(parameters=[*own, *shared])
        spoken = in_language(in_days(draw))
        spoken.__doc__ = complete(draw.__doc__, list(signature.parameters), PARAMETERS | DRAWING | _OWN)
        spoken.__signature__ = signature  # type: ignore[attr-defined]
        return spoken

    return wrap


def map_options(of: Callable[..., Any], given: Mapping[str, Any]) -> MapOptions:
    """The options that were given to a function which shares them."""
    known = inspect.signature(of).parameters
    for name in given:
        if name not in known:
            raise TypeError(f"{of.__name__}() got an unexpected keyword argument {name!r}")
    return MapOptions(**{"lang": current().code, **given})
