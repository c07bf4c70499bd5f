"""The verb that puts sources side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pandas as pd

from geo.cli.common import (
    AGE,
    ARCHIVE,
    CLASSES,
    KNOWN,
    TEMPLATES,
    WHERE,
    form_option,
    main,
    name_units,
    opened,
    places_option,
)
from geo.errors import UsageError
from geo.output.console import give_json, printable, records, show


@main.command("compare")
@ARCHIVE
@click.option("--source", "sources", multiple=True, required=True, metavar="S", help="Repeat it: two or more.")
@click.option("--date", metavar="D", help="The last day on which every source has spoken by default.")
@click.option("--from", "from_", metavar="D", help="With --to: every day of a span, and who trails whom.")
@click.option("--to", metavar="D", help="The last date of a span.")
@CLASSES
@click.option(
    "--take", multiple=True, metavar="SOURCE=STATUS[/PART]",
    help="Which class of a source stands for the status; the difference is named.",
)  # fmt: skip
@WHERE
@click.option("--by", type=click.Choice(["unit"]), help="Figures for each unit (one date).")
@click.option("--lag-days", type=click.IntRange(0, 366), default=14, show_default=True, metavar="N",
              help="Search for a lag of up to N days either way (a span).")  # fmt: skip
@places_option("Geodata or CSV with names: who says what.")
@KNOWN
@AGE
@click.option("--title", help="Of a page or chart.")
@TEMPLATES
@form_option("table", "csv", "json", "geojson")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A page (F.html), or a chart of a span (F.png).")
def compare_command(
    archive: Path, date: str | None, from_: str | None, to: str | None, form: str, output: Path | None,
    take: tuple[str, ...], status: tuple[str, ...], places: Path | None, column: str | None, lag_days: int,
    title: str | None, templates: Path | None, **given: Any,
) -> None:  # fmt: skip
    """Sources side by side: what each says, what they agree on, what is in dispute, who trails whom. Never merged."""
    from geo.measure.settlements import read_places

    if (from_ is None) != (to is None) or (from_ is not None and date is not None):
        raise UsageError("give --date, or --from and --to")
    if templates is not None and (from_ is not None or output is None):
        raise UsageError("--templates goes with the page of one date (-o F.html)")
    given |= {"status": status or None, "take": _pairs(take), "sources": list(given["sources"])}
    if from_ is not None:
        _span(archive, (from_, str(to)), form, output, title, places, lag_days=lag_days, **given)
        return
    given["places"] = None if places is None else read_places(places, column=column)
    if output is not None:
        from geo.output.html.compare_page import draw_comparison
        from geo.output.html.map_page import save_map

        click.echo(save_map(draw_comparison(opened(archive), date, title=title, templates=templates, **given), output))
        return
    kept = opened(archive)
    found = kept.compare(date, **given)
    found = replace(found, table=name_units(kept, found.table, given["by"]))
    _show(found, form, given["as_known_on"])


def _span(
    archive: Path, span: tuple[str, str], form: str, output: Path | None, title: str | None, places: Path | None,
    *, level: int | None, by: str | None, **given: Any,
) -> None:  # fmt: skip
    if by or level is not None or places is not None or form == "geojson":
        raise UsageError("--by, --level, --places and --format geojson go with one date (--date)")
    if output is not None:
        from geo.output.images.chart import draw_comparison_chart

        click.echo(draw_comparison_chart(opened(archive), output, from_=span[0], to=span[1], title=title, **given))
        return
    rows, lags = opened(archive).compare_span(*span, **given)
    head = {"from": span[0], "to": span[1], "sources": given["sources"], "lags": records(lags)}
    if form == "table":
        notes, rows.attrs = rows.attrs.get("notes", ()), {}
        show(_wide(rows), form, title=f"km² side by side, {span[0]} to {span[1]}")
        if len(lags):
            show(lags, form, title="disagreement in km² when the second source is read so many days later")
        _say(notes)
    else:
        show(rows, form, head=head)


def _wide(rows: pd.DataFrame) -> pd.DataFrame:
    """A row a day and class, as people read it."""
    labels = [
        f"{by}_km2" if kind == "area" else f"{kind}_km2" for kind, by in zip(rows["kind"], rows["said_by"], strict=True)
    ]
    keys = ["date", "controller", "status"]
    plain = rows.assign(label=labels, controller=rows["controller"].fillna(""))
    wide = plain.pivot_table(index=keys, columns="label", values="area_km2", sort=False).reset_index()
    return wide[[*keys, *dict.fromkeys(labels)]]


def _show(found: Any, form: str, known: str | None) -> None:
    head = {"date": found.date, "as_known_on": known, "sources": list(found.sources)}
    if form == "geojson":
        give_json(_features(found, head), indent=None)
        return
    places = {} if found.places is None else {"places": records(found.places)}
    if form == "json":
        show(found.table, form, head={**head, "notes": list(found.notes), **places})
        return
    if form == "csv":
        show(found.table, form)
        return
    show(found.table.drop(columns=["difference", "snapshots"]), form, title=f"side by side, {found.date}")
    if found.places is not None:
        show(found.places, form, title="places of which the sources do not say the same")
    _say(found.notes)


def _features(found: Any, head: Mapping[str, Any]) -> dict[str, Any]:
    shapes = found.pieces.geometry
    plain = records(found.pieces.drop(columns="geometry"))
    features = [
        {"type": "Feature", "properties": row, "geometry": shape.__geo_interface__}
        for row, shape in zip(plain, shapes, strict=True)
    ]
    return {"type": "FeatureCollection", **head, "notes": list(found.notes), "features": features}


def _say(notes: Any) -> None:
    for note in notes:
        click.echo(printable(f"note: {note}"), err=True)


def _pairs(texts: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    if any(not sign for _, sign, _ in pairs):
        raise UsageError("--take: write it as SOURCE=STATUS or SOURCE=STATUS/PART, such as isw=claimed/kursk-advance")
    return {name: value for name, _, value in pairs}
