"""A unit through time: km² of every class on the dates on which one of them changed, as a chart and a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from geo.measure.areas import OUTSIDE
from geo.output.documents.svg_chart import chart_styles, lines_markup
from geo.output.site.plan import Plan, slugs
from geo.presentation.chart_lines import class_line, lines_in_words
from geo.presentation.html_text import escape
from geo.presentation.labels import class_label, figure, written
from geo.presentation.sides import side_colours
from geo.presentation.statuses import class_order
from geo.schema import parse_instant, text_or_none, to_instant

if TYPE_CHECKING:
    from geo.archive import Archive

Key = tuple[str | None, str, str]


@dataclass(frozen=True)
class Unit:
    """A unit with ground of some class: what it is called, its page, and its figures."""

    code: str
    name: str
    slug: str
    boundary: str
    classes: Sequence[Key]
    steps: Sequence[tuple[str, Sequence[float]]]

    @property
    def path(self) -> str:
        """Its page in the site."""
        return f"units/{self.slug}.html"

    @property
    def labels(self) -> list[str]:
        """Its classes in words."""
        return [class_label(*key) for key in self.classes]


def units_of(archive: Archive, plan: Plan) -> list[Unit]:
    """Every unit in which ground of a class stood on a date of the site."""
    wishes = plan.wishes
    table = archive.series(
        source=wishes.source, within=wishes.within, by="unit", from_=plan.days[0].day, to=plan.days[-1].day,
        as_known_on=wishes.as_known_on,
    )  # fmt: skip
    parts = table["part"] if "part" in table else [""] * len(table)
    found: dict[str, dict[Key, dict[str, float]]] = {}
    columns = (table[c] for c in ("date", "controller", "status", "unit", "area_km2"))
    for stamp, controller, status, unit, km2, part in zip(*columns, parts, strict=True):
        key = (text_or_none(controller), str(status), text_or_none(part) or "")
        day = parse_instant(str(stamp)).date().isoformat()
        if unit != OUTSIDE:
            found.setdefault(str(unit), {}).setdefault(key, {})[day] = float(km2)
    names, boundaries = _names(archive)
    shown = {
        unit: classes for unit, classes in found.items() if any(v > 0 for c in classes.values() for v in c.values())
    }
    files = slugs(shown)
    days = [d.day for d in plan.days]
    units = [
        Unit(code, names.get(code, code), files[code], boundaries.get(code, ""), *_steps(classes, days))
        for code, classes in shown.items()
    ]
    return sorted(units, key=lambda u: (u.name, u.code))


def _names(archive: Archive) -> tuple[dict[str, str], dict[str, str]]:
    units = archive.units()
    codes = [text_or_none(c) or str(n) for c, n in zip(units["unit"], units["name"], strict=True)]
    return dict(zip(codes, map(str, units["name"]), strict=True)), dict(
        zip(codes, map(str, units["boundary"]), strict=True)
    )


def _steps(
    classes: Mapping[Key, Mapping[str, float]], days: Sequence[str]
) -> tuple[list[Key], list[tuple[str, list[float]]]]:
    there = [key for key, values in classes.items() if any(v > 0 for v in values.values())]
    keys = sorted(there, key=class_order)
    steps: list[tuple[str, list[float]]] = []
    for day in days:
        km2 = [classes[key].get(day, 0.0) for key in keys]
        if not steps or [round(v, 3) for v in km2] != [round(v, 3) for v in steps[-1][1]]:
            steps.append((day, km2))
    return keys, steps


def unit_body(unit: Unit, archive: Archive, plan: Plan) -> tuple[str, str]:
    """What a unit's page holds under its title, and the styles of its chart."""
    colours = side_colours(archive.controllers(as_known_on=plan.wishes.as_known_on), colours=plan.wishes.colours)
    times = [to_instant(day) for day, _ in unit.steps]
    lines = [
        class_line(key, colours, times, [km2[i] for _, km2 in unit.steps])
        for i, key in enumerate(unit.classes)
    ]  # fmt: skip
    alt_text = lines_in_words(lines, f"Area in {unit.name} by {plan.shown} in km², a step for every change.")
    chart = f'<section class="chart"><h2>Area in km²</h2>{lines_markup(lines, alt_text)}</section>'
    return f'<div class="brief">{chart if len(times) > 1 else ""}{_table(unit, plan)}</div>', chart_styles(lines)


def unit_subtitle(unit: Unit, plan: Plan) -> str:
    """What a unit's figures are, by whom, and since when they stand."""
    last, km2 = unit.steps[-1]
    now = "; ".join(f"{label} {figure(v)} km²" for label, v in zip(unit.labels, km2, strict=True))
    why = "the first date of this site" if len(unit.steps) == 1 else "the last date on which a figure changed"
    return f"Source: {plan.shown}. Since {written(last)}, {why}: {now}."


def _table(unit: Unit, plan: Plan) -> str:
    heads = "".join(f'<th scope="col">{escape(label)}, km²</th><th scope="col">change</th>' for label in unit.labels)
    rows = []
    before: Sequence[float] | None = None
    for day, km2 in unit.steps:
        cells = "".join(
            f"<td>{v:,.2f}</td><td>{_moved(v, None if before is None else before[i])}</td>" for i, v in enumerate(km2)
        )
        rows.append(f'<tr><th scope="row"><a href="../dates/{day}.html">{day}</a></th>{cells}</tr>')
        before = km2
    caption = f"km² in {unit.name} by {plan.shown} on every date on which a figure changed; change since the row below"
    return (
        f'<section><h2>Dates</h2><p class="rests">{escape(caption)}</p>'
        '<div class="scroll" tabindex="0" role="region" aria-label="Dates"><table>'
        f'<caption class="unseen">Dates</caption><thead><tr><th scope="col">Date</th>{heads}</tr></thead>'
        f"<tbody>{''.join(reversed(rows))}</tbody></table></div>"
        '<p class="workings">A figure stands until the next date of the table; nothing is interpolated.</p></section>'
    )


def _moved(km2: float, before: float | None) -> str:
    if before is None:
        return "–"
    change = km2 - before
    return "0.00" if abs(change) < 0.005 else f"{change:+,.2f}".replace("-", "−")


def units_table(units: Sequence[Unit]) -> str:
    """Every unit with its last figures and a link to its page, as HTML."""
    keys: dict[Key, Any] = {key: None for unit in units for key in unit.classes}
    order = sorted(keys, key=class_order)
    heads = "".join(f'<th scope="col">{escape(class_label(*key))}</th>' for key in order)
    rows = ""
    for unit in units:
        last = dict(zip(unit.classes, unit.steps[-1][1], strict=True))
        cells = "".join(f"<td>{figure(last[key]) if key in last else '–'}</td>" for key in order)
        rows += (
            f'<tr><th scope="row"><a href="{escape(unit.path)}">{escape(unit.name)}</a>'
            f" <small>{escape(unit.code)}</small></th>{cells}<td>{unit.steps[-1][0]}</td></tr>"
        )
    head = f'<thead><tr><th scope="col">Unit</th>{heads}<th scope="col">since</th></tr></thead>'
    return f"{head}<tbody>{rows}</tbody>"
