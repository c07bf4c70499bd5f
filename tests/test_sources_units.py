"""Administrative units in the columns of those who publish them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import shapely

from geo.errors import GateError
from geo.schema import UNIT_COLUMNS, Options, Rows
from geo.sources import shipped_units
from geo.sources.units import read

BOX = shapely.geometry.mapping(shapely.box(35, 51, 36, 52))


def load(folder: Path, *rows: dict[str, Any], **options: Any) -> Rows:
    features = [{"type": "Feature", "properties": row, "geometry": BOX} for row in rows]
    path = folder / "cod_2024.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return read(path, Options(**options))


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (
            {"ADM0_EN": "Ukraine", "ADM0_PCODE": "UA", "ADM1_EN": "Sumska", "ADM1_UA": "Сумська", "ADM1_PCODE": "UA59"},
            ("UA59", "Sumska", "Сумська", 1, "UA", "cod_2024"),
        ),
        (
            {"ADM0_PCODE": "UA", "ADM1_PCODE": "UA59", "ADM2_EN": "Sumskyi", "ADM2_PCODE": "UA5908"},
            ("UA5908", "Sumskyi", None, 2, "UA59", "cod_2024"),
        ),
        (
            {"shapeName": "Sumy Oblast", "shapeISO": "UA-59", "shapeGroup": "UKR", "shapeType": "ADM1"},
            ("UA-59", "Sumy Oblast", None, 1, "UKR", "cod_2024"),
        ),
        (
            {"GID_0": "UKR", "GID_1": "UKR.25_1", "NAME_1": "Sumy", "NL_NAME_1": "Суми", "ISO_1": "UA-59"},
            ("UA-59", "Sumy", "Суми", 1, "UKR", "cod_2024"),
        ),
        (
            {"GID_0": "UKR", "GID_1": "UKR.25_1", "NAME_1": "Sumy", "ISO_1": "NA"},
            ("UKR.25_1", "Sumy", None, 1, "UKR", "cod_2024"),
        ),
        (
            {"name": "Курская область", "name:en": "Kursk Oblast", "admin_level": "4", "ISO3166-2": "RU-KRS"},
            ("RU-KRS", "Kursk Oblast", "Курская область", 1, None, "cod_2024"),
        ),
        (
            {"unit": "X", "name": "N", "name_local": "L", "level": 3, "parent": "P", "boundary": "B"},
            ("X", "N", "L", 3, "P", "B"),
        ),
    ],
)
def test_the_usual_columns(tmp_path: Path, row: dict[str, Any], expected: tuple[Any, ...]) -> None:
    rows = load(tmp_path, row)
    assert tuple(rows.frame[name][0] for name in UNIT_COLUMNS) == expected


def test_columns_of_ones_own(tmp_path: Path) -> None:
    rows = load(
        tmp_path,
        {"code": "A", "bez": "Nord"},
        {"code": None, "bez": None},
        columns={"unit": "code", "name": "bez"},
        constants={"level": "2", "boundary": "ours"},
    )
    assert tuple(rows.frame[name][0] for name in UNIT_COLUMNS) == ("A", "Nord", None, 2, None, "ours")
    assert [refusal.row for refusal in rows.refusals] == [2]
    assert rows.rows_in == 2


def test_what_cannot_be_told_is_asked(tmp_path: Path) -> None:
    with pytest.raises(GateError, match="--set level=1"):
        load(tmp_path, {"name": "x"})
    with pytest.raises(GateError, match="no column of names or codes"):
        load(tmp_path, {"x": 1})
    with pytest.raises(GateError, match="row 1: level 'high'"):
        load(tmp_path, {"name": "x", "level": "high"})
    with pytest.raises(GateError, match="no column 'y' for name"):
        load(tmp_path, {"name": "x"}, columns={"name": "y"})
    with pytest.raises(GateError, match="no features"):
        load(tmp_path)


@pytest.mark.parametrize("path", shipped_units(), ids=lambda p: p.stem)
def test_the_shipped_sets(path: Path) -> None:
    if not path.is_file():
        pytest.skip("the boundary sets are made by tools.make_assets")
    rows = read(path, Options())
    assert len(rows.frame) == rows.rows_in
    assert rows.frame["boundary"].nunique() == 1
    assert rows.frame["name"].notna().all()


def test_oblasts_of_natural_earth(shared: Path) -> None:
    rows = read(
        shared / "basemap" / "basemap_ua_ru.gpkg",
        Options(layer="oblasts_ua", constants={"level": "1", "boundary": "ne"}),
    )
    assert len(rows.frame) == 27
    assert "Crimea" in set(rows.frame["name"])
