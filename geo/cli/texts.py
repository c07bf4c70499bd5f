"""Verbs that read texts: what a name may mean, places of a text, drafts of a briefing, and taking those in."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import pandas as pd

from geo.cli.common import ARCHIVE, TEMPLATES, form_option, main, opened, options, print_receipts
from geo.errors import UsageError
from geo.output.console import bar, complain, give_json, records, show

PLACES = options(
    click.option("--archive", type=click.Path(path_type=Path), help="Its units and its front are used."),
    click.option("--date", metavar="D", help="The date of the front; the last snapshot by default."),
    click.option("--source", metavar="S", help="By which source the front is taken."),
    click.option(
        "--gazetteer", "files", type=click.Path(path_type=Path), multiple=True,
        help="A gazetteer file (GeoNames, a register as CSV, OSM places); may be given several times.",
    ),
    click.option("--country", "countries", metavar="CC", multiple=True, help="A country in play (ISO 3166-1 alpha-2)."),
)  # fmt: skip


def _open(given: dict[str, Any]) -> tuple[Any, Any]:
    """The gazetteer, and the distance to the front where there is an archive."""
    from geo.geocoding.gazetteer import front_distance, open_gazetteer

    archive = opened(given["archive"]) if given["archive"] else None
    with bar("indexing places") as advance:
        gazetteer = open_gazetteer(
            countries=given["countries"] or None, files=given["files"], archive=archive, progress=advance
        )
    front_km = front_distance(archive, given["date"], source=given["source"]) if archive is not None else None
    return gazetteer, front_km


@main.command()
@click.argument("name")
@PLACES
@form_option("table", "csv", "json")
def places(name: str, form: str, **given: Any) -> None:
    """List the places that NAME may mean, in any spelling, with unit, population, distance to the front and id."""
    from geo.geocoding.gazetteer import list_places

    gazetteer, front_km = _open(given)
    table = list_places(gazetteer, name, front_km=front_km)
    if given["countries"]:
        table = table[table["country"].isin([c.upper() for c in given["countries"]])].reset_index(drop=True)
    show(table, form, title=f"{len(table)} place{'' if len(table) == 1 else 's'} called {name}; GeoNames, CC BY 4.0")


@main.command("geocode")
@click.argument("text")
@PLACES
@form_option("json", "table", "csv")
def geocode_command(text: str, form: str, **given: Any) -> None:
    """Find the places that TEXT mentions (- reads the input): point, precision and reason, or the region alone."""
    from geo.geocoding.geocoder import as_frame, mentions

    gazetteer, front_km = _open(given)
    content = sys.stdin.read() if text == "-" else text
    table = pd.DataFrame(as_frame(mentions(content, gazetteer=gazetteer, front_km=front_km)).drop(columns="geometry"))
    if form == "json":
        give_json({"mentions": records(table)})
    else:
        show(table, form, title="mentions; places by GeoNames, CC BY 4.0")


_SHOWN = (
    "date_start", "date_prec", "where_coordinates", "adm_1", "country", "where_prec", "sub_event_type", "low", "best",
    "high", "injured_low", "injured_best", "injured_high", "captured", "claimed_by", "verification",
)  # fmt: skip


@main.command("read")
@click.argument("briefing", type=click.Path(path_type=Path))
@click.option("--date", metavar="D", help="The day of the briefing; its own dateline by default.")
@click.option("--archive", type=click.Path(path_type=Path), help="Its units and its front are used; drawn on the page.")
@click.option(
    "--gazetteer", "files", type=click.Path(path_type=Path), multiple=True,
    help="A gazetteer file (GeoNames, a register as CSV, OSM places); may be given several times.",
)  # fmt: skip
@click.option("--country", "countries", metavar="CC", multiple=True, help="A country in play (ISO 3166-1 alpha-2).")
@click.option("--lang", type=click.Choice(["en", "uk", "ru"]), help="Of the text; found out by default.")
@click.option("--source", metavar="S", help="Whose briefing it is; what the page states, or its name, by default.")
@click.option("--encoding", metavar="E", help="Of the file, where it does not say; UTF-8 by default.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the drafts to REVIEW.csv.")
@click.option("--page", type=click.Path(path_type=Path), help="Write a page with the text and the map: REVIEW.html.")
@TEMPLATES
@form_option("table", "json")
def read_command(
    briefing: Path, files: tuple[Path, ...], output: Path | None, page: Path | None, form: str, templates: Path | None,
    **given: Any,
) -> None:  # fmt: skip
    """Draft the incidents and area claims of a BRIEFING (.txt, .md, .html). Nothing is stored (geo import-review)."""
    from geo.extraction.briefing import read_briefing, write_review
    from geo.extraction.briefing_files import read_text
    from geo.geocoding.gazetteer import open_gazetteer
    from geo.presentation.templates import templates_folder

    for path, ending in ((output, ".csv"), (page, ".html")):
        if path is not None and path.suffix.lower() != ending:
            raise UsageError(f"{path}: write to a path that ends in {ending}")
    if templates is not None and page is None:
        raise UsageError("--templates goes with --page")
    templates_folder(templates)  # refused before a text is read
    text = read_text(briefing, encoding=given.pop("encoding"))
    archive = opened(given.pop("archive")) if given["archive"] else given.pop("archive")
    countries = given.pop("countries") or None
    with bar("indexing places") as advance:
        gazetteer = open_gazetteer(countries=countries, files=files, archive=archive, progress=advance)
    reading = read_briefing(text, archive=archive, gazetteer=gazetteer, **given)
    written = [] if output is None else [write_review(reading, output)]
    if page is not None:
        from geo.output.html.map_page import save_map
        from geo.output.html.review_page import draw_review

        written.append(save_map(draw_review(reading, archive=archive, templates=templates), page))
    if form == "json":
        give_json(reading.as_dict())
    else:
        _print(reading)
    for path in written:
        click.echo(path, err=form == "json")


def _print(reading: Any) -> None:
    """The drafts and the claims as tables."""
    day = "no dateline" if reading.dateline is None else reading.dateline.isoformat()
    frame = pd.DataFrame([{n: d.fields[n] for n in _SHOWN} for d in reading.incidents], columns=[*_SHOWN])
    show(frame, "table", title=f"{len(frame)} drafts from {reading.source.name}, {day}; places by GeoNames, CC BY 4.0")
    names = ("quantity", "controller", "unit", "comparator", "value", "value_unit", "date_to", "said_by", "text")
    claims = pd.DataFrame([{n: c.as_dict()[n] for n in names} for c in reading.claims], columns=[*names])
    if len(claims):
        show(claims, "table", title=f"{len(claims)} area claims")


@main.command("import-review")
@ARCHIVE
@click.argument("review", type=click.Path(path_type=Path))
@click.option("--encoding", default="utf-8", show_default=True, help="Of the file, where a spreadsheet changed it.")
@click.option("--delimiter", help="Of the file; a comma, semicolon or tab is found out.")
@click.option("--decimal", help="The decimal mark of the file.")
@form_option("table", "json")
@click.pass_context
def import_review(ctx: click.Context, /, archive: Path, review: Path, form: str, **given: Any) -> None:
    """Take the rows of REVIEW.csv that a person confirmed (y in the column confirm) into ARCHIVE, with a receipt."""
    from geo.extraction.briefing import accept_review

    receipt = accept_review(archive, review, **given)
    if form == "json":
        give_json({"receipts": [asdict(receipt)]})
    else:
        print_receipts([receipt])
    if receipt.outcome == "refused":
        complain(receipt.error)
        ctx.exit(1)


# the verb's earlier name (docs/public.md)
main.add_command(
    click.Command(
        "accept", params=import_review.params, callback=import_review.callback, help=import_review.help, hidden=True,
        deprecated="It is called import-review now.",
    )
)  # fmt: skip
