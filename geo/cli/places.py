"""Verbs about places: the candidates of a name, the mentions of a text."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import pandas as pd

from geo.cli.common import form_option, main, opened, options
from geo.output.console import bar, give_json, records, show

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
