"""The words of dates of each language, from ``assets/text``, and the patterns that find dates by them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from geo.text.languages import any_of, by_form, cached_words, forms, plain, word_list

_UNITS = ("hour", "day", "week", "month", "year")
_DASH = r"\s?[-–—]\s?"
# after digits, these make them a figure and no day
_FIGURES = "%|percent|square|sq|km|million|кв|тис|тыс|млн|процент|відсот"


@dataclass(frozen=True)
class DateWords:
    """The words of dates of one language, and its patterns, the most explicit first."""

    months: Mapping[str, int]
    weekdays: Mapping[str, int]
    ordinals: Mapping[str, int]
    days: Mapping[str, int]
    units: Mapping[str, str]
    month_parts: Mapping[str, str]
    capital: frozenset[str]
    few: re.Pattern[str]
    since: re.Pattern[str]
    singles: frozenset[str]
    patterns: Sequence[tuple[str, re.Pattern[str]]]


@cached_words
def date_words(lang: str) -> DateWords:
    table = word_list(lang, "dates")
    undated, units = table.get("undated", {}), table.get("units", {})
    days = [(words, int(n)) for n, words in table.get("days", {}).items()]
    parts = [(table.get(part, ""), part) for part in ("early", "mid", "late")]
    return DateWords(
        months=by_form((words, n) for n, words in enumerate(table["months"], start=1)),
        weekdays=by_form((words, n) for n, words in enumerate(table["weekdays"])),
        ordinals=by_form((words, n) for n, words in enumerate(table.get("ordinals", ()), start=1)),
        days=by_form(days),
        units=by_form((units.get(unit, ""), unit) for unit in _UNITS),
        month_parts=by_form(parts),
        capital=frozenset(forms(table.get("capital", ""))),
        few=re.compile(any_of(table.get("few", "")), re.IGNORECASE),
        since=re.compile(rf"{any_of(table.get('since', ''))}\s+$", re.IGNORECASE),
        singles=frozenset(map(plain, forms(units.get("span_only", "")))),
        patterns=tuple((kind, re.compile(p, re.IGNORECASE)) for kind, p in _patterns(table, undated, units)),
    )


def _patterns(
    table: Mapping[str, Any], undated: Mapping[str, str], units: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """What a language writes, in the order in which it is tried."""
    month, weekday = any_of(*table["months"]) + r"\.?", any_of(*table["weekdays"])
    endings = "|".join(map(re.escape, forms(table.get("number_endings", ""))))
    number = rf"(?<![\w.,])(?:\d{{1,2}}(?:{endings})?(?!\w)|{any_of(*table.get('ordinals', ()))})"
    of = rf"(?:\s+{any_of(table['of'])})?[\s-]+" if table.get("of") else r"[\s-]+"
    year_words = rf"(?:\s*{any_of(table['year_words'])})?" if table.get("year_words") else ""
    between = rf"(?:,?\s+(?:{any_of(table.get('of', ''))}\s+)?|-)"
    year = rf"(?:{between}(?P<year>(?:19|20)\d\d|['’]\d\d)(?!\d|[-.,]\d){year_words})?"
    to = rf"(?:{_DASH}|\s+{any_of(table['range'])}(?:\s+the)?\s+)"
    unit = any_of(*(words for unit, words in units.items() if unit in _UNITS))
    # any words: whether they are a number is seen when they are read
    words = r"(?:[^\W\d_]+[\s-]+)?[^\W\d_]+"
    count = rf"(?:(?P<count>(?<![\d.,])\d{{1,3}}|{any_of(table.get('few', ''))}|(?<!\w){words})\s+)"
    single = any_of(units.get("span_only", ""))
    no_figure = r"(?!\d|[.,]\d|\s*(?:%|percent|square|sq|km|кв))"
    yield "range", rf"(?P<first>{number}){to}(?P<last>{number}){of}(?P<month>{month}){year}"
    yield "range", rf"(?P<month>{month})\s+(?P<first>\d{{1,2}}){to}(?P<last>\d{{1,2}}){no_figure}{year}"
    yield "day", rf"(?P<day>{number}){of}(?P<month>{month}){year}"
    yield "day", rf"(?P<month>{month})\s+(?:the\s+)?(?P<day>\d{{1,2}})(?:{endings or '(?!)'})?{no_figure}{year}"
    short = r"(?P<short>\d{1,2}\.\d\d|\d{1,2}/\d{1,2})"
    yield "short", rf"{any_of(table.get('on', ''))}\s+{short}(?![\d./]|\s*(?:{_FIGURES}))"
    yield "misspelled", r"(?<![\w.,])\d{1,2}\s+(?P<word>[^\W\d_]{3,12})(?:\s+(?P<year>20\d\d)(?!\d))?"
    yield "misspelled", r"(?P<word>[^\W\d_]{3,12})\s+\d{1,2},?\s+(?P<year>20\d\d)(?!\d)"
    yield "ago", rf"{count}(?P<unit>{unit})\s+{any_of(table.get('ago', ''))}"
    yield "ago", rf"(?P<unit>{unit})\s+{any_of(table.get('ago', ''))}"
    yield "relative", any_of(*table.get("days", {}).values())
    yield "before", any_of(table.get("before", {}).get("words", ""))
    yield "past", rf"{any_of(table.get('past', ''))}\s*(?:{count})?(?P<unit>{unit})"
    yield "past", rf"{any_of(table.get('within', ''))}\s+(?P<unit>{single})"
    yield "within", rf"{any_of(table.get('within', ''))}\s+{count}(?P<unit>{unit})"
    yield "season", rf"{any_of(undated.get('season', ''))}{of.replace('+', '*')}(?:20\d\d(?!\d)){year_words}"
    yield "coarse", any_of(undated.get("coarse", ""))
    yield "last year", any_of(table.get("last_year", ""))
    which = f"(?P<last>{any_of(table['last'])})|(?P<this>{any_of(table['this'])})|{any_of(table.get('next', ''))}"
    yield "calendar", rf"(?:{which})\s+(?P<unit>{unit})"
    yield "loose", any_of(*table.get("loose", {}).values())
    ahead = rf"(?:(?P<next>{any_of(table.get('next', ''))})|(?P<last>{any_of(table['last'])}))\s+"
    yield "weekday", rf"(?:{ahead})?(?P<weekday>{weekday})"
    part = any_of(*(table.get(p, "") for p in ("early", "mid", "late")))
    inside = any_of(table.get("in", ""))
    yield "month", rf"(?:(?P<in>{inside})[\s-]+)?(?:(?P<part>{part})[\s-]+(?:of\s+)?)?(?P<month>{month}){year}"
    yield "year", rf"{inside}\s+(?P<year>(?:19|20)\d\d)(?![\d.,-]*\d|\s*(?:square|sq|km|кв|%)){year_words}"
    yield "undated", any_of(undated.get("words", ""))
