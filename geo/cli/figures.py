"""Verbs that answer in figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pandas as pd

from geo.cli.common import (
    AGE,
    ARCHIVE,
    BY,
    CLASSES,
    DATE,
    EXPLAIN,
    KNOWN,
    RAW,
    SOURCE,
    SPAN,
    WHERE,
    form_option,
    main,
    name_units,
    opened,
    place,
)
from geo.measure.front_line import Front
from geo.output.console import bar, printable, show, show_front, show_workings, write_table
from geo.schema import last_instant


@main.command()
@ARCHIVE
@DATE
@SOURCE
@CLASSES
@WHERE
@BY
@KNOWN
@AGE
@RAW
@EXPLAIN
@form_option("table", "csv", "json")
def area(
    archive: Path,
    date: str | None,
    form: str,
    raw: bool,
    as_known_on: str | None,
    status: tuple[str, ...],
    **given: Any,
) -> None:
    """How much each side holds on a date, in km², with the range that contested ground leaves open."""
    accuracy = given.pop("accuracy_km")
    if given.pop("explain"):
        given |= {"status": status or None, "as_known_on": as_known_on, "accuracy_km": accuracy}
        show_workings(opened(archive, raw=raw).explain(date, **given), form)
        return
    kept = opened(archive, raw=raw)
    frame = kept.area(date, status=status or None, as_known_on=as_known_on, **given)
    frame = name_units(kept, frame, given["by"])
    title = f"km² held by source and class, {date or 'last snapshot'}" + (
        f", as known on {as_known_on}" if as_known_on else ""
    )
    _tell_the_way_out(frame)
    show(frame, form, title=title, head={"date": date, "as_known_on": as_known_on})


def _tell_the_way_out(frame: pd.DataFrame) -> None:
    if any(" days older than " in note for note in frame.attrs.get("notes", ())):
        _add_note(frame, "--max-age-days N refuses an older snapshot")


def _add_note(frame: pd.DataFrame, note: str) -> None:
    if note:
        frame.attrs["notes"] = (*frame.attrs.get("notes", ()), note)


@main.command()
@ARCHIVE
@click.option("--from", "from_", required=True, metavar="D", help="The earlier date.")
@click.option("--to", required=True, metavar="D", help="The later date.")
@click.option("--base", metavar="D", help="The percentage is of the area on this date; --from by default.")
@SOURCE
@CLASSES
@WHERE
@BY
@KNOWN
@AGE
@EXPLAIN
@form_option("table", "csv", "json")
def change(archive: Path, from_: str, to: str, form: str, status: tuple[str, ...], **given: Any) -> None:
    """What each side gained and lost between two dates: gross and net, in km² and percent of a named base."""
    accuracy = given.pop("accuracy_km")
    if given.pop("explain"):
        show_workings(
            opened(archive).explain_change(from_, to, status=status or None, accuracy_km=accuracy, **given), form
        )
        return
    kept = opened(archive)
    frame = name_units(kept, kept.change(from_, to, status=status or None, **given), given["by"])
    title = f"km² gained and lost, {from_} to {to}; percent of {given['base'] or from_}"
    head = {"from": from_, "to": to, "base": given["base"] or from_, "as_known_on": given["as_known_on"]}
    _tell_the_way_out(frame)
    if last_instant(from_) > last_instant(to):
        _add_note(frame, f"--from {from_} is later than --to {to}: gained and lost are told backwards in time")
    show(frame, form, title=title, head=head)


@main.command()
@ARCHIVE
@SPAN
@SOURCE
@CLASSES
@WHERE
@BY
@KNOWN
@form_option("table", "csv", "json")
@click.option("--workers", type=int, metavar="N", help="Share the work among N local processes (extra 'cluster').")
@click.option("--scheduler", metavar="tcp://…", help="Share the work by a running Dask scheduler (extra 'cluster').")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to F.csv or F.parquet instead.")
def series(archive: Path, form: str, status: tuple[str, ...], output: Path | None, **given: Any) -> None:
    """Area, gross gain and gross loss at every snapshot of a source."""
    with bar("measuring") as advance:
        kept = opened(archive)
        frame = kept.series(status=status or None, progress=advance, **given)
    frame = name_units(kept, frame, given["by"])
    if output is None:
        show(frame, form, title="km² at every snapshot, gained and lost since the one before")
    else:
        click.echo(write_table(frame, output))


@main.command()
@ARCHIVE
@DATE
@SOURCE
@CLASSES
@click.option("--in", "within", metavar="UNIT", help="Only inside this unit (a code or a name).")
@click.option("--against", metavar="C", help="Only where this other side's ground faces it.")
@click.option("--tolerance-km", type=float, default=0.0, show_default=True, help="Simplify the line by this much.")
@click.option("--inset-km", type=float, default=5.0, show_default=True, help="Stay this far inside border and coast.")
@click.option("--gap-km", type=float, default=0.1, show_default=True, help="How far apart two sides still face.")
@click.option("--boundary", metavar="SET", help="Whose border and coast; the last taken in by default.")
@click.option("--since", metavar="D", help="How far it moved since this date, by unit (needs --controller).")
@click.option("--level", type=int, help="Level of the units with --since.")
@click.option("--at", metavar="LAT,LON", help="How far this place is from it.")
@KNOWN
@AGE
@form_option("table", "json", "geojson")
def front(archive: Path, form: str, since: str | None, at: str | None, level: int | None, **given: Any) -> None:
    """The front's length at a stated tolerance and inset, its movement, and a place's distance from it."""
    from geo.measure.front_line import distance_km

    given["status"] = given["status"] or None
    chosen = opened(archive)
    found = chosen.front(**given)
    facts = {
        k: given[k]
        for k in ("date", "controller", "against", "within", "gap_km", "as_known_on")
        if given[k] is not None
    }
    if len(found.sides) > 1:
        facts |= {"edges_of": list(found.sides)}
    facts |= {"source": found.source, "snapshot": found.snapshot, "snapshot_age_days": found.snapshot_age_days}
    facts |= {"boundary": found.boundary, "length_km": found.length_km}
    facts |= {"tolerance_km": found.tolerance_km, "inset_km": found.inset_km}
    if at is not None:
        facts |= {"at": at, "distance_km": distance_km(found, *place(at))}
    if since is not None:
        shared = {k: given[k] for k in ("source", "controller", "status", "within", "boundary", "as_known_on")}
        lengths = {k: given[k] for k in ("tolerance_km", "inset_km")}
        moved = chosen.front_movement(since, given["date"], level=level, **shared, **lengths)
        facts |= {"since": since, "movement": moved}
    show_front(facts, found.lines, form)
    # a table of the movement tells its notes itself
    told = [] if form == "table" or since is None else moved.attrs.get("notes", ())
    for note in (*_front_notes(found), *told):
        click.echo(printable(f"note: {note}"), err=True)


def _front_notes(found: Front) -> list[str]:
    notes = []
    if len(found.sides) > 1:
        notes.append(
            f"the edges of {' and '.join(found.sides)} are counted: where contested or undrawn ground lies between two"
            " sides, both of its edges; --controller C counts one side's"
        )
    if not found.inset_km:
        notes.append("at an inset of 0 km, border and coast count where the source draws them inside the countries'")
    return notes


@main.command()
@ARCHIVE
@click.option("--at", required=True, metavar="LAT,LON", help="The place, in degrees.")
@SOURCE
@KNOWN
@form_option("table", "csv", "json")
def who(archive: Path, at: str, source: str | None, as_known_on: str | None, form: str) -> None:
    """Who held a place, by which source, and from when to when."""
    lat, lon = place(at)
    frame = opened(archive).who(lat, lon, source=source, as_known_on=as_known_on)
    if form == "table":
        frame = frame.fillna({"valid_to": "still at the last snapshot"})
    show(frame, form, title=f"who held {at}", head={"at": [lat, lon], "as_known_on": as_known_on})


@main.command()
@ARCHIVE
@click.option(
    "--places", required=True, metavar="FILE", type=click.Path(path_type=Path), help="Geodata or CSV with names."
)
@click.option("--column", metavar="C", help="Which column has the names.")
@click.option("--from", "from_", required=True, metavar="D", help="The earlier date.")
@click.option("--to", metavar="D", help="The last snapshot by default.")
@SOURCE
@KNOWN
@form_option("table", "csv", "json")
def settlements(archive: Path, places: Path, column: str | None, form: str, **given: Any) -> None:
    """Settlements that changed hands between two dates."""
    from geo.measure.settlements import read_places

    frame = opened(archive).changed_hands(read_places(places, column=column), **given)
    head = {"from": given["from_"], "to": given["to"], "as_known_on": given["as_known_on"]}
    show(frame, form, title=f"settlements that changed hands, {given['from_']} to {given['to'] or 'now'}", head=head)
