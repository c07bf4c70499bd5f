"""The bundled example: an archive, its figures and a dated map from the seeds that people wrote by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from geo.archive import Archive, open_archive
from geo.archive.contents import incidents as incidents_of
from geo.archive.figures import series as series_of
from geo.claims.checking import check_claims
from geo.claims.model import claim_of
from geo.claims.wording import base_words, history_words, verdict_line
from geo.cli.support import shipped_folder
from geo.errors import GeoError
from geo.importing.importer import ensure_units, import_claims, import_files
from geo.output.html.map_page import draw_map, save_map
from geo.presentation.language import signed

DAY = "2025-01-11"
SOURCE = "seeds"
CLAIMS = ("briefing-500", "briefing-40")


def seeds() -> Path:
    """The folder of the seeds: inside the installed package, or beside it in a checkout."""
    return shipped_folder("seeds", sign="incidents.csv", what="the bundled example is")


def run(folder: Path) -> Iterator[str]:
    """Build ``data/kursk.gpkg`` and ``maps/2025-01-11.html`` under a folder, and say the figures."""
    archive = build(folder / "data" / "kursk.gpkg")
    yield f"archive: {archive.path}"
    yield from figures(archive)
    page = draw_map(archive, DAY, source=SOURCE, since=peak_day(archive))
    yield f"map: {save_map(page, folder / 'maps' / f'{DAY}.html')}"


def build(path: Path) -> Archive:
    """The example's archive; run again, it changes nothing."""
    from geo.sources.vector import read_toml

    archive, folder = open_archive(path), seeds()
    ensure_units(archive)
    credit, options = read_toml(folder / "control.toml")
    receipts = import_files(
        archive, "vector", sorted((folder / "control").glob("*.geojson")), options=options, credit=credit
    )
    receipts += import_files(archive, "incidents", folder / "incidents.csv")
    for receipt in receipts:
        if receipt.outcome == "refused" or receipt.rows_refused:
            raise GeoError(f"a seed was refused: {receipt.error or receipt.refusals}")
    import_claims(archive, folder / "claims.csv")
    archive.close()
    return archive


def peak_day(archive: Archive) -> str:
    """The date on which most ground was held, of those that the example has."""
    series = series_of(archive, source=SOURCE, controller="UA", status="held")
    return str(series["date"].iloc[int(series["area_km2"].argmax())])


def figures(archive: Archive) -> Iterator[str]:
    """What was held on the day, its range, and the change since the peak: each with source and dates."""
    held = archive.area(DAY, source=SOURCE, controller="UA", status="held").iloc[0]
    yield (
        f"held 11 Jan 2025: {held.area_km2:,.0f} km² by Ukraine in Russia's Kursk region;"
        f" with the contested ground {held.upper_km2:,.0f} km² (source: {held.source}, illustrative outlines,"
        f" snapshot {held.snapshot})"
    )
    peak = peak_day(archive)
    row = archive.change(peak, DAY, source=SOURCE, controller="UA", status="held").iloc[0]
    yield (
        f"since the peak of {peak} ({row.base_km2:,.0f} km²): gained {row.gained_km2:,.0f}, lost {row.lost_km2:,.0f},"
        f" net {signed(row.net_km2)} km² ({signed(row.net_percent)} %; source: {row.source}, {row.from_snapshot} to"
        f" {row.to_snapshot})"
    )
    incidents = incidents_of(archive, DAY, DAY)
    yield f"incidents reported that day: {len(incidents)} ({', '.join(dict.fromkeys(incidents['where_coordinates']))})"
    yield from claims(archive)


def claims(archive: Archive) -> Iterator[str]:
    """The founding briefing's two figures of ground, with what the example's outlines say of them and why."""
    recorded = archive.store.claims()
    told = [claim_of({str(k): v for k, v in row.items()}) for row in recorded.to_dict("records")]
    for finding in check_claims(archive, [c for c in told if c.claim_id in CLAIMS], date=DAY):
        verdict, basis = verdict_line(finding)
        claim = finding.claim
        yield f"claim: {claim.text} ({claim.said_by}, {claim.said_on})"
        yield f"  {verdict}"
        yield f"  {basis}"
        yield from (f"  {line}" for entry in finding.last_true if (line := history_words(finding, entry)))
        yield from (f"  {base_words(finding, entry)}" for entry in finding.bases)
