"""The verb that draws a span of dates as a moving picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from geo.cli.common import ARCHIVE, KNOWN, LANG, SOURCE, WHOLE_DAYS, main, opened, with_colours
from geo.printing import bar


@main.command("movie")
@ARCHIVE
@with_colours
@click.option("--from", "from_", metavar="D", help="The first snapshot by default.")
@click.option("--to", metavar="D", help="The last snapshot by default.")
@click.option("--every-days", type=WHOLE_DAYS, default=1, show_default=True, metavar="N", help="Days between frames.")
@click.option("--seconds", type=float, default=0.5, show_default=True, metavar="S", help="How long a frame stands.")
@SOURCE
@KNOWN
@click.option("--since", metavar="D", help="Draw in every frame what changed since this date.")
@click.option("--in", "within", metavar="UNIT", help="Only this unit (a code or a name).")
@click.option(
    "--incident-days", type=WHOLE_DAYS, default=1, show_default=True, metavar="N", help="Incidents of so many days."
)
@click.option("--view", type=click.Choice(["changes"]), help="Come close to what changed (needs --since).")
@click.option("--title", help="Its title; each frame adds its date.")
@LANG
@click.option(
    "--shape", type=click.Choice(["slide", "square"]), default="slide", show_default=True, help="Of the picture."
)
@click.option(
    "--theme", type=click.Choice(["light", "dark"]), default="light", show_default=True, help="Light or dark ground."
)
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="F.gif, or F.mp4 where ffmpeg is.")
def movie_command(archive: Path, output: Path, **given: Any) -> None:
    """A span of dates as a moving picture: a frame for every day that has a snapshot."""
    from geo.pictures.movie import draw_movie

    with bar("drawing") as advance:
        path = draw_movie(opened(archive), output, progress=advance, **given)
    click.echo(path)
