"""Verbs of what an archive holds: fetch, import, list, retract, rules, check, repair, backup, the daily run."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from geo.cli import common
from geo.cli.common import main
from geo.errors import UsageError
from geo.output.console import bar, complain, give_json, printable, show
from geo.schema import number_of

if TYPE_CHECKING:
    import pandas as pd

    from geo.automation.fetch import Fetched


_COVERS = click.option(
    "--covers", multiple=True, metavar="UNIT",
    help="All that the source maps, where it leaves out the rest; may be given several times.",
)  # fmt: skip

_FINDINGS = click.Choice(
    ["future", "swapped", "empty", "large", "partial", "positions", "clock", "elsewhere", "instants"]
)


@main.command("import", cls=common.WithPlugins)
@common.ARCHIVE
@click.argument("source")
@click.argument("files", nargs=-1, type=common.FILE)
@click.option("--date", type=common.DAY, help="What the files depict, where they do not say.")
@click.option("--published", metavar="D", help="When they were published.")
@click.option("--retrieved", metavar="T", help="When they were fetched.")
@click.option("--name", metavar="NAME", help="Keep the rows under this source name (vector).")
@_COVERS
@click.option("--config", type=common.FILE, help="A TOML file that maps columns and names the source.")
@click.option("--column", "columns", multiple=True, metavar="OURS=THEIRS", help="Which column of the file is ours.")
@click.option("--set", "constants", multiple=True, metavar="OURS=VALUE", help="One value for every row.")
@click.option("--status-map", "statuses", multiple=True, metavar="WORD=STATUS", help="What a word of the file means.")
@click.option("--layer", help="Which layer of a file with several.")
@click.option("--part", default="", help="Which of a source's separate publications this is.")
@click.option("--crs", help="The CRS of a file that does not say.")
@click.option("--date-format", help="How dates are written in the file's cells: %d/%m/%Y, for instance.")
@click.option("--encoding", default="utf-8", show_default=True, help="Of text files.")
@click.option("--delimiter", help="Of CSV files.")
@click.option("--decimal", help="The decimal mark of CSV files.")
@click.option("--accept", multiple=True, type=_FINDINGS, help="Let this finding in on purpose.")
@click.option("--scheduler", metavar="tcp://…", help="Let a running Dask scheduler read maps (extra 'cluster').")
@common.form_option("table", "json")
@click.pass_context
def import_command(
    ctx: click.Context, /, archive: Path, source: str, files: tuple[Path, ...], form: str, **given: Any
) -> None:
    """Take files into an archive, which is made if needed.

    FILES are read as SOURCE's own.

    Sources: deepstate, deepstate-mirror, nzz, isw, uacontrolmap, vector (a desk's own: anything GDAL reads);
    settlements, viina-control, wikipedia-map; incidents, acled, eyes-on-russia, ucdp-ged, ucdp-candidate, viina,
    geoconfirmed, bellingcat, isw-events, mymaps; review, units, claims. A bad file stops none of the others; the exit
    code is then 1.
    """  # fmt: skip
    from geo.archive import open_archive
    from geo.importing.importer import Receipt, import_claims, import_files
    from geo.sources import names, reader

    if archive.name in names() and source not in names():
        raise UsageError(f"the archive comes first: geo import {source} {archive} FILES…")
    if not files:
        what = f"whose file is {source}?" if Path(source).exists() else "no file is given."
        raise UsageError(f"{what} Say geo import ARCHIVE SOURCE FILES…, SOURCE one of {', '.join(names())}, claims")
    if source == "claims":
        count = sum(import_claims(open_archive(archive), path) for path in files)
        click.echo(f"{number_of(count, 'claim')} stored in {archive}")
        return
    options, credit = _read_options(given)
    if given["covers"]:
        credit = replace(credit or reader(source).source, covers=given["covers"])
    with bar("importing") as advance:
        receipts: list[Receipt] = import_files(
            archive, source, files, options=options, credit=credit, scheduler=given["scheduler"], progress=advance
        )
    if form == "json":
        give_json({"receipts": [asdict(r) for r in receipts]})
    else:
        common.print_receipts(receipts)
        if any(r.outcome == "superseded" for r in receipts):
            click.echo(f"what they changed, in km² and on the map: geo corrections {archive}")
    refused = [r for r in receipts if r.outcome == "refused"]
    if refused:
        for receipt in refused:
            complain(receipt.error.replace("geo import ARCHIVE", f"geo import {archive}"))
            if form == "table":
                common.print_refusals(receipt)
        if len(receipts) > 1:
            others = "the others are in" if len(refused) < len(receipts) else "nothing was taken in"
            complain(f"{len(refused)} of {len(receipts)} files refused, {others}")
    if refused or any(r.snapshots and r.refusals for r in receipts):
        ctx.exit(1)


def _read_options(given: dict[str, Any]) -> tuple[Any, Any]:
    """Options from a TOML file, if there is one, and from the command line, which wins."""
    from geo.schema import Options, Source
    from geo.sources.vector import read_toml

    credit, options = read_toml(given["config"]) if given["config"] else (None, Options())
    maps: dict[str, Any] = {
        name: {**getattr(options, name), **common.pairs(given[name], option)}
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
@common.ARCHIVE
@click.argument("snapshot")
@click.option("--why", required=True, help="Kept on record.")
def retract(archive: Path, snapshot: str, why: str) -> None:
    """Take a wrong import back.

    What the archive said until now stays on record (--as-known-on).
    """
    with common.opened(archive) as kept:
        kept.retract(snapshot, why=why)
    click.echo(f"{snapshot} is taken back")


@main.command()
@common.ARCHIVE
@common.SOURCE
@common.RAW
@common.form_option("table", "csv", "json")
def snapshots(archive: Path, source: str | None, raw: bool, form: str) -> None:
    """Every map on record: its date, file and what became of it.

    Also when it was published and recorded.
    """
    frame = common.opened(archive, raw=raw).reader.snapshots(source)
    short = ["snapshot", "depicts", "published", "retrieved", "recorded_at", "superseded_at",
             "retracted_at", "retracted_why", "file_name", "rows_in", "rows_stored", "rows_refused"]  # fmt: skip
    show(frame[short] if form == "table" else frame, form, title="snapshots")


@main.command()
@common.ARCHIVE
@click.option("--by", type=click.Choice(["unit"]), help="A row for each unit as well.")
@common.form_option("table", "csv", "json")
def coverage(archive: Path, by: Any, form: str) -> None:
    """Which days each source has, and the gaps between them.

    The first, the last, and the breaks in its numbers.
    """
    from geo.archive.days_covered import coverage as days_of

    kept = common.opened(archive)
    show(common.name_units(kept, days_of(kept, by=by), by), form, title="days, gaps and breaks by source")


@main.command()
@common.ARCHIVE
@common.SOURCE
@click.option("--accuracy-km", type=float, metavar="E", help="Keep how far the source's drawn lines may be off.")
@_COVERS
@click.option("--covers-all", is_flag=True, help="Keep that the source leaves nothing out.")
@common.form_option("table", "csv", "json")
def sources(
    archive: Path, source: str | None, accuracy_km: float | None, covers: tuple[str, ...], covers_all: bool, form: str
) -> None:
    """Sources, their licences and whom to credit.

    Keeps how far one's lines may be off, and what its maps cover.
    """
    if covers and covers_all:
        raise UsageError("--covers UNIT or --covers-all, not both")
    if covers or covers_all:
        with common.opened(archive) as kept:
            kept.set_coverage(kept.source_name(source), covers)
    if accuracy_km is not None:
        with common.opened(archive) as kept:
            kept.set_accuracy(kept.source_name(source), accuracy_km)
    show(common.opened(archive).sources(), form, title="sources")


@main.command("sides")
@common.ARCHIVE
@click.argument("side", required=False)
@click.option("--name", "names", multiple=True, metavar="LANG=NAME", help="What it is called; uk=Росія, for instance.")
@click.option("--adjective", "adjectives", multiple=True, metavar="LANG=WORD", help="Its adjective: en=Russian.")
@click.option("--alias", "aliases", multiple=True, metavar="NAME", help="What options and claims may call it, too.")
@click.option("--colour", metavar="#RRGGBB", help="Its colour on every output.")
@click.option("--order", type=int, metavar="N", help="Its place in legends and tables, the smallest first.")
@common.form_option("table", "csv", "json")
def sides_command(archive: Path, side: str | None, form: str, **given: Any) -> None:
    """Sides: what each is called, and its colour.

    With SIDE and options, set them.
    """
    names, adjectives = common.pairs(given["names"], "--name"), common.pairs(given["adjectives"], "--adjective")
    told = given | {"names": names, "adjectives": adjectives}
    is_set = bool(names or adjectives or given["aliases"] or given["colour"] is not None or given["order"] is not None)
    from geo.presentation.sides import find_side

    if is_set and side is None:
        raise UsageError("which side? geo sides ARCHIVE RU --name en=Russia, for instance")
    with common.opened(archive) as kept:
        if is_set:
            side = kept.name_side(side, **told)
        frame = kept.sides()
        if side is not None:
            with kept.holding():
                side = find_side(side, list(frame["side"]))
            frame = frame[frame["side"] == side].reset_index(drop=True)
            if frame.empty and not is_set:
                raise UsageError(f"no side {side!r} in {archive}; geo sides {archive} lists them")
    if is_set and form == "table":
        held = "" if side in common.opened(archive).controllers() else "; no ground there is held by it"
        click.echo(printable(f"{side} is set in {archive}{held}"))
    show(frame[["side", "name", "adjective", "aliases", "colour", "order"]] if form == "table" else frame, form,
         title="sides")  # fmt: skip


@main.command()
@common.ARCHIVE
@click.option("--level", type=int, help="Only units of this level: 0 countries, 1 their first division.")
@click.option("--country", metavar="CODE", help="Only this country and what lies in it, such as UA.")
@common.form_option("table", "csv", "json")
def units(archive: Path, level: int | None, country: str | None, form: str) -> None:
    """Administrative units: code, names, level, boundary set, km²."""
    import pandas as pd

    kept = common.opened(archive)
    frame = pd.DataFrame(kept.units().drop(columns=["geometry", "recorded_at"]))
    if country is not None:
        frame = frame[frame["unit"].isin(_below(frame, country.upper())) | frame["parent"].isin([country.upper()])]
    if level is not None:
        kept.reader.refuse_level(level)
        frame = frame[frame["level"] == level]
    if form == "table":  # which shows a column `boundary` below the figures
        frame = frame.rename(columns={"boundary": "boundary_set"})
    show(frame.reset_index(drop=True), form, title="units")


def _below(units: pd.DataFrame, country: str) -> set[str]:
    """The codes of a country and of every unit in it."""
    if country not in set(units["unit"][units["level"] == 0]):
        raise UsageError(f"no country {country!r} in the archive; geo units --level 0 lists them")
    found, fresh = {country}, {country}
    while fresh:
        fresh = set(units["unit"][units["parent"].isin(fresh)].dropna()) - found
        found |= fresh
    return found


@main.command()
@click.option("--folder", type=common.FILE, default=Path(), show_default=True, help="Where data/ and maps/ are made.")
def demo(folder: Path) -> None:
    """Build the bundled example: archive, figures and map.

    They are data/kursk.gpkg and maps/2025-01-11.html.
    """
    from geo.cli.demo import run

    for line in run(folder):
        click.echo(line)


@main.command()
@common.ARCHIVE
@common.form_option("table", "json")
@click.pass_context
def check(ctx: click.Context, /, archive: Path, form: str) -> None:
    """Check whether an archive is whole.

    Its structure, hashes, intervals, geometries, sources, incidents, fetched files.

    Nothing is changed. The exit code is 1 where there is a fault; notes harm nothing.
    """
    from geo.maintenance.check import check_archive

    report = check_archive(archive)
    if form == "json":
        give_json(report.as_record())
    else:
        for line in report.lines():
            click.echo(printable(line))
    ctx.exit(0 if report.is_whole else 1)


@main.command()
@common.ARCHIVE
@common.output_option("The mended copy.")
@common.form_option("table", "json")
def repair(archive: Path, output: Path, form: str) -> None:
    """Write a mended copy of a damaged archive.

    ARCHIVE is not touched; what cannot be proved goes to COPY.left-out.csv.
    """
    from geo.maintenance.repair import repair_archive

    mended = repair_archive(archive, output)
    if form == "json":
        give_json({**asdict(mended), "report": mended.report.as_record()})
        return
    for line in (*mended.done, *mended.report.lines()):
        click.echo(printable(line))
    if mended.left_out:
        click.echo(printable(f"rows that were not taken over: {mended.left_out}"))


@main.command()
@common.ARCHIVE
@common.output_option("The copy, or a folder for it.")
@click.option("--replace", is_flag=True, help="Take the place of a file that is there.")
def backup(archive: Path, output: Path, replace: bool) -> None:
    """Copy an archive while others read it and write to it."""
    from geo.maintenance.repair import back_up

    click.echo(printable(back_up(archive, output, replace=replace)))


@main.command()
@common.ARCHIVE
@click.argument("file", type=common.FILE)
@click.option("--corridor-km", type=float, default=25.0, show_default=True, metavar="N", help="How far around is kept.")
@click.option("--credit", metavar="TEXT", help="Whom maps name; OpenStreetMap's contributors by default.")
def basemap(archive: Path, file: Path, corridor_km: float, credit: str | None) -> None:
    """Roads, rivers and places from your own OpenStreetMap extract.

    FILE is an .osm.pbf, .gpkg, .pmtiles or .geojson. What lies around the front and the incidents is cut into the
    archive, once; maps and pictures then draw what their view needs, with its credit.
    """
    from geo.importing.basemap_extract import CREDIT, import_basemap

    counts = import_basemap(common.opened(archive), file, corridor_km=corridor_km, credit=credit or CREDIT)
    click.echo(printable(f"{file}: " + ", ".join(f"{number_of(n, 'piece')} of {kind}" for kind, n in counts.items())))


@main.command("rules")
@common.ARCHIVE
@click.option("--embargo-hours", metavar="N", help="Show nothing that is newer than N hours.")
@click.option("--embargo-days", type=float, metavar="N", help="The same in days.")
@click.option("--coarsen", metavar="TO", help="Incidents: to 'settlement', 'grid:5km' or 'grid:0.1deg'.")
@click.option("--withhold", metavar="FIELDS", help="Incidents: leave these fields out, by commas.")
@click.option("--release", metavar="FIELDS", help="Incidents: texts that a coarsened one keeps, by commas.")
@click.option("--source", metavar="S", help="Only for this source or dataset; all by default.")
@click.option("--event-type", metavar="T", help="Only for incidents of this type or sub-type.")
@common.places_option("The settlements of --coarsen settlement.")
@click.option("--lift", is_flag=True, help="Lift the rules for --source and --event-type.")
@common.form_option("table", "csv", "json")
def rules_command(
    archive: Path, embargo_hours: str | None, embargo_days: float | None, coarsen: str | None, withhold: str | None,
    release: str | None, source: str | None, event_type: str | None, places: Path | None, column: str | None,
    lift: bool, form: str,
) -> None:  # fmt: skip
    """Embargo, coarsened incidents, withheld fields.

    Rules against harm, on by choice; every output passes them.
    """
    wanted = {"embargo": embargo_hours, "coarsen": coarsen, "withhold": withhold, "release": release}
    if embargo_days is not None:
        wanted["embargo"] = f"{24 * embargo_days:g}"
    given = {kind: value for kind, value in wanted.items() if value is not None}
    if lift and given:
        raise UsageError("--lift goes without new rules")
    if places is not None and coarsen is None:
        raise UsageError("--places goes with --coarsen settlement")
    from geo.archive.contents import rules as rules_of

    with common.opened(archive) as kept:
        if lift:
            click.echo(f"{number_of(kept.lift_rules(source=source, event_type=event_type), 'rule')} lifted")
        for kind, value in given.items():
            named = common.read_if_given(places, column) if kind == "coarsen" else None
            kept.set_rule(kind, value, source=source, event_type=event_type, places=named)
        show(rules_of(kept), form, title="rules against harm")


@main.command("corrections")
@common.ARCHIVE
@common.SOURCE
@click.option("--since", type=common.WHEN_RECORDED, help="Those recorded at or after this.")
@common.KNOWN
@common.form_option("table", "csv", "json", "geojson")
def corrections_command(archive: Path, form: str, **given: Any) -> None:
    """What later imports changed for dates already on record.

    km² by class before and after, and polygons.
    """
    from geo.archive.corrections import corrected_ground as ground_of
    from geo.archive.corrections import corrections as corrections_of

    kept = common.opened(archive)
    if form != "geojson":
        show(corrections_of(kept, **given), form, title="corrections, km² before and after", head=given)
        return
    common.give_features(ground_of(kept, **given), given)


@main.command(cls=common.WithPlugins)
@common.ARCHIVE
@click.argument("source")
@click.option(
    "--since", type=common.WHEN_RECORDED, help="Files from this date on; else from a week before the newest one."
)
@click.option("--until", type=common.WHEN_RECORDED, help="Files up to this date; else up to now.")
@click.option("--config", type=click.Path(path_type=Path), help="A TOML file with an address of your own: [fetch].")
@click.option("--contact", metavar="WHO", envvar="GEO_CONTACT", help="An e-mail or https address, told to the source.")
@click.option("--history", is_flag=True, help="All that the source has had since its first day, or --since.")
@click.option(
    "--query",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter for the source's address, as its documents name it: country=Sudan. Repeat for more.",
)
@click.option("--proxy", metavar="URL", envvar="GEO_PROXY", help="The proxy of your network.")
@click.option(
    "--ca", type=click.Path(path_type=Path), envvar="GEO_CA", help="Certificates (PEM) to trust beside the usual ones."
)
@click.option("--dry-run", is_flag=True, help="Ask what is offered, and fetch none of it.")
@common.form_option("table", "json")
@click.pass_context
def fetch(ctx: click.Context, /, archive: Path, source: str, form: str, **given: Any) -> None:
    """Fetch what is new from a source and take it in.

    The files are kept beside ARCHIVE.

    Sources: deepstate, deepstate-mirror, nzz, isw, uacontrolmap; viina-control; acled, ucdp-ged,
    ucdp-candidate, viina, geoconfirmed, eyes-on-russia, bellingcat; any other with --config. A source that wants an
    account has its key in the environment or in the system's keyring. The exit code is 1 where a file failed or was
    refused; the next run catches up.
    """
    from geo.automation.addresses import find_address
    from geo.automation.fetch import fetch_new

    given["address"] = find_address(source, config=given.pop("config"))
    given["query"] = common.pairs(given["query"], "--query")
    with bar("fetching") as advance:
        done = fetch_new(archive, source, progress=advance, **given)
    if form == "json":
        give_json(asdict(done))
    else:
        _print_fetched(done)
    failed = [file for file in done.files if file.outcome in ("failed", "refused")]
    for file in failed:
        complain(file.error)
    if failed:
        ctx.exit(1)


@main.command()
@click.argument("plan", required=False, type=click.Path(path_type=Path))
@click.option(
    "--date", type=common.WHEN_RECORDED, help="The day of figures and pages; that of the last snapshot by default."
)
@click.option("--example", is_flag=True, help="Print a plan with every key explained, and do nothing.")
@click.option("--quiet", is_flag=True, help="Say nothing unless something failed.")
@common.SHARED_OUT
@common.form_option("table", "json")
@click.pass_context
def daily(
    ctx: click.Context, /, plan: Path | None, date: str | None, example: bool, quiet: bool, form: str, **shared: Any
) -> None:
    """The desk's whole daily round, by a plan.

    PLAN is a TOML file: fetch, take in, measure, draw, write; the next run catches up.

    Exit codes: 0 all done, 3 nothing new, 4 done in part, 1 failed, 2 the plan is wrong, 5 another run is on.
    """
    from geo.automation import config as plans
    from geo.automation.daily import run_daily
    from geo.automation.run_record import as_record

    if example:
        click.echo(plans.example(), nl=False)
        return
    if plan is None:
        raise UsageError("which plan? geo daily desk.toml; geo daily --example > desk.toml makes one to begin with")
    with bar("daily") as advance:
        done = run_daily(plan, date=date, progress=None if quiet or form == "json" else advance, **shared)
    if form == "json":
        give_json(as_record(done))
    elif not quiet or done.outcome in ("failed", "done in part"):
        click.echo(printable(done.summary()))
    ctx.exit(done.exit_code)


def _print_fetched(done: Fetched) -> None:
    credit = done.credit
    click.echo(printable(f"{credit.title}: {credit.licence or 'no licence stated'}. Credit: {credit.attribution}"))
    common.print_receipts([file.receipt for file in done.files if file.receipt is not None])
    for file in done.files:
        if file.outcome == "offered":
            click.echo(printable(f"{file.name}: offered at {file.url}{', ' + file.note if file.note else ''}"))
        elif file.note:
            click.echo(printable(f"{file.name}: {file.note}"))
    click.echo(printable(f"{credit.name}, {done.since[:10]} to {done.until[:10]}: {done.summary()}"))
