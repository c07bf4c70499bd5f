"""Verbs that read a briefing into drafts, and take in what a person confirmed of them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import pandas as pd

from geo.cli.common import ARCHIVE, form_option, main, opened
from geo.cli.receipts import print_receipts
from geo.errors import UsageError
from geo.output.console import bar, complain, give_json, show

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
@form_option("table", "json")
def read_command(
    briefing: Path, files: tuple[Path, ...], output: Path | None, page: Path | None, form: str, **given: Any
) -> None:
    """Draft the incidents and area claims of a BRIEFING (.txt, .md, .html). Nothing is stored: see geo accept."""
    from geo.extraction.briefing import read_briefing
    from geo.extraction.briefing_files import read_text
    from geo.extraction.review import write_review
    from geo.geocoding.gazetteer import open_gazetteer

    for path, ending in ((output, ".csv"), (page, ".html")):
        if path is not None and path.suffix.lower() != ending:
            raise UsageError(f"{path}: write to a path that ends in {ending}")
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

        written.append(save_map(draw_review(reading, archive=archive), page))
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


@main.command("accept")
@ARCHIVE
@click.argument("review", type=click.Path(path_type=Path))
@click.option("--encoding", default="utf-8", show_default=True, help="Of the file, where a spreadsheet changed it.")
@click.option("--delimiter", help="Of the file; a comma, semicolon or tab is found out.")
@click.option("--decimal", help="The decimal mark of the file.")
@form_option("table", "json")
@click.pass_context
def accept_command(ctx: click.Context, /, archive: Path, review: Path, form: str, **given: Any) -> None:
    """Take the rows of REVIEW.csv that a person confirmed (y in the column confirm) into ARCHIVE, with a receipt."""
    from geo.extraction.review import accept_review

    receipt = accept_review(archive, review, **given)
    if form == "json":
        give_json({"receipts": [asdict(receipt)]})
    else:
        print_receipts([receipt])
    if receipt.outcome == "refused":
        complain(receipt.error)
        ctx.exit(1)
