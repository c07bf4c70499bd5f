"""The lines of a chart: which classes, in which order, colour and dash, and where a line breaks off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from geo.presentation.labels import class_label, figure, written
from geo.presentation.language import N_, gettext
from geo.presentation.statuses import class_order, status_of
from geo.presentation.symbols import class_colour
from geo.schema import parse_instant, text_or_none

# days without a snapshot beyond which a line breaks off: nobody knows that the figure stood so long
HOLE_DAYS = 45
HOLE_WORDS = N_("Lines break off where there is no snapshot for more than 45 days")


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
        km2.append(0.0 if row["area_km2"] != row["area_km2"] else float(row["area_km2"]))
    shown = sorted((key for key, (_, km2) in groups.items() if max(km2) > 0), key=class_order)
    return [class_line(key, colours, *groups[key]) for key in shown]


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
