"""A reader for Gridwatch: CSV files, a row a cell of 0.1°, with the day and who holds the cell."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import shapely

from geo.errors import GateError
from geo.schema import CRS, Options, Refusal, Snapshot, Source

STATUSES = {"taken": "held", "fought over": "contested"}


class Gridwatch:
    source = Source("gridwatch", "Gridwatch", licence="CC BY 4.0", attribution="Gridwatch")
    kind = "control"
    # as a table of geo/assets/addresses.toml; without one, geo fetch asks for --config
    address = {
        "way": "days",
        "url": "https://example.org/{day:%Y-%m-%d}.csv",
        "name": "{day:%Y-%m-%d}.csv",
        "kind": "any",
    }

    def read(self, path: Path, options: Options) -> list[Snapshot]:
        rows = list(csv.DictReader(path.read_text(encoding=options.encoding).splitlines()))
        if not rows or "cell" not in rows[0]:
            raise GateError(f"{path}: no file of Gridwatch: a column 'cell' is wanted")
        kept, refused = [], []
        for number, row in enumerate(rows, 1):
            if row["state"] in STATUSES:
                west, south = map(float, row["cell"].split())
                shape = shapely.box(west, south, west + 0.1, south + 0.1)
                kept.append((number, row["side"] or None, STATUSES[row["state"]], row["state"], shape))
            else:
                refused.append(Refusal(number, f"state {row['state']!r} is unknown", "ask Gridwatch", row))
        names = ["row", "controller", "status", "native", "geometry"]
        frame = gpd.GeoDataFrame(kept, columns=names, geometry="geometry", crs=CRS)
        day = datetime.fromisoformat(options.date or path.stem).replace(tzinfo=UTC)
        return [Snapshot(frame, day, len(rows), refusals=tuple(refused))]


READER = Gridwatch()
