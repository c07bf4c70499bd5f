"""NZZ / Liveuamap: what is gained, lost and unchanged, and on which side of the border."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shapely.geometry import MultiPolygon, box, mapping

from geo.errors import GateError
from geo.intake import import_files
from geo.schema import Options
from geo.sources import nzz

WEST, EAST, FAR = box(30, 50, 30.5, 50.5), box(40, 50, 40.5, 50.5), box(65, 33, 65.5, 33.5)


def locate(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    return np.where(lon < 35, "UA", np.where(lon < 50, "RU", "AF")).astype(object)


def write(path: Path, *features: tuple[str, Any], date: str = "2025-01-10") -> Path:
    listed = [{"type": "Feature", "properties": {"type": t, "date": date}, "geometry": mapping(g)} for t, g in features]
    path.write_text(json.dumps({"value": {"type": "FeatureCollection", "features": listed}}))
    return path


def test_losses_are_split_at_the_border_and_never_occupied(tmp_path: Path) -> None:
    path = write(
        tmp_path / "2025-01-11.json", ("nochange", box(32, 47, 33, 48)), ("gains", box(33, 47, 33.2, 48)),
        ("losses", MultiPolygon([WEST, EAST, FAR])),
    )  # fmt: skip
    (snapshot,) = nzz.read(path, Options(locate=locate))
    assert snapshot.frame[["row", "controller", "status", "native"]].values.tolist() == [
        [1, "RU", "held", "nochange"], [2, "RU", "held", "gains"],
        [3, "UA", "held", "losses"], [3, "UA", "liberated", "losses"],
    ]  # fmt: skip
    assert snapshot.frame.geometry[2].equals(EAST)
    assert snapshot.frame.geometry[3].equals(WEST)
    assert "AF" in snapshot.refusals[0].why
    assert (snapshot.depicts.date().isoformat(), snapshot.published.date().isoformat()) == ("2025-01-10", "2025-01-11")
    with pytest.raises(GateError, match="no countries"):
        nzz.read(path, Options())


def test_a_file_of_two_dates_and_an_unknown_type_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "2025-01-11.json", ("nochange", WEST), ("other", EAST))
    with pytest.raises(GateError, match="other is unknown"):
        nzz.read(path, Options(locate=locate))
    document = json.loads(path.read_text())
    document["value"]["features"][0]["properties"]["date"] = "2025-01-09"
    path.write_text(json.dumps(document))
    with pytest.raises(GateError, match="features of 2 dates"):
        nzz.read(path, Options(locate=locate))


def test_the_break_of_the_series_is_noted(tmp_path: Path) -> None:
    before = write(tmp_path / "a.json", ("nochange", WEST), date="2024-03-12")
    after = write(tmp_path / "b.json", ("nochange", WEST), date="2024-03-13")
    assert "not comparable" in nzz.read(before, Options(locate=locate))[0].notes[0]
    assert nzz.read(after, Options(locate=locate))[0].notes == ()


@pytest.mark.parametrize("day", ["2023-10-24", "2023-12-09"])
def test_broken_days_are_refused_by_name(shared: Path, tmp_path: Path, day: str) -> None:
    (receipt,) = import_files(tmp_path / "a.gpkg", "nzz", shared / "nzz" / f"{day}.json")
    assert receipt.outcome == "refused"
    assert "a broken day" in receipt.error
    assert day in receipt.error


def test_every_other_real_file_comes_in(shared: Path, tmp_path: Path) -> None:
    receipts = import_files(tmp_path / "a.gpkg", "nzz", sorted((shared / "nzz").glob("*.json")))
    assert sum(r.outcome == "refused" for r in receipts) == 2
    for r in receipts:
        if r.outcome != "refused":
            assert r.rows_in == r.rows_stored + r.rows_refused + r.rows_left_out + r.duplicates
