"""The lines and bars of a chart: classes in their order, colours and dashes, scales, and where a line breaks off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

import pandas as pd

from geo.presentation.labels import class_label, figure, km2_cell, written
from geo.presentation.language import N_, day_words_short, gettext, month_words
from geo.presentation.statuses import class_order, status_of
from geo.presentation.symbols import class_colour
from geo.schema import (
    Every,
    last_instant,
    number_or_none,
    parse_instant,
    period_of,
    period_start,
    text_or_none,
    to_instant,
)

# days without a snapshot beyond which a line breaks off: nobody knows that the figure stood so long
HOLE_DAYS = 45
HOLE_WORDS = N_("Lines break off where there is no snapshot for more than 45 days")

# what the bars of a chart are, by month or by week
BAR_WORDS: Mapping[Every, str] = {
    "month": N_("Ground gained (up) and lost (down) in km², from the last map of one month to the last of the next."),
    "week": N_("Ground gained (up) and lost (down) in km², from the last map of one week to the last of the next."),
}
BAR_TITLES: Mapping[Every, str] = {
    "month": N_("Gained and lost by month{place}, {span}"),
    "week": N_("Gained and lost by week{place}, {span}"),
}
# a scale begins at 0 unless values differ by less than this share of the highest, and by more than that one
_CUT_BELOW, _LEAST_SPAN = 0.25, 0.0001
# a change that takes less than this share of a scale's height is not seen on it
_SEEN = 0.03


@dataclass(frozen=True)
class ChartLine:
    """A line: instants, km² from each on, and how it is drawn; the dash is in multiples of its width."""

    label: str
    colour: str
    dash: Sequence[float]
    times: Sequence[datetime]
    km2: Sequence[float]


def class_line(
    key: tuple[str | None, str, str], colours: Mapping[str, str], times: Sequence[datetime], km2: Sequence[float]
) -> ChartLine:
    """A class as a line."""
    colour, dash = class_colour(key[0], key[1], colours), status_of(key[1]).chart_dash
    return ChartLine(class_label(*key), colour, dash, times, km2)


def class_lines(series: pd.DataFrame, colours: Mapping[str, str]) -> list[ChartLine]:
    """The lines of a series (`Archive.series`), in the one order of classes, without those that are never above 0."""
    groups: dict[tuple[str | None, str, str], tuple[list[datetime], list[float]]] = {}
    for row in series.to_dict("records"):
        key = (text_or_none(row["controller"]), str(row["status"]), text_or_none(row.get("part")) or "")
        times, km2 = groups.setdefault(key, ([], []))
        times.append(parse_instant(row["date"]))
        km2.append(number_or_none(row["area_km2"]) or 0.0)
    shown = sorted((key for key, (_, km2) in groups.items() if max(km2) > 0), key=class_order)
    return [class_line(key, colours, *groups[key]) for key in shown]


@dataclass(frozen=True)
class ChangeBar:
    """Ground gained and lost between two maps, in km², in the months or weeks from `start` to `end`; None: not known.

    `is_wide`: more than one month or week, because some of them have no map.
    """

    start: datetime
    end: datetime
    first_map: datetime
    last_map: datetime
    gained: float | None
    lost: float | None
    is_wide: bool = False


@dataclass(frozen=True)
class ChangeBars:
    """What a class gained and lost, month by month or week by week."""

    label: str
    colour: str
    every: Every
    bars: Sequence[ChangeBar]

    @property
    def gained(self) -> float:
        return sum(bar.gained or 0.0 for bar in self.bars)

    @property
    def lost(self) -> float:
        return sum(bar.lost or 0.0 for bar in self.bars)

    @property
    def highest(self) -> float:
        return max(max(bar.gained or 0.0, bar.lost or 0.0) for bar in self.bars)


def change_bars(series: pd.DataFrame, colours: Mapping[str, str], every: Every) -> list[ChangeBars]:
    """The bars of a series by month or week (`Archive.series` with `every`); the class of most change first."""
    maps = [parse_instant(d) for d in dict.fromkeys(series["date"])]
    spans = [_bar_span(a, b, every) for a, b in pairwise(maps)]
    found = []
    parts = series["part"] if "part" in series else pd.Series([None] * len(series), index=series.index)
    for key, rows in series.groupby([series["controller"].fillna(""), series["status"], parts.fillna("")], sort=False):
        known = rows.dropna(subset=["gained_km2", "lost_km2"])
        both = zip(known["gained_km2"].tolist(), known["lost_km2"].tolist(), strict=True)
        moved = dict(zip(map(parse_instant, known["date"]), both, strict=True))
        bars = [
            ChangeBar(start, end, a, b, *moved.get(b, (None, None)), wide)
            for (start, end, wide), a, b in zip(spans, maps, maps[1:], strict=False)
        ]
        side, status, part = (str(k) for k in key)
        line = class_line((side or None, status, part), colours, (), ())
        if bars and (one := ChangeBars(line.label, line.colour, every, bars)).highest > 0:
            found.append(one)
    return sorted(found, key=lambda one: -(one.gained + one.lost))


def _bar_span(first_map: datetime, last_map: datetime, every: Every) -> tuple[datetime, datetime, bool]:
    """From where to where the bar of a change goes, and whether over several months or weeks."""
    last = period_of(last_map, every)
    first = min(period_of(first_map, every) + 1, last)
    return period_start(first, every), period_start(last + 1, every), first < last


_WEEKS = 130  # days of a series up to which bars are by week


def bars_every(first: date | str, last: date | str) -> Every:
    """By month, or of a short series by week."""
    return "week" if (last_instant(last) - to_instant(first)).days <= _WEEKS else "month"


def change_key(sets: Sequence[ChangeBars]) -> list[tuple[str, str]]:
    """What the bars, and what stands in their place, mean: how each is drawn, and the words."""
    bars = [bar for one in sets for bar in one.bars]
    monthly = sets[0].every == "month"
    wide = (
        N_("Over several months, for want of maps between")
        if monthly
        else N_("Over several weeks, for want of maps between")
    )
    return [
        ("gained", gettext("Gained")),
        ("lost", gettext("Lost")),
        *([("wide", gettext(wide))] if any(bar.is_wide for bar in bars) else []),
        *([("gap", gettext("Not comparable"))] if any(bar.gained is None for bar in bars) else []),
    ]


def totals_of(one: ChangeBars) -> tuple[str, str]:
    """What a class gained and lost in all, with their signs."""
    gained, lost = (km2_cell(v, plus=True) if abs(v) >= 0.05 else "0" for v in (one.gained, -one.lost))
    return gained, lost


def bars_in_words(sets: Sequence[ChangeBars], head: str) -> str:
    """Bars for those who do not see them: what was gained and lost, and in which month or week the most of each."""
    said = [head]
    for one in sets:
        most_gained = max(one.bars, key=lambda bar: bar.gained or 0.0)
        most_lost = max(one.bars, key=lambda bar: bar.lost or 0.0)
        said.append(
            gettext(
                "{label}: gained {gained}, the most in {when_gained} ({most_gained}); lost {lost}, the most in"
                " {when_lost} ({most_lost}).",
                label=one.label,
                gained=figure(one.gained),
                when_gained=bar_words(most_gained, one.every),
                most_gained=figure(most_gained.gained or 0.0),
                lost=figure(one.lost),
                when_lost=bar_words(most_lost, one.every),
                most_lost=figure(most_lost.lost or 0.0),
            )
        )
    return " ".join(said)


def bar_words(bar: ChangeBar, every: Every) -> str:
    """The month or week of a bar."""
    if every == "month" and not bar.is_wide:
        return month_words(bar.start)
    return gettext(
        "{first} to {last}", first=day_words_short(bar.start), last=day_words_short(bar.end - timedelta(days=1))
    )


def value_scale(values: Sequence[float]) -> tuple[float, float]:
    """The lowest and highest km² of a scale: from 0, but where all values differ by little from their highest."""
    low, high = min(values), max(values)
    if low <= 0 or not _LEAST_SPAN * high < high - low < _CUT_BELOW * high:
        return 0.0, 1.1 * high
    return max(0.0, low - 0.25 * (high - low)), high + 0.25 * (high - low)


def scale_groups(lines: Sequence[ChartLine]) -> list[list[ChartLine]]:
    """Lines that share a scale: all, unless the changes of one would be too small to see on it."""
    low, high = value_scale([v for line in lines for v in line.km2])
    moved = [(max(line.km2) - min(line.km2), max(line.km2)) for line in lines]
    hidden = any(_LEAST_SPAN * most < step < _SEEN * (high - low) for step, most in moved)
    return [[line] for line in lines] if hidden else [list(lines)]


def stretches(times: Sequence[datetime]) -> list[slice]:
    """The parts of a line between holes of more than `HOLE_DAYS` days, in order."""
    hole = timedelta(days=HOLE_DAYS)
    ends = [i for i in range(1, len(times)) if times[i] - times[i - 1] > hole]
    return [slice(a, b) for a, b in zip([0, *ends], [*ends, len(times)], strict=True)]


def apart(wanted: Sequence[float], step: float, low: float) -> list[float]:
    """Heights of labels in rising order, at least a step apart, none under the lowest."""
    placed: list[float] = []
    for y in wanted:
        placed.append(max(y, placed[-1] + step) if placed else y)
    for i in range(len(placed) - 1, -1, -1):
        placed[i] = min(placed[i], low if i == len(placed) - 1 else placed[i + 1] - step)
    return placed


def lines_in_words(lines: Sequence[ChartLine], head: str) -> str:
    """A chart for those who do not see it: where each line began, ended, and stood lowest and highest."""
    said = [head]
    for line in lines:
        first, last = (written(t.date()) for t in (line.times[0], line.times[-1]))
        said.append(
            gettext(
                "{label}: {before} on {first}, {now} on {last}; lowest {low}, highest {high}.",
                label=line.label,
                before=figure(line.km2[0]),
                first=first,
                now=figure(line.km2[-1]),
                last=last,
                low=figure(min(line.km2)),
                high=figure(max(line.km2)),
            )
        )
    if any(len(stretches(line.times)) > 1 for line in lines):
        said.append(f"{gettext(HOLE_WORDS)}.")
    return " ".join(said)
