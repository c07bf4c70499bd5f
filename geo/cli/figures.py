"""Verbs that answer in figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from geo.cli import common
from geo.cli.common import main
from geo.errors import GeoError, UsageError
from geo.output.console import bar, printable, records, show, show_front, show_workings, write_table

if TYPE_CHECKING:
    import pandas as pd

    from geo.measure.front_line import Front


@main.command()
@common.ARCHIVE
@common.DATE
@common.OF_FIGURES
@common.AGE
@common.RAW
@common.EXPLAIN
@common.form_option("table", "csv", "json")
def area(archive: Path, date: str | None, form: str, raw: bool, **given: Any) -> None:
    """How much each side holds on a date, in km².

    With the range that contested ground leaves open.
    """
    accuracy, kept, known = given.pop("accuracy_km"), common.opened(archive, raw=raw), given["as_known_on"]
    if given.pop("explain"):
        show_workings(kept.explain(date, accuracy_km=accuracy, **given), form)
        return
    frame = common.name_units(kept, kept.area(date, **given), given["by"])
    title = f"km² held by source and class, {date or 'last snapshot'}{f', as known on {known}' if known else ''}"
    _tell_the_way_out(frame)
    show(frame, form, title=title, head={"date": date, "as_known_on": known})


def _tell_the_way_out(frame: pd.DataFrame) -> None:
    if any(" days older than " in note for note in frame.attrs.get("notes", ())):
        _add_note(frame, "--max-age-days N refuses an older snapshot")


def _add_note(frame: pd.DataFrame, note: str) -> None:
    if note:
        frame.attrs["notes"] = (*frame.attrs.get("notes", ()), note)


@main.command("say")
@common.ARCHIVE
@common.within_option("Where; the country with most ground by default")
@click.option("--side", metavar="C", help="Whose ground; the side with most of it by default.")
@common.DATE_OR_TO
@common.since_option("Say what changed since this date.")
@click.option("--source", metavar="S", help="One source's account; every source's, with the range, by default.")
@click.option("--all", "is_all", is_flag=True, help="A line for each side and unit that changed.")
@common.LANG
def say_command(archive: Path, is_all: bool, **given: Any) -> None:
    """One sentence to paste: who holds, gained or lost how much.

    It says where, since when, by which source and date.
    """
    from geo.output.say import say, say_changes

    kept = common.opened(archive)
    for line in say_changes(kept, **given) if is_all else [say(kept, **given)]:
        click.echo(printable(line))


@main.command()
@common.ARCHIVE
@common.from_option("The earlier date.", required=True)
@common.to_option("The later date; the last snapshot by default.")
@click.option("--base", type=common.WHEN, help="The percentage is of the area on this date; --from by default.")
@common.OF_FIGURES
@common.AGE
@common.EXPLAIN
@common.form_option("table", "csv", "json")
def change(archive: Path, from_: str, to: str | None, form: str, **given: Any) -> None:
    """What each side gained and lost between two dates.

    Gross and net, in km² and percent of a named base.
    """
    from geo.archive.results import is_backwards

    accuracy, kept = given.pop("accuracy_km"), common.opened(archive)
    to = common.last_day(kept, given["source"]) if to is None else to
    if given.pop("explain"):
        show_workings(kept.explain_change(from_, to, accuracy_km=accuracy, **given), form)
        return
    from geo.archive.figures import change as change_of

    frame = common.name_units(kept, change_of(kept, from_, to, **given), given["by"])
    title = f"km² gained and lost, {from_} to {to}; percent of {given['base'] or from_}"
    head = {"from": from_, "to": to, "base": given["base"] or from_, "as_known_on": given["as_known_on"]}
    _tell_the_way_out(frame)
    if is_backwards(from_, to):
        _add_note(frame, f"--from {from_} is later than --to {to}: gained and lost are told backwards in time")
    show(frame, form, title=title, head=head)


@main.command()
@common.ARCHIVE
@common.SPAN
@common.OF_FIGURES
@common.AGE
@common.form_option("table", "csv", "json")
@click.option(
    "--every", type=click.Choice(["month", "week"]), help="Only the last snapshot of each, and the change between them."
)
@common.SHARED_OUT
@common.TABLE_FILE
def series(archive: Path, form: str, output: Path | None, **given: Any) -> None:
    """Area, gain and loss at every snapshot of a source."""
    from geo.archive.figures import series as series_of

    with bar("measuring") as advance:
        kept = common.opened(archive)
        frame = series_of(kept, progress=advance, **given)
    frame = common.name_units(kept, frame, given["by"])
    if output is None:
        show(frame, form, title="km² at every snapshot, gained and lost since the one before")
    else:
        click.echo(write_table(frame, output))


@main.command()
@click.argument("archives", nargs=-1, required=True, metavar="ARCHIVE…")
@common.SPAN
@common.OF_FIGURES
@common.AGE
@common.form_option("table", "csv", "json")
@click.option("--freq", default="MS", show_default=True, metavar="STEP", help="D, W, MS (firsts of months) or YS.")
@common.SHARED_OUT
@common.TABLE_FILE
def panel(archives: tuple[str, ...], form: str, output: Path | None, **given: Any) -> None:
    """Area at regular dates, of one archive or of many.

    A row for each date, unit and class. A pattern of file names in quotation marks stands for all files that it fits. A
    ledger (F.parquet, as geo export ARCHIVE --from writes it) may stand for an archive, also on object storage (s3://…).
    """
    shared = {name: given.pop(name) for name in ("workers", "scheduler")}
    with bar("measuring") as advance:
        frame = _panels(common.fitting(archives), shared, advance, given)
    if output is None:
        show(frame, form, title="km² at regular dates")
    else:
        click.echo(write_table(frame, output))


def _panels(
    places: Sequence[str], shared: Mapping[str, Any], progress: Callable[[int, int], None], asked: Mapping[str, Any]
) -> pd.DataFrame:
    """The panel of one archive or ledger after the other; the first column says which."""
    import pandas as pd

    from geo.workers import share_out

    is_elsewhere = shared["scheduler"] is not None
    whole = [str(Path(place).absolute()) if is_elsewhere and "://" not in place else place for place in places]
    files = [Path(place) for place in whole if "://" not in place]
    tables: list[pd.DataFrame] = []
    for table in share_out(_panel_of, [(place, asked) for place in whole], files=files, at_once=1, **shared):
        tables.append(table)
        progress(len(tables), len(places))
    told = [(PurePosixPath(urlsplit(place).path).name, table) for place, table in zip(whole, tables, strict=True)]
    together = pd.concat([table.assign(archive=name) for name, table in told], ignore_index=True)
    notes = [(name, note) for name, table in told for note in table.attrs.get("notes", ())]
    together.attrs["notes"] = tuple(f"{name}: {note}" for name, note in notes)
    return together[["archive", *together.columns.drop("archive")]]


def _panel_of(place: str, asked: Mapping[str, Any]) -> pd.DataFrame:
    try:
        with TemporaryDirectory(prefix="geo-") as folder:
            if not urlsplit(place).path.endswith(".parquet"):
                table: pd.DataFrame = common.opened(Path(place)).panel(**asked)
            else:
                table = _panel_of_ledger(place, Path(folder), dict(asked))
    except GeoError as error:
        raise UsageError(str(error) if Path(place).name in str(error) else f"{place}: {error}") from None
    return table


def _panel_of_ledger(place: str, folder: Path, asked: dict[str, Any]) -> pd.DataFrame:
    """Of polygons with when each stood, as geo export writes a span: taken into an archive for as long as it takes."""
    import geopandas as gpd

    from geo.automation.object_storage import copied
    from geo.importing.importer import import_files
    from geo.schema import Source

    rows = gpd.read_parquet(copied(place, folder) if "://" in place else place)
    if missing := {"source", "valid_from", "valid_to"} - {*rows.columns}:
        raise UsageError(
            f"{place}: no ledger: it lacks {', '.join(sorted(missing))}; geo export ARCHIVE --from writes one"
        )
    for number, (name, mine) in enumerate(rows.groupby("source")):
        mine.to_parquet(folder / f"{number}.parquet")
        receipt = import_files(
            folder / "ledger.gpkg", "vector", folder / f"{number}.parquet", credit=Source(str(name), str(name)),
            accept=frozenset(_FOUND_BEFORE),
        )[0]  # fmt: skip
        if receipt.outcome == "refused":
            raise UsageError(f"{place}: {receipt.error}")
    if rows["valid_to"].notna().all():  # it ends, and says nothing of what came then
        asked["to"] = asked["to"] or str(rows["valid_from"].max())
    if asked["max_age_days"] is None:  # what stands until its end needs no newer map
        asked["max_age_days"] = math.inf
    table: pd.DataFrame = common.opened(folder / "ledger.gpkg").panel(**asked)
    return table


# what the archive that a ledger is of has let in
_FOUND_BEFORE = ("future", "swapped", "empty", "large", "partial", "positions", "elsewhere", "instants")


@main.command()
@common.ARCHIVE
@common.DATE_OR_TO
@common.SOURCE
@common.CLASSES
@common.ONLY_IN
@click.option("--against", metavar="C", help="Only where this other side's ground faces it.")
@click.option("--tolerance-km", type=float, default=0.0, show_default=True, help="Simplify the line by this much.")
@click.option("--inset-km", type=float, default=5.0, show_default=True, help="Stay this far inside border and coast.")
@click.option("--gap-km", type=float, default=0.1, show_default=True, help="How far apart two sides still face.")
@click.option("--boundary", metavar="SET", help="Whose border and coast; the last taken in by default.")
@common.since_option("How far it moved since this date, by unit (needs --controller).")
@click.option("--level", type=int, help="Level of the units with --since.")
@click.option("--at", metavar="LAT,LON", help="How far this place is from it.")
@common.KNOWN
@common.AGE
@common.form_option("table", "json", "geojson")
def front(archive: Path, form: str, since: str | None, at: str | None, level: int | None, **given: Any) -> None:
    """The front's length, its movement, a place's distance from it.

    At a stated tolerance and inset.
    """
    from geo.measure.front_line import distance_km

    chosen = common.opened(archive)
    given |= {name: chosen.reader.side_code(given[name]) for name in ("controller", "against")}
    found = chosen.front(**given)
    asked = ("date", "controller", "against", "within", "gap_km", "as_known_on")
    facts = {k: given[k] for k in asked if given[k] is not None}
    if len(found.sides) > 1:
        facts |= {"edges_of": list(found.sides)}
    facts |= {"source": found.source, "snapshot": found.snapshot, "snapshot_age_days": found.snapshot_age_days}
    facts |= {"boundary": found.boundary, "length_km": found.length_km}
    facts |= {"tolerance_km": found.tolerance_km, "inset_km": found.inset_km}
    if at is not None:
        facts |= {"at": at, "distance_km": distance_km(found, *common.place(at))}
    if since is not None:
        names = ("source", "controller", "status", "within", "boundary", "as_known_on", "max_age_days")
        shared = {k: given[k] for k in names}
        lengths = {k: given[k] for k in ("tolerance_km", "inset_km")}
        moved = chosen.front_movement(since, given["date"], level=level, **shared, **lengths)
        facts |= {"since": since, "movement": moved}
    show_front(facts, found.lines, form)
    # a table of the movement tells its notes itself
    told = [] if form == "table" or since is None else moved.attrs.get("notes", ())
    common.print_notes((*_front_notes(found), *told))


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
@common.ARCHIVE
@click.option("--at", required=True, metavar="LAT,LON", help="The place, in degrees.")
@common.SOURCE
@common.KNOWN
@common.form_option("table", "csv", "json")
def who(archive: Path, at: str, source: str | None, as_known_on: str | None, form: str) -> None:
    """Who held a place, from when to when, by which source."""
    from geo.archive.locations import who as who_at

    lat, lon = common.place(at)
    kept = common.opened(archive)
    frame = who_at(kept, lat, lon, source=source, as_known_on=as_known_on)
    if frame.empty and abs(lon) <= 90 and len(kept.who(lon, lat, source=source, as_known_on=as_known_on)):
        common.print_notes([f"nobody at {at}, but at {lon},{lat}: latitude comes first"])
    if form == "table":
        seen = frame["valid_to"].fillna("still at the last snapshot")
        if "next_map" in frame:
            words = "last seen so on " + frame["last_map"].str[:10] + "; next map " + frame["next_map"].str[:10]
            seen = words.fillna(seen)
        frame = frame.assign(valid_to=seen).drop(columns=["last_map", "next_map"], errors="ignore")
    show(frame, form, title=f"who held {at}", head={"at": [lat, lon], "as_known_on": as_known_on})


@main.command()
@common.ARCHIVE
@common.AGE
@common.places_option("Geodata or CSV with names; GeoNames' places of 500 people or more by default.")
@common.from_option("The earlier date.", required=True)
@common.to_option("The last snapshot by default.")
@common.SOURCE
@common.KNOWN
@common.form_option("table", "csv", "json")
def settlements(archive: Path, places: Path | None, column: str | None, form: str, **given: Any) -> None:
    """Settlements that changed hands between two dates."""
    from geo.measure.settlements import unmarked_words

    found = common.read_if_given(places, column)
    frame = common.opened(archive, max_age_days=given.pop("max_age_days")).changed_hands(found, **given)
    if form == "table":
        unmarked = frame["government"].map(unmarked_words)
        frame = frame.assign(**{side: frame[side].fillna(unmarked) for side in ("before", "after")})
        frame = frame.drop(columns="government")
    head = {"from": given["from_"], "to": given["to"], "as_known_on": given["as_known_on"]}
    show(frame, form, title=f"settlements that changed hands, {given['from_']} to {given['to'] or 'now'}", head=head)


@main.command("compare")
@common.ARCHIVE
@click.option("--source", "sources", multiple=True, required=True, metavar="S", help="Repeat it: two or more.")
@click.option("--date", type=common.WHEN, help="The last day on which every source has spoken by default.")
@common.from_option("With --to, or --date: every day of a span, and who trails whom.")
@click.option("--to", type=common.WHEN, help="The last date of a span.")
@common.CLASSES
@click.option(
    "--take", multiple=True, metavar="SOURCE=STATUS[/PART]",
    help="Which class of a source stands for the status; the difference is named.",
)  # fmt: skip
@common.WHERE
@click.option("--by", type=click.Choice(["unit"]), help="Figures for each unit (one date).")
@click.option("--lag-days", type=click.IntRange(0, 366), default=14, show_default=True, metavar="N",
              help="Search for a lag of up to N days either way (a span).")  # fmt: skip
@common.places_option("Geodata or CSV with names: who says what.")
@common.KNOWN
@common.AGE
@click.option("--title", help="Of a page or chart.")
@common.LANG
@common.TEMPLATES
@common.form_option("table", "csv", "json", "geojson")
@click.option("-o", "--output", type=common.FILE, help="A page (F.html), or a chart of a span (F.png).")
def compare_command(
    archive: Path, date: str | None, from_: str | None, to: str | None, form: str, output: Path | None,
    take: tuple[str, ...], places: Path | None, column: str | None, lag_days: int, title: str | None, lang: str,
    templates: Path | None, **given: Any,
) -> None:  # fmt: skip
    """Sources side by side: agreed and disputed ground.

    What each says, and who trails whom; never merged.
    """
    if from_ is not None and to is None:  # --since with --date is a span, too
        to, date = date, None
    if (from_ is None) != (to is None) or (from_ is not None and date is not None):
        raise UsageError("give --date, or --from and --to")
    if templates is not None and (from_ is not None or output is None):
        raise UsageError("--templates goes with the page of one date (-o F.html)")
    given |= {
        "take": common.pairs(take, "--take", "SOURCE=STATUS or SOURCE=STATUS/PART, such as isw=claimed/kursk-advance"),
        "sources": list(given["sources"]),
    }
    if from_ is not None:
        _span(archive, (from_, str(to)), form, output, title, places, lang, lag_days=lag_days, **given)
        return
    given["places"] = common.read_if_given(places, column)
    if output is not None:
        from geo.output.html.compare_page import draw_comparison
        from geo.output.html.map_page import save_map

        page = draw_comparison(common.opened(archive), date, title=title, lang=lang, templates=templates, **given)
        click.echo(save_map(page, output))
        return
    kept = common.opened(archive)
    if set(given["sources"]) & set(kept.reader.settlement_sources()):
        asked = {key: given[key] for key in ("sources", "within", "places", "as_known_on")}
        show(kept.compare_places(date, **asked), form, title="place by place", head={"date": date})
        return
    found = kept.compare(date, **given)
    found = replace(found, table=common.name_units(kept, found.table, given["by"]))
    _show(found, form, given["as_known_on"])


def _span(
    archive: Path, span: tuple[str, str], form: str, output: Path | None, title: str | None, places: Path | None,
    lang: str, *, level: int | None, by: str | None, **given: Any,
) -> None:  # fmt: skip
    if by or level is not None or places is not None or form == "geojson":
        raise UsageError("--by, --level, --places and --format geojson go with one date (--date)")
    if output is not None:
        from geo.output.images.chart import draw_comparison_chart

        kept = common.opened(archive)
        click.echo(draw_comparison_chart(kept, output, from_=span[0], to=span[1], title=title, lang=lang, **given))
        return
    from geo.archive.comparisons import compare_span as span_of

    rows, lags = span_of(common.opened(archive), *span, **given)
    head = {"from": span[0], "to": span[1], "sources": given["sources"], "lags": records(lags)}
    if form == "table":
        notes, rows.attrs = rows.attrs.get("notes", ()), {}
        show(_wide(rows), form, title=f"km² side by side, {span[0]} to {span[1]}")
        if len(lags):
            show(lags, form, title="disagreement in km² when the second source is read so many days later")
        common.print_notes(notes)
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
        common.give_features(found.pieces, {**head, "notes": list(found.notes)})
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
    common.print_notes(found.notes)
