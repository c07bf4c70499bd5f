"""The options that maps, pictures, timelines, briefings, moving pictures and sites share: names, defaults, meaning."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
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
    liberated: bool
    patterns: bool


class MapKeywords(SharedKeywords, total=False):
    source: str | None
    since: When | None
    incident_days: int
    with_front: bool
    view: View | None


# what an option means here where `DRAWING` says something else of it, or nothing
_OWN = {
    "source": ("str or None", "May be left out where the archive has one."),
    "since": (
        "str, date, datetime or None",
        "Draw what changed since this date, as a layer of its own, and say it in the figures.",
    ),
    "patterns": ("bool", "Hatch every class, as print in grey needs; else only ground in doubt is."),
    "liberated": ("bool", "False leaves liberated ground out of maps and legends; figures keep it."),
}


@dataclass(frozen=True, kw_only=True)
class MapOptions:
    """What is shown, and how; `shares_options` documents each in the docstrings of those that take it."""

    source: str | None = None
    since: When | None = None
    as_known_on: When | None = None
    within: str | None = None
    incident_days: int = 1
    title: str | None = None
    lang: str = "en"
    colours: Mapping[str, str] | None = None
    draw_basemap: bool = True
    liberated: bool = True
    patterns: bool = False
    templates: str | Path | None = None
    with_front: bool = True
    view: View | None = None


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
