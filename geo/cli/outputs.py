"""Verbs that draw: pages, pictures, briefings and the site."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from geo.cli import common
from geo.cli.common import main
from geo.output.console import bar, printable
from geo.presentation.language import LANGUAGES


def _days_option(name: str, words: str, default: int | None = 1) -> Callable[..., Any]:
    return click.option(
        name, type=common.WHOLE_DAYS, default=default, show_default=default is not None, metavar="N", help=words
    )


def _incidents(usual: str) -> Callable[..., Any]:
    return common.options(
        _days_option("--incident-days", f"Incidents of N days up to the date; {usual}.", None), common.INCIDENTS
    )


_INCIDENTS = _incidents("1, in an archive of incidents alone 30")


SHOWN = common.options(
    common.within_option("Show this unit"),
    common.with_view,
    common.MAP_LOOK,
    _INCIDENTS,
    click.option("--front/--no-front", "with_front", default=True, show_default=True, help="Draw the front line."),
)  # fmt: skip
_OF_ARCHIVE = common.options(common.ARCHIVE, common.AGE, common.with_colours, common.with_archive)
_OF_A_DATE = common.options(_OF_ARCHIVE, common.DATE_OR_TO, common.SOURCE, common.KNOWN)


@main.command("map")
@_OF_A_DATE
@common.since_option("Draw what changed since this date.")
@SHOWN
@click.option("--title", help="The page's title.")
@common.TEMPLATES
@common.PAGE
def map_command(archive: Any, date: str | None, output: Path, **given: Any) -> None:
    """A dated map: one HTML file that needs no network."""
    from geo.output.html.map_page import draw_map, save_map

    click.echo(save_map(draw_map(archive, date, **given), output))


@main.command("export")
@common.ARCHIVE
@click.option("--date", type=common.WHEN, help="The day or instant; the last snapshot by default.")
@common.SPAN
@common.SOURCE
@common.KNOWN
@common.within_option("Keep to this unit")
@click.option("--incidents", "what", flag_value="incidents", help="Incidents; --source names their dataset.")
@click.option("--changes", "what", flag_value="changes", help="The ground that changed hands between --from and --to.")
@click.option("--settlements", "what", flag_value="settlements", help="Whose each settlement is, by a source of such.")
@common.output_option("F.geojson, F.gpkg, F.parquet, F.csv (shapes as WKT) or F.kml.")
def export_command(archive: Path, output: Path, what: str | None, **given: Any) -> None:
    """Control, incidents or changes as a file for other programs.

    What it says comes in again as it was.
    """
    from geo.output.export import export

    click.echo(export(common.opened(archive), output, what=what or "control", **given))  # type: ignore[arg-type]


@main.command("release")
@common.ARCHIVE
@common.KNOWN
@click.option("--title", help="What the data set is called; by default the sources are named.")
@click.option("--publisher", metavar="NAME", help="Who puts it out, and is to be cited.")
@common.output_option("The folder.")
def release_command(archive: Path, output: Path, **given: Any) -> None:
    """All that the archive may show, as a data set to publish.

    GeoPackage, Parquet, hashes, licences and how to cite it; the same archive gives the same bytes.
    """
    from geo.output.export import release

    click.echo(release(common.opened(archive), output, **given))


@main.command()
@_OF_ARCHIVE
@common.SPAN
@common.SOURCE
@common.KNOWN
@click.option("--since", type=common.WHEN, help="Draw what changed since this date; the snapshot before by default.")
@SHOWN
@common.TEMPLATES
@click.option("-o", "--output", type=common.FILE, default=Path("maps"), show_default=True, help="The folder.")
@common.SHARED_OUT
def maps(archive: Any, output: Path, **given: Any) -> None:
    """A dated map for every day that has a snapshot.

    Written to OUTPUT/DATE.html.
    """
    from geo.output.html.map_page import draw_maps

    with bar("drawing") as advance:
        for path in draw_maps(archive, output, progress=advance, **given):
            click.echo(path)


@main.command()
@_OF_ARCHIVE
@common.several("--source", "sources", metavar="S", help="Repeat it: the first is drawn as ground.")
@common.SPAN
@common.KNOWN
@common.ONLY_IN
@common.STATUS
@click.option("--title", help="The page's title.")
@common.MAP_LOOK
@common.INCIDENTS
@common.TEMPLATES
@common.PAGE
def timeline(archive: Any, sources: tuple[str, ...] | None, output: Path, **given: Any) -> None:
    """All dates in one page: slider, chart, change since any date.

    One HTML file that needs no network.
    """
    from geo.output.html.map_page import save_map
    from geo.output.html.timeline_page import draw_timeline

    click.echo(save_map(draw_timeline(archive, sources, **given), output))


def _look(*shapes: str, **size: Any) -> Callable[..., Any]:
    """The options --shape, with its choices (or as `size` says), and --theme."""
    size = size or {"type": click.Choice(shapes), "default": shapes[0], "help": "Of the picture."}
    themes = click.Choice(["light", "dark"])
    return common.options(
        click.option("--size", "--shape", "shape", show_default=True, **size),
        click.option("--theme", type=themes, default="light", show_default=True, help="Light or dark ground."),
    )


LOOK = common.options(
    click.option("--title", help="Its title."),
    _look("slide", "square", "column"),
    common.output_option("F.png, F.svg or F.pdf."),
)


@main.command()
@_OF_ARCHIVE
@common.DATE_OR_TO
@common.SOURCE
@common.since_option("Show what changed since this date.")
@common.KNOWN
@SHOWN
@click.option("--title", help="Its title.")
@_look(default="slide", metavar="S", help="slide, square, column, card, a4, or pixels as 1600x900.")
@click.option("--label", "labels", multiple=True, metavar="TEXT@LAT,LON", help="A text of your own on the map.")
@click.option("--note", default="", help="A line of your own above the credits.")
@common.output_option("F.png, F.svg or F.pdf.")
def picture(archive: Any, output: Path, labels: tuple[str, ...], **given: Any) -> None:
    """A dated map as PNG, SVG or PDF, without a browser."""
    from geo.output.images.picture import draw_picture

    parted = [label.rpartition("@") for label in labels]
    given["labels"] = [(text, *common.place(at, "--label")) for text, _, at in parted]
    click.echo(draw_picture(archive, path=output, **given))


@main.command()
@_OF_ARCHIVE
@common.SOURCE
@common.CLASSES
@click.option("--change", is_flag=True, help="Bars of what was gained and lost in each month, or week (--by week).")
@click.option(
    "--by",
    type=click.Choice(["unit", "month", "week"]),
    multiple=True,
    help="A panel for each unit, the one that changed most first; bars by month or week. May be given twice.",
)
@common.WHERE
@common.SPAN
@common.KNOWN
@common.LANG
@LOOK
def chart(archive: Any, output: Path, **given: Any) -> None:
    """A chart of areas over time, or of what changed by month.

    Whole, or in panels by unit.
    """
    from geo.output.images.chart import draw_chart

    click.echo(draw_chart(archive, output, **given))


@main.command("brief")
@_OF_A_DATE
@click.option("--exactly", is_flag=True, help="With --as-known-on: the very briefing that was made then.")
@common.since_option("The last briefing's date; the snapshot before by default.")
@common.within_option("Only this unit")
@common.places_option("Geodata or CSV with names: who changed hands.")
@click.option("--title", help="The briefing's title.")
@common.with_view
@common.MAP_LOOK
@_incidents("by default those since the last briefing")
@common.TEMPLATES
@common.output_option("F.html, F.md, F.docx or F.pptx.")
def brief_command(archive: Any, date: str | None, output: Path, **given: Any) -> None:
    """A briefing: figures, map, what changed, chart, incidents.

    As HTML, Markdown, Word or PowerPoint.
    """
    from geo.output.documents.write import draw_brief

    given["places"] = common.read_if_given(given["places"], given.pop("column"))
    for path in draw_brief(archive, date, output, **given):
        click.echo(path)


@main.command("embed")
@click.argument("page", type=common.FILE)
@click.option(
    "--picture", metavar="F.png", help="Shown with a link where frames are taken out: a file's name or address."
)
@click.option(
    "--url",
    metavar="URL",
    help="Where the page will be. Default: the address it names, else beside the page that shows it.",
)
@click.option("--title", metavar="T", help="What the frame is called; the page's own title by default.")
@click.option("--date", type=common.WHEN, help="The date at which a timeline opens.")
@click.option("--lang", type=click.Choice(list(LANGUAGES)), help="The language of the page, for screen readers.")
def embed_command(page: Path, **given: Any) -> None:
    """The HTML that shows a page inside another one.

    In a sandboxed frame.
    """
    from geo.output.html.embed import embed_snippet

    click.echo(embed_snippet(page, **given), nl=False)


@main.command("movie")
@_OF_ARCHIVE
@common.SPAN
@_days_option("--every-days", "Days between frames.")
@click.option("--seconds", type=float, default=0.5, show_default=True, metavar="S", help="How long a frame stands.")
@common.SOURCE
@common.KNOWN
@click.option("--since", type=common.WHEN, help="Draw in every frame what changed since this date.")
@common.within_option("Only this unit")
@_INCIDENTS
@common.with_view
@click.option("--title", help="Its title; each frame adds its date.")
@common.MAP_LOOK
@_look("slide", "square")
@common.SHARED_OUT
@common.output_option("F.gif, or F.mp4 where ffmpeg is.")
def movie_command(archive: Any, output: Path, **given: Any) -> None:
    """A film of maps: a frame for every day that has a snapshot."""
    from geo.output.images.movie import draw_movie

    with bar("drawing") as advance:
        path = draw_movie(archive, output, progress=advance, **given)
    click.echo(path)


@main.command("compare-dates")
@_OF_ARCHIVE
@common.from_option("The earlier date: left of the divider.", required=True)
@common.to_option("The later date: right of the divider; the last snapshot by default.")
@common.SOURCE
@common.KNOWN
@click.option("--in", "within", metavar="UNIT", help="Show this unit, and keep the figures to it.")
@common.places_option(
    "Geodata or CSV with names: who changed hands; GeoNames' places of 500 people or more by default."
)
@click.option("--title", help="The page's title.")
@common.TWO_DATES_LOOK
@common.TEMPLATES
@common.PAGE
def compare_dates(archive: Any, from_: str, to: str | None, output: Path, **given: Any) -> None:
    """Two dates on one map with a divider, and what changed.

    One HTML file that needs no network.
    """
    from geo.output.html.map_page import save_map
    from geo.output.html.two_dates_page import draw_dates

    given["places"] = common.read_if_given(given["places"], given.pop("column"))
    to = common.last_day(archive, given["source"]) if to is None else to
    click.echo(save_map(draw_dates(archive, from_, to, **given), output))


WISHES = common.options(
    common.AGE,
    common.SOURCE,
    common.SPAN,
    common.KNOWN,
    common.within_option("Keep to this unit"),
    common.with_view,
    common.MAP_LOOK,
    _incidents("1 by default"),
    click.option("--title", help="The site's title."),
    common.TEMPLATES,
    common.SHARED_OUT,
)  # fmt: skip


@main.command()
@common.ARCHIVE
@common.with_colours
@WISHES
@click.option("--base-url", metavar="URL", help="Where the site will be: absolute links in feed, cards and site map.")
@click.option("--downloads/--no-downloads", "with_downloads", default=True, show_default=True,
              help="Data files of every date; mind the source's licence.")  # fmt: skip
@common.output_option("The site's folder.")
def site(archive: Path, output: Path, **given: Any) -> None:
    """A static site: timeline, pages by date and unit, downloads.

    With cards and a feed; made anew where needed.
    """
    built = _build(archive, output, given)
    counts = f"{len(built.added)} added, {len(built.changed)} changed, {len(built.removed)} removed, {built.kept} kept"
    click.echo(f"{output / 'index.html'}: {counts}")


@main.command()
@click.argument("folder", metavar="DIR|ARCHIVE", type=common.FILE)
@WISHES
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes any free one.")
def serve(folder: Path, port: int, **given: Any) -> None:
    """Show a site on this machine alone, until Ctrl-C.

    Of an archive a fresh one is built first.
    """
    from geo.output.site.server import serve as server_of

    root = folder if folder.is_dir() else _cache(folder)
    if root != folder:
        _build(folder, root, given)
    with server_of(root, port=port) as server:
        click.echo(printable(f"http://127.0.0.1:{server.server_address[1]}/ shows {folder}; Ctrl-C ends it"))
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo("")


def _build(archive: Path, output: Path, given: dict[str, Any]) -> Any:
    from geo.output.site.build import build_site

    with bar("building") as advance:
        return build_site(
            common.opened(archive, max_age_days=given.pop("max_age_days")), output, progress=advance, **given
        )


def _cache(archive: Path) -> Path:
    """The folder of an archive's site that is built for showing it."""
    from hashlib import sha256

    from platformdirs import user_cache_path

    name = sha256(str(archive.resolve()).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return user_cache_path("geo-control", appauthor=False) / "sites" / name
