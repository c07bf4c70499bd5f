"""How pages, pictures and documents say a date, a figure, a class, a unit, a front line, and whom to credit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from geo.assets import ASSETS
from geo.presentation.language import current, date_words, gettext, isolated, number, signed
from geo.presentation.sides import side_of
from geo.presentation.statuses import of_row, stated_meaning, status_of
from geo.schema import is_day, text_or_none, to_instant
from geo.units import read_table

if TYPE_CHECKING:
    from geo.archive.results import When

_UNIT_NAMES = ASSETS / "names" / "unit_names.csv"
_ENGLISH = ((re.compile(r" Oblast$"), " region"), (re.compile(r"^Autonomous Republic of "), ""))


def written(when: When) -> str:
    """A date in words: 11 January 2025; an instant with its time in UTC."""
    moment = to_instant(when)
    return date_words(moment.date() if is_day(when) else moment)


def sentence(note: str) -> str:
    return f"{note[:1].upper()}{note[1:].rstrip('. ')}."


def sliver_words(rows: Sequence[Mapping[str, Any]], place: str) -> str:
    """What was left out of a map's or a briefing's headlines, in km²; "" where nothing was."""
    named = [gettext(", ").join((row_label(row), area(row["area_km2"]))) for row in rows if of_row(row).is_current]
    if not named:
        return ""
    return gettext(
        "Left out of the key figures{place}: {classes}. Slivers this small (under 5 km² and under 1 ‰ of the"
        " unit) are mostly strips along a border that two maps draw differently",
        place=place, classes=gettext("; ").join(named),
    )  # fmt: skip


def figure(km2: float) -> str:
    """Square kilometres as people read them: one decimal below 1,000."""
    return number(km2, _decimals(km2))


def _decimals(km2: float) -> int:
    return 0 if abs(km2) >= 1000 else 1


def km2_cell(km2: float | None, *, plus: bool = False) -> str:
    """Square kilometres as a table has them, of a change with its sign; a dash where they are not known."""
    if km2 is None or km2 != km2:
        return "–"
    return signed(km2, _decimals(km2)) if plus else figure(km2)


def area(km2: float) -> str:
    """Square kilometres with their unit."""
    return gettext("{km2} km²", km2=figure(km2))


def place_words(unit: Mapping[str, Any]) -> str:
    """Where something is, to be put after what it is: " in Kursk region"."""
    return gettext(" in {unit}", unit=unit_label(unit))


def unit_name(code: str, name: str) -> str:
    """What a unit is called in the language that is spoken; a unit of which that is not known, by its own name."""
    return unit_label({"unit": code, "name": name})


def class_key(row: Mapping[str, Any]) -> tuple[str | None, str, str]:
    """The class of a row, as `class_label` takes it: side, status, publication of the source."""
    return text_or_none(row["controller"]), row["status"], row.get("part") or ""


def class_label(controller: str | None, status: str, part: str = "") -> str:
    """A class in words, with the publication of its source that it is from, where there are several."""
    row = status_of(status)
    label = gettext(row.label)
    label = label.format(side=isolated(side_of(controller).label)) if controller and row.has_side else label
    return f"{label} ({part.replace('-', ' ')})" if part else label


def class_words(controller: str | None, status: str, part: str = "") -> str:
    """A class as tables of figures name it, "UA held"; in other languages as labels do."""
    if current().code != "en":
        return class_label(controller, status, part)
    return f"{controller or ''} {status}".strip() + (f" ({part})" if part else "")


def row_label(row: Mapping[str, Any]) -> str:
    """The class of a row in words."""
    return class_label(*class_key(row))


def credit_line(credit: Mapping[str, str]) -> str:
    """Whom to credit, under which licence, where."""
    whom, licence = credit["attribution"] or credit["title"], credit["licence"]
    return ", ".join(t for t in (gettext(whom), gettext(licence), credit["url"]) if t)


def dataset_members(credit: Mapping[str, Any]) -> dict[str, Any]:
    """A source as schema.org's Dataset; what is not known has no member, and a licence in words is a work's name."""
    told = {"name": credit.get("title") or credit["name"], "alternateName": credit["name"], "url": credit.get("url"),
            "creditText": credit.get("attribution")}  # fmt: skip
    licence = {"license": {"@type": "CreativeWork", "name": credit["licence"]}} if credit.get("licence") else {}
    return {"@type": "Dataset", **{name: value for name, value in told.items() if value}, **licence}


def meaning_words(source: str, figures: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the source means by each class that has ground."""
    told = []
    for row in figures:
        side, status, part = class_key(row)
        meaning = stated_meaning(source, part, side, status)
        if meaning and row["area_km2"]:
            told.append(f"{class_label(side, status, part)}: {gettext(meaning)}")
    return told


@cache
def _names() -> Mapping[str, Mapping[str, str]]:
    return {row["unit"]: row for row in read_table(_UNIT_NAMES)}


def unit_label(unit: Mapping[str, Any]) -> str:
    """The name of a unit (its row) in the language that is spoken; its own name where none is known."""
    code, lang = text_or_none(unit["unit"]) or "", current().code
    if lang == "en":
        name = str(unit["name"])
        for pattern, words in _ENGLISH:
            name = pattern.sub(words, name)
        return name
    return _names().get(code, {}).get(lang) or _country(code) or str(unit["name"])


def _country(code: str) -> str | None:
    """What CLDR calls a country."""
    from babel import Locale

    return Locale.parse(current().locale).territories.get(code)
