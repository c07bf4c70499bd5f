"""The options that maps, pictures, timelines, briefings, moving pictures and sites share: names, defaults, meaning."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypedDict, TypeVar

from geo.archive.shared_docs import DRAWING, PARAMETERS, complete

if TYPE_CHECKING:
    from geo.archive.results import When

P = ParamSpec("P")
T = TypeVar("T")


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


class MapKeywords(SharedKeywords, total=False):
    """The fields of `MapOptions` as keywords."""

    source: str | None
    since: When | None
    incident_days: int
    with_front: bool


def _meant(kind: str, text: str) -> dict[str, tuple[str, str]]:
    return {"doc": (kind, text)}


@dataclass(frozen=True, kw_only=True)
class MapOptions:
    """What is shown, and how; each field says what it means in the docstring of every function that takes it."""

    source: str | None = field(
        default=None, metadata=_meant("str or None", "May be left out where the archive has one.")
    )
    since: When | None = field(
        default=None,
        metadata=_meant(
            "str, date, datetime or None",
            "Draw what changed since this date, as a layer of its own, and say it in the figures.",
        ),
    )
    as_known_on: When | None = field(
        default=None,
        metadata=_meant("str, date, datetime or None", "What the archive said at that moment; None is now."),
    )
    within: str | None = field(
        default=None,
        metadata=_meant(
            "str or None", "The unit to show, by code or name; None shows the ground and the incidents near it."
        ),
    )
    incident_days: int = field(default=1, metadata=_meant("int", "Incidents of so many days up to the date."))
    title: str | None = field(default=None, metadata=_meant("str or None", "What stands above it."))
    lang: str = field(default="en", metadata=_meant('{"en", "uk", "ru"}', "Language of place names."))
    colours: Mapping[str, str] | None = field(
        default=None,
        metadata=_meant(
            "mapping or None", "Controller to ``#rrggbb``; the palette of `geo.presentation.statuses` otherwise."
        ),
    )
    draw_basemap: bool = field(default=True, metadata=_meant("bool", "False leaves the ground blank."))
    liberated: bool = field(
        default=True, metadata=_meant("bool", "False leaves liberated ground out of maps and legends; figures keep it.")
    )
    templates: str | Path | None = field(
        default=None,
        metadata=_meant("str, pathlib.Path or None", "A folder of a desk's own templates, which stand before ours."),
    )
    with_front: bool = field(
        default=True,
        metadata=_meant("bool", "Draw where held ground ends away from border and coast; False takes half the time."),
    )


def shares_options(*without: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Give a function the options, but for those that it has no use for, in its signature and docstring."""

    def wrap(draw: Callable[P, T]) -> Callable[P, T]:
        whole = inspect.signature(draw)
        own = [p for p in whole.parameters.values() if p.kind is not p.VAR_KEYWORD]
        taken = [f for f in fields(MapOptions) if f.name not in (*without, *whole.parameters)]
        shared = [
            inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default, annotation=f.type)
            for f in taken
        ]
        signature = whole.replace(parameters=[*own, *shared])
        meant = PARAMETERS | DRAWING | {f.name: f.metadata["doc"] for f in fields(MapOptions)}
        draw.__doc__ = complete(draw.__doc__, list(signature.parameters), meant)
        draw.__signature__ = signature  # type: ignore[attr-defined]
        return draw

    return wrap


def map_options(of: Callable[..., Any], given: Mapping[str, Any]) -> MapOptions:
    """The options that were given to a function which shares them."""
    known = inspect.signature(of).parameters
    for name in given:
        if name not in known:
            raise TypeError(f"{of.__name__}() got an unexpected keyword argument {name!r}")
    return MapOptions(**given)
