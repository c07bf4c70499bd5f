"""The headline: from figures to one true sentence, and what must be said with it where it would mislead alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import floor, log10
from typing import Any

from geo.presentation.labels import unit_label
from geo.presentation.language import N_, current, date_words, ngettext, number, signed
from geo.presentation.language import gettext as _
from geo.presentation.sides import side_of
from geo.schema import number_or_none
from geo.text.inflection import is_plural, of_place, subject

LEAST_KM2 = 0.05  # what rounds to less than 0.1 km² is no change
_WIDE = 0.05  # a range wider than this is said
# no more than 20: one form of Slavic languages is for 1 and for 21, and here it is written without its number
_MOST_WEEKS, _MOST_MONTHS = 12, 18
_SMALL = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What one source says of the ground that a side holds in a unit, and of the change since an earlier map."""

    source: str
    side: str
    unit: Mapping[str, Any] | None
    area_km2: float
    upper_km2: float
    day: date
    asked: date
    since: date | None = None
    asked_since: date | None = None
    net_km2: float | None = None
    against_km2: float = 0.0  # lost of a gain, gained of a loss
    before_km2: float = 0.0  # on the earlier map
    before_upper_km2: float = 0.0
    is_comparable: bool = True
    refused_km2: float = 0.0
    is_old: bool = False  # the map is much older than the date


@dataclass(frozen=True)
class Headline:
    """A sentence without a full stop, and the sentences that must follow it."""

    sentence: str
    doubts: Sequence[str] = ()

    def __str__(self) -> str:
        return " ".join([ended(f"{self.sentence}."), *self.doubts])


def ended(text: str) -> str:
    """A sentence with one full stop, also after a date that ends in one."""
    return text.removesuffix(".") if text.endswith("..") else text


def headline(figures: Sequence[Figures]) -> Headline:
    """The headline of one side's ground in one unit, by one source or several."""
    first = figures[0]
    nets = [f.net_km2 for f in figures if f.net_km2 is not None and f.since != f.day and f.is_comparable]
    agree = bool(nets) and len(nets) == len(figures) and (min(nets) >= -LEAST_KM2 or max(nets) <= LEAST_KM2)
    values = _values(figures, nets if agree else [])
    text = _sentence(figures, nets, values) if agree else _said("holds", figures, values)
    if len(figures) > 1 and (_is_range([f.area_km2 for f in figures]) or (agree and _is_range(list(map(abs, nets))))):
        text = _("{sentence}, by source", sentence=text)
    # what contested ground adds is said of an area, not of a gain
    has_area = not agree or max(nets) <= LEAST_KM2
    doubts = _change_doubts(figures, told=agree) if first.since else []
    doubts += _state_doubts(figures, has_area=has_area)
    return Headline(_capital(text), tuple(dict.fromkeys(doubts)))


def weight(figures: Figures) -> float:
    """By what the side and the unit of a headline are chosen: what changed, else what is held."""
    if figures.since is None:
        return figures.area_km2
    return abs(figures.net_km2 or 0.0) + 1e-9 * figures.area_km2


def side_figures(
    whole: Figures, areas: Sequence[Mapping[str, Any]], moved: Sequence[Mapping[str, Any]],
    units: Mapping[str, Mapping[str, Any]] | None = None, *, before: Sequence[Mapping[str, Any]] = (),
) -> list[Figures]:  # fmt: skip
    """Figures of every side, and unit, of held ground; of several publications of a source that with most ground."""
    found: dict[tuple[str, str | None], Figures] = {}
    for row, kind in [*((r, "before") for r in before), *((r, "now") for r in areas), *((r, "change") for r in moved)]:
        if row["controller"] is None or (units and row["unit"] not in units):
            continue
        key = (row["controller"], row["unit"] if units else None)
        unit = (units or {}).get(row["unit"], whole.unit)
        one = found.get(key) or replace(whole, side=row["controller"], unit=unit)
        upper = max(row["area_km2"], number_or_none(row["upper_km2"]) or 0.0) if kind != "change" else 0.0
        if kind == "before" and row["area_km2"] >= one.before_km2:
            one = replace(one, before_km2=row["area_km2"], before_upper_km2=upper)
        if kind == "now" and row["area_km2"] >= one.area_km2:
            one = replace(one, area_km2=row["area_km2"], upper_km2=upper)
        net = (number_or_none(row.get("net_km2")) or 0.0) if kind == "change" else 0.0
        if kind == "change" and row.get("net_km2") is not None and abs(net) >= abs(one.net_km2 or 0.0):
            against = row["lost_km2"] if net > 0 else row["gained_km2"]
            one = replace(one, net_km2=net, against_km2=number_or_none(against) or 0.0)
        found[key] = one
    return [f for f in found.values() if f.area_km2 >= LEAST_KM2 or abs(f.net_km2 or 0.0) >= LEAST_KM2]


def no_ground(unit: Mapping[str, Any] | None, side: str | None) -> Headline:
    """Where the map shows none."""
    if side is None:
        text = _("the map shows no ground held by a side")
    else:
        text = _("the map shows no ground held by this side ({side})", side=side_of(side).label)
    if unit is not None:
        return Headline(_capital(_("{place}: {sentence}", place=unit_label(unit), sentence=text)))
    return Headline(_capital(text))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _values(figures: Sequence[Figures], nets: Sequence[float]) -> dict[str, str]:
    """What stands in the sentences."""
    first, lang = figures[0], current().code
    label = side_of(first.side).label
    side = subject(label, lang)
    values = {"side": side, "sides": side, "name": label, "plural": "yes" if is_plural(label, lang) else ""}
    values["area"] = _area(_range([f.area_km2 for f in figures]), first.unit)
    values["change"] = _("{n} km²", n=_range(list(map(abs, nets)))) if nets else ""
    values["gain"] = _area(_range(list(map(abs, nets))), first.unit) if nets else ""
    values["place"] = "" if first.unit is None else unit_label(first.unit)
    if first.since is not None:
        values["span"], values["then"] = _span(first.since, first.day), _then(first.since, first.day)
        values["date"] = date_words(first.since)
    return values


def _area(n: str, unit: Mapping[str, Any] | None) -> str:
    """ "427 km² of Kursk region", or without the region where its name has no form for it."""
    place = None if unit is None else of_place(unit_label(unit), current().code)
    return _("{n} km²", n=n) if place is None else _("{n} km² of {place}", n=n, place=place)


def _sentence(figures: Sequence[Figures], nets: Sequence[float], values: Mapping[str, str]) -> str:
    """What changed since the earlier map."""
    most, least = max(nets), min(nets)
    if max(abs(most), abs(least)) < LEAST_KM2:
        is_quiet = max(f.against_km2 for f in figures) < LEAST_KM2
        return _said("unchanged" if is_quiet else "as much", figures, values)
    if most > LEAST_KM2:
        is_net = any(rounded(net + f.against_km2) != rounded(net) for f, net in zip(figures, nets, strict=True))
        return _said("gained net" if is_net else "gained", figures, values)
    return _said("lost all" if max(f.area_km2 for f in figures) < LEAST_KM2 else "less", figures, values)


# what is said of a side, and of one whose name is plural
_SENTENCES = {
    "holds": (N_("{side} holds {area}"), N_("{sides} hold {area}")),
    "unchanged": (N_("{side} holds {area}, no change {span}"), N_("{sides} hold {area}, no change {span}")),
    "as much": (N_("{side} holds {area}, as much as {then}"), N_("{sides} hold {area}, as much as {then}")),
    "less": (
        N_("{side} holds {area}, {change} less than {then}"), N_("{sides} hold {area}, {change} less than {then}"),
    ),
    "gained": (N_("{side} gained {gain} {span}"), N_("{sides} gained {gain} {span}")),
    "gained net": (N_("{side} gained a net {gain} {span}"), N_("{sides} gained a net {gain} {span}")),
    "lost all": (
        N_("{side} holds nothing any more of the {gain} that it held {then}"),
        N_("{sides} hold nothing any more of the {gain} that they held {then}"),
    ),
}  # fmt: skip


def _said(what: str, figures: Sequence[Figures], values: Mapping[str, str]) -> str:
    """A sentence with its place before it, where the place does not stand in it."""
    text = _(_SENTENCES[what][bool(values["plural"])], **values)
    if figures[0].unit is None or of_place(values["place"], current().code) is not None:
        return text
    return _("{place}: {sentence}", place=values["place"], sentence=text)


def _change_doubts(figures: Sequence[Figures], *, told: bool) -> list[str]:
    """Why a change is not told, and the age of the map that it is counted from."""
    first = figures[0]
    assert first.since is not None
    if not told:
        if any(not f.is_comparable for f in figures):
            return [
                _("The change since {date} is not known: the maps are not comparable.", date=date_words(first.since))
            ]
        if any(f.since == f.day for f in figures):
            return [_("There is no other map since {date}.", date=date_words(first.since))]
        return [_("Whether that is more or less than on {date} depends on the source.", date=date_words(first.since))]
    doubts = [*_gross_doubts(first), *_contested_doubts(first)] if len(figures) == 1 else []
    if first.asked_since is not None and first.since < first.asked_since:
        doubts.append(_last_map(first.asked_since, first.since))
    return doubts


def _gross_doubts(figures: Figures) -> list[str]:
    """What was gained and lost, where much of both makes a small change."""
    net = figures.net_km2 or 0.0
    least = _WIDE * figures.area_km2 if abs(net) < LEAST_KM2 else abs(net)
    if figures.against_km2 <= max(least, LEAST_KM2):
        return []
    more, less = rounded(figures.against_km2 + abs(net)), rounded(figures.against_km2)
    gained, lost = (more, less) if net > 0 else (less, more)
    return [_("{gained} km² were gained and {lost} km² lost.", gained=gained, lost=lost)]


def _contested_doubts(figures: Figures) -> list[str]:
    """The change with contested ground, where that makes another one of it."""
    net = figures.net_km2 or 0.0
    if abs(figures.area_km2 - net - figures.before_km2) > 1:  # the earlier area is of another publication
        return []
    other = figures.upper_km2 - figures.before_upper_km2
    if abs(other - net) < max(abs(net) / 2, _WIDE * figures.area_km2 if abs(net) < LEAST_KM2 else 1.0):
        return []
    change = signed(*_significant(other))
    return [_("With contested ground counted on both dates the change is {n} km².", n=change)]


def _state_doubts(figures: Sequence[Figures], *, has_area: bool) -> list[str]:
    """What leaves the area open: contested ground, ground that was refused, a map that is old."""
    found = []
    upper = max(f.upper_km2 for f in figures)
    if has_area and len(figures) == 1 and upper > (1 + _WIDE) * figures[0].area_km2 + LEAST_KM2:
        found.append(_("With contested ground it is up to {n} km².", n=rounded(upper)))
    refused = max(f.refused_km2 for f in figures)
    if refused > _WIDE / 5 * max(f.area_km2 for f in figures):
        found.append(_("{n} km² of the map could not be read.", n=rounded(refused)))
    found += [_last_map(f.asked, f.day) for f in figures if f.is_old]
    return found


def _last_map(asked: date, day: date) -> str:
    return ended(_("The last map before {asked} is of {date}.", asked=date_words(asked), date=date_words(day)))


def _is_range(values: Sequence[float]) -> bool:
    return rounded(min(values)) != rounded(max(values))


def _range(values: Sequence[float]) -> str:
    low, high = rounded(min(values)), rounded(max(values))
    return low if low == high else _("{low} to {high}", low=low, high=high)


def rounded(km2: float) -> str:
    """Square kilometres as a newsroom gives them: three significant digits, one decimal below 10."""
    return number(*_significant(km2))


def _significant(km2: float) -> tuple[float, int]:
    """A figure with its three significant digits, and its decimals."""
    if abs(km2) < 10:
        return (km2, 1) if abs(km2) >= LEAST_KM2 else (0.0, 0)
    return round(km2, min(0, 2 - floor(log10(abs(km2))))), 0


def _steps(first: date, last: date) -> tuple[str, int]:
    """Days as whole weeks, months or a few days, in which a reader counts; "" where a date says it better."""
    days = (last - first).days
    months = 12 * (last.year - first.year) + last.month - first.month
    if days % 7 == 0 and 0 < days <= 7 * _MOST_WEEKS:
        return "week", days // 7
    if first.day == last.day and 0 < months <= _MOST_MONTHS:
        return "month", months
    return ("day", days) if 0 < days < 14 else ("", 0)


def _span(first: date, last: date) -> str:
    """In how long, or since when."""
    unit, n = _steps(first, last)
    said = {"n": _SMALL[n]} if current().code == "en" and 0 < n < len(_SMALL) else {}
    if unit == "week":
        return ngettext("in one week", "in {n} weeks", n, **said)
    if unit == "month":
        return ngettext("in one month", "in {n} months", n, **said)
    if unit == "day":
        return ngettext("in one day", "in {n} days", n, **said)
    return _("since {date}", date=date_words(first))


def _then(first: date, last: date) -> str:
    """How long before, or when."""
    unit, n = _steps(first, last)
    said = {"n": _SMALL[n]} if current().code == "en" and 0 < n < len(_SMALL) else {}
    if unit == "week":
        return ngettext("one week earlier", "{n} weeks earlier", n, **said)
    if unit == "month":
        return ngettext("one month earlier", "{n} months earlier", n, **said)
    if unit == "day":
        return ngettext("one day earlier", "{n} days earlier", n, **said)
    return _("on {date}", date=date_words(first))
