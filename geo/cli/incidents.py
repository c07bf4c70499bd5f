"""Verbs about incidents: listed, counted, out again in the field's shapes."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

import click

from geo.cli.common import ARCHIVE, KNOWN, form_option, main, opened
from geo.printing import show

_SHORT = ("event_id", "dataset", "date_start", "where_coordinates", "adm_1", "event_type", "best", "verification")


@main.command()
@ARCHIVE
@click.option("--from", "from_", metavar="D", help="First event date.")
@click.option("--to", metavar="D", help="Last event date.")
@click.option("--in", "within", metavar="UNIT", help="Only inside this unit (a code or a name).")
@click.option("--type", "event_type", multiple=True, metavar="T", help="Only this type or sub-type of event.")
@click.option("--verification", multiple=True, metavar="V", help="Only these; 'not stated' where nothing is said.")
@click.option("--dataset", multiple=True, metavar="S", help="Only what was taken in under this name.")
@KNOWN
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file instead of the screen.")
@form_option("table", "csv", "json", "geojson", "acled", "ucdp-ged")
def incidents(
    archive: Path,
    from_: str | None,
    to: str | None,
    as_known_on: str | None,
    output: Path | None,
    form: str,
    **kept: Any,
) -> None:
    """Incidents, by date, place, type and verification.

    --format acled and --format ucdp-ged write CSV in the shape of ACLED (31 columns) and of UCDP GED (49); --format csv
    has our own columns. All three come back in without loss: geo import ARCHIVE acled FILE.
    """
    chosen = {name: value or None for name, value in kept.items()}
    frame = opened(archive).incidents(from_, to, as_known_on=as_known_on, **chosen)
    with click.open_file(str(output or "-"), "w", encoding="utf-8") as stream:
        if form == "geojson":
            _write_geojson(frame, stream)
        elif form in ("acled", "ucdp-ged", "csv"):
            from geo.incidents.shapes import shaped

            _write_rows(shaped(frame, form), stream)
        else:
            show(
                frame.drop(columns="geometry")[list(_SHORT)] if form == "table" else _plain(frame),
                form,
                title="incidents",
            )


def _plain(frame: Any) -> Any:
    return frame.drop(columns=["geometry", "orig"])


def _write_rows(rows: Iterable[list[str]], stream: IO[str]) -> None:
    csv.writer(stream, lineterminator="\n").writerows(rows)


def _write_geojson(frame: Any, stream: IO[str]) -> None:
    """One feature a line, so that a million of them need no memory."""
    names = [c for c in frame.columns if c not in ("geometry", "orig")]
    stream.write('{"type": "FeatureCollection", "features": [')
    lead = "\n"
    for point, *values in zip(frame.geometry, *(frame[n].tolist() for n in names), strict=True):
        known = {n: v for n, v in zip(names, values, strict=True) if v is not None and v == v}
        geometry = {"type": "Point", "coordinates": [point.x, point.y]}
        feature = {"type": "Feature", "properties": known, "geometry": geometry}
        stream.write(lead + json.dumps(feature, ensure_ascii=False))
        lead = ",\n"
    stream.write("\n]}\n")
