"""Verbs of the static site: building it and showing it on this machine."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import click
from platformdirs import user_cache_path

from geo.cli.common import ARCHIVE, KNOWN, SOURCE, main, opened, options, with_colours
from geo.output.console import bar, printable

WISHES = options(
    SOURCE,
    click.option("--from", "from_", metavar="D", help="The first date by default."),
    click.option("--to", metavar="D", help="The last date by default."),
    KNOWN,
    click.option("--in", "within", metavar="UNIT", help="Keep to this unit (a code or a name)."),
    click.option("--lang", type=click.Choice(["en", "uk", "ru"]), default="en", show_default=True, help="Of names."),
    click.option("--title", help="The site's title."),
    click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes to draw with."),
)  # fmt: skip


@main.command()
@ARCHIVE
@with_colours
@WISHES
@click.option("--base-url", metavar="URL", help="Where the site will be: absolute links in feed, cards and site map.")
@click.option("--downloads/--no-downloads", "with_downloads", default=True, show_default=True,
              help="Data files of every date; mind the source's licence.")  # fmt: skip
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The site's folder.")
def site(archive: Path, output: Path, **given: Any) -> None:
    """A static site: timeline, a page for each date and unit, downloads, cards and a feed; made anew where needed."""
    built = _build(archive, output, given)
    counts = f"{len(built.added)} added, {len(built.changed)} changed, {len(built.removed)} removed, {built.kept} kept"
    click.echo(f"{output / 'index.html'}: {counts}")


@main.command()
@click.argument("folder", metavar="DIR|ARCHIVE", type=click.Path(path_type=Path))
@WISHES
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 takes any free one.")
def serve(folder: Path, port: int, **given: Any) -> None:
    """Show a site on this machine alone, until Ctrl-C; of an archive a fresh one is built first."""
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
        return build_site(opened(archive), output, progress=advance, **given)


def _cache(archive: Path) -> Path:
    """The folder of an archive's site that is built for showing it."""
    name = sha256(str(archive.resolve()).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return user_cache_path("geo-control", appauthor=False) / "sites" / name
