"""Verbs that draw: pages and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from geo.cli.common import (
    ARCHIVE,
    BY,
    CLASSES,
    DATE,
    KNOWN,
    LANG,
    PAGE,
    SOURCE,
    SPAN,
    WHERE,
    WHOLE_DAYS,
    main,
    opened,
    options,
    with_colours,
)
from geo.printing import bar

SHOWN = options(
    click.option("--in", "within", metavar="UNIT", help="Show this unit (a code or a name)."),
    click.option("--lang", type=click.Choice(["en", "uk", "ru"]), default="en", show_default=True, help="Of names."),
    click.option("--incident-days", type=WHOLE_DAYS, default=1, show_default=True, metavar="N",
                 help="Incidents of N days up to the date."),
    click.option("--front/--no-front", "with_front", default=True, show_default=True, help="Draw the front line."),
)  # fmt: skip


@main.command("map")
@ARCHIVE
@with_colours
@DATE
@SOURCE
@KNOWN
@click.option("--since", metavar="D", help="Draw what changed since this date.")
@SHOWN
@click.option("--title", help="The page's title.")
@PAGE
def map_command(archive: Path, date: str | None, output: Path, **given: Any) -> None:
    """A dated map: one HTML file that needs no network."""
    from geo.pages.maps import draw_map, save_map

    click.echo(save_map(draw_map(opened(archive), date, **given), output))


@main.command()
@ARCHIVE
@with_colours
@SPAN
@SOURCE
@KNOWN
@click.option("--since", metavar="D", help="Draw what changed since this date; the snapshot before by default.")
@SHOWN
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), default=Path("maps"), show_default=True, help="The folder."
)
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes to draw with.")
def maps(archive: Path, from_: str | None, to: str | None, output: Path, **given: Any) -> None:
    """A dated map for every day that has a snapshot: OUTPUT/DATE.html."""
    from geo.pages.maps import draw_maps

    with bar("drawing") as advance:
        for path in draw_maps(opened(archive), output, from_=from_, to=to, progress=advance, **given):
            click.echo(path)


@main.command()
@ARCHIVE
@with_colours
@click.option("--source", "sources", multiple=True, metavar="S", help="Repeat it: the first is drawn as ground.")
@SPAN
@KNOWN
@click.option("--in", "within", metavar="UNIT", help="Only inside this unit (a code or a name).")
@click.option("--status", metavar="S", multiple=True, help="Only this status; may be given several times.")
@click.option("--title", help="The page's title.")
@LANG
@PAGE
def timeline(archive: Path, sources: tuple[str, ...], status: tuple[str, ...], output: Path, **given: Any) -> None:
    """Every date of a series in one HTML file that needs no network: slider, chart, change since any date."""
    from geo.pages.film_page import draw_timeline
    from geo.pages.maps import save_map

    click.echo(save_map(draw_timeline(opened(archive), sources or None, status=status or None, **given), output))


LOOK = options(
    click.option("--title", help="Its title."),
    click.option(
        "--shape",
        type=click.Choice(["slide", "square", "column"]),
        default="slide",
        show_default=True,
        help="Of the picture.",
    ),
    click.option(
        "--theme",
        type=click.Choice(["light", "dark"]),
        default="light",
        show_default=True,
        help="Light or dark ground.",
    ),
    click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="F.png, F.svg or F.pdf."),
)


@main.command()
@ARCHIVE
@with_colours
@DATE
@SOURCE
@click.option("--since", metavar="D", help="Show what changed since this date.")
@KNOWN
@SHOWN
@LOOK
def picture(archive: Path, output: Path, **given: Any) -> None:
    """A dated map as PNG, SVG or PDF, without a browser."""
    from geo.pictures.picture import draw_picture

    click.echo(draw_picture(opened(archive), path=output, **given))


@main.command()
@ARCHIVE
@with_colours
@SOURCE
@CLASSES
@BY
@WHERE
@SPAN
@KNOWN
@LOOK
def chart(archive: Path, output: Path, status: tuple[str, ...], **given: Any) -> None:
    """The area of a series as a chart, whole or in panels by unit."""
    from geo.pictures.chart import draw_chart

    click.echo(draw_chart(opened(archive), output, status=status or None, **given))
