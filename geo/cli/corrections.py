"""The verb that lists what later recordings changed for dates already on record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from geo.cli.common import ARCHIVE, KNOWN, SOURCE, form_option, main, opened
from geo.printing import give_json, records, show


@main.command("corrections")
@ARCHIVE
@SOURCE
@click.option("--since", metavar="T", help="Those recorded at or after this.")
@KNOWN
@form_option("table", "csv", "json", "geojson")
def corrections_command(archive: Path, form: str, **given: Any) -> None:
    """What later recordings changed for dates already on record: km² by class before and after, and polygons."""
    kept = opened(archive)
    if form != "geojson":
        show(kept.corrections(**given), form, title="corrections, km² before and after", head=given)
        return
    ground = kept.corrected_ground(**given)
    plain = records(ground.drop(columns="geometry"))
    features = [
        {"type": "Feature", "properties": row, "geometry": shape.__geo_interface__}
        for row, shape in zip(plain, ground.geometry, strict=True)
    ]
    give_json({"type": "FeatureCollection", **given, "features": features}, indent=None)
