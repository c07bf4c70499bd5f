"""The command line: every verb is one call of the package, printed as a table, CSV or JSON."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
import pandas as pd

from geo import __version__
from geo.errors import GeoError, UsageError
from geo.printing import bar, complain, print_receipts, show, show_front, write_table


class _Geo(click.Group):
    """Turns errors raised on purpose into a line on stderr and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except GeoError as error:
            if ctx.params.get("debug"):
                raise
            complain(str(error))
            ctx.exit(error.exit_code)
        except BrokenPipeError:
            ctx.exit(0)


@click.group(cls=_Geo, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(__version__, prog_name="geo")
def main(debug: bool) -> None:
    """Dated maps of territorial control, their areas and changes, from one archive (a GeoPackage).

    A date is YYYY-MM-DD (its last snapshot) or an instant such as 2024-08-01T00:00Z. Every figure carries its source,
    its classes and the snapshot that it rests on.
    """


# -- options that several verbs share -------------------------------------------------------------------------------


def _options(*decorators: Callable[..., Any]) -> Callable[..., Any]:
    def wrap(command: Callable[..., Any]) -> Callable[..., Any]:
        return functools.reduce(lambda f, decorate: decorate(f), reversed(decorators), command)

    return wrap


_ARCHIVE = click.argument("archive", type=click.Path(path_type=Path))
_SOURCE = click.option("--source", metavar="S", help="Which source; may be left out where the archive has one.")
_CLASSES = _options(
    click.option("--controller", metavar="C", help="Only this side."),
    click.option("--status", metavar="S", multiple=True, help="Only this status; may be given several times."),
)
_WHERE = _options(
    click.option("--in", "within", metavar="UNIT", help="Only inside this unit (a code or a name)."),
    click.option("--level", type=int, help="Level of the units with --by unit."),
    click.option("--boundary", metavar="SET", help="Which boundary set; the last taken in by default."),
)
_KNOWN = click.option("--as-known-on", metavar="T", help="What the archive said at that date or instant.")
_AGE = click.option("--max-age-days", type=float, metavar="N", help="Refuse a snapshot older than this on the date.")
_BY = click.option(
    "--by", type=click.Choice(["unit", "native"]), help="A row for each unit, or each class of the source."
)


def _format(*choices: str) -> Callable[..., Any]:
    return click.option("--format", "form", type=click.Choice(choices), default=choices[0], show_default=True)


def _place(at: str) -> tuple[float, float]:
    try:
        lat, lon = (float(part) for part in at.split(","))
    except ValueError:
        raise UsageError(f"--at {at!r}: write it as LAT,LON in degrees, such as 51.197,35.272") from None
    return lat, lon


def _open(path: Path) -> Any:
    from geo.archive import open_archive

    if not path.exists():
        raise UsageError(f"{path}: no such archive; geo import makes one")
    return open_archive(path)


# -- verbs ----------------------------------------------------------------------------------------------------------


def _pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    wrong = [text for text, sign, _ in pairs if not sign]
    if wrong:
        raise UsageError(f"{option} {wrong[0]!r}: write it as NAME=VALUE")
    return {name: value for name, _, value in pairs}


@main.command("import")
@_ARCHIVE
@click.argument("source")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--date", metavar="D", help="What the files depict, where they do not say.")
@click.option("--published", metavar="D", help="When they were published.")
@click.option("--retrieved", metavar="T", help="When they were fetched.")
@click.option("--name", metavar="NAME", help="Keep the rows under this source name (vector).")
@click.option("--config", type=click.Path(path_type=Path), help="A TOML file that maps columns and names the source.")
@click.option("--column", "columns", multiple=True, metavar="OURS=THEIRS", help="Which column of the file is ours.")
@click.option("--set", "constants", multiple=True, metavar="OURS=VALUE", help="One value for every row.")
@click.option("--status-map", "statuses", multiple=True, metavar="WORD=STATUS", help="What a word of the file means.")
@click.option("--layer", help="Which layer of a file with several.")
@click.option("--part", default="", help="Which of a source's separate publications this is.")
@click.option("--crs", help="The CRS of a file that does not say.")
@click.option("--encoding", default="utf-8", show_default=True, help="Of text files.")
@click.option("--delimiter", help="Of CSV files.")
@click.option("--decimal", help="The decimal mark of CSV files.")
@click.option(
    "--accept",
    multiple=True,
    type=click.Choice(["future", "swapped", "empty", "large"]),
    help="Let this finding in on purpose.",
)
@_format("table", "json")
@click.pass_context
def import_command(
    ctx: click.Context, /, archive: Path, source: str, files: tuple[Path, ...], form: str, **given: Any
) -> None:
    """Take FILES into ARCHIVE, read as SOURCE's own; the archive is made where there is none.

    Sources: deepstate, deepstate-mirror, nzz, isw, uacontrolmap, vector (a desk's own: anything GDAL reads), incidents,
    acled, ucdp-ged, viina, units, claims. A bad file stops none of the others; the exit code is then 1.
    """  # fmt: skip
    from geo.intake import Receipt, import_claims, import_files

    if source == "claims":
        count = sum(import_claims(_new(archive), path) for path in files)
        click.echo(f"{count} claims stored in {archive}")
        return
    options, credit = _read_options(given)
    with bar("importing") as advance:
        receipts: list[Receipt] = import_files(archive, source, files, options=options, credit=credit, progress=advance)
    if form == "json":
        from dataclasses import asdict

        click.echo(json.dumps({"receipts": [asdict(r) for r in receipts]}, ensure_ascii=False, indent=1, default=str))
    else:
        print_receipts(receipts)
    refused = [r for r in receipts if r.outcome == "refused"]
    if refused:
        for receipt in refused:
            complain(receipt.error)
        if len(receipts) > 1:
            complain(f"{len(refused)} of {len(receipts)} files refused, the others are in")
        ctx.exit(1)


def _new(path: Path) -> Any:
    from geo.archive import open_archive

    return open_archive(path)


def _read_options(given: dict[str, Any]) -> tuple[Any, Any]:
    """Options from a TOML file, if there is one, and from the command line, which wins."""
    from dataclasses import replace

    from geo.schema import Options, Source
    from geo.sources.desk import read_toml

    credit, options = read_toml(given["config"]) if given["config"] else (None, Options())
    maps: dict[str, Any] = {
        name: {**getattr(options, name), **_pairs(given[name], option)}
        for name, option in (("columns", "--column"), ("constants", "--set"), ("statuses", "--status-map"))
    }
    plain: dict[str, Any] = {
        n: given[n] for n in ("date", "published", "retrieved", "layer", "crs", "delimiter", "decimal") if given[n]
    }
    if given["part"]:
        plain["part"] = given["part"]
    if given["encoding"] != "utf-8":
        plain["encoding"] = given["encoding"]
    options = replace(options, **maps, **plain, accept=options.accept | set(given["accept"]))
    if given["name"]:
        credit = replace(credit, name=given["name"]) if credit else Source(given["name"], given["name"])
    return options, credit


@main.command()
@_ARCHIVE
@click.option("--date", metavar="D", help="The last snapshot by default.")
@_SOURCE
@_CLASSES
@_WHERE
@_BY
@_KNOWN
@_AGE
@_format("table", "csv", "json")
def area(
    archive: Path, date: str | None, form: str, as_known_on: str | None, status: tuple[str, ...], **given: Any
) -> None:
    """How much each side holds on a date, in km², with the range that contested ground leaves open."""
    frame = _open(archive).area(date, status=status or None, as_known_on=as_known_on, **given)
    title = f"km² held by source and class, {date or 'last snapshot'}" + (
        f", as known on {as_known_on}" if as_known_on else ""
    )
    show(frame, form, title=title, head={"date": date, "as_known_on": as_known_on})


@main.command()
@_ARCHIVE
@click.option("--from", "from_", required=True, metavar="D")
@click.option("--to", required=True, metavar="D")
@click.option("--base", metavar="D", help="The percentage is of the area on this date; --from by default.")
@_SOURCE
@_CLASSES
@_WHERE
@_BY
@_KNOWN
@_AGE
@_format("table", "csv", "json")
def change(archive: Path, from_: str, to: str, form: str, status: tuple[str, ...], **given: Any) -> None:
    """What each side gained and lost between two dates: gross and net, in km² and percent of a named base."""
    frame = _open(archive).change(from_, to, status=status or None, **given)
    title = f"km² gained and lost, {from_} to {to}; percent of {given['base'] or from_}"
    head = {"from": from_, "to": to, "base": given["base"] or from_, "as_known_on": given["as_known_on"]}
    show(frame, form, title=title, head=head)


@main.command()
@_ARCHIVE
@click.option("--from", "from_", metavar="D")
@click.option("--to", metavar="D")
@_SOURCE
@_CLASSES
@_WHERE
@_BY
@_KNOWN
@_format("table", "csv", "json")
@click.option("--workers", type=int, metavar="N", help="Share the work among N local processes (extra 'cluster').")
@click.option("--scheduler", metavar="tcp://…", help="Share the work by a running Dask scheduler (extra 'cluster').")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to F.csv or F.parquet instead.")
def series(archive: Path, form: str, status: tuple[str, ...], output: Path | None, **given: Any) -> None:
    """Area, gross gain and gross loss at every snapshot of a source."""
    with bar("measuring") as advance:
        frame = _open(archive).series(status=status or None, progress=advance, **given)
    if output is None:
        show(frame, form, title="km² at every snapshot, gained and lost since the one before")
    else:
        click.echo(write_table(frame, output))


@main.command()
@_ARCHIVE
@click.option("--date", metavar="D", help="The last snapshot by default.")
@_SOURCE
@_CLASSES
@click.option("--in", "within", metavar="UNIT", help="Only inside this unit (a code or a name).")
@click.option("--against", metavar="C", help="Only where this other side's ground faces it.")
@click.option("--tolerance-km", type=float, default=0.0, show_default=True, help="Simplify the line by this much.")
@click.option("--inset-km", type=float, default=0.0, show_default=True, help="Stay this far inside border and coast.")
@click.option("--gap-km", type=float, default=0.1, show_default=True, help="How far apart two sides still face.")
@click.option("--boundary", metavar="SET", help="Whose border and coast; the last taken in by default.")
@click.option("--since", metavar="D", help="How far it moved since this date, by unit (needs --controller).")
@click.option("--level", type=int, help="Level of the units with --since.")
@click.option("--at", metavar="LAT,LON", help="How far this place is from it.")
@_KNOWN
@_AGE
@_format("table", "json", "geojson")
def front(archive: Path, form: str, since: str | None, at: str | None, level: int | None, **given: Any) -> None:
    """The front's length at a stated tolerance and inset, its movement, and a place's distance from it."""
    from geo.front import distance_km

    given["status"] = given["status"] or None
    opened = _open(archive)
    found = opened.front(**given)
    facts = {
        k: given[k]
        for k in ("date", "controller", "against", "within", "gap_km", "as_known_on")
        if given[k] is not None
    }
    facts |= {"source": found.source, "snapshot": found.snapshot, "snapshot_age_days": found.snapshot_age_days}
    facts |= {"boundary": found.boundary, "length_km": found.length_km}
    facts |= {"tolerance_km": found.tolerance_km, "inset_km": found.inset_km}
    if at is not None:
        facts |= {"at": at, "distance_km": distance_km(found, *_place(at))}
    if since is not None:
        shared = {k: given[k] for k in ("source", "controller", "status", "within", "boundary", "as_known_on")}
        lengths = {k: given[k] for k in ("tolerance_km", "inset_km")}
        moved = opened.front_movement(since, given["date"], level=level, **shared, **lengths)
        facts |= {"since": since, "movement": moved}
    show_front(facts, found.lines, form)


@main.command()
@_ARCHIVE
@click.option("--at", required=True, metavar="LAT,LON", help="The place, in degrees.")
@_SOURCE
@_format("table", "csv", "json")
def who(archive: Path, at: str, source: str | None, form: str) -> None:
    """Who held a place, by which source, and from when to when."""
    lat, lon = _place(at)
    show(_open(archive).who(lat, lon, source=source), form, title=f"who held {at}", head={"at": [lat, lon]})


@main.command()
@_ARCHIVE
@click.option("--places", required=True, metavar="FILE", type=click.Path(path_type=Path), help="Geodata with names.")
@click.option("--column", metavar="C", help="Which column has the names.")
@click.option("--from", "from_", required=True, metavar="D")
@click.option("--to", metavar="D", help="The last snapshot by default.")
@_SOURCE
@_KNOWN
@_format("table", "csv", "json")
def settlements(archive: Path, places: Path, column: str | None, form: str, **given: Any) -> None:
    """Settlements that changed hands between two dates."""
    from geo.settlements import read_places

    frame = _open(archive).changed_hands(read_places(places, column=column), **given)
    head = {"from": given["from_"], "to": given["to"], "as_known_on": given["as_known_on"]}
    show(frame, form, title=f"settlements that changed hands, {given['from_']} to {given['to'] or 'now'}", head=head)


@main.command("map")
@_ARCHIVE
@click.option("--date", metavar="D", help="The last snapshot by default.")
@_SOURCE
@_KNOWN
@click.option("--since", metavar="D", help="Draw what changed since this date.")
@click.option("--in", "within", metavar="UNIT", help="Show this unit.")
@click.option("--title", help="The page's title.")
@click.option("--lang", type=click.Choice(["en", "uk", "ru"]), default="en", show_default=True, help="Of place names.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path))
def map_command(archive: Path, date: str | None, output: Path, **given: Any) -> None:
    """A dated map: one HTML file that needs no network."""
    from geo.maps import draw_map, save_map

    opened = _open(archive)
    click.echo(save_map(draw_map(opened, date, **given), output))


@main.command()
@_ARCHIVE
@click.option("--from", "from_", metavar="D")
@click.option("--to", metavar="D")
@_SOURCE
@_KNOWN
@click.option("--since", metavar="D", help="Draw what changed since this date; the snapshot before by default.")
@click.option("--in", "within", metavar="UNIT", help="Show this unit.")
@click.option("--lang", type=click.Choice(["en", "uk", "ru"]), default="en", show_default=True, help="Of place names.")
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("maps"), show_default=True)
def maps(archive: Path, from_: str | None, to: str | None, output: Path, **given: Any) -> None:
    """A dated map for every day that has a snapshot: OUTPUT/DATE.html."""
    from geo.maps import draw_maps

    with bar("drawing") as advance:
        for path in draw_maps(_open(archive), output, from_=from_, to=to, progress=advance, **given):
            click.echo(path)


@main.command()
@_ARCHIVE
@click.option("--source", "sources", multiple=True, metavar="S", help="Repeat it: the first is drawn as ground.")
@click.option("--from", "from_", metavar="D")
@click.option("--to", metavar="D")
@_KNOWN
@click.option("--title", help="The page's title.")
@click.option("--lang", type=click.Choice(["en", "uk", "ru"]), default="en", show_default=True, help="Of place names.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path))
def timeline(archive: Path, sources: tuple[str, ...], output: Path, **given: Any) -> None:
    """Every date of a series in one HTML file that needs no network: slider, chart, change since any date."""
    from geo.film_page import draw_timeline
    from geo.maps import save_map

    click.echo(save_map(draw_timeline(_open(archive), sources or None, **given), output))


_LOOK = _options(
    click.option("--title", help="Its title."),
    click.option("--shape", type=click.Choice(["slide", "square", "column"]), default="slide", show_default=True),
    click.option("--theme", type=click.Choice(["light", "dark"]), default="light", show_default=True),
    click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="F.png, F.svg or F.pdf."),
)


@main.command()
@_ARCHIVE
@click.option("--date", metavar="D")
@_SOURCE
@click.option("--since", metavar="D", help="Show what changed since this date.")
@_KNOWN
@click.option("--in", "within", metavar="UNIT", help="Only this unit (a code or a name).")
@click.option("--lang", type=click.Choice(["en", "uk", "ru"]), default="en", show_default=True, help="Of place names.")
@_LOOK
def picture(archive: Path, output: Path, **given: Any) -> None:
    """A dated map as PNG, SVG or PDF, without a browser."""
    from geo.picture import draw_picture

    click.echo(draw_picture(_open(archive), path=output, **given))


@main.command()
@_ARCHIVE
@_SOURCE
@_CLASSES
@_BY
@_WHERE
@click.option("--from", "from_", metavar="D")
@click.option("--to", metavar="D")
@_KNOWN
@_LOOK
def chart(archive: Path, output: Path, status: tuple[str, ...], **given: Any) -> None:
    """The area of a series as a chart, whole or in panels by unit."""
    from geo.chart import draw_chart

    click.echo(draw_chart(_open(archive), output, status=status or None, **given))


@main.command()
@_ARCHIVE
@click.argument("snapshot")
@click.option("--why", required=True, help="Kept on record.")
def retract(archive: Path, snapshot: str, why: str) -> None:
    """Take a wrong import back; what the archive said until now stays on record (--as-known-on)."""
    with _open(archive) as opened:
        opened.retract(snapshot, why=why)
    click.echo(f"{snapshot} is taken back")


@main.command()
@_ARCHIVE
@_SOURCE
@_format("table", "csv", "json")
def snapshots(archive: Path, source: str | None, form: str) -> None:
    """Every recording: what it depicts, when it was published and recorded, from which file, and what became of it."""
    frame = _open(archive).snapshots(source)
    short = ["snapshot", "depicts", "published", "recorded_at", "superseded_at", "retracted_at", "retracted_why",
             "file_name", "rows_in", "rows_stored", "rows_refused"]  # fmt: skip
    show(frame[short] if form == "table" else frame, form, title="snapshots")


@main.command()
@_ARCHIVE
@_format("table", "csv", "json")
def sources(archive: Path, form: str) -> None:
    """Sources, their licences and whom to credit."""
    show(_open(archive).sources(), form, title="sources")


@main.command()
@_ARCHIVE
@click.option("--level", type=int)
@_format("table", "csv", "json")
def units(archive: Path, level: int | None, form: str) -> None:
    """Administrative units: code, names, level, parent, boundary set, km²."""
    frame = _open(archive).units(level)
    show(pd.DataFrame(frame.drop(columns=["geometry", "recorded_at"])), form, title="units")


@main.command()
@click.option("--folder", type=click.Path(path_type=Path), default=Path(), show_default=True)
def demo(folder: Path) -> None:
    """Build the bundled example: data/kursk.gpkg, its figures, and maps/2025-01-11.html."""
    from geo.demo import run

    for line in run(folder):
        click.echo(line)
