"""Verbs that care for an archive: is it whole, a mended copy, a backup."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from geo.cli.common import ARCHIVE, KNOWN, SOURCE, form_option, main, opened, places_option
from geo.errors import UsageError
from geo.output.console import give_json, printable, records, show
from geo.schema import number_of


@main.command()
@ARCHIVE
@form_option("table", "json")
@click.pass_context
def check(ctx: click.Context, /, archive: Path, form: str) -> None:
    """Look whether ARCHIVE is whole: structure, hashes, intervals, geometries, sources, incidents, fetched files.

    Nothing is changed. The exit code is 1 where there is a fault; notes harm nothing.
    """
    from geo.maintenance.check import check_archive

    report = check_archive(archive)
    if form == "json":
        give_json(report.as_record())
    else:
        for line in report.told():
            click.echo(printable(line))
    ctx.exit(0 if report.is_whole else 1)


@main.command()
@ARCHIVE
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The mended copy.")
@form_option("table", "json")
def repair(archive: Path, output: Path, form: str) -> None:
    """Write a mended copy of ARCHIVE, which is not touched; what cannot be proved goes to COPY.left-out.csv."""
    from geo.maintenance.repair import mend_copy

    mended = mend_copy(archive, output)
    if form == "json":
        give_json({**asdict(mended), "report": mended.report.as_record()})
        return
    for line in (*mended.done, *mended.report.told()):
        click.echo(printable(line))
    if mended.left_out:
        click.echo(printable(f"rows that were not taken over: {mended.left_out}"))


@main.command()
@ARCHIVE
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The copy, or a folder for it.")
@click.option("--replace", is_flag=True, help="Take the place of a file that is there.")
def backup(archive: Path, output: Path, replace: bool) -> None:
    """Copy ARCHIVE as it stands this instant, while others read it and write to it."""
    from geo.maintenance.backup import back_up

    click.echo(printable(back_up(archive, output, replace=replace)))


@main.command("rules")
@ARCHIVE
@click.option("--embargo-hours", metavar="N", help="Show nothing that is newer than N hours.")
@click.option("--embargo-days", type=float, metavar="N", help="The same in days.")
@click.option("--coarsen", metavar="TO", help="Incidents: to 'settlement', 'grid:5km' or 'grid:0.1deg'.")
@click.option("--withhold", metavar="FIELDS", help="Incidents: leave these fields out, by commas.")
@click.option("--source", metavar="S", help="Only for this source or dataset; all by default.")
@click.option("--event-type", metavar="T", help="Only for incidents of this type or sub-type.")
@places_option("The settlements of --coarsen settlement.")
@click.option("--lift", is_flag=True, help="Lift the rules for --source and --event-type.")
@form_option("table", "csv", "json")
def rules_command(
    archive: Path, embargo_hours: str | None, embargo_days: float | None, coarsen: str | None, withhold: str | None,
    source: str | None, event_type: str | None, places: Path | None, column: str | None, lift: bool, form: str,
) -> None:  # fmt: skip
    """Rules against harm, on by choice: an embargo, coarsened incidents, fields withheld. Every output passes them."""
    from geo.measure.settlements import read_places

    wanted = {"embargo": embargo_hours, "coarsen": coarsen, "withhold": withhold}
    if embargo_days is not None:
        wanted["embargo"] = f"{24 * embargo_days:g}"
    given = {kind: value for kind, value in wanted.items() if value is not None}
    if lift and given:
        raise UsageError("--lift goes without new rules")
    if places is not None and coarsen is None:
        raise UsageError("--places goes with --coarsen settlement")
    with opened(archive) as kept:
        if lift:
            click.echo(f"{number_of(kept.lift_rules(source=source, event_type=event_type), 'rule')} lifted")
        for kind, value in given.items():
            named = read_places(places, column=column) if places is not None and kind == "coarsen" else None
            kept.set_rule(kind, value, source=source, event_type=event_type, places=named)
        show(kept.rules(), form, title="rules against harm")


@main.command("corrections")
@ARCHIVE
@SOURCE
@click.option("--since", metavar="T", help="Those recorded at or after this.")
@KNOWN
@form_option("table", "csv", "json", "geojson")
def corrections_command(archive: Path, form: str, **given: Any) -> None:
    """What later recordings changed for dates already on record: km² by class before and after, and polygons."""
    kept = opened(archive)
    if form != "geojson":
        show(kept.corrections(**given), form, title="corrections, km² before and after", head=given)
        return
    ground = kept.corrected_ground(**given)
    plain = records(ground.drop(columns="geometry"))
    features = [
        {"type": "Feature", "properties": row, "geometry": shape.__geo_interface__}
        for row, shape in zip(plain, ground.geometry, strict=True)
    ]
    give_json({"type": "FeatureCollection", **given, "features": features}, indent=None)
