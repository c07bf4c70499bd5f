"""An archive that holds a snapshot of a year that cannot be answers for its other dates, and says so."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner
from shapely.geometry import box, mapping

import geo
from geo.cli import main
from geo.output.map_content import gather
from geo.presentation.statuses import NO_DOUBT

DAYS = ("2025-01-05", "2025-01-11", "2025-01-12")


@pytest.fixture(params=["25", "0025", "1527"])
def spoilt(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Three snapshots, the year of the first of them written as an earlier version did."""
    path = tmp_path / "a.gpkg"
    for at, day in enumerate(DAYS):
        shape = mapping(box(36 + at / 10, 48, 36.5 + at / 10, 48.3))
        row = {"type": "Feature", "properties": {"controller": "UA", "status": "held"}, "geometry": shape}
        file = tmp_path / f"{day}.geojson"
        file.write_text(json.dumps({"type": "FeatureCollection", "features": [row]}))
        assert geo.import_files(path, "vector", file)[0].outcome == "stored"
    old, new = f"{DAYS[0]}T00:00:00.000Z", f"{request.param}-01-05T00:00:00.000Z"
    connection = sqlite3.connect(path)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f'DROP TRIGGER "{name}"')
    connection.execute("UPDATE control SET valid_from = ? WHERE valid_from = ?", (new, old))
    connection.execute("UPDATE snapshots SET depicts = ?, snapshot = 'vector@slip' WHERE depicts = ?", (new, old))
    if request.param == "25":  # it sorts after every other date
        connection.execute("UPDATE control SET valid_to = ? WHERE valid_to IS NULL", (new,))
    connection.commit()
    connection.close()
    return path


@pytest.mark.parametrize(
    "command",
    ["area --date 2025-01-12", "change --from 2025-01-11 --to 2025-01-12", "series", "who --at 48.1,36.3",
     "area --date 2025-01-12 --as-known-on 2035-01-01", "front --date 2025-01-12", "map -o OUT", "timeline -o OUT"],
)  # fmt: skip
def test_other_dates_are_answered(spoilt: Path, tmp_path: Path, command: str) -> None:
    verb, *rest = command.replace("OUT", str(tmp_path / "out.html")).split()
    done = CliRunner().invoke(main, [verb, str(spoilt), *rest])
    assert (done.exit_code, done.exception) == (0, None), done.output
    if verb in ("area", "change", "series"):
        assert "1 snapshot of no possible year left out: vector@slip" in done.output


def test_the_slip_answers_for_no_date(spoilt: Path) -> None:
    archive = geo.open_archive(spoilt)
    with pytest.raises(geo.NoSnapshotError, match="vector@slip"):
        archive.area("2025-01-06")
    assert archive.area("2025-01-12")["area_km2"].round().tolist() == [1241]
    assert "no possible year" in " ".join(gather(archive, "2025-01-12").notes)


def test_the_slip_can_be_taken_back(spoilt: Path) -> None:
    archive = geo.open_archive(spoilt)
    archive.retract("vector@slip", why="a slip of the year")
    assert archive.area("2025-01-12").attrs["notes"] == (f"{NO_DOUBT}, so its areas have no range",)
