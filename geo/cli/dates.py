"""The verb that puts two dates on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from geo.cli.common import ARCHIVE, KNOWN, LANG, PAGE, SOURCE, main, opened, places_option, with_colours


@main.command("compare-dates")
@ARCHIVE
@with_colours
@click.option("--from", "from_", required=True, metavar="D", help="The earlier date: left of the divider.")
@click.option("--to", required=True, metavar="D", help="The later date: right of the divider.")
@SOURCE
@KNOWN
@click.option("--in", "within", metavar="UNIT", help="Show this unit, and keep the figures to it.")
@places_option("Geodata or CSV with names: who changed hands; the basemap's towns by default.")
@click.option("--title", help="The page's title.")
@LANG
@PAGE
def compare_dates(
    archive: Path, from_: str, to: str, places: Path | None, column: str | None, output: Path, **given: Any
) -> None:
    """Two dates on one map with a divider between them, and what changed: one HTML file that needs no network."""
    from geo.pages.dates_page import draw_dates
    from geo.pages.maps import save_map
    from geo.settlements import read_places

    found = None if places is None else read_places(places, column=column)
    click.echo(save_map(draw_dates(opened(archive), from_, to, places=found, **given), output))
