"""Verbs that hand on what was found: a briefing, and the snippet that shows a page elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from geo.cli.common import ARCHIVE, DATE, KNOWN, LANG, SOURCE, main, opened, places_option, with_colours


@main.command("brief")
@ARCHIVE
@with_colours
@DATE
@SOURCE
@KNOWN
@click.option("--exactly", is_flag=True, help="With --as-known-on: the very briefing that was made then.")
@click.option("--since", metavar="D", help="The last briefing's date; the snapshot before by default.")
@click.option("--in", "within", metavar="UNIT", help="Only this unit (a code or a name).")
@places_option("Geodata or CSV with names: who changed hands.")
@click.option("--title", help="The briefing's title.")
@LANG
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="F.html, F.md, F.docx or F.pptx.")
def brief_command(
    archive: Path, date: str | None, output: Path, places: Path | None, column: str | None, **given: Any
) -> None:
    """A briefing: figures, map, what changed since the last one, chart, incidents, sources."""
    from geo.briefs.briefing import draw_brief
    from geo.settlements import read_places

    given["places"] = None if places is None else read_places(places, column=column)
    for path in draw_brief(opened(archive), date, output, **given):
        click.echo(path)


@main.command("embed")
@click.argument("page", type=click.Path(path_type=Path))
@click.option(
    "--picture", metavar="F.png", help="Shown with a link where frames are taken out: a file's name or address."
)
@click.option("--url", metavar="URL", help="Where the page will be; beside the page that shows it by default.")
@click.option("--title", metavar="T", help="What the frame is called; the page's own title by default.")
@click.option("--date", metavar="D", help="The date at which a timeline opens.")
def embed_command(page: Path, **given: Any) -> None:
    """The HTML snippet with which another page shows this one, in a sandboxed frame."""
    from geo.pages.embed import embed_snippet

    click.echo(embed_snippet(page, **given), nl=False)
