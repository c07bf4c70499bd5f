"""Briefings into files: the one door of Python and the command line to every format."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import geopandas as gpd

from geo.errors import UsageError
from geo.output.documents.brief_images import draw_pictures
from geo.output.documents.brief_page import brief_page
from geo.output.documents.content import gather_brief
from geo.output.documents.docx import brief_docx
from geo.output.documents.markdown import brief_markdown
from geo.output.documents.ooxml import office
from geo.output.documents.pptx import brief_pptx
from geo.output.html.map_page import save_map
from geo.output.map_options import MapKeywords, map_options, shares_options
from geo.presentation.templates import templates_folder
from geo.storage.atomic_write import write_page

if TYPE_CHECKING:
    from geo.archive import Archive
    from geo.archive.results import When
    from geo.claims.model import Claim

_ENDINGS = (".html", ".md", ".docx", ".pptx")


@shares_options("incident_days", "draw_basemap")
def draw_brief(
    archive: Archive,
    date: When | None = None,
    path: str | Path = "briefing.html",
    *,
    claims: Sequence[Claim] | None = None,
    places: gpd.GeoDataFrame | None = None,
    exactly: bool = False,
    **shown: Unpack[MapKeywords],
) -> list[Path]:
    """Write a briefing: who holds what, and what changed since the last one.

    Parameters
    ----------
    path : str or pathlib.Path
        A file that ends in ``.html`` (one page that needs no network), ``.md`` (with ``-map.png`` and ``-chart.png``
        beside it), ``.docx`` or ``.pptx``.
    since : str, date, datetime or None
        The last briefing's date; None is the snapshot before. Incidents are those of the days after it.
    claims : sequence of geo.claims.model.Claim or None
        Published figures to hold against every source; None is those on record said in these days or about the date.
    places : geopandas.GeoDataFrame or None
        Settlements (`geo.measure.settlements.read_places`); those that changed hands are listed.
    exactly : bool
        With `as_known_on`: the very briefing that was made then, byte for byte, without a word on when it was known.

    Returns
    -------
    list of pathlib.Path
        What was written, the briefing first. Areas are in km² on WGS 84, as `Archive.area` and `Archive.change` have
        them; the same input gives the same bytes.

    Raises
    ------
    MapError
        Nothing can be drawn, matplotlib is missing (not for ``.html``), or a file cannot be written.
    NoSnapshotError
        Nothing depicts a date or an earlier one.
    SourceError
        A source must be named, or is not there.
    UnitError
        A unit is unknown or ambiguous.
    UsageError
        The file's name ends otherwise, or the library for it is not installed.

    Examples
    --------
    >>> [path.name for path in geo.draw_brief(archive, "2025-01-11", "briefing.md")]
    ['briefing.md', 'briefing-map.png', 'briefing-chart.png']
    """
    options = map_options(draw_brief, shown)
    target = Path(path)
    kind = target.suffix.lower()
    if kind not in _ENDINGS:
        raise UsageError(f"{target}: write to a path that ends in {', '.join(_ENDINGS)}")
    if options.templates is not None and kind != ".html":
        raise UsageError(f"{target}: templates are those of a page; write to a path that ends in .html")
    chosen = templates_folder(options.templates)
    if kind in (".docx", ".pptx"):
        office(kind[1:])  # before anything is measured
    brief = gather_brief(archive, date, options, claims=claims, places=places, exactly=exactly)
    if kind == ".html":
        return [save_map(brief_page(brief, templates=chosen), target)]
    if kind == ".md":
        beside = [target.with_name(f"{target.stem}-{name}.png") for name in ("map", "chart")]
        pictures = draw_pictures(archive, brief, *beside)
        return [write_page(brief_markdown(brief, pictures), target), *(p for _, p, _ in pictures)]
    with tempfile.TemporaryDirectory() as folder:
        drawn = draw_pictures(archive, brief, Path(folder, "map.png"), Path(folder, "chart.png"))
        held = [(heading, drawn_at.read_bytes(), words) for heading, drawn_at, words in drawn]
    write = brief_docx if kind == ".docx" else brief_pptx
    return [write_page(write(brief, held), target)]
